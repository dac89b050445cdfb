"""Reading log events: FilterLogEvents is ours, two others are moto's and mended.

Source: docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
"""

from __future__ import annotations

import uuid
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labkit.emulator.logs.patterns import compile_pattern
from labkit.emulator.operations import Call, Operations
from labkit.emulator.refusal import ServiceError
from labkit.emulator.upstream import Clients

MAX_EVENTS = 10_000
MAX_PAGE_BYTES = 1_048_576
MAX_SEARCHED = 1_000
"""Events that a pattern is tried on for one page. AWS's number is not documented."""
EVENT_OVERHEAD_BYTES = 26
EARLIEST_BACKWARD_MS = 1_704_067_200_000  # 2024-01-01, for startFromHead=false
KEPT_TOKENS = 64


@dataclass(frozen=True, slots=True)
class _Rest:
    """What a nextToken stands for: the events that were there when the first page was asked for."""

    asked: dict[str, Any]
    events: list[dict[str, Any]]
    offset: int


class LogEvents:
    """Log events as CloudWatch Logs gives them back.

    The pages of one FilterLogEvents query are cut from what was there when its first page was
    asked for. The last 64 tokens are kept.

    Args:
        inner: clients of moto, which keeps the events.
    """

    def __init__(self, inner: Clients):
        self._inner = inner
        self._rests: OrderedDict[str, _Rest] = OrderedDict()

    def operations(self) -> Operations:
        return {
            ("logs", "FilterLogEvents"): self.filter_log_events,
            ("logs", "GetLogEvents"): self.get_log_events,
            ("logs", "DescribeLogStreams"): self.describe_log_streams,
        }

    def filter_log_events(self, call: Call) -> dict[str, Any]:
        """Answer the matching events of all streams together, in order of time.

        Ordered by timestamp, then by ingestion; searchedLogStreams is always empty, as on AWS.
        A page ends, too, once the pattern was tried on so many events: it may hold few events or
        none, and yet have a token.
        """
        parameters = _with_group_name(call.parameters)
        asked = {k: v for k, v in parameters.items() if k not in ("nextToken", "limit")}
        limit = _limit(parameters)
        token = parameters.get("nextToken")
        rest = self._rest(asked, token) if token else _Rest(asked, self._all(call, asked), 0)
        matches = compile_pattern(asked.get("filterPattern", ""))
        searched = MAX_SEARCHED if asked.get("filterPattern") else len(rest.events)
        found, end = _page(rest.events, rest.offset, matches, limit=limit, searched=searched)
        answer: dict[str, Any] = {"events": found, "searchedLogStreams": []}
        if end < len(rest.events):
            answer["nextToken"] = self._keep(_Rest(asked, rest.events, end))
        return answer

    def _all(self, call: Call, asked: Mapping[str, Any]) -> list[dict[str, Any]]:
        compile_pattern(asked.get("filterPattern", ""))  # one that is refused reads nothing
        events = self._read(call, asked)
        events.sort(key=lambda event: (event["timestamp"], event["ingestionTime"]))
        return events if _starts_from_head(asked) else events[::-1]

    def _read(self, call: Call, asked: Mapping[str, Any]) -> list[dict[str, Any]]:
        logs = self._inner("logs", call.region)
        group = asked["logGroupName"]
        names, prefix = asked.get("logStreamNames", []), asked.get("logStreamNamePrefix", "")
        if names and prefix:
            message = "Only one of logStreamNames and logStreamNamePrefix may be given."
            raise ServiceError("InvalidParameterException", message)
        _check_streams(logs, group, names)
        narrowed = {k: asked[k] for k in ("startTime", "endTime") if k in asked}
        if names:
            narrowed["logStreamNames"] = names
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, **narrowed)
        events = (event for page in pages for event in page["events"])
        return [event for event in events if event["logStreamName"].startswith(prefix)]

    def _rest(self, asked: Mapping[str, Any], token: str) -> _Rest:
        rest = self._rests.get(token)
        if rest is None or rest.asked != asked:
            message = "The specified nextToken is invalid."
            raise ServiceError("InvalidParameterException", message)
        return rest

    def _keep(self, rest: _Rest) -> str:
        token = uuid.uuid4().hex
        self._rests[token] = rest
        while len(self._rests) > KEPT_TOKENS:
            self._rests.popitem(last=False)
        return token

    def get_log_events(self, call: Call) -> dict[str, Any]:
        """Answer one stream's events; endTime is exclusive (moto: inclusive).

        Source: docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html
        """
        parameters = _with_group_name(call.parameters)
        _limit(parameters)
        if "endTime" in parameters:
            parameters["endTime"] = max(parameters["endTime"] - 1, 0)
        logs = self._inner("logs", call.region)
        _check_streams(logs, parameters["logGroupName"], [parameters["logStreamName"]])
        return _answer(logs.get_log_events(**parameters))

    def describe_log_streams(self, call: Call) -> dict[str, Any]:
        """Answer a group's streams; storedBytes is always 0, as on AWS since 2019.

        Source: docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_LogStream.html
        """
        parameters = _with_group_name(call.parameters)
        answer = _answer(self._inner("logs", call.region).describe_log_streams(**parameters))
        streams = [{**stream, "storedBytes": 0} for stream in answer["logStreams"]]
        return {**answer, "logStreams": streams}


def _answer(response: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in response.items() if key != "ResponseMetadata"}


def _with_group_name(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Replace logGroupIdentifier, a name or an ARN, by logGroupName: moto knows only that."""
    given = dict(parameters)
    identifier, name = given.pop("logGroupIdentifier", None), given.get("logGroupName")
    if (identifier is None) == (name is None):
        message = "Exactly one of logGroupName and logGroupIdentifier must be given."
        raise ServiceError("InvalidParameterException", message)
    if identifier is not None:
        given["logGroupName"] = identifier.split(":log-group:", 1)[-1]
    return given


def _limit(parameters: Mapping[str, Any]) -> int:
    limit = parameters.get("limit", MAX_EVENTS)
    if not 1 <= limit <= MAX_EVENTS:
        message = (
            f"1 validation error detected: Value '{limit}' at 'limit' failed to satisfy "
            f"constraint: Member must be between 1 and {MAX_EVENTS}"
        )
        raise ServiceError("InvalidParameterException", message)
    return limit


def _starts_from_head(asked: Mapping[str, Any]) -> bool:
    if asked.get("startFromHead", True):
        return True
    if asked.get("startTime", 0) < EARLIEST_BACKWARD_MS:
        message = "startFromHead false needs a startTime of 2024-01-01 or later."
        raise ServiceError("InvalidParameterException", message)
    return False


def _page(
    events: list[dict[str, Any]],
    offset: int,
    matches: Callable[[str], bool],
    *,
    limit: int,
    searched: int,
) -> tuple[list[dict[str, Any]], int]:
    """Return what matches from an offset on, and where the next page begins.

    A page has so many events at most, and 1 MB, and comes of so many that were searched.
    """
    found: list[dict[str, Any]] = []
    size_bytes, end = 0, min(offset + searched, len(events))
    for index in range(offset, end):
        event = events[index]
        if not matches(event["message"]):
            continue
        size_bytes += len(event["message"].encode()) + EVENT_OVERHEAD_BYTES
        if len(found) == limit or (found and size_bytes > MAX_PAGE_BYTES):
            return found, index
        found.append(event)
    return found, end


def _check_streams(logs: Any, group: str, names: Sequence[str]) -> None:
    if names and not _stream_names(logs, group).issuperset(names):
        message = "The specified log stream does not exist."
        raise ServiceError("ResourceNotFoundException", message)


def _stream_names(logs: Any, group: str) -> set[str]:
    pages = logs.get_paginator("describe_log_streams").paginate(logGroupName=group)
    return {stream["logStreamName"] for page in pages for stream in page["logStreams"]}
