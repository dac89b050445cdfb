"""A real emulator for the tests that need one; or a real account, with `pytest --aws`."""

import contextlib
import os

import pytest
from botocore.exceptions import ClientError

from labkit import aws, emulator_process
from labkit.errors import TargetError


def pytest_addoption(parser):
    parser.addoption(
        "--aws",
        action="store_true",
        help="run the tests marked aws_verified, and no others, in your AWS account (costs money)",
    )


def pytest_collection_modifyitems(config, items):
    """With --aws keep what speaks only AWS's API."""
    if not config.getoption("--aws"):
        return
    others = [item for item in items if item.get_closest_marker("aws_verified") is None]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if item not in others]


@pytest.fixture(scope="session")
def emulator_home(tmp_path_factory):
    return tmp_path_factory.mktemp("labkit-home")


@pytest.fixture(scope="session")
def emulator(emulator_home, request):
    """The run file of a running emulator that the whole test session shares."""
    if request.config.getoption("--aws"):
        pytest.fail("a test marked aws_verified asks for the emulator", pytrace=False)
    run_file = emulator_process.start(emulator_home)
    yield run_file
    emulator_process.stop(emulator_home)


@pytest.fixture(scope="session")
def session(request):
    """A boto3 session on the emulator, or with --aws on the account that is configured."""
    if not request.config.getoption("--aws"):
        return aws.on_emulator(request.getfixturevalue("emulator"))
    try:
        on_aws = aws.connect("aws")
        aws.whereami(on_aws)
    except TargetError as error:
        pytest.exit(f"pytest --aws: {error}", returncode=2)
    return on_aws


@pytest.fixture
def removed(request):
    """Notes calls that remove what a test made: removed(ec2.delete_vpc, VpcId=...).

    They are made after a test that may run on a real account, the last one noted first. What
    the test removed itself is gone already; anything else that AWS refuses is an error.
    """
    with contextlib.ExitStack() as calls:

        def note(remove, **asked):
            if request.node.get_closest_marker("aws_verified"):
                calls.callback(_remove, remove, asked)

        yield note


def _remove(remove, asked):
    try:
        remove(**asked)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if not code.endswith((".NotFound", "NotFoundException")) and code != "NoSuchBucket":
            raise


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """In CI a test that needs a kernel host, or a browser, fails where it would be skipped."""
    report = yield
    needed = item.get_closest_marker("kernel_host") or item.get_closest_marker("browser")
    if report.skipped and needed and os.environ.get("LABKIT_TESTS_SKIP_NOTHING"):
        report.outcome = "failed"
        report.longrepr = f"may not be skipped here: {report.longrepr}"
    return report
