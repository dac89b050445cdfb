"""One TCP connection of a host without a kernel of its own (RFC 9293, the small part of it).

It has what the wire can ask of it: both handshakes, data in order, acknowledgments, retransmission
with back-off, resets. It has no window scaling, no selective acknowledgment, no congestion control:
nothing on the wire is slow, and segments are only ever lost, never reordered.
"""

from collections.abc import Callable
from typing import Protocol

from labkit.emulator.data_plane.loop import Loop, Timer
from labkit.emulator.data_plane.tcp_segments import ACK, FIN, PSH, RST, SYN, Segment

HEADERS_BYTES = 40  # of IPv4 and TCP
REFUSED, RESET, TIMED_OUT = "Connection refused", "Connection reset by peer", "Connection timed out"

_WINDOW = 65535
_FIRST_WAIT_S = 1.0  # as Linux waits for an answer to a SYN
_DATA_WAIT_S = 0.3
_LONGEST_WAIT_S = 60.0
_SYN_RETRIES, _DATA_RETRIES = 6, 15  # Linux's tcp_syn_retries and tcp_retries2
_TIME_WAIT_S = 2.0
_MODULUS = 1 << 32


class Events(Protocol):
    """Is told what becomes of a connection; none of this is called within ``send`` or ``close``."""

    def connected(self) -> None: ...

    def received(self, data: bytes) -> None: ...

    def finished(self) -> None:
        """The other side will send no more."""
        ...

    def ended(self, problem: str | None) -> None:
        """It is over: closed by both sides (None), or one of REFUSED, RESET, TIMED_OUT."""
        ...


class TcpConnection:
    """A connection's numbers and timer. ``forget`` is called once, when it is over."""

    def __init__(
        self,
        near: tuple[str, int],
        far: tuple[str, int],
        *,
        loop: Loop,
        transmit: Callable[[Segment], None],
        forget: Callable[["TcpConnection"], None],
        first_number: int,
        mss: int,
    ) -> None:
        self.near, self.far = near, far
        self.events: Events
        self._loop, self._transmit, self._forget = loop, transmit, forget
        self._own_mss = self._mss = mss
        self._start = self._una = self._next = self._newest = first_number
        self._receive_next = 0
        self._peer_window = _WINDOW
        self._buffer = bytearray()  # from _una on, SYN and FIN left out
        self._flags = SYN  # of the opening segment
        self._is_open = self._is_over = False
        self._is_closing = self._peer_has_finished = self._has_told = False
        self._fin_end: int | None = None  # the number that acknowledges our FIN, once sent
        self._retries = 0
        self._timer: Timer | None = None

    # What its owner asks for

    def open(self) -> None:
        """Send a SYN."""
        self._send_opening()

    def answer(self, syn: Segment) -> None:
        """Send a SYN-ACK."""
        self._flags = SYN | ACK
        self._take_options(syn)
        self._send_opening()

    def send(self, data: bytes) -> None:
        self._buffer += data
        if self._is_open:
            self._flush()

    def close(self) -> None:
        """Send no more after what was given to ``send``; what comes is still received."""
        self._is_closing = True
        if self._is_open:
            self._flush()
        elif self._flags == SYN:
            self._end(None, tell=False)

    def abort(self) -> None:
        """End at once with RST, and tell nobody here."""
        if not self._is_over and (self._is_open or self._flags != SYN):
            self._put(RST | ACK, self._next)
        self._end(None, tell=False)

    # What comes from the wire

    def take(self, segment: Segment) -> None:
        """Receive a segment for this connection."""
        if segment.flags & RST:
            self._take_reset(segment)
        elif not self._is_open and self._flags == SYN:
            self._take_answer(segment)
        elif segment.flags & SYN:
            # The opening once more: what answered it was lost.
            if self._is_open:
                self._put(ACK, self._next)
            else:
                self._send_opening()
        else:
            self._take_plain(segment)

    def _take_reset(self, segment: Segment) -> None:
        if not self._is_open and self._flags == SYN:
            if segment.flags & ACK and segment.acknowledgment == self._next:
                self._end(REFUSED)
        elif segment.sequence == self._receive_next:
            self._end(RESET)

    def _take_answer(self, segment: Segment) -> None:
        if segment.flags & (SYN | ACK) != SYN | ACK or segment.acknowledgment != self._next:
            return
        self._take_options(segment)
        self._opened(segment)
        self._put(ACK, self._next)
        self.events.connected()

    def _take_plain(self, segment: Segment) -> None:
        if not segment.flags & ACK:
            return
        if not self._is_open:
            if segment.acknowledgment != self._next:
                return
            self._opened(segment)
            self.events.connected()
        self._take_acknowledgment(segment)
        if not self._is_over:
            self._take_data(segment)

    def _take_options(self, syn: Segment) -> None:
        self._receive_next = _add(syn.sequence, 1)
        self._mss = min(self._own_mss, syn.mss)

    def _opened(self, segment: Segment) -> None:
        self._is_open = True
        self._una = self._next
        self._peer_window = segment.window
        self._stop_timer()
        if self._buffer or self._is_closing:
            self._loop.call_later(0, self._flush)

    def _take_acknowledgment(self, segment: Segment) -> None:
        self._peer_window = segment.window
        acknowledged = _distance(self._una, segment.acknowledgment)
        if not 0 < acknowledged <= _distance(self._una, self._newest):
            return
        del self._buffer[:acknowledged]  # a FIN's number is beyond its end
        self._una = segment.acknowledgment
        if _distance(self._next, self._una) < _MODULUS // 2:
            self._next = self._una
        self._stop_timer()
        if self._una == self._fin_end and self._peer_has_finished:
            self._end(None)
        else:
            self._flush()

    def _take_data(self, segment: Segment) -> None:
        if not segment.length:
            return
        old = _distance(segment.sequence, self._receive_next)
        is_new = old < segment.length and not self._peer_has_finished
        data = segment.data[old:] if is_new else b""
        if is_new:
            self._receive_next = _add(self._receive_next, segment.length - old)
            self._peer_has_finished = bool(segment.flags & FIN)
        self._put(ACK, self._next)
        if not is_new:
            return
        if data:
            self.events.received(data)
        if self._peer_has_finished and not self._is_over:
            self.events.finished()
            if self._una == self._fin_end:  # we answer what the other side may have to repeat
                self._loop.call_later(_TIME_WAIT_S, lambda: self._end(None))
                self._tell(None)

    # What goes to the wire

    def _send_opening(self) -> None:
        self._next = self._newest = _add(self._start, 1)
        self._put(self._flags, self._start)
        if self._timer is None:
            self._start_timer(_FIRST_WAIT_S)

    def _flush(self) -> None:
        """Send what is due of the data and the FIN, as far as the other side has room."""
        if self._is_over:
            return
        window = max(self._peer_window, 1)  # a full one is probed with a byte
        while (sent := _distance(self._una, self._next)) < min(window, len(self._buffer)):
            data = bytes(self._buffer[sent : min(sent + self._mss, window)])
            self._put(ACK | PSH, self._next, data)
            self._advance(len(data))
        if self._is_closing and sent == len(self._buffer) and self._una != self._fin_end:
            self._put(ACK | FIN, self._next)
            self._advance(1)
            self._fin_end = self._next
        if self._una != self._next and self._timer is None:
            self._start_timer(_DATA_WAIT_S)

    def _advance(self, count: int) -> None:
        self._next = _add(self._next, count)
        if _distance(self._newest, self._next) < _MODULUS // 2:
            self._newest = self._next

    def _put(self, flags: int, sequence: int, data: bytes = b"") -> None:
        acknowledgment = self._receive_next if flags & ACK else 0
        self._transmit(
            Segment(
                self.near[0],
                self.far[0],
                self.near[1],
                self.far[1],
                sequence,
                acknowledgment,
                flags,
                _WINDOW,
                data,
                self._own_mss,
            )
        )

    # Time

    def _start_timer(self, first_s: float) -> None:
        wait_s = min(first_s * 2**self._retries, _LONGEST_WAIT_S)
        self._timer = self._loop.call_later(wait_s, self._send_again)

    def _stop_timer(self) -> None:
        self._retries = 0
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _send_again(self) -> None:
        self._timer = None
        self._retries += 1
        if self._retries > (_DATA_RETRIES if self._is_open else _SYN_RETRIES):
            self._end(TIMED_OUT)
        elif self._is_open:
            self._next = self._una
            self._flush()
        else:
            self._send_opening()

    def _end(self, problem: str | None, *, tell: bool = True) -> None:
        if self._is_over:
            return
        self._is_over = True
        self._stop_timer()
        self._forget(self)
        if tell:
            self._tell(problem)

    def _tell(self, problem: str | None) -> None:
        if not self._has_told:
            self._has_told = True
            self.events.ended(problem)


def _add(number: int, count: int) -> int:
    return (number + count) % _MODULUS


def _distance(first: int, second: int) -> int:
    """Return how far second is ahead; numbers behind are very far ahead."""
    return (second - first) % _MODULUS
