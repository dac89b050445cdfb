"""Network ACLs: stateless, numbered, the lowest number that matches decides.

They act where a packet crosses a subnet's border; ``path`` knows where that is.
Source: docs.aws.amazon.com/vpc/latest/userguide/nacl-rules.html
"""

from collections.abc import Iterable
from dataclasses import dataclass
from operator import attrgetter

from labkit.network.addresses import contains
from labkit.network.packets import ICMP, TCP, UDP, Action, Direction, Packet
from labkit.network.resources import ALL, AclEntry


@dataclass(frozen=True, slots=True)
class AclVerdict:
    """What a network ACL does with one packet, and the entry that decided (None: none matched)."""

    action: Action
    entry: AclEntry | None


def decide(entries: Iterable[AclEntry], packet: Packet, direction: Direction) -> AclVerdict:
    """Return what a network ACL does with one packet.

    Stateless: a reply is judged like any other packet. The matching entry with the lowest rule
    number decides; with no match the packet is rejected.

    Source: docs.aws.amazon.com/vpc/latest/userguide/nacl-rules.html
    """
    for entry in of_direction(entries, direction):
        if matches(entry, packet):
            allows = entry.rule_action == "allow"
            return AclVerdict(Action.ACCEPT if allows else Action.REJECT, entry)
    return AclVerdict(Action.REJECT, None)


def of_direction(entries: Iterable[AclEntry], direction: Direction) -> tuple[AclEntry, ...]:
    """Return the entries of one direction, the lowest rule number first."""
    is_egress = direction is Direction.EGRESS
    asked = (entry for entry in entries if entry.is_egress == is_egress)
    return tuple(sorted(asked, key=attrgetter("rule_number")))


def matches(entry: AclEntry, packet: Packet) -> bool:
    """Tell whether an entry of a packet's own direction is about it.

    An ingress entry names the source, an egress entry the destination; the port range is always the
    destination's.
    """
    if entry.protocol not in (ALL, packet.protocol):
        return False
    return _matches_port(entry, packet) and _matches_peer(entry, packet)


def _matches_port(entry: AclEntry, packet: Packet) -> bool:
    if entry.protocol in (TCP, UDP):
        return entry.from_port <= packet.dstport <= entry.to_port
    if entry.protocol == ICMP:
        return entry.icmp_type in (ALL, packet.icmp_type) and (
            entry.icmp_code in (ALL, packet.icmp_code)
        )
    return True


def _matches_peer(entry: AclEntry, packet: Packet) -> bool:
    peer = packet.dstaddr if entry.is_egress else packet.srcaddr
    return entry.cidr is not None and contains(entry.cidr, peer)
