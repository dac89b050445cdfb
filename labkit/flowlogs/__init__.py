"""Flow log records: from S3 and from CloudWatch Logs, the ping in them, the two compared."""

from labkit.flowlogs import aggregate, cloudwatch, compare, files, filters, records, s3
from labkit.flowlogs.delays import delivery_delays
from labkit.flowlogs.diagnosis import diagnose
from labkit.flowlogs.filters import Filter, parse_filter
from labkit.flowlogs.ping_records import (
    agrees,
    find_ping,
    is_complete,
    ping_window,
    sum_packets,
    wait_for,
)

__all__ = [
    "Filter",
    "aggregate",
    "agrees",
    "cloudwatch",
    "compare",
    "delivery_delays",
    "diagnose",
    "files",
    "filters",
    "find_ping",
    "is_complete",
    "parse_filter",
    "ping_window",
    "records",
    "s3",
    "sum_packets",
    "wait_for",
]
