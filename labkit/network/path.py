"""One packet from interface to interface: the verdict at each, and the rule behind it.

Out of an interface a packet meets its security groups, then the network ACL of its subnet; into
one, the network ACL, then the security groups. Network ACLs are asked only where the packet crosses
the border of a subnet. Each interface that has judged the packet has seen it: that is what a flow
log records.

Source: docs.aws.amazon.com/vpc/latest/userguide/infrastructure-security.html
"""

from dataclasses import dataclass, field
from enum import StrEnum

from labkit.network import network_acls, security_groups
from labkit.network.addresses import contains
from labkit.network.connections import Connection, Connections, is_icmp_error
from labkit.network.drops import Drop, find_unlogged
from labkit.network.network_acls import AclVerdict
from labkit.network.packets import ACK, SYN, TCP, Action, Direction, Packet, reply_to
from labkit.network.resources import AclEntry, NetworkInterface, SecurityGroupRule, Vpc
from labkit.network.routes import LOCAL, find_route
from labkit.network.security_groups import GroupVerdict

_CACHE_SIZE = 32_768


class Reason(StrEnum):
    """Why a packet was accepted or rejected at an interface."""

    RULE = "a security group rule allows it"
    TRACKED = "it belongs to a connection that the security groups track"
    NO_RULE = "no security group rule allows it"
    CLOSED = "it comes after its connection was closed"
    ACL_ENTRY = "a network ACL entry denies it"
    ACL_DEFAULT = "no network ACL entry allows it"


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
    connection: Connection | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Path:
    """The way of one packet: a hop for each interface that saw it, the sender's first.

    receiver_id is the interface that gets the packet, or None; drop tells why it got nowhere when
    no hop rejected it.
    """

    packet: Packet
    hops: tuple[Hop, ...]
    receiver_id: str | None
    drop: Drop | None = None


def trace(vpc: Vpc, packet: Packet, interface_id: str) -> Path:
    """Follow the first packet of a flow out of an interface, with nothing tracked yet."""
    return Paths(vpc).trace(packet, interface_id, Connections(), 0.0)


def round_trip(vpc: Vpc, packet: Packet, interface_id: str) -> tuple[Path, ...]:
    """Follow a packet and, if it arrives, its reply; both arrived if all(path.receiver_id ...)."""
    paths, connections = Paths(vpc), Connections()
    request = paths.trace(packet, interface_id, connections, 0.0)
    if request.receiver_id is None:
        return (request,)
    return request, paths.trace(reply_to(packet), request.receiver_id, connections, 0.0)


@dataclass(frozen=True, slots=True)
class _Rules:
    """What the rules alone say of a packet at an interface."""

    group: GroupVerdict
    acl: AclVerdict | None
    is_tracked: bool


class Paths:
    """A VPC, made ready to be asked about many packets: what its rules say is remembered."""

    def __init__(self, vpc: Vpc) -> None:
        self.vpc = vpc
        self._by_address = {
            address: interface
            for interface in vpc.interfaces.values()
            for address in interface.private_ips
        }
        self._cache: dict[tuple, _Rules] = {}

    def trace(
        self, packet: Packet, interface_id: str, connections: Connections, now: float
    ) -> Path:
        """Follow a packet out of an interface; connections learns what was let through."""
        sender = self.vpc.interfaces[interface_id]
        if unlogged := find_unlogged(self.vpc, sender, packet):
            return Path(packet, (), None, unlogged)
        receiver, drop = self._forward(sender, packet.dstaddr)
        crosses = self._crosses_border(sender, receiver, packet.dstaddr)
        asked = (packet, connections, now)
        hops = [self._judge(sender, Direction.EGRESS, crosses, *asked)]
        if receiver and hops[-1].action is Action.ACCEPT:
            hops.append(self._judge(receiver, Direction.INGRESS, crosses, *asked))
        arrives = receiver and hops[-1].action is Action.ACCEPT
        return Path(packet, tuple(hops), receiver.id if receiver and arrives else None, drop)

    def judge(
        self,
        packet: Packet,
        interface_id: str,
        direction: Direction,
        connections: Connections,
        now: float,
    ) -> Hop:
        """Judge a packet at one interface alone, wherever it comes from and whoever gets it."""
        interface = self.vpc.interfaces[interface_id]
        peer = packet.dstaddr if direction is Direction.EGRESS else packet.srcaddr
        crosses = not contains(self.vpc.subnets[interface.subnet_id].cidr_block, peer)
        return self._judge(interface, direction, crosses, packet, connections, now)

    def _forward(
        self, sender: NetworkInterface, address: str
    ) -> tuple[NetworkInterface | None, Drop | None]:
        """Find the interface that an address leads to, or why there is none.

        Inside a subnet no route table is asked.
        Source: docs.aws.amazon.com/vpc/latest/userguide/VPC_Route_Tables.html
        """
        subnet = self.vpc.subnets[sender.subnet_id]
        if not contains(subnet.cidr_block, address):
            table = self.vpc.route_tables.get(subnet.route_table_id or "")
            routes = table.routes if table else ()
            route = find_route(routes, address, self.vpc.prefix_lists)
            if route is None:
                return None, Drop.NO_ROUTE
            if route.state == "blackhole":
                return None, Drop.BLACKHOLE
            if route.target != LOCAL:
                return None, Drop.GATEWAY
        receiver = self._by_address.get(address)
        if receiver is None:
            return None, Drop.NOBODY
        if not self._runs(receiver):
            return None, Drop.STOPPED
        return receiver, None

    def _runs(self, interface: NetworkInterface) -> bool:
        """Tell whether somebody may answer: interfaces of endpoints have no instance."""
        instance = self.vpc.instances.get(interface.instance_id or "")
        return instance is None or instance.state in ("pending", "running")

    def _crosses_border(
        self, sender: NetworkInterface, receiver: NetworkInterface | None, address: str
    ) -> bool:
        if receiver:
            return receiver.subnet_id != sender.subnet_id
        return not contains(self.vpc.subnets[sender.subnet_id].cidr_block, address)

    def _judge(
        self,
        interface: NetworkInterface,
        direction: Direction,
        crosses: bool,
        packet: Packet,
        connections: Connections,
        now: float,
    ) -> Hop:
        rules = self._ask_rules(interface, direction, crosses, packet)
        known = connections.find(interface.id, packet, direction, now)
        if known and known.is_closed and _opens_again(packet):
            known = None
        reason = _weigh(rules, known, direction)
        if reason not in (Reason.RULE, Reason.TRACKED):
            rule = rules.acl.entry if reason is Reason.ACL_ENTRY and rules.acl else None
            return Hop(interface.id, direction, Action.REJECT, reason, rule, rules.acl)
        if known and not is_icmp_error(packet):
            known.record(packet, direction, now)
        elif not known and rules.is_tracked and not is_icmp_error(packet):
            known = connections.open(interface.id, packet, direction, now)
        rule = rules.group.rule if reason is Reason.RULE else None
        return Hop(interface.id, direction, Action.ACCEPT, reason, rule, rules.acl, known)

    def _ask_rules(
        self, interface: NetworkInterface, direction: Direction, crosses: bool, packet: Packet
    ) -> _Rules:
        asked = (packet.five_tuple, packet.icmp_type, packet.icmp_code)
        key = (interface.id, direction, crosses, asked)
        if key not in self._cache:
            if len(self._cache) >= _CACHE_SIZE:
                self._cache.clear()
            self._cache[key] = self._read_rules(interface, direction, crosses, packet)
        return self._cache[key]

    def _read_rules(
        self, interface: NetworkInterface, direction: Direction, crosses: bool, packet: Packet
    ) -> _Rules:
        acl_id = self.vpc.subnets[interface.subnet_id].network_acl_id
        acl = self.vpc.network_acls.get(acl_id or "")
        entries = acl.entries if acl else ()
        asked = (self.vpc, interface, packet, direction)
        group = security_groups.decide(*asked)
        return _Rules(
            group=group,
            acl=network_acls.decide(entries, packet, direction) if crosses else None,
            is_tracked=group.rule is not None and security_groups.is_tracked(*asked),
        )


def _opens_again(packet: Packet) -> bool:
    return packet.protocol == TCP and packet.tcp_flags & (SYN | ACK) == SYN


def _weigh(rules: _Rules, known: Connection | None, direction: Direction) -> Reason:
    """Return the reason that decides: the first filter on the packet's way that rejects it.

    Security groups act before the network ACL on the way out and after it on the way in. A network
    ACL knows no connections: it cuts tracked flows, too.
    """
    group = _weigh_group(rules.group, known)
    if rules.acl is None or rules.acl.action is Action.ACCEPT:
        return group
    if direction is Direction.EGRESS and group in (Reason.NO_RULE, Reason.CLOSED):
        return group
    return Reason.ACL_ENTRY if rules.acl.entry else Reason.ACL_DEFAULT


def _weigh_group(group: GroupVerdict, known: Connection | None) -> Reason:
    if known:
        return Reason.CLOSED if known.is_closed else Reason.TRACKED
    return Reason.RULE if group.action is Action.ACCEPT else Reason.NO_RULE
