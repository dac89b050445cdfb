"""From observed packets to flow records: capture windows, counting, closing.

Windows follow the clock: with an interval of 60 s, each begins at a full minute. Every capture has
windows of its own. A record is one flow, one direction and one action at one network interface in
one window.

Source: docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
"""

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from labkit.network.packets import ACK, FIN, RST, SYN

IDLE_S = 0.2
OK = "OK"


@dataclass(frozen=True, slots=True)
class Capture:
    """One flow log as it watches one network interface."""

    flow_log_id: str
    traffic_type: str  # "ALL", "ACCEPT" or "REJECT"
    interval_s: int  # the maximum aggregation interval: 60 or 600


@dataclass(frozen=True, slots=True)
class FlowRecord:
    """One flow on one network interface in one capture window; fields named as AWS names them."""

    flow_log_id: str
    interface_id: str
    vpc_id: str
    srcaddr: str
    dstaddr: str
    srcport: int
    dstport: int
    protocol: int
    packets: int
    bytes: int
    start: int  # epoch seconds of the first packet in the window, rounded down
    end: int  # and of the last
    action: str  # "ACCEPT" or "REJECT"
    log_status: str  # "OK"; NODATA and SKIPDATA have their room here
    tcp_flags: int
    direction: str  # flow-direction: "ingress" or "egress"
    pkt_srcaddr: str
    pkt_dstaddr: str
    closed_at: float  # epoch seconds when the window closed and the record was complete


class Flow(NamedTuple):
    """What a record is about: everything that two packets of one record have in common."""

    interface_id: str
    direction: str
    action: str
    srcaddr: str
    dstaddr: str
    srcport: int
    dstport: int
    protocol: int
    pkt_srcaddr: str
    pkt_dstaddr: str


def reported_tcp_flags(flags: int) -> int:
    """Return what tcp-flags says of one packet: SYN-ACK is 18, otherwise only FIN, SYN and RST.

    Source: docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
    """
    if flags & (SYN | ACK) == SYN | ACK:
        return flags & (FIN | SYN | RST | ACK)
    return flags & (FIN | SYN | RST)


class Counter:
    """One flow in one open window of one capture.

    Open until window_end (epoch seconds), which is minus infinity once it is closed. Who knows it
    to be open may count an unflagged packet itself: packets, bytes and last.
    """

    __slots__ = ("bytes", "capture", "first", "flow", "last", "packets", "tcp_flags", "window_end")

    def __init__(self, capture: Capture, flow: Flow, now: float) -> None:
        self.capture = capture
        self.flow = flow
        self.window_end = (now // capture.interval_s + 1) * capture.interval_s
        self.first = self.last = now
        self.packets = self.bytes = self.tcp_flags = 0

    def add(self, size_bytes: int, tcp_flags: int, now: float) -> None:
        self.packets += 1
        self.bytes += size_bytes
        self.tcp_flags |= tcp_flags
        self.last = now

    def close(self, vpc_id: str, closed_at: float) -> FlowRecord:
        self.window_end = -math.inf
        return FlowRecord(
            flow_log_id=self.capture.flow_log_id,
            vpc_id=vpc_id,
            packets=self.packets,
            bytes=self.bytes,
            start=int(min(self.first, self.last)),  # a clock may be set back
            end=int(max(self.first, self.last)),
            log_status=OK,
            tcp_flags=self.tcp_flags,
            closed_at=closed_at,
            **self.flow._asdict(),
        )


class _OpenFlows:
    """The captures and open counters of one VPC."""

    def __init__(self, vpc_id: str) -> None:
        self.vpc_id = vpc_id
        self.captures: Mapping[str, tuple[Capture, ...]] = {}
        self._counters: dict[tuple[str, Flow], Counter] = {}
        self._removed: list[Counter] = []
        self._rolled: list[FlowRecord] = []
        # No counter ends, and none was last counted up, before these.
        self._earliest_end = self._earliest_last = math.inf

    def set_captures(self, captures: Mapping[str, tuple[Capture, ...]]) -> None:
        """Watch with these captures from the next packet on; what others have open, closes."""
        self.captures = captures
        for key, counter in list(self._counters.items()):
            if counter.capture not in captures.get(counter.flow.interface_id, ()):
                self._removed.append(self._counters.pop(key))

    def observe(
        self, flow: Flow, size_bytes: int, tcp_flags: int, now: float
    ) -> tuple[Counter, ...]:
        counters = tuple(
            self._counter(capture, flow, now)
            for capture in self.captures.get(flow.interface_id, ())
            if capture.traffic_type in ("ALL", flow.action)
        )
        for counter in counters:
            counter.add(size_bytes, tcp_flags, now)
        return counters

    def _counter(self, capture: Capture, flow: Flow, now: float) -> Counter:
        key = (capture.flow_log_id, flow)
        counter = self._counters.get(key)
        if counter and now >= counter.window_end:
            self._rolled.append(counter.close(self.vpc_id, counter.window_end))
            counter = None
        if counter is None:
            counter = self._counters[key] = Counter(capture, flow, now)
            self._earliest_end = min(self._earliest_end, counter.window_end)
            self._earliest_last = min(self._earliest_last, now)
        return counter

    def close(self, now: float, *, idle_s: float) -> Iterator[FlowRecord]:
        """Yield what is complete: windows that have ended, flows silent for idle_s."""
        rolled, self._rolled = self._rolled, []
        yield from rolled
        removed, self._removed = self._removed, []
        for counter in removed:
            yield counter.close(self.vpc_id, min(now, counter.window_end))
        if self._counters and now >= self.next_close(idle_s=idle_s):
            yield from self._close_counters(now, idle_s)

    def _close_counters(self, now: float, idle_s: float) -> Iterator[FlowRecord]:
        done = {
            key: counter
            for key, counter in self._counters.items()
            if now >= counter.window_end or now >= counter.last + idle_s
        }
        for key, counter in done.items():
            del self._counters[key]
            yield counter.close(self.vpc_id, min(now, counter.window_end))
        left = self._counters.values()
        self._earliest_end = min((counter.window_end for counter in left), default=math.inf)
        self._earliest_last = min((counter.last for counter in left), default=math.inf)

    def next_close(self, *, idle_s: float) -> float:
        """Return a time before which nothing closes; infinity when nothing is open."""
        if self._rolled or self._removed:
            return -math.inf
        return min(self._earliest_end, self._earliest_last + idle_s)


class Aggregation:
    """Counts packets per flow and capture window, and hands out the records of closed windows.

    A window closes at its end. With pace "lab" a flow's window also closes when the flow has been
    silent for IDLE_S and no command runs in its VPC; with pace "aws" it does not.
    """

    def __init__(self, pace: str) -> None:
        self._idle_s = IDLE_S if pace == "lab" else math.inf
        self._vpcs: dict[str, _OpenFlows] = {}

    def set_captures(self, vpc_id: str, captures: Mapping[str, tuple[Capture, ...]]) -> None:
        """Watch the interfaces of a VPC with these captures, by interface id.

        A capture that is new sees only later packets. What a removed one has open becomes records
        of the next ``close``.
        """
        self._vpcs.setdefault(vpc_id, _OpenFlows(vpc_id)).set_captures(dict(captures))

    def observe(
        self, vpc_id: str, flow: Flow, *, size_bytes: int, tcp_flags: int, now: float
    ) -> tuple[Counter, ...]:
        """Count one packet in each capture that watches it; return their open counters."""
        vpc = self._vpcs.get(vpc_id)
        if vpc is None:  # nobody watches anything there
            return ()
        return vpc.observe(flow, size_bytes, reported_tcp_flags(tcp_flags), now)

    def close(self, now: float, busy_vpcs: Collection[str]) -> list[FlowRecord]:
        """Return the records that are complete by now; busy_vpcs are those where a command runs."""
        records: list[FlowRecord] = []
        for vpc_id, vpc in list(self._vpcs.items()):
            idle_s = math.inf if vpc_id in busy_vpcs else self._idle_s
            records.extend(vpc.close(now, idle_s=idle_s))
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
