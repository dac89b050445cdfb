import itertools

import pytest

from labkit.emulator.clients import InProcess
from labkit.emulator.operations import Call
from labkit.emulator.upstream import ACCOUNT_ID, DEFAULT_REGION, Moto

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def inner():
    """Clients straight to moto, which is shared by all tests: use names of your own."""
    moto = Moto()
    return InProcess(moto.answer, moto.s3, "AKIATEST", "secret")


@pytest.fixture
def unique():
    """A name that no other test uses."""
    return f"name-{next(_numbers)}"


@pytest.fixture
def call():
    """Makes a Call as the gateway would: call("ec2", "CreateFlowLogs", ResourceIds=[...])."""

    def make(service, operation, **parameters):
        return Call(service, operation, DEFAULT_REGION, ACCOUNT_ID, "AKIATEST", parameters)

    return make
