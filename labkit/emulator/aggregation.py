"""From observed packets to flow records: capture windows, counting, closing.

Windows follow the clock: with an interval of 60 s, each begins at a full minute. Every capture has
windows of its own. A record is one flow, one direction and one action at one network interface in
one window.

Source: docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
"""

import math
from collections import deque
from collections.abc import Collection, Iterator, Mapping

from labkit.emulator.flow_records import (
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
# Of one capture at one interface, at the same time. AWS skips records for want of capacity, too.
MOST_FLOWS = 100_000
RECORDS_AT_ONCE = 2000  # of one VPC: what is done between two packets must be short

_Counters = dict[Flow, Counter]


class _OpenFlows:
    """The captures and open counters of one VPC; quiet is None where silence is not reported."""

    def __init__(self, vpc_id: str, quiet: QuietWindows | None, most_flows: int) -> None:
        self.vpc_id = vpc_id
        self._quiet = quiet
        self._most_flows = most_flows
        self.captures: Mapping[str, tuple[Capture, ...]] = {}
        self._watching: dict[str, tuple[tuple[Capture, _Counters], ...]] = {}
        self._ended: deque[Counter] = deque()  # no longer open, and no record yet
        # No counter ends, and none was last counted up, before these.
        self._earliest_end = self._earliest_last = math.inf

    def set_captures(self, captures: Mapping[str, tuple[Capture, ...]]) -> None:
        """Watch with these captures from the next packet on; what others have open, closes."""
        self.captures = captures
        if self._quiet:
            self._quiet.watch(captures)
        before = {
            (interface_id, capture): counters
            for interface_id, watching in self._watching.items()
            for capture, counters in watching
        }
        self._watching = {
            interface_id: tuple((one, before.pop((interface_id, one), {})) for one in found)
            for interface_id, found in captures.items()
        }
        for counters in before.values():
            self._ended.extend(counters.values())

    def observe(
        self, flow: Flow, size_bytes: int, tcp_flags: int, now: float
    ) -> tuple[Counter, ...]:
        counted = []
        for capture, counters in self._watching.get(flow.interface_id, ()):
            if not self._quiet and capture.traffic_type not in ("ALL", flow.action):
                continue
            counter = counters.get(flow)
            if counter is None or now >= counter.window_end:
                counter = self._open(capture, counters, flow, counter, now)
            counter.add(size_bytes, tcp_flags, now)
            counted.append(counter)
        return tuple(counted)

    def skip(self, interface_id: str, now: float) -> None:
        for capture, counters in self._watching.get(interface_id, ()):
            self._skipped(capture, counters, interface_id, now).add(0, 0, now)

    def _open(
        self, capture: Capture, counters: _Counters, flow: Flow, ended: Counter | None, now: float
    ) -> Counter:
        """Return a flow's new counter, or where there are too many, that of what is skipped."""
        if ended is None and len(counters) >= self._most_flows:
            return self._skipped(capture, counters, flow.interface_id, now)
        if ended:
            self._ended.append(ended)
        counter = counters[flow] = Counter(capture, flow, now)
        self._note(counter)
        return counter

    def _skipped(
        self, capture: Capture, counters: _Counters, interface_id: str, now: float
    ) -> Counter:
        flow = no_flow(interface_id)
        counter = counters.get(flow)
        if counter and now < counter.window_end:
            return counter
        if counter:
            self._ended.append(counter)
        counter = counters[flow] = Counter(capture, flow, now, SKIP_DATA)
        self._note(counter)
        return counter

    def _note(self, counter: Counter) -> None:
        if self._quiet:
            self._quiet.disturb(counter.capture, counter.flow.interface_id, counter.window_end)
        if counter.window_end < self._earliest_end:
            self._earliest_end = counter.window_end
        if counter.last < self._earliest_last:
            self._earliest_last = counter.last

    def close(self, now: float, *, idle_s: float, at_most: float) -> Iterator[FlowRecord]:
        """Yield what is complete: windows that have ended, flows silent for idle_s."""
        if now >= self._next_end(idle_s):
            self._end_counters(now, idle_s)
        told = 0
        while self._ended and told < at_most:
            counter = self._ended.popleft()
            record = counter.close(self.vpc_id, min(now, counter.window_end))
            if counter.is_reported:
                told += 1
                yield record

    def _end_counters(self, now: float, idle_s: float) -> None:
        idle_since = now - idle_s
        self._earliest_end = self._earliest_last = math.inf
        for watching in self._watching.values():
            for _, counters in watching:
                done = [
                    counter
                    for counter in counters.values()
                    if now >= counter.window_end or idle_since >= counter.last
                ]
                for counter in done:
                    del counters[counter.flow]
                self._ended.extend(done)
                for counter in counters.values():
                    self._earliest_end = min(self._earliest_end, counter.window_end)
                    self._earliest_last = min(self._earliest_last, counter.last)

    def silences(self, now: float) -> Iterator[FlowRecord]:
        """Yield a NODATA record for each whole window that has passed in silence."""
        return self._quiet.close(self.vpc_id, now) if self._quiet else iter(())

    @property
    def is_over(self) -> bool:
        """Whether nobody watches and everything is told."""
        return not self.captures and not self._ended

    def _next_end(self, idle_s: float) -> float:
        return min(self._earliest_end, self._earliest_last + idle_s)

    def next_close(self, *, idle_s: float) -> float:
        """Return a time before which nothing closes; infinity when nothing is open."""
        if self._ended:
            return -math.inf
        quiet = self._quiet.next_close() if self._quiet else math.inf
        return min(self._next_end(idle_s), quiet)


class Aggregation:
    """Counts packets per flow and capture window, and hands out the records of closed windows.

    A window closes at its end. With pace "lab" a flow's window also closes when the flow has been
    silent for IDLE_S and no command runs in its VPC; with pace "aws" it does not, but a whole
    window that passes in silence gives a NODATA record. What would be more than most_flows in one
    capture at one interface is not counted: a SKIPDATA record tells of it.
    """

    def __init__(self, pace: str, most_flows: int = MOST_FLOWS) -> None:
        self._is_lab = pace == "lab"
        self._most_flows = most_flows
        self._idle_s = IDLE_S if self._is_lab else math.inf
        self._vpcs: dict[str, _OpenFlows] = {}

    def set_captures(self, vpc_id: str, captures: Mapping[str, tuple[Capture, ...]]) -> None:
        """Watch the interfaces of a VPC with these captures, by interface id.

        A capture that is new sees only later packets. What a removed one has open becomes records
        of the next ``close``.
        """
        if vpc_id not in self._vpcs:
            quiet = None if self._is_lab else QuietWindows()
            self._vpcs[vpc_id] = _OpenFlows(vpc_id, quiet, self._most_flows)
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
        """Return records that are complete by now, many of them in several calls.

        busy_vpcs are those where a command runs. ``next_close`` tells whether more are left.
        """
        records: list[FlowRecord] = []
        for vpc_id, vpc in list(self._vpcs.items()):
            idle_s = math.inf if vpc_id in busy_vpcs else self._idle_s
            records.extend(vpc.close(now, idle_s=idle_s, at_most=RECORDS_AT_ONCE))
            records.extend(vpc.silences(now))
            if vpc.is_over:
                del self._vpcs[vpc_id]
        return records

    def close_all(self, now: float) -> list[FlowRecord]:
        """Close every window and return the records, as if each had ended now."""
        return [
            record
            for vpc in self._vpcs.values()
            for record in vpc.close(now, idle_s=-math.inf, at_most=math.inf)
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
