import itertools

import boto3
import pytest
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from labkit.emulator.clients import InProcess
from labkit.emulator.operations import Call
from labkit.emulator.upstream import ACCOUNT_ID, DEFAULT_REGION, Moto

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def inner():
    """Clients straight to moto, which is shared by all tests: use names of your own."""
    moto = Moto()
    return InProcess(moto.answer, moto.s3, "AKIATEST", "secret")


@pytest.fixture(scope="session")
def by_http():
    """Clients whose requests go, whole, to moto's own server application: by_http("ec2")."""
    server = DomainDispatcherApplication(create_backend_app)
    send = InProcess(lambda _: {}, server, "AKIATEST", "secret")._send
    made = {}

    def client(service, key=("AKIATEST", "secret")):
        if (service, key) not in made:
            session = boto3.Session(*key, region_name=DEFAULT_REGION)
            made[service, key] = session.client(service, endpoint_url="http://127.0.0.1")
            made[service, key].meta.events.register("before-send", send)
        return made[service, key]

    return client


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
