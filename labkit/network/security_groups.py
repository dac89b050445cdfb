"""Security groups: lists of what is allowed; what no rule allows is rejected.

The rules alone are here; ``connections`` remembers what they let through.
Source: docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html
"""

from collections.abc import Iterator
from dataclasses import dataclass

from labkit.network.addresses import contains
from labkit.network.packets import ICMP, TCP, UDP, Action, Direction, Packet, reply_to
from labkit.network.resources import ALL, NetworkInterface, SecurityGroupRule, Vpc

EVERYWHERE = "0.0.0.0/0"


@dataclass(frozen=True, slots=True)
class GroupVerdict:
    """What an interface's groups do with one packet, and the rule that allows it (None: none)."""

    action: Action
    rule: SecurityGroupRule | None


def decide(
    vpc: Vpc, interface: NetworkInterface, packet: Packet, direction: Direction
) -> GroupVerdict:
    """Return what the rules of an interface's security groups say of one packet.

    The rules of all groups count as one list in any order: one that matches is enough.

    Source: docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html
    """
    rules = rules_of(vpc, interface, direction)
    rule = next((rule for rule in rules if matches(vpc, rule, packet)), None)
    return GroupVerdict(Action.ACCEPT if rule else Action.REJECT, rule)


def rules_of(
    vpc: Vpc, interface: NetworkInterface, direction: Direction
) -> Iterator[SecurityGroupRule]:
    """Yield the rules of an interface's groups for one direction.

    A group that the answers do not know (they are no snapshot of one moment) allows nothing.
    """
    groups = (vpc.security_groups.get(group_id) for group_id in interface.group_ids)
    for group in filter(None, groups):
        yield from group.egress if direction is Direction.EGRESS else group.ingress


def matches(vpc: Vpc, rule: SecurityGroupRule, packet: Packet) -> bool:
    """Tell whether a rule allows a packet of its own direction.

    Ports are the destination's. For ICMP, from_port is the type and to_port the code. Other
    protocols have no ports: the number alone decides.
    """
    if rule.protocol not in (ALL, packet.protocol):
        return False
    peer = packet.dstaddr if rule.is_egress else packet.srcaddr
    return _matches_port(rule, packet) and _matches_peer(vpc, rule, peer)


def _matches_port(rule: SecurityGroupRule, packet: Packet) -> bool:
    if rule.protocol in (TCP, UDP):
        return rule.from_port <= packet.dstport <= rule.to_port
    if rule.protocol == ICMP:
        return rule.from_port in (ALL, packet.icmp_type) and rule.to_port in (ALL, packet.icmp_code)
    return True


def _matches_peer(vpc: Vpc, rule: SecurityGroupRule, peer: str) -> bool:
    if rule.cidr is not None:
        return contains(rule.cidr, peer)
    if rule.prefix_list_id is not None:
        cidrs = vpc.prefix_lists.get(rule.prefix_list_id, ())
        return any("." in cidr and contains(cidr, peer) for cidr in cidrs)
    if rule.referenced_group_id is not None:
        return _is_member(vpc, rule.referenced_group_id, peer)
    return False


def _is_member(vpc: Vpc, group_id: str, address: str) -> bool:
    """Tell whether an address is a private one of an interface with this group.

    Source: docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html
    """
    return any(
        group_id in interface.group_ids and address in interface.private_ips
        for interface in vpc.interfaces.values()
    )


def is_tracked(vpc: Vpc, interface: NetworkInterface, packet: Packet, direction: Direction) -> bool:
    """Tell whether the flow of an allowed packet is tracked at this interface.

    A TCP or UDP flow is not when a rule allows it from (to) everywhere and a rule of the other
    direction allows the replies to (from) everywhere on any port: then each packet is judged by the
    rules alone. Everything else is tracked, and whatever goes through an interface endpoint.

    Source: docs.aws.amazon.com/AWSEC2/latest/UserGuide/security-group-connection-tracking.html
    """
    if packet.protocol not in (TCP, UDP) or _meets_endpoint(vpc, packet):
        return True
    other = Direction.INGRESS if direction is Direction.EGRESS else Direction.EGRESS
    allowing = _open_rules(vpc, interface, packet, direction)
    answering = _open_rules(vpc, interface, reply_to(packet), other)
    has_any_port = any(map(_covers_any_port, [*allowing, *answering]))
    return not (allowing and answering and has_any_port)


def _open_rules(
    vpc: Vpc, interface: NetworkInterface, packet: Packet, direction: Direction
) -> list[SecurityGroupRule]:
    return [
        rule
        for rule in rules_of(vpc, interface, direction)
        if rule.cidr == EVERYWHERE and matches(vpc, rule, packet)
    ]


def _covers_any_port(rule: SecurityGroupRule) -> bool:
    return rule.protocol == ALL or (rule.from_port <= 0 and rule.to_port >= 65535)


def _meets_endpoint(vpc: Vpc, packet: Packet) -> bool:
    return any(
        interface.interface_type == "vpc_endpoint"
        and any(ip in (packet.srcaddr, packet.dstaddr) for ip in interface.private_ips)
        for interface in vpc.interfaces.values()
    )
