"""A real emulator for the tests that need one: started once, with a home of its own."""

import pytest

from labkit import aws, emulator_process


@pytest.fixture(scope="session")
def emulator_home(tmp_path_factory):
    return tmp_path_factory.mktemp("labkit-home")


@pytest.fixture(scope="session")
def emulator(emulator_home):
    """The run file of a running emulator that the whole test session shares."""
    run_file = emulator_process.start(emulator_home)
    yield run_file
    emulator_process.stop(emulator_home)


@pytest.fixture(scope="session")
def session(emulator):
    """A boto3 session on the emulator."""
    return aws.on_emulator(emulator)
