"""The wire between the hosts: takes a packet from an interface, says which one receives it.

Every packet is judged by ``labkit.network`` and counted by ``aggregation`` at each interface that
sees it. Pure: bytes and the time in, an interface id or records out.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from labkit.emulator.aggregation import Aggregation, Capture, Counter, Flow, FlowRecord
from labkit.network.connections import Connection, Connections
from labkit.network.packets import (
    FIN,
    ICMP,
    RST,
    SYN,
    TCP,
    UDP,
    Action,
    Direction,
    Packet,
    parse,
)
from labkit.network.path import Hop, Path, Paths, Reason
from labkit.network.resources import NetworkInterface, Vpc

_TEXT = {word: word.value for word in (*Direction, *Action)}
_SHORTCUTS_PER_PORT = 4096
_FRAGMENTED_PACKETS = 1024
_WAKE_AT_MOST_EVERY_S = 0.05


@dataclass(slots=True)
class _Shortcut:
    """What is known of a flow whose next packet changes nothing but counts and timeouts.

    A rejection holds until the VPC tracks a new connection, which the packet might belong to:
    opened is the number of connections at the time, or None for what was not rejected.
    """

    receiver_id: str | None
    connections: tuple[Connection, ...]
    counters: tuple[Counter, ...]
    opened: int | None


class _Port:
    """One interface plugged into the switch."""

    __slots__ = ("network", "shortcuts")

    def __init__(self, network: "_Network") -> None:
        self.network = network
        self.shortcuts: dict[bytes, _Shortcut] = {}


class _Network:
    """One VPC: its rules, and what outlives a change of them."""

    def __init__(self) -> None:
        self.paths: Paths
        self.connections = Connections()
        # The headers of fragmented packets, for the later fragments that lack them.
        self.fragmented: dict[bytes, Packet] = {}


class Switch:
    """Carries packets between the interfaces of each VPC and records what flow logs see.

    Not thread-safe. Times are epoch seconds. VPCs know nothing of each other: the same addresses
    may be in several.
    """

    def __init__(self, pace: str) -> None:
        """Start without any VPC.

        Args:
            pace: "lab" lets windows close early (see Aggregation), "aws" does not.
        """
        self._aggregation = Aggregation(pace)
        self._networks: dict[str, _Network] = {}
        self._ports: dict[str, _Port] = {}

    def set_vpc(
        self, vpc_id: str, vpc: Vpc | None, captures: Mapping[str, tuple[Capture, ...]]
    ) -> None:
        """Put a VPC's rules and captures in force from the next packet on; None removes the VPC.

        Tracked connections survive as long as their interface does. What a removed capture has
        open becomes records of the next ``close``.
        """
        self._aggregation.set_captures(vpc_id, captures if vpc else {})
        network = self._networks.setdefault(vpc_id, _Network())
        for interface_id in [id_ for id_, port in self._ports.items() if port.network is network]:
            del self._ports[interface_id]
        if vpc is None:
            del self._networks[vpc_id]
            return
        network.paths = Paths(vpc)
        network.connections.keep(vpc.interfaces)
        self._ports.update((interface_id, _Port(network)) for interface_id in vpc.interfaces)

    def send(self, interface_id: str, data: bytes, now: float) -> str | None:
        """Carry one IPv4 packet out of an interface; return the id of the one that receives it.

        None when nobody does: rejected, no route, nobody there, an interface that is in no VPC, or
        bytes that are no whole IPv4 packet (then no flow log sees it either).
        """
        port = self._ports.get(interface_id)
        if port is None:
            return None
        key = _shortcut_key(data)
        if key is None or (shortcut := port.shortcuts.get(key)) is None:
            return self._send_slowly(port, interface_id, data, now, key)
        if shortcut.opened is not None and shortcut.opened != port.network.connections.opened:
            return self._send_slowly(port, interface_id, data, now, key)
        for connection in shortcut.connections:
            if connection.is_changing or now >= connection.expires_at:
                return self._send_slowly(port, interface_id, data, now, key)
        for counter in shortcut.counters:
            if now >= counter.window_end:
                return self._send_slowly(port, interface_id, data, now, key)
        for connection in shortcut.connections:
            connection.expires_at = now + connection.timeout_s
        size_bytes = len(data)
        for counter in shortcut.counters:
            counter.packets += 1
            counter.bytes += size_bytes
            counter.last = now
        return shortcut.receiver_id

    def skip(self, interface_id: str, now: float) -> None:
        """Note that the wire lost a packet for an interface (see ``Aggregation.skip``)."""
        if port := self._ports.get(interface_id):
            self._aggregation.skip(port.network.paths.vpc.id, interface_id, now=now)

    def close(self, now: float, busy_vpcs: Collection[str]) -> list[FlowRecord]:
        """Return the records that are complete by now; busy_vpcs are those where a command runs."""
        for network in self._networks.values():
            network.connections.expire(now)
        return self._aggregation.close(now, busy_vpcs)

    def close_all(self, now: float) -> list[FlowRecord]:
        """Close every window and return the records, as if each had ended now."""
        return self._aggregation.close_all(now)

    def next_close(self, now: float, busy_vpcs: Collection[str] = ()) -> float | None:
        """Return when to call ``close`` next; None while nothing is open.

        Never sooner than 0.05 s from now, so that a loop that waits for it does not spin. Where
        busy_vpcs is left out, flows of a busy VPC may cause calls that have nothing to do.
        """
        earliest = self._aggregation.next_close(busy_vpcs)
        return None if earliest is None else max(earliest, now + _WAKE_AT_MOST_EVERY_S)

    def _send_slowly(
        self, port: _Port, interface_id: str, data: bytes, now: float, key: bytes | None
    ) -> str | None:
        network = port.network
        packet = parse(data)
        if packet and (data[6] & 0x3F or data[7]):
            packet = _reassemble(network, data, packet)
            if packet is None:
                self.skip(interface_id, now)
        if packet is None:
            return None
        path = network.paths.trace(packet, interface_id, network.connections, now)
        counters: list[Counter] = []
        for hop in path.hops:
            counters.extend(self._observe(network.paths.vpc, hop, packet, now))
        if path.crowded_id:
            self._aggregation.skip(network.paths.vpc.id, path.crowded_id, now=now)
        elif key is not None and _is_settled(path):
            if len(port.shortcuts) >= _SHORTCUTS_PER_PORT:
                port.shortcuts.clear()
            port.shortcuts[key] = _shortcut(path, tuple(counters), network.connections.opened)
        return path.receiver_id

    def _observe(self, vpc: Vpc, hop: Hop, packet: Packet, now: float) -> tuple[Counter, ...]:
        flow = _flow(vpc.interfaces[hop.interface_id], hop, packet)
        return self._aggregation.observe(
            vpc.id, flow, size_bytes=packet.length, tcp_flags=packet.tcp_flags, now=now
        )


def _is_settled(path: Path) -> bool:
    """Tell whether the flow's next packet would be judged just like this one."""
    return not any(
        hop.reason is Reason.CLOSED or (connection and not connection.is_settled(hop.direction))
        for hop, connection in zip(path.hops, path.connections, strict=False)
    )


def _shortcut(path: Path, counters: tuple[Counter, ...], opened: int) -> _Shortcut:
    connections = tuple(filter(None, path.connections))
    rejected = any(hop.action is Action.REJECT for hop in path.hops)
    return _Shortcut(path.receiver_id, connections, counters, opened if rejected else None)


def _flow(interface: NetworkInterface, hop: Hop, packet: Packet) -> Flow:
    """Return what one interface records of a packet.

    Its own end is its primary private address, whichever the packet bears; that one stands in
    pkt-srcaddr or pkt-dstaddr.

    Source: docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
    """
    leaves = hop.direction is Direction.EGRESS
    return Flow(
        interface.id,
        _TEXT[hop.direction],
        _TEXT[hop.action],
        interface.primary_ip if leaves else packet.srcaddr,
        packet.dstaddr if leaves else interface.primary_ip,
        packet.srcport,
        packet.dstport,
        packet.protocol,
        pkt_srcaddr=packet.srcaddr,
        pkt_dstaddr=packet.dstaddr,
    )


def _shortcut_key(data: bytes) -> bytes | None:
    """Return the header bytes that make a flow, or None for packets that need a closer look.

    Those are: malformed ones, fragments, headers with options, TCP's SYN, FIN and RST, ICMP errors.
    """
    size = len(data)
    if size < 28 or data[0] != 0x45 or data[6] & 0x3F or data[7] or data[2] << 8 | data[3] != size:
        return None
    protocol = data[9]
    if protocol == ICMP:
        return data[12:22] + data[24:26] if data[20] in (0, 8) else None
    if protocol == TCP:
        header_bytes = (data[32] >> 4) * 4 if size >= 40 else 0
        plain = 20 <= header_bytes <= size - 20 and not data[33] & (FIN | SYN | RST)
        return b"T" + data[12:24] if plain else None
    return b"U" + data[12:24] if protocol == UDP else None


def _reassemble(network: _Network, data: bytes, packet: Packet) -> Packet | None:
    """Lend a later fragment the headers of its first one; None if that was not seen.

    Security groups and flow logs know a flow by its ports, which only the first fragment carries.
    """
    key = data[4:6] + data[9:10] + data[12:20]
    if data[6] & 0x1F or data[7]:
        first = network.fragmented.get(key)
        return first._replace(length=packet.length) if first else None
    if len(network.fragmented) >= _FRAGMENTED_PACKETS:
        network.fragmented.clear()
    network.fragmented[key] = packet
    return packet
