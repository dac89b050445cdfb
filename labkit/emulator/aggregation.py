"""From observed packets to flow records: capture windows, counting, closing."""

from dataclasses import dataclass


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
