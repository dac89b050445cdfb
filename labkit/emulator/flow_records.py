"""What is counted and what comes of it: captures, flows, counters, flow records.

Source: docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

from labkit.network.packets import ACK, FIN, RST, SYN

OK, NO_DATA, SKIP_DATA = "OK", "NODATA", "SKIPDATA"


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
    log_status: str  # "OK", or "NODATA" or "SKIPDATA": then nothing but interface and times counts
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

    __slots__ = (
        "bytes",
        "capture",
        "first",
        "flow",
        "last",
        "log_status",
        "packets",
        "tcp_flags",
        "window_end",
    )

    def __init__(self, capture: Capture, flow: Flow, now: float, log_status: str = OK) -> None:
        self.capture = capture
        self.flow = flow
        self.log_status = log_status
        self.window_end = (now // capture.interval_s + 1) * capture.interval_s
        self.first = self.last = now
        self.packets = self.bytes = self.tcp_flags = 0

    def add(self, size_bytes: int, tcp_flags: int, now: float) -> None:
        self.packets += 1
        self.bytes += size_bytes
        self.tcp_flags |= tcp_flags
        self.last = now

    @property
    def is_reported(self) -> bool:
        """Whether a record comes of it: a capture may count what it leaves out, too."""
        return self.capture.traffic_type in ("ALL", self.flow.action) or self.log_status != OK

    def close(self, vpc_id: str, closed_at: float) -> FlowRecord:
        self.window_end = -math.inf
        return FlowRecord(
            flow_log_id=self.capture.flow_log_id,
            vpc_id=vpc_id,
            packets=self.packets,
            bytes=self.bytes,
            start=int(min(self.first, self.last)),  # a clock may be set back
            end=int(max(self.first, self.last)),
            log_status=self.log_status,
            tcp_flags=self.tcp_flags,
            closed_at=closed_at,
            **self.flow._asdict(),
        )


def no_flow(interface_id: str) -> Flow:
    """Return what a record is about that is about no traffic."""
    return Flow(interface_id, "", "", "", "", 0, 0, 0, "", "")


def no_data(capture: Capture, interface_id: str, vpc_id: str, window_end: float) -> FlowRecord:
    """Return the record of a window in which nothing passed the interface.

    Source: docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html
    """
    return FlowRecord(
        flow_log_id=capture.flow_log_id,
        vpc_id=vpc_id,
        packets=0,
        bytes=0,
        start=int(window_end) - capture.interval_s,
        end=int(window_end) - 1,
        log_status=NO_DATA,
        tcp_flags=0,
        closed_at=window_end,
        **no_flow(interface_id)._asdict(),
    )
