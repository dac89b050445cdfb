"""Flow log records: from S3 and from CloudWatch Logs, the ping in them, the two compared."""

from labkit.flowlogs import cloudwatch, compare, records, s3
from labkit.flowlogs.delays import delivery_delays
from labkit.flowlogs.diagnosis import diagnose
from labkit.flowlogs.ping_records import (
    agrees,
    find_ping,
    is_complete,
    ping_window,
    sum_packets,
    wait_for,
)

__all__ = [
    "agrees",
    "cloudwatch",
    "compare",
    "delivery_delays",
    "diagnose",
    "find_ping",
    "is_complete",
    "ping_window",
    "records",
    "s3",
    "sum_packets",
    "wait_for",
]
