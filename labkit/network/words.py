"""Rules and verdicts in words, as a person would say them: pure, like the rules themselves."""

from labkit.network import security_groups
from labkit.network.packets import ICMP, TCP, UDP, Action, Direction, Packet
from labkit.network.path import Hop, Reason
from labkit.network.resources import ALL, AclEntry, NetworkInterface, SecurityGroupRule, Vpc

PROTOCOLS = {ICMP: "ICMP", TCP: "TCP", UDP: "UDP", 58: "ICMPv6"}
_ICMP_TYPES = {0: "ICMP echo reply", 8: "ICMP echo request"}
_ANYWHERE = {"0.0.0.0/0", "::/0"}
_EVERY_PORT = {(0, 65535), (ALL, ALL)}


def say_group_rule(rule: SecurityGroupRule) -> str:
    """Return what a rule of a security group allows: "TCP 443 from sg-0123"."""
    peer = rule.cidr or rule.cidr_ipv6 or rule.referenced_group_id or rule.prefix_list_id
    ports = (rule.from_port, rule.to_port)
    return f"{_say_traffic(rule.protocol, ports, ports)} {_say_peer(peer, rule.is_egress)}"


def say_acl_entry(entry: AclEntry) -> str:
    """Return what an entry of a network ACL does: "denies TCP 22 from anywhere"."""
    verb = "allows" if entry.rule_action == "allow" else "denies"
    ports, icmp = (entry.from_port, entry.to_port), (entry.icmp_type, entry.icmp_code)
    peer = _say_peer(entry.cidr or entry.cidr_ipv6, entry.is_egress)
    return f"{verb} {_say_traffic(entry.protocol, ports, icmp)} {peer}"


def say_packet(packet: Packet, direction: Direction) -> str:
    """Return what a packet is and where it is from, or goes to: "TCP 22 from 10.0.1.5"."""
    ports = (packet.dstport, packet.dstport)
    is_egress = direction is Direction.EGRESS
    peer = packet.dstaddr if is_egress else packet.srcaddr
    traffic = _say_traffic(packet.protocol, ports, (packet.icmp_type, packet.icmp_code))
    return f"{traffic} {_say_peer(peer, is_egress)}"


def name_decider(vpc: Vpc, hop: Hop) -> str:
    """Return the ids of what decided at a hop: the rule's, or what would have had to have one."""
    if isinstance(hop.rule, AclEntry):
        return f"{hop.rule.network_acl_id} entry {hop.rule.rule_number}"
    if isinstance(hop.rule, SecurityGroupRule):
        return f"{hop.rule.group_id} {hop.rule.id or ''}".strip()
    if hop.reason is Reason.TRACKED:
        return "connection tracking"
    interface = vpc.interfaces[hop.interface_id]
    if hop.reason is Reason.ACL_DEFAULT:
        return f"{_acl_id(vpc, interface)} entry *"
    return _groups(interface)


def say_hop(vpc: Vpc, packet: Packet, hop: Hop, *, is_reply: bool) -> str:
    """Return why a packet came through an interface, or did not, as a clause."""
    interface = vpc.interfaces[hop.interface_id]
    if isinstance(hop.rule, SecurityGroupRule):
        rule = f"{hop.rule.id or 'a rule'} of {hop.rule.group_id}"
        return f"{rule} allows {say_group_rule(hop.rule)}{_say_border(hop)}"
    if hop.action is Action.ACCEPT:
        said = "it answers what the security groups let through: they remember, and ask no rule"
        return f"{said}{_say_border(hop)}"
    if hop.reason in (Reason.ACL_ENTRY, Reason.ACL_DEFAULT):
        return _say_acl(vpc, packet, hop, is_reply=is_reply)
    said = f"no rule of {_groups(interface)} allows {say_packet(packet, hop.direction)}"
    rejects_too = hop.acl is not None and hop.acl.action is Action.REJECT
    return f"{said} (and the network ACL would not, either)" if rejects_too else said


def _say_acl(vpc: Vpc, packet: Packet, hop: Hop, *, is_reply: bool) -> str:
    interface = vpc.interfaces[hop.interface_id]
    if isinstance(hop.rule, AclEntry):
        entry = f"entry {hop.rule.rule_number} of {hop.rule.network_acl_id}"
        said = f"{entry} {say_acl_entry(hop.rule)}"
    else:
        traffic = say_packet(packet, hop.direction)
        said = f"no entry of {_acl_id(vpc, interface)} allows {traffic}"
    # Of a reply the groups ask no rule: what they would say of its headers means nothing.
    group = security_groups.decide(vpc, interface, packet, hop.direction)
    return said if is_reply or group.rule else f"{said} (and no security group rule would, either)"


def _say_border(hop: Hop) -> str:
    """Say which entry let an accepted packet through, where it crossed a subnet's border."""
    if hop.acl is None or hop.acl.entry is None:
        return ""
    entry = hop.acl.entry
    where = f"entry {entry.rule_number} of {entry.network_acl_id}"
    return f"; at the subnet's border {where} {say_acl_entry(entry)}"


def _say_traffic(protocol: int, ports: tuple[int, int], icmp: tuple[int, int]) -> str:
    if protocol == ALL:
        return "everything"
    name = PROTOCOLS.get(protocol, f"protocol {protocol}")
    if protocol in (TCP, UDP):
        return f"{name} on any port" if ports in _EVERY_PORT else f"{name} {_say_range(ports)}"
    if protocol == ICMP and icmp[0] != ALL:
        return _ICMP_TYPES.get(icmp[0], f"ICMP type {icmp[0]}")
    return name


def _say_range(ports: tuple[int, int]) -> str:
    first, last = ports
    return str(first) if first == last else f"{first} to {last}"


def _say_peer(peer: str | None, is_egress: bool) -> str:
    return f"{'to' if is_egress else 'from'} {'anywhere' if peer in _ANYWHERE else peer}"


def _groups(interface: NetworkInterface) -> str:
    return " and ".join(interface.group_ids)


def _acl_id(vpc: Vpc, interface: NetworkInterface) -> str:
    return vpc.subnets[interface.subnet_id].network_acl_id or "the network ACL"
