"""Packets that reach nobody though no rule rejects them, and the reason by its name."""

from collections.abc import Iterator
from enum import StrEnum

from labkit.network.addresses import contains, nth_address
from labkit.network.packets import UDP, Packet
from labkit.network.resources import NetworkInterface, Vpc


class Drop(StrEnum):
    """Why a packet reached no interface. The first group is never seen by a flow log."""

    SOURCE = "the source address is not the interface's own (source/destination check)"
    METADATA = "169.254.169.254 is the instance metadata service"
    TIME = "169.254.169.123 is the Amazon Time Sync Service"
    DNS = "the address is the Amazon DNS server's"
    LICENSE = "the address is that of Windows license activation"
    DHCP = "it is DHCP traffic"
    ROUTER = "the address is reserved for the VPC router"
    MULTICAST = "a VPC carries no multicast and no broadcast"

    NO_ROUTE = "no route leads there"
    BLACKHOLE = "the route is a blackhole"
    GATEWAY = "the route leaves the VPC, and only the local route delivers here"
    NOBODY = "no network interface has this address"
    CROWDED = "the interface tracks as many connections as it can"
    STOPPED = "the instance behind the address does not run"


_SERVICES = {
    "169.254.169.254": Drop.METADATA,
    "169.254.169.123": Drop.TIME,
    "169.254.169.253": Drop.DNS,
    "169.254.169.250": Drop.LICENSE,
    "169.254.169.251": Drop.LICENSE,
}
_MULTICAST, _BROADCAST = "224.0.0.0/4", "255.255.255.255"
DHCP_PORTS = {67, 68}


def unlogged_ranges(vpc: Vpc) -> Iterator[str]:
    """Yield the addresses, and the ranges of them, that ``find_unlogged`` asks about."""
    yield from (*_SERVICES, _MULTICAST, _BROADCAST, _dns_server(vpc), *_routers(vpc))


def find_unlogged(vpc: Vpc, sender: NetworkInterface, packet: Packet) -> Drop | None:
    """Return why a flow log never sees this packet, or None if it does.

    Multicast and the source check are not on AWS's list: such packets do not get as far as a rule.

    Source: docs.aws.amazon.com/vpc/latest/userguide/flow-logs-limitations.html
    """
    if packet.protocol == UDP and {packet.srcport, packet.dstport} <= DHCP_PORTS:
        return Drop.DHCP
    if sender.source_dest_check and packet.srcaddr not in sender.private_ips:
        return Drop.SOURCE
    return _SERVICES.get(packet.dstaddr) or _find_reserved(vpc, packet.dstaddr)


def _find_reserved(vpc: Vpc, address: str) -> Drop | None:
    """Tell the addresses that AWS reserves: base plus one in each subnet, base plus two in the VPC.

    Source: docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
    """
    if address == _BROADCAST or contains(_MULTICAST, address):
        return Drop.MULTICAST
    if address == _dns_server(vpc):
        return Drop.DNS
    return Drop.ROUTER if address in _routers(vpc) else None


def _dns_server(vpc: Vpc) -> str:
    return nth_address(vpc.cidr_blocks[0], 2)


def _routers(vpc: Vpc) -> list[str]:
    return [nth_address(subnet.cidr_block, 1) for subnet in vpc.subnets.values()]
