"""Classes of packets: those of one class are judged alike by every rule of a VPC.

A rule compares a packet's addresses and ports with ranges, and its protocol, ICMP type and ICMP
code with numbers. The ends of all ranges cut addresses and ports into pieces; within a piece each
comparison comes out the same. So the rules need to be asked but once for each class, however many
flows there are, and stay as simple as the pages that they cite.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from functools import lru_cache

from labkit.network.addresses import first_and_last, to_number
from labkit.network.drops import DHCP_PORTS, unlogged_ranges
from labkit.network.packets import Packet
from labkit.network.resources import SecurityGroupRule, Vpc

PacketClass = tuple[int, int, int, int, int, int, int]
_REMEMBERED_ADDRESSES = 65_536


class PacketClasses:
    """The classes of one VPC as it is at one moment."""

    def __init__(self, vpc: Vpc) -> None:
        address_cuts = _cuts(map(first_and_last, _address_ranges(vpc)))
        self._port_cuts = _cuts(_port_ranges(vpc))

        def piece_of(address: str) -> int:
            return bisect_right(address_cuts, to_number(address))

        self._piece_of = lru_cache(_REMEMBERED_ADDRESSES)(piece_of)

    def of(self, packet: Packet) -> PacketClass:
        """Return what two packets have in common if no rule of the VPC tells them apart."""
        return (
            packet.protocol,
            self._piece_of(packet.srcaddr),
            self._piece_of(packet.dstaddr),
            bisect_right(self._port_cuts, packet.srcport),
            bisect_right(self._port_cuts, packet.dstport),
            packet.icmp_type,
            packet.icmp_code,
        )


def _cuts(ranges: Iterable[tuple[int, int]]) -> list[int]:
    """Return where a piece begins: at the first of each range, and after its last."""
    return sorted({cut for first, last in ranges for cut in (first, last + 1)})


def _address_ranges(vpc: Vpc) -> Iterator[str]:
    """Yield every IPv4 range, and every single address, that something in the VPC asks about."""
    yield from unlogged_ranges(vpc)
    yield from (subnet.cidr_block for subnet in vpc.subnets.values())
    for interface in vpc.interfaces.values():
        yield from interface.private_ips
    for table in vpc.route_tables.values():
        yield from (route.destination for route in table.routes if "." in route.destination)
    for cidrs in vpc.prefix_lists.values():
        yield from (cidr for cidr in cidrs if "." in cidr)
    yield from (rule.cidr for rule in _rules(vpc) if rule.cidr)
    for acl in vpc.network_acls.values():
        yield from (entry.cidr for entry in acl.entries if entry.cidr)


def _port_ranges(vpc: Vpc) -> Iterator[tuple[int, int]]:
    yield from ((port, port) for port in DHCP_PORTS)
    yield from ((rule.from_port, rule.to_port) for rule in _rules(vpc))
    for acl in vpc.network_acls.values():
        yield from ((entry.from_port, entry.to_port) for entry in acl.entries)


def _rules(vpc: Vpc) -> Iterator[SecurityGroupRule]:
    for group in vpc.security_groups.values():
        yield from group.ingress
        yield from group.egress
