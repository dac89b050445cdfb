import itertools

import pytest
from data_plane_lab import Lab, lab_vpc

_numbers = itertools.count(1)


@pytest.fixture(scope="session", autouse=True)
def home_of_its_own(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LABKIT_HOME", str(tmp_path_factory.mktemp("home")))
        patch.delenv("LABKIT_HOSTS", raising=False)
        yield


@pytest.fixture(scope="session")
def kernel_hosts(home_of_its_own):
    """Skip where kernel hosts are impossible, and say why."""
    probe = Lab("auto")
    probe.data_plane.stop()
    if probe.data_plane.host_kind != "kernel":
        pytest.skip(f"kernel hosts are impossible here: {probe.data_plane.host_kind_reason}")


@pytest.fixture(
    scope="session",
    params=[pytest.param("kernel", marks=pytest.mark.kernel_host), "in-process"],
)
def host_kind(request):
    if request.param == "kernel":
        request.getfixturevalue("kernel_hosts")
    return request.param


@pytest.fixture(scope="session")
def shared_lab(host_kind):
    """A data plane of each kind, for tests that put VPCs of their own into it."""
    lab = Lab(host_kind)
    yield lab
    lab.data_plane.stop()
    assert not lab.deaths


@pytest.fixture
def lab(shared_lab):
    """The data plane with two instances, all open, nothing recorded yet."""
    shared_lab.flow_log_id = f"fl-{next(_numbers)}"
    shared_lab.set_vpc(lab_vpc())
    yield shared_lab
    shared_lab.data_plane.set_vpc("vpc-1", None, {})


@pytest.fixture(scope="session")
def shared_kernel_lab(kernel_hosts):
    lab = Lab("kernel")
    yield lab
    lab.data_plane.stop()
    assert not lab.deaths


@pytest.fixture
def kernel_lab(shared_kernel_lab):
    """Fresh kernel hosts."""
    shared_kernel_lab.set_vpc(lab_vpc())
    yield shared_kernel_lab
    shared_kernel_lab.data_plane.set_vpc("vpc-1", None, {})
