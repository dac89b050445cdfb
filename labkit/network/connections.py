"""Connection tracking: what security groups remember of the flows they let through.

A tracked flow goes on, both ways, whatever becomes of the rule that allowed it, until it has been
idle for its timeout. Each network interface remembers on its own.
Source: docs.aws.amazon.com/AWSEC2/latest/UserGuide/security-group-connection-tracking.html
"""

from collections.abc import Collection
from heapq import heappop, heappush

from labkit.network.packets import (
    ACK,
    ECHO_REPLY,
    ECHO_REQUEST,
    FIN,
    ICMP,
    ICMP_ERRORS,
    RST,
    TCP,
    UDP,
    Direction,
    Packet,
)

# AWS's idle timeouts: the page above, "Connection tracking timeouts".
TCP_ESTABLISHED_S = 432_000.0
UDP_S = 30.0  # traffic in one direction only, or a single request and response
UDP_STREAM_S = 180.0  # more than one request and response
OTHER_PROTOCOLS_S = 600.0
# AWS tells no timeout for these: our choice.
ICMP_S = 30.0
TCP_OPENING_S = 60.0
TCP_CLOSED_S = 60.0

# AWS tells no number; it differs from one instance type to another: our choice.
MOST_PER_INTERFACE = 100_000
EXPIRED_AT_ONCE = 10_000  # a few milliseconds' work

# The answers of RFC 792 and RFC 950, by the type that they answer.
_REQUEST_OF = {ECHO_REPLY: ECHO_REQUEST, 14: 13, 16: 15, 18: 17}


def opposite(direction: Direction) -> Direction:
    """Return the other direction."""
    return Direction.INGRESS if direction is Direction.EGRESS else Direction.EGRESS


class Connection:
    """One tracked flow at one interface, alive until expires_at.

    is_settled tells that further packets of a direction change nothing but expires_at: who carries
    them may skip ``record`` and write ``expires_at = now + timeout_s`` itself, as long as
    is_changing is False.
    """

    __slots__ = ("expires_at", "is_changing", "timeout_s")
    is_closed = False

    def __init__(self, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self.expires_at = 0.0
        self.is_changing = False

    def record(self, packet: Packet, direction: Direction, now: float) -> None:
        """Take note of a packet that was let through."""
        self.expires_at = now + self.timeout_s

    def is_settled(self, direction: Direction) -> bool:
        return True


class UdpConnection(Connection):
    """A UDP flow: a stream once each side has sent twice."""

    __slots__ = ("_packets",)

    def __init__(self) -> None:
        super().__init__(UDP_S)
        self._packets = {Direction.INGRESS: 0, Direction.EGRESS: 0}

    def record(self, packet: Packet, direction: Direction, now: float) -> None:
        self._packets[direction] += 1
        if min(self._packets.values()) > 1:
            self.timeout_s = UDP_STREAM_S
        super().record(packet, direction, now)

    def is_settled(self, direction: Direction) -> bool:
        return self._packets[direction] > 1


class TcpConnection(Connection):
    """A TCP connection: established when both sides have sent, closed by RST or by both FINs.

    A FIN counts once it is acknowledged; what arrives after that is too late (is_closed).
    """

    __slots__ = ("_fin_ends", "_first", "_is_established", "is_closed")

    def __init__(self) -> None:
        self.timeout_s = TCP_OPENING_S
        self.expires_at = 0.0
        self.is_changing = False
        self._first: Direction | None = None  # the direction that was seen first
        self._is_established = self.is_closed = False
        # Per side that has sent its FIN: the number that acknowledges it; None once it was.
        self._fin_ends: dict[Direction, int | None] | None = None

    def record(self, packet: Packet, direction: Direction, now: float) -> None:
        if self._first is None:
            self._first = direction
        elif not self._is_established and direction is not self._first:
            self._is_established = True
            self.timeout_s = TCP_ESTABLISHED_S
        if packet.tcp_flags & FIN or self._fin_ends:
            self._note_closing(packet, direction)
        if packet.tcp_flags & RST or (
            self._fin_ends and list(self._fin_ends.values()) == [None, None]
        ):
            self.is_closed = self.is_changing = True
            self.timeout_s = TCP_CLOSED_S
        self.expires_at = now + self.timeout_s

    def _are_fins_acknowledged(self) -> bool:
        return bool(self._fin_ends) and list(self._fin_ends.values()) == [None, None]

    def _note_closing(self, packet: Packet, direction: Direction) -> None:
        ends = self._fin_ends = self._fin_ends or {}
        other = opposite(direction)
        if packet.tcp_flags & ACK and packet.acknowledgment_number == ends.get(other):
            ends[other] = None
        if packet.tcp_flags & FIN and direction not in ends:
            end = packet.sequence_number + packet.payload_bytes + 1
            ends[direction] = end & 0xFFFFFFFF
            self.is_changing = True

    def is_settled(self, direction: Direction) -> bool:
        return self._is_established and not self.is_changing


class Connections:
    """The tracked connections of every interface of one VPC, so many at each and not more.

    Source: docs.aws.amazon.com/AWSEC2/latest/UserGuide/security-group-connection-tracking.html,
    "Connection tracking throttling"
    """

    def __init__(self, most_per_interface: int = MOST_PER_INTERFACE) -> None:
        self.opened = 0  # how many, ever
        self._most_per_interface = most_per_interface
        self._tables: dict[str, dict[tuple, Connection]] = {}
        # When to look whether a connection has been idle long enough; the number breaks ties.
        self._looks: list[tuple[float, int, str, tuple, Connection]] = []

    def __len__(self) -> int:
        return sum(map(len, self._tables.values()))

    def find(
        self, interface_id: str, packet: Packet, direction: Direction, now: float
    ) -> Connection | None:
        """Return the living connection that a packet belongs to, as seen by one interface.

        An ICMP error belongs to the connection of the packet that caused it.
        """
        table = self._tables.get(interface_id)
        if not table:
            return None
        if packet.cause and is_icmp_error(packet):
            return self.find(interface_id, packet.cause, opposite(direction), now)
        for key in _keys(packet, direction):
            connection = table.get(key)
            if connection and now < connection.expires_at:
                return connection
        return None

    def open(
        self, interface_id: str, packet: Packet, direction: Direction, now: float
    ) -> Connection | None:
        """Start to track the flow of a packet that the rules have let through.

        None when the interface tracks as many as it can: then AWS drops the packet.
        """
        table = self._tables.get(interface_id)
        if table is None:
            table = self._tables[interface_id] = {}
        key = _keys(packet, direction)[-1]
        if len(table) >= self._most_per_interface and key not in table:
            return None
        connection = table[key] = _new_connection(packet.protocol)
        connection.record(packet, direction, now)
        self.opened += 1
        heappush(self._looks, (connection.expires_at, self.opened, interface_id, key, connection))
        return connection

    def expire(self, now: float, at_most: int = EXPIRED_AT_ONCE) -> None:
        """Forget connections that have been idle for their timeout, but so many at once only.

        ``find`` passes over those that are due and still there: this is about memory and room.
        """
        for _ in range(at_most):
            if not self._looks or self._looks[0][0] > now:
                return
            _, number, interface_id, key, connection = heappop(self._looks)
            table = self._tables.get(interface_id, {})
            if table.get(key) is not connection:  # its interface is gone, or it was opened anew
                continue
            if now >= connection.expires_at:
                del table[key]
            else:
                look = (connection.expires_at, number, interface_id, key, connection)
                heappush(self._looks, look)

    def keep(self, interface_ids: Collection[str]) -> None:
        """Forget the connections of every interface but these."""
        for interface_id in [id_ for id_ in self._tables if id_ not in interface_ids]:
            del self._tables[interface_id]


def is_icmp_error(packet: Packet) -> bool:
    """Tell whether a packet reports what became of another one."""
    return packet.protocol == ICMP and packet.icmp_type in ICMP_ERRORS


def _new_connection(protocol: int) -> Connection:
    if protocol == TCP:
        return TcpConnection()
    if protocol == UDP:
        return UdpConnection()
    return Connection(ICMP_S if protocol == ICMP else OTHER_PROTOCOLS_S)


def _keys(packet: Packet, direction: Direction) -> tuple[tuple, ...]:
    """Return what a packet's connection may be known by; the last is the one it would open.

    TCP and UDP: addresses and ports, both ways alike. ICMP: addresses, identifier, the request's
    type and who asked, so that an answer belongs to its request and a request of the other side
    does not. Other protocols: addresses and the protocol's number.
    """
    near, far = packet.srcaddr, packet.dstaddr
    near_port, far_port = packet.srcport, packet.dstport
    if direction is Direction.INGRESS:
        near, far, near_port, far_port = far, near, far_port, near_port
    if packet.protocol != ICMP:
        return ((packet.protocol, near, near_port, far, far_port),)
    ends = (ICMP, near, far, packet.icmp_identifier)
    own = (*ends, packet.icmp_type, direction)
    if packet.icmp_type in _REQUEST_OF:
        return (*ends, _REQUEST_OF[packet.icmp_type], opposite(direction)), own
    return (own,)
