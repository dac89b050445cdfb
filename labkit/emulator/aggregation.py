"""From observed packets to flow records: capture windows, counting, closing.

Windows follow the clock: with an interval of 60 s, each begins at a full minute. Every capture has
windows of its own. A record is one flow, one direction and one action at one network interface in
one window.

Source: docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
"""

import math
from collections.abc import Collection, Iterator, Mapping

from labkit.emulator.flow_records import (
    OK,
    SKIP_DATA,
    Capture,
    Counter,
    Flow,
    FlowRecord,
    no_flow,
    reported_tcp_flags,
)
from labkit.emulator.quiet_windows import QuietWindows

IDLE_S = 0.2


class _OpenFlows:
    """The captures and open counters of one VPC; quiet is None where silence is not reported."""

    def __init__(self, vpc_id: str, quiet: QuietWindows | None) -> None:
        self.vpc_id = vpc_id
        self._quiet = quiet
        self.captures: Mapping[str, tuple[Capture, ...]] = {}
        self._counters: dict[tuple[str, Flow], Counter] = {}
        self._removed: list[Counter] = []
        self._rolled: list[FlowRecord] = []
        # No counter ends, and none was last counted up, before these.
        self._earliest_end = self._earliest_last = math.inf

    def set_captures(self, captures: Mapping[str, tuple[Capture, ...]]) -> None:
        """Watch with these captures from the next packet on; what others have open, closes."""
        self.captures = captures
        if self._quiet:
            self._quiet.watch(captures)
        for key, counter in list(self._counters.items()):
            if counter.capture not in captures.get(counter.flow.interface_id, ()):
                self._removed.append(self._counters.pop(key))

    def observe(
        self, flow: Flow, size_bytes: int, tcp_flags: int, now: float
    ) -> tuple[Counter, ...]:
        counters = tuple(
            self._counter(capture, flow, now)
            for capture in self.captures.get(flow.interface_id, ())
            if self._quiet or capture.traffic_type in ("ALL", flow.action)
        )
        for counter in counters:
            counter.add(size_bytes, tcp_flags, now)
        return counters

    def skip(self, interface_id: str, now: float) -> None:
        for capture in self.captures.get(interface_id, ()):
            self._counter(capture, no_flow(interface_id), now, SKIP_DATA).add(0, 0, now)

    def _counter(self, capture: Capture, flow: Flow, now: float, log_status: str = OK) -> Counter:
        key = (capture.flow_log_id, flow)
        counter = self._counters.get(key)
        if counter and now >= counter.window_end:
            self._rolled.extend(self._record(counter, counter.window_end))
            counter = None
        if counter is None:
            counter = self._counters[key] = Counter(capture, flow, now, log_status)
            if self._quiet:
                self._quiet.disturb(capture, flow.interface_id, counter.window_end)
            self._earliest_end = min(self._earliest_end, counter.window_end)
            self._earliest_last = min(self._earliest_last, now)
        return counter

    def close(self, now: float, *, idle_s: float) -> Iterator[FlowRecord]:
        """Yield what is complete: windows that have ended, flows silent for idle_s."""
        rolled, self._rolled = self._rolled, []
        yield from rolled
        removed, self._removed = self._removed, []
        for counter in removed:
            yield from self._record(counter, min(now, counter.window_end))
        if self._counters and now >= self._next_end(idle_s):
            yield from self._close_counters(now, idle_s)

    def _close_counters(self, now: float, idle_s: float) -> Iterator[FlowRecord]:
        done = {
            key: counter
            for key, counter in self._counters.items()
            if now >= counter.window_end or now >= counter.last + idle_s
        }
        for key, counter in done.items():
            del self._counters[key]
            yield from self._record(counter, min(now, counter.window_end))
        left = self._counters.values()
        self._earliest_end = min((counter.window_end for counter in left), default=math.inf)
        self._earliest_last = min((counter.last for counter in left), default=math.inf)

    def _record(self, counter: Counter, closed_at: float) -> Iterator[FlowRecord]:
        record = counter.close(self.vpc_id, closed_at)
        if counter.is_reported:
            yield record

    def silences(self, now: float) -> Iterator[FlowRecord]:
        """Yield a NODATA record for each whole window that has passed in silence."""
        return self._quiet.close(self.vpc_id, now) if self._quiet else iter(())

    def _next_end(self, idle_s: float) -> float:
        return min(self._earliest_end, self._earliest_last + idle_s)

    def next_close(self, *, idle_s: float) -> float:
        """Return a time before which nothing closes; infinity when nothing is open."""
        if self._rolled or self._removed:
            return -math.inf
        quiet = self._quiet.next_close() if self._quiet else math.inf
        return min(self._next_end(idle_s), quiet)


class Aggregation:
    """Counts packets per flow and capture window, and hands out the records of closed windows.

    A window closes at its end. With pace "lab" a flow's window also closes when the flow has been
    silent for IDLE_S and no command runs in its VPC; with pace "aws" it does not, but a whole
    window that passes in silence gives a NODATA record.
    """

    def __init__(self, pace: str) -> None:
        self._is_lab = pace == "lab"
        self._idle_s = IDLE_S if self._is_lab else math.inf
        self._vpcs: dict[str, _OpenFlows] = {}

    def set_captures(self, vpc_id: str, captures: Mapping[str, tuple[Capture, ...]]) -> None:
        """Watch the interfaces of a VPC with these captures, by interface id.

        A capture that is new sees only later packets. What a removed one has open becomes records
        of the next ``close``.
        """
        if vpc_id not in self._vpcs:
            self._vpcs[vpc_id] = _OpenFlows(vpc_id, None if self._is_lab else QuietWindows())
        self._vpcs[vpc_id].set_captures(dict(captures))

    def observe(
        self, vpc_id: str, flow: Flow, *, size_bytes: int, tcp_flags: int, now: float
    ) -> tuple[Counter, ...]:
        """Count one packet in each capture that watches it; return their open counters."""
        vpc = self._vpcs.get(vpc_id)
        if vpc is None:  # nobody watches anything there
            return ()
        return vpc.observe(flow, size_bytes, reported_tcp_flags(tcp_flags), now)

    def skip(self, vpc_id: str, interface_id: str, *, now: float) -> None:
        """Note that something was dropped at an interface which its records do not tell right.

        Each capture of the interface has one SKIPDATA record for the window. It stands for any
        number of flows.

        Source: docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html
        """
        if vpc := self._vpcs.get(vpc_id):
            vpc.skip(interface_id, now)

    def close(self, now: float, busy_vpcs: Collection[str]) -> list[FlowRecord]:
        """Return the records that are complete by now; busy_vpcs are those where a command runs."""
        records: list[FlowRecord] = []
        for vpc_id, vpc in list(self._vpcs.items()):
            idle_s = math.inf if vpc_id in busy_vpcs else self._idle_s
            records.extend(vpc.close(now, idle_s=idle_s))
            records.extend(vpc.silences(now))
            if not vpc.captures:
                del self._vpcs[vpc_id]
        return records

    def close_all(self, now: float) -> list[FlowRecord]:
        """Close every window and return the records, as if each had ended now."""
        return [
            record for vpc in self._vpcs.values() for record in vpc.close(now, idle_s=-math.inf)
        ]

    def next_close(self, busy_vpcs: Collection[str] = ()) -> float | None:
        """Return a time before which ``close`` has nothing to do; None while nothing is open."""
        earliest = min(
            (
                vpc.next_close(idle_s=math.inf if vpc_id in busy_vpcs else self._idle_s)
                for vpc_id, vpc in self._vpcs.items()
            ),
            default=math.inf,
        )
        return None if earliest == math.inf else earliest
