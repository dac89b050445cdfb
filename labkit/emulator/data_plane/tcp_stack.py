"""TCP for interfaces without a kernel of their own: ports, connections, resets (RFC 9293)."""

import itertools
import secrets
from collections.abc import Callable, Collection
from functools import partial

from labkit.emulator.data_plane import tcp_segments
from labkit.emulator.data_plane.loop import Loop
from labkit.emulator.data_plane.tcp_connection import HEADERS_BYTES, Events, TcpConnection
from labkit.emulator.data_plane.tcp_segments import ACK, RST, SYN, Segment

Accept = Callable[[TcpConnection], Events]
"""Takes a connection whose SYN has come; says who is told of it."""

_FIRST_PORT, _PORTS = 32768, 28232  # Linux's ip_local_port_range


class PortInUse(Exception):
    """Somebody listens on the port already."""


class TcpStack:
    """The connections of one host.

    Args:
        loop: for timers.
        send: puts a packet with this source and destination address on its way.
        mtu: the interface's.
        is_silent: closed ports do not answer, instead of refusing with RST.
    """

    def __init__(
        self,
        loop: Loop,
        send: Callable[[str, str, bytes], None],
        *,
        mtu: int,
        is_silent: bool = False,
    ) -> None:
        self._loop, self._send = loop, send
        self._mss = mtu - HEADERS_BYTES
        self._is_silent = is_silent
        self._connections: dict[tuple[str, int, str, int], TcpConnection] = {}
        self._listeners: dict[int, Accept] = {}
        self._numbers = itertools.count(secrets.randbelow(1 << 16))  # of packets
        self._ports = itertools.count(secrets.randbelow(_PORTS))

    def connect(self, srcaddr: str, far: tuple[str, int], events: Events) -> TcpConnection:
        """Open a connection from an address of ours to an address and port."""
        made = self._make((srcaddr, self._free_port(srcaddr, far)), far)
        made.events = events
        made.open()
        return made

    def listen(self, port: int, accept: Accept) -> None:
        """Accept connections to a port of any of our addresses.

        Raises:
            PortInUse: it is taken.
        """
        if port in self._listeners:
            raise PortInUse
        self._listeners[port] = accept

    def stop_listening(self, port: int) -> None:
        del self._listeners[port]

    def receive(self, data: bytes) -> None:
        """Take a packet for one of our addresses; damaged ones are ignored."""
        segment = tcp_segments.parse(data)
        if segment is None:
            return
        key = segment.dstaddr, segment.dstport, segment.srcaddr, segment.srcport
        if connection := self._connections.get(key):
            connection.take(segment)
        elif segment.flags & (SYN | ACK | RST) == SYN and segment.dstport in self._listeners:
            made = self._make(key[:2], key[2:])
            made.events = self._listeners[segment.dstport](made)
            made.answer(segment)
        elif not segment.flags & RST and not self._is_silent:
            self._refuse(segment)

    def close(self) -> None:
        """Forget all connections without a word: the host is gone."""
        self._send = lambda *_: None
        for connection in list(self._connections.values()):
            connection.abort()

    def _make(self, near: tuple[str, int], far: tuple[str, int]) -> TcpConnection:
        made = self._connections[*near, *far] = TcpConnection(
            near,
            far,
            loop=self._loop,
            transmit=self._transmit,
            forget=self._forget,
            first_number=secrets.randbits(32),
            mss=self._mss,
        )
        return made

    def _forget(self, connection: TcpConnection) -> None:
        del self._connections[*connection.near, *connection.far]

    def _free_port(self, srcaddr: str, far: tuple[str, int]) -> int:
        used: Collection[tuple[str, int, str, int]] = self._connections.keys()
        for number in self._ports:
            port = _FIRST_PORT + number % _PORTS
            if (srcaddr, port, *far) not in used:
                return port
        raise AssertionError("the count is endless")

    def _refuse(self, segment: Segment) -> None:
        """Answer with RST what belongs to no connection.

        Source: RFC 9293, section 3.10.7.1
        """
        if segment.flags & ACK:
            sequence, acknowledgment, flags = segment.acknowledgment, 0, RST
        else:
            acknowledgment = (segment.sequence + segment.length) % (1 << 32)
            sequence, flags = 0, RST | ACK
        self._transmit(
            Segment(
                segment.dstaddr,
                segment.srcaddr,
                segment.dstport,
                segment.srcport,
                sequence,
                acknowledgment,
                flags,
                window=0,
            )
        )

    def _transmit(self, segment: Segment) -> None:
        """Send, but not at once: what answers may only be heard when the sender is done."""
        data = tcp_segments.packet(segment, next(self._numbers))
        self._loop.call_later(0, partial(self._put, segment.srcaddr, segment.dstaddr, data))

    def _put(self, srcaddr: str, dstaddr: str, data: bytes) -> None:
        self._send(srcaddr, dstaddr, data)
