"""Flow log records: from S3 and from CloudWatch Logs, the ping in them, the two compared."""

from labkit.flowlogs import cloudwatch, compare, diagnosis, records, s3
from labkit.flowlogs.ping_records import (
    expect_packets,
    find_ping,
    is_complete,
    ping_window,
    sum_packets,
)

__all__ = [
    "cloudwatch",
    "compare",
    "diagnosis",
    "expect_packets",
    "find_ping",
    "is_complete",
    "ping_window",
    "records",
    "s3",
    "sum_packets",
]
