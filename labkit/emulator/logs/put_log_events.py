"""PutLogEvents: what a batch may be, and which of its events are not kept.

moto tells the last event of the rejected where AWS tells where they end or begin, and knows neither
the limits of a batch nor the retention.
Source: docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html and
API_RejectedLogEventsInfo.html
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from labkit.emulator.operations import Call, Operations
from labkit.emulator.refusal import ServiceError
from labkit.emulator.upstream import Clients

MAX_EVENTS = 10_000
MAX_BATCH_BYTES = 1_048_576
EVENT_OVERHEAD_BYTES = 26
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
MAX_AGE_MS = 14 * DAY_MS
MAX_AHEAD_MS = 2 * HOUR_MS

Events = Sequence[dict[str, Any]]


class PutLogEvents:
    """The operation, in front of moto's, which keeps the events.

    Args:
        inner: clients straight to moto.
        clock: gives the time in epoch seconds.
    """

    def __init__(self, inner: Clients, clock: Callable[[], float] = time.time):
        self._inner = inner
        self._clock = clock

    def operations(self) -> Operations:
        return {("logs", "PutLogEvents"): self.put_log_events}

    def put_log_events(self, call: Call) -> dict[str, Any]:
        logs, asked = self._inner("logs", call.region), call.parameters
        events = asked["logEvents"]
        check_batch(events)
        retention = _retention_days(logs, asked["logGroupName"])
        _check_stream(logs, asked["logGroupName"], asked["logStreamName"])
        now_ms = int(self._clock() * 1000)
        kept, rejected = split(events, now_ms, retention and retention * DAY_MS)
        answer: dict[str, Any] = {}
        if kept:
            answer = logs.put_log_events(**{**asked, "logEvents": kept})
            answer.pop("ResponseMetadata")
            answer.pop("rejectedLogEventsInfo", None)
        return {**answer, **({"rejectedLogEventsInfo": rejected} if rejected else {})}


def check_batch(events: Events) -> None:
    """Refuse a batch that breaks the limits: count, size, order, and a span of 24 hours."""
    if len(events) > MAX_EVENTS:
        raise _invalid(f"A batch has at most {MAX_EVENTS} log events.")
    size = sum(len(event["message"].encode()) + EVENT_OVERHEAD_BYTES for event in events)
    if size > MAX_BATCH_BYTES:
        raise _invalid(f"Upload too large: {size} bytes exceeds limit of {MAX_BATCH_BYTES}")
    times = [event["timestamp"] for event in events]
    if times != sorted(times):
        raise _invalid(
            "Log events in a single PutLogEvents request must be in chronological order."
        )
    if times and times[-1] - times[0] > DAY_MS:
        raise _invalid(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 "
            "hours."
        )


def split(
    events: Events, now_ms: int, retention_ms: int | None
) -> tuple[list[dict[str, Any]], dict[str, int]]:
    """Return the events that are kept, and where the others end (exclusive) or begin."""
    times = [event["timestamp"] for event in events]
    too_old = sum(at < now_ms - MAX_AGE_MS for at in times)
    expired = sum(at < now_ms - retention_ms for at in times) if retention_ms else 0
    too_new = next((n for n, at in enumerate(times) if at > now_ms + MAX_AHEAD_MS), None)
    rejected = {
        "tooNewLogEventStartIndex": too_new,
        "tooOldLogEventEndIndex": too_old or None,
        "expiredLogEventEndIndex": expired or None,
    }
    kept = list(events[max(too_old, expired) : too_new])
    return kept, {name: index for name, index in rejected.items() if index is not None}


def _retention_days(logs: Any, group: str) -> int | None:
    groups = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    found = [item for item in groups if item["logGroupName"] == group]
    if not found:
        raise ServiceError("ResourceNotFoundException", "The specified log group does not exist.")
    return found[0].get("retentionInDays")


def _check_stream(logs: Any, group: str, stream: str) -> None:
    answer = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=stream)
    if stream not in {item["logStreamName"] for item in answer["logStreams"]}:
        raise ServiceError("ResourceNotFoundException", "The specified log stream does not exist.")


def _invalid(message: str) -> ServiceError:
    return ServiceError("InvalidParameterException", message)
