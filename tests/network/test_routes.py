"""docs.aws.amazon.com/vpc/latest/userguide/route-tables-priority.html"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit.network.routes import find_route
from labkit.network.topology import Route

LISTS = {"pl-1": ("10.0.2.0/24", "2001:db8::/32", "192.0.2.0/24")}
LOCAL = Route("rtb-1", "10.0.0.0/16", "local")


def route(destination: str, target: str = "tgw-1") -> Route:
    return Route("rtb-1", destination, target)


@pytest.mark.parametrize(
    ("routes", "address", "target"),
    [
        pytest.param([LOCAL], "10.0.2.9", "local", id="the local route"),
        pytest.param([LOCAL], "8.8.8.8", None, id="no route"),
        pytest.param([route("0.0.0.0/0", "igw-1"), LOCAL], "10.0.2.9", "local", id="more specific"),
        pytest.param([route("0.0.0.0/0", "igw-1"), LOCAL], "8.8.8.8", "igw-1", id="the default"),
        pytest.param([LOCAL, route("10.0.2.0/24")], "10.0.2.9", "tgw-1", id="narrower than local"),
        pytest.param([LOCAL, route("pl-1")], "10.0.2.9", "tgw-1", id="a range of a prefix list"),
        pytest.param([LOCAL, route("pl-1")], "10.0.3.9", "local", id="not in the prefix list"),
        pytest.param(
            [route("pl-1", "list"), route("10.0.2.0/24", "own")], "10.0.2.9", "own", id="own first"
        ),
        pytest.param([route("::/0", "igw-1")], "8.8.8.8", None, id="an IPv6 route"),
        pytest.param([route("pl-unknown")], "8.8.8.8", None, id="a prefix list nobody described"),
    ],
)
def test_find_route(routes, address, target):
    found = find_route(routes, address, LISTS)
    assert (found.target if found else None) == target


routes = st.builds(route, st.integers(0, 32).map(lambda n: f"10.0.2.9/{n}"))


@settings(deadline=None)
@given(st.lists(routes, min_size=1))
def test_the_longest_prefix_wins_in_any_order(listed):
    found = find_route(listed, "10.0.2.9", {})
    longest = max(int(item.destination.split("/")[1]) for item in listed)
    assert found is not None
    assert found.destination == f"10.0.2.9/{longest}"
