"""One packet from interface to interface: the verdict at each, and the rule behind it.

Out of an interface a packet meets its security groups, then the network ACL of its subnet; into
one, the network ACL, then the security groups. Network ACLs are asked only where the packet crosses
the border of a subnet. Each interface that has judged the packet has seen it: that is what a flow
log records.

Source: docs.aws.amazon.com/vpc/latest/userguide/infrastructure-security.html
"""

from dataclasses import dataclass
from typing import NamedTuple

from labkit.network import network_acls, security_groups
from labkit.network.addresses import contains
from labkit.network.connections import Connection, Connections
from labkit.network.drops import Drop, find_unlogged
from labkit.network.hops import Hop, Reason, Rules, judge
from labkit.network.packet_classes import PacketClass, PacketClasses
from labkit.network.packets import Action, Direction, Packet, reply_to
from labkit.network.resources import NetworkInterface, Vpc
from labkit.network.routes import LOCAL, find_route

__all__ = ["Hop", "Path", "Paths", "Reason", "round_trip", "trace"]

_CACHE_SIZE = 32_768


class Path(NamedTuple):
    """The way of one packet: a hop for each interface that saw it, the sender's first.

    receiver_id is the interface that gets the packet, or None; drop tells why it got nowhere when
    no hop rejected it. crowded_id is the interface where that was for want of room to track it.
    connections are the hops' own, None for a hop without one.
    """

    packet: Packet
    hops: tuple[Hop, ...]
    receiver_id: str | None
    drop: Drop | None = None
    crowded_id: str | None = None
    connections: tuple[Connection | None, ...] = ()


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
class _Way:
    """What the rules alone say of a class of packets out of one interface.

    rules: the sender's, then the receiver's; none for what no flow log sees.
    """

    rules: tuple[Rules, ...]
    receiver_id: str | None
    drop: Drop | None


class Paths:
    """A VPC, made ready to be asked about many packets: what its rules say is remembered."""

    def __init__(self, vpc: Vpc) -> None:
        self.vpc = vpc
        self._by_address = {
            address: interface
            for interface in vpc.interfaces.values()
            for address in interface.private_ips
        }
        # Those of one direction, in the order in which they are asked.
        self._entries = {
            (acl.id, direction): network_acls.of_direction(acl.entries, direction)
            for acl in vpc.network_acls.values()
            for direction in Direction
        }
        self._classes = PacketClasses(vpc)
        self._ways: dict[tuple[str, PacketClass], _Way] = {}

    def trace(
        self, packet: Packet, interface_id: str, connections: Connections, now: float
    ) -> Path:
        """Follow a packet out of an interface; connections learns what was let through."""
        way = self._way(packet, interface_id)
        hops: list[Hop] = []
        tracked: list[Connection | None] = []
        for rules in way.rules:
            hop, connection = judge(rules, packet, connections, now)
            if hop is None:
                return Path(packet, tuple(hops), None, Drop.CROWDED, rules.interface_id)
            hops.append(hop)
            tracked.append(connection)
            if hop.action is Action.REJECT:
                return Path(packet, tuple(hops), None, way.drop, None, tuple(tracked))
        return Path(packet, tuple(hops), way.receiver_id, way.drop, None, tuple(tracked))

    def _way(self, packet: Packet, interface_id: str) -> _Way:
        key = (interface_id, self._classes.of(packet))
        way = self._ways.get(key)
        if way is None:
            if len(self._ways) >= _CACHE_SIZE:
                self._ways.clear()
            way = self._ways[key] = self._find_way(packet, self.vpc.interfaces[interface_id])
        return way

    def _find_way(self, packet: Packet, sender: NetworkInterface) -> _Way:
        if unlogged := find_unlogged(self.vpc, sender, packet):
            return _Way((), None, unlogged)
        receiver, drop = self._forward(sender, packet.dstaddr)
        crosses = self._crosses_border(sender, receiver, packet.dstaddr)
        rules = [self._ask_rules(sender, Direction.EGRESS, crosses, packet)]
        if receiver:
            rules.append(self._ask_rules(receiver, Direction.INGRESS, crosses, packet))
        return _Way(tuple(rules), receiver.id if receiver else None, drop)

    def judge(
        self,
        packet: Packet,
        interface_id: str,
        direction: Direction,
        connections: Connections,
        now: float,
    ) -> Hop:
        """Judge a packet at one interface alone, wherever it comes from and whoever gets it.

        connections has to have room for one more of the interface's.
        """
        interface = self.vpc.interfaces[interface_id]
        peer = packet.dstaddr if direction is Direction.EGRESS else packet.srcaddr
        crosses = not contains(self.vpc.subnets[interface.subnet_id].cidr_block, peer)
        rules = self._ask_rules(interface, direction, crosses, packet)
        hop, _ = judge(rules, packet, connections, now)
        assert hop is not None, "there was no room to track one more connection"
        return hop

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

    def _ask_rules(
        self, interface: NetworkInterface, direction: Direction, crosses: bool, packet: Packet
    ) -> Rules:
        acl_id = self.vpc.subnets[interface.subnet_id].network_acl_id or ""
        entries = self._entries.get((acl_id, direction), ())
        asked = (self.vpc, interface, packet, direction)
        group = security_groups.decide(*asked)
        return Rules(
            interface_id=interface.id,
            direction=direction,
            group=group,
            acl=network_acls.decide(entries, packet, direction) if crosses else None,
            is_tracked=group.rule is not None and security_groups.is_tracked(*asked),
        )
