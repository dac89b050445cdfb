"""Route tables: the longest prefix decides.

Source: docs.aws.amazon.com/vpc/latest/userguide/route-tables-priority.html
"""

from collections.abc import Iterable, Mapping

from labkit.network.addresses import contains, prefix_length
from labkit.network.resources import Route

LOCAL = "local"


def find_route(
    routes: Iterable[Route], address: str, prefix_lists: Mapping[str, tuple[str, ...]]
) -> Route | None:
    """Return the route that an address takes, or None when no route leads there.

    The most specific range that holds the address wins; between equal ranges, a route with a range
    of its own goes before one with a prefix list. IPv6 routes are passed over.
    """
    found = [
        (prefix_length(cidr), route.destination == cidr, route)
        for route in routes
        for cidr in prefix_lists.get(route.destination, (route.destination,))
        if _is_ipv4_range(cidr) and contains(cidr, address)
    ]
    return max(found, key=lambda item: item[:2])[2] if found else None


def _is_ipv4_range(destination: str) -> bool:
    """Tell a range from an IPv6 range and from the id of a prefix list that we do not know."""
    return "." in destination
