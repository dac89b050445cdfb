"""Questions about addresses and ranges that are text, as AWS writes them."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network

_BYTE_OF = {str(number): number for number in range(256)}


@lru_cache(maxsize=4096)
def _network(cidr: str) -> tuple[int, int]:
    """Return base and mask; AWS keeps ranges in canonical form, so host bits are ignored here."""
    network = IPv4Network(cidr, strict=False)
    return int(network.network_address), int(network.netmask)


def to_number(address: str) -> int:
    """Return an address as the number that its four bytes make."""
    a, b, c, d = map(_BYTE_OF.__getitem__, address.split("."))
    return a << 24 | b << 16 | c << 8 | d


_number = lru_cache(maxsize=4096)(to_number)


def first_and_last(cidr: str) -> tuple[int, int]:
    """Return the first and the last address of a range, or a single address twice, as numbers."""
    base, mask = _network(cidr)
    return base, base | ~mask & 0xFFFFFFFF


def contains(cidr: str, address: str) -> bool:
    """Tell whether an IPv4 address lies in a range; 10.0.1.5 lies in 10.0.0.0/16."""
    base, mask = _network(cidr)
    return _number(address) & mask == base


def prefix_length(cidr: str) -> int:
    """Return how many bits of the address a range fixes: 16 for "10.0.0.0/16"."""
    return _network(cidr)[1].bit_count()


@lru_cache(maxsize=4096)
def nth_address(cidr: str, n: int) -> str:
    """Return the address n above a range's first; 1 gives 10.0.1.1 in 10.0.1.0/24."""
    return str(IPv4Address(_network(cidr)[0] + n))
