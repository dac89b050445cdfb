"""One packet at one network interface: what becomes of it, and the reason.

Source: docs.aws.amazon.com/vpc/latest/userguide/infrastructure-security.html
"""

from dataclasses import dataclass, field
from enum import StrEnum

from labkit.network.connections import Connection, Connections, is_icmp_error
from labkit.network.network_acls import AclVerdict
from labkit.network.packets import ACK, SYN, TCP, Action, Direction, Packet
from labkit.network.resources import AclEntry, SecurityGroupRule
from labkit.network.security_groups import GroupVerdict


class Reason(StrEnum):
    """Why a packet was accepted or rejected at an interface."""

    RULE = "a security group rule allows it"
    TRACKED = "it belongs to a connection that the security groups track"
    NO_RULE = "no security group rule allows it"
    CLOSED = "it comes after its connection was closed"
    ACL_ENTRY = "a network ACL entry denies it"
    ACL_DEFAULT = "no network ACL entry allows it"


_ACCEPTING = (Reason.RULE, Reason.TRACKED)


@dataclass(frozen=True, slots=True)
class Hop:
    """One packet at one interface.

    acl is None where the packet does not cross the subnet's border. The rule behind the verdict is
    ``rule``: for REJECT the ACL's entry (None: nothing matched), for ACCEPT the group's rule (None:
    the connection is tracked, and no rule was asked).
    """

    interface_id: str
    direction: Direction
    action: Action
    reason: Reason
    rule: SecurityGroupRule | AclEntry | None
    acl: AclVerdict | None


@dataclass(frozen=True, slots=True)
class Rules:
    """What the rules alone say of a class of packets at one interface.

    hops: those that have come of it so far, by their reason.
    """

    interface_id: str
    direction: Direction
    group: GroupVerdict
    acl: AclVerdict | None
    is_tracked: bool
    hops: dict[Reason, Hop] = field(default_factory=dict)


def judge(
    rules: Rules, packet: Packet, connections: Connections, now: float
) -> tuple[Hop | None, Connection | None]:
    """Return what becomes of a packet at one interface, and the connection that it belongs to.

    No hop when it should be tracked and there is no room for that.
    """
    interface_id, direction = rules.interface_id, rules.direction
    known = connections.find(interface_id, packet, direction, now)
    if known and known.is_closed and _opens_again(packet):
        known = None
    reason = _weigh(rules, known)
    hop = rules.hops.get(reason) or _hop(rules, reason)
    if hop.action is Action.REJECT:
        return hop, None
    if is_icmp_error(packet):
        return hop, known
    if known:
        known.record(packet, direction, now)
    elif rules.is_tracked:
        known = connections.open(interface_id, packet, direction, now)
        return (hop if known else None), known
    return hop, known


def _hop(rules: Rules, reason: Reason) -> Hop:
    action = Action.ACCEPT if reason in _ACCEPTING else Action.REJECT
    rule: SecurityGroupRule | AclEntry | None = None
    if reason is Reason.RULE:
        rule = rules.group.rule
    elif reason is Reason.ACL_ENTRY and rules.acl:
        rule = rules.acl.entry
    hop = Hop(rules.interface_id, rules.direction, action, reason, rule, rules.acl)
    rules.hops[reason] = hop
    return hop


def _opens_again(packet: Packet) -> bool:
    return packet.protocol == TCP and packet.tcp_flags & (SYN | ACK) == SYN


def _weigh(rules: Rules, known: Connection | None) -> Reason:
    """Return the reason that decides: the first filter on the packet's way that rejects it.

    Security groups act before the network ACL on the way out and after it on the way in. A network
    ACL knows no connections: it cuts tracked flows, too.
    """
    group = _weigh_group(rules.group, known)
    if rules.acl is None or rules.acl.action is Action.ACCEPT:
        return group
    if rules.direction is Direction.EGRESS and group in (Reason.NO_RULE, Reason.CLOSED):
        return group
    return Reason.ACL_ENTRY if rules.acl.entry else Reason.ACL_DEFAULT


def _weigh_group(group: GroupVerdict, known: Connection | None) -> Reason:
    if known:
        return Reason.CLOSED if known.is_closed else Reason.TRACKED
    return Reason.RULE if group.action is Action.ACCEPT else Reason.NO_RULE
