"""Flow log records: from S3 and from CloudWatch Logs, the ping in them, the two compared.

What stands here is imported when it is first used: local files need no AWS client.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

_MODULE_OF = {
    "Filter": "filters",
    "agrees": "ping_records",
    "delivery_delays": "delays",
    "diagnose": "diagnosis",
    "find_ping": "ping_records",
    "is_complete": "ping_records",
    "parse_filter": "filters",
    "ping_window": "ping_records",
    "sum_packets": "ping_records",
    "wait_for": "ping_records",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(f"{__name__}.{_MODULE_OF.get(name, name)}")
    return getattr(module, name) if name in _MODULE_OF else module


def __dir__() -> list[str]:
    return __all__
