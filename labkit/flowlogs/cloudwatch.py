"""Flow log records from a log group of CloudWatch Logs.

Source: docs.aws.amazon.com/vpc/latest/userguide/flow-logs-cwl.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import pandas as pd

from labkit.fields import DEFAULT_FIELDS
from labkit.flowlogs.records import parse_table, to_frame
from labkit.flowlogs.window import Window

# An event's time is its record's start: a record that reaches into the span may have begun the
# longest aggregation interval earlier, and AWS's own times are up to a minute off.
SLACK = timedelta(seconds=600 + 60)


def read(
    logs: Any,
    group: str,
    *,
    start: datetime,
    end: datetime | None = None,
    fields: Sequence[str] = DEFAULT_FIELDS,
    pattern: str | None = None,
) -> pd.DataFrame:
    """Read the flow log records of a log group that overlap a span of time.

    An event holds one record and nothing else, so the log format must be known: ask
    DescribeFlowLogs for its LogFormat and give it to `fields.parse_format`.

    Args:
        logs: A boto3 client of CloudWatch Logs.
        group: The log group's name.
        start: Records that end before it are left out. With a time zone.
        end: Records that start after it are left out; None for no limit.
        fields: The log format's names, in its order.
        pattern: A filter pattern for CloudWatch Logs to apply before it answers.

    Returns:
        As `s3.read`, in the order of the events. `attrs["read"]` has the account of the lines,
        the `events` read, and how many rows lay `outside` of the span.

    Raises:
        ClientError: ResourceNotFoundException and the like.
        RecordFormatError: A message does not fit the log format.
    """
    window = Window(start, end)
    messages = [event["message"] for event in events(logs, group, window, pattern)]
    data = "".join(message.rstrip("\r\n") + "\n" for message in messages).encode()
    table, counts = parse_table(data, fields, file=f"Log group {group}")
    kept = window.overlapping(table)
    counts = counts._replace(events=len(messages), outside=len(table) - len(kept))
    return to_frame(kept, counts)


def events(
    logs: Any, group: str, window: Window, pattern: str | None = None
) -> Iterator[dict[str, Any]]:
    """Yield the events of all pages; a page may be empty although others follow.

    Source: docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
    """
    query: dict[str, Any] = {
        "logGroupName": group,
        "startTime": int((window.start - SLACK).timestamp()) * 1000,
    }
    if window.end is not None:
        query["endTime"] = int(window.end.timestamp()) * 1000
    if pattern:
        query["filterPattern"] = pattern
    for page in logs.get_paginator("filter_log_events").paginate(**query):
        yield from page["events"]
