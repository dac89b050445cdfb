"""What ping does, without sockets or a clock: the kit's ping and in-process hosts run it.

Source: github.com/iputils/iputils, ping/ping_common.c (pinger, schedule_exit, finish).
"""

from collections.abc import Callable, Generator

from labkit.emulator.data_plane import icmp, ping_text
from labkit.emulator.data_plane.ping_options import PingOptions

_FLOOD_INTERVAL_S = 0.01  # without replies; with them a flood sends as they come
_MOST_IN_FLIGHT = 100
_TIMED_BYTES = 16  # smaller payloads have no room for ping's timestamp: it prints no times

Send = Callable[[int, bytes], None]
"""Send an echo request with this sequence number and data; OSError is written out."""


class PingSession:
    """One run of ping.

    Drive ``run`` as a generator: it yields the time until which to wait (None: no limit) and takes
    the ICMP message that came, or None when the time is over; its value is the exit code.
    """

    def __init__(
        self,
        options: PingOptions,
        address: str,
        *,
        send: Send,
        write: Callable[[str], None],
        clock: Callable[[], float],
    ) -> None:
        self._options, self._address = options, address
        self._send, self._write, self._clock = send, write, clock
        self._sent_at: dict[int, float] = {}  # by sequence number, until the reply
        self._answered: set[int] = set()
        self._counts = ping_text.Statistics()
        self._started_at = clock()
        self._changed_at = self._started_at
        self._data = bytes(index & 0xFF for index in range(options.size_bytes))
        self._interval_s = _FLOOD_INTERVAL_S if options.flood else options.interval_s

    def run(self) -> Generator[float | None, icmp.Message | None, int]:
        self._write(
            ping_text.first_line(self._options.destination, self._address, self._options.size_bytes)
        )
        next_at = self._clock()
        while not self._is_done():
            if self._may_send() and self._clock() >= next_at:
                self._send_one()
                next_at += self._interval_s
                if self._options.flood:
                    next_at = self._clock() + self._interval_s
            until = next_at if self._may_send() else self._last_wait()
            message = yield self._before_deadline(until)
            if message is not None:
                self._take(message)
                if self._options.flood and message.sequence == self._counts.transmitted & 0xFFFF:
                    next_at = self._clock()
            elif not self._may_send() and self._clock() >= until:
                break
        return self.finish()

    def finish(self) -> int:
        """Write the statistics; also what SIGINT does. Returns the exit code."""
        elapsed_s = self._changed_at - self._started_at
        self._write(
            ping_text.last_lines(
                self._options.destination, self._counts, elapsed_s, self._options.flood
            )
        )
        count, received = self._options.count, self._counts.received
        too_few = self._options.deadline_s is not None and count is not None and received < count
        return int(not received or too_few)

    def _is_done(self) -> bool:
        deadline_s, count = self._options.deadline_s, self._options.count
        if deadline_s is not None and (
            self._clock() >= self._started_at + deadline_s or self._counts.errors
        ):
            return True
        return count is not None and self._counts.received + self._counts.errors >= count

    def _may_send(self) -> bool:
        """Say whether another request is due some time; with -w it goes on until enough came."""
        count = self._options.count
        if count is None or self._options.deadline_s is not None:
            return True
        return self._counts.transmitted < count

    def _last_wait(self) -> float:
        """Return until when the last replies may come: two of the longest trips, -W at most."""
        wait_s = self._options.timeout_s
        if self._counts.trips_us:
            wait_s = max(2 * max(self._counts.trips_us) / 1e6, self._interval_s)
        return max(self._sent_at.values(), default=self._clock()) + wait_s

    def _before_deadline(self, until: float) -> float:
        if self._options.deadline_s is None:
            return until
        return min(until, self._started_at + self._options.deadline_s)

    def _send_one(self) -> None:
        if len(self._sent_at) >= _MOST_IN_FLIGHT and self._options.flood:
            self._sent_at.pop(next(iter(self._sent_at)))
        sequence = (self._counts.transmitted + 1) & 0xFFFF
        self._sent_at[sequence] = self._changed_at = self._clock()
        self._answered.discard(sequence)
        self._counts.transmitted += 1
        if self._options.flood and not self._options.quiet:
            self._write(".")
        self._send(sequence, self._data)

    def _take(self, message: icmp.Message) -> None:
        now = self._clock()
        if message.type == icmp.ECHO_REPLY and message.srcaddr == self._address:
            self._take_reply(message, now)
        elif message.type == icmp.UNREACHABLE:
            self._counts.errors += 1
            self._sent_at.pop(message.sequence, None)
            line = ping_text.error_line(message.srcaddr, message.sequence, _why(message.code))
            self._write("" if self._options.quiet else line)

    def _take_reply(self, message: icmp.Message, now: float) -> None:
        sequence = message.sequence
        sent_at = self._sent_at.pop(sequence, None)
        duplicate = sequence in self._answered
        if sent_at is None and not duplicate:
            return
        self._answered.add(sequence)
        self._changed_at = now
        trip_us = None
        if sent_at is not None:
            self._counts.received += 1
            if self._options.size_bytes >= _TIMED_BYTES:
                trip_us = max(0, int((now - sent_at) * 1e6))
                self._counts.add(trip_us)
        self._counts.duplicates += duplicate
        self._write_reply(message, trip_us, duplicate)

    def _write_reply(self, message: icmp.Message, trip_us: int | None, duplicate: bool) -> None:
        if self._options.quiet:
            return
        if self._options.flood:
            self._write("\b \b")
            return
        self._write(
            ping_text.reply_line(
                message.size_bytes,
                message.srcaddr,
                message.sequence,
                message.ttl,
                trip_us,
                duplicate,
            )
        )


def _why(code: int) -> str:
    return {
        0: "Destination Net Unreachable",
        1: "Destination Host Unreachable",
        3: "Destination Port Unreachable",
        13: "Packet filtered",
    }.get(code, f"Dest Unreachable, Bad Code: {code}")
