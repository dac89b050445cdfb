"""The events of a log group: fetched page by page, several time slices at once.

Source: docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import boto3
from botocore.config import Config

from labkit.errors import LabError
from labkit.flowlogs import event_pages
from labkit.flowlogs.event_pages import Page
from labkit.flowlogs.time_slices import Slice, Slices

# AWS answers 5 to 25 of these calls a second, by Region, whoever asks:
# docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
# With a third of a second a call, four at a time are about what it takes; the others wait, up to
# 20 s each time, about a minute in all.
AT_ONCE = 4
PATIENT = Config(retries={"mode": "standard", "total_max_attempts": 10})
MOST_STREAMS = 100
"""The most streams that one call may name."""

BROKEN_ANSWERS = 3

Result = TypeVar("Result")


def connect(aws: boto3.Session) -> Any:
    """Return a client of CloudWatch Logs whose `events` are a `Page`.

    botocore's own parser walks over each event by its model, which takes ten times as long as
    all the rest. Here its answer's events are set before it parses.
    """
    client: Any = aws.client("logs", config=PATIENT)
    client.meta.events.register("before-parse.cloudwatch-logs.FilterLogEvents", _parse_first)
    return client


def _parse_first(
    response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any
) -> None:
    body = response_dict["body"]
    if response_dict["status_code"] >= 300:
        return
    try:
        page, token = event_pages.read(body)
    except ValueError:
        customized_response_dict["unread"] = body[:200]  # see _ask
        return
    customized_response_dict["events"] = page
    if token is not None:
        customized_response_dict["nextToken"] = token
    response_dict["body"] = b"{}"


@dataclass(slots=True)
class Cursor(Generic[Result]):
    """Where the reading of one slice stands: it goes on from the token of the last page read."""

    query: Mapping[str, Any]
    slices: Slices
    slice: Slice
    token: str | None = None
    pages: int = 0
    events: int = 0
    ended: bool = False
    ahead: Future[Result] | None = None

    def asked(self) -> dict[str, Any]:
        asked = dict(self.query)
        if self.slice.first is not None:
            asked["startTime"] = self.slice.first * 1000
        if self.slice.last is not None:
            asked["endTime"] = self.slice.last * 1000 + 999  # both ends are included
        if self.token is not None:
            asked["nextToken"] = self.token
        return asked

    def forget_failure(self) -> None:
        if self.ahead is not None and self.ahead.done() and self.ahead.exception():
            self.ahead = None

    def passed(self, answer: Mapping[str, Any], page: Page) -> None:
        self.token = answer.get("nextToken")
        self.pages += 1
        self.events += page.count
        # A page may be empty although others follow: only a missing token is the end.
        self.ended = self.token is None


@dataclass(slots=True)
class Events(Generic[Result]):
    """All pages of some queries over a span, in the order of time within each query.

    Iterate again after an error, and the reading goes on where it stopped.

    Args:
        client: From `connect`.
        queries: Of FilterLogEvents, without times and token.
        first: The first second of the span, or None.
        last: Its last second, or None.
        now: The present second.
        work: What becomes of each page; runs beside the fetching of others.
    """

    client: Any
    queries: Sequence[Mapping[str, Any]]
    first: int | None
    last: int | None
    now: int
    work: Callable[[Page], Result]
    _active: deque[Cursor[Result]] = field(default_factory=deque)
    _to_begin: Iterator[Cursor[Result]] = field(init=False)

    def __post_init__(self) -> None:
        self._to_begin = self._cursors()

    def __iter__(self) -> Iterator[Result]:
        for cursor in self._active:
            cursor.forget_failure()
        with ThreadPoolExecutor(AT_ONCE) as pool:
            while self._fill(pool):
                yield self._take()

    def _cursors(self) -> Iterator[Cursor[Result]]:
        for query in self.queries:
            slices = Slices(self.first, self.last, self.now)
            for each in slices:
                yield Cursor(query, slices, each)

    def _fill(self, pool: ThreadPoolExecutor) -> bool:
        """See to it that each of the foremost slices has a page on its way, or here."""
        while len(self._active) < AT_ONCE and (cursor := next(self._to_begin, None)):
            self._active.append(cursor)
        for cursor in self._active:
            if cursor.ahead is None and not cursor.ended:
                cursor.ahead = pool.submit(self._fetch, cursor)
        return bool(self._active)

    def _take(self) -> Result:
        cursor = self._active[0]
        assert cursor.ahead is not None
        ahead, cursor.ahead = cursor.ahead, None
        result = ahead.result()
        if cursor.ended:
            self._active.popleft()
            cursor.slices.learn(cursor.pages, cursor.events)
        return result

    def _fetch(self, cursor: Cursor[Result]) -> Result:
        answer = _ask(self.client, cursor.asked())
        page = answer["events"]
        result = self.work(page)
        cursor.passed(answer, page)
        return result


def _ask(client: Any, asked: Mapping[str, Any]) -> Mapping[str, Any]:
    """Ask until the answer is whole: one that breaks off is no error to botocore."""
    answer: dict[str, Any] = {}
    for _ in range(BROKEN_ANSWERS):
        answer = client.filter_log_events(**asked)
        if "events" in answer:
            return answer
    raise LabError(
        f"CloudWatch Logs answered {BROKEN_ANSWERS} times what is no JSON, or only a part of it: "
        f"{answer.get('unread')!r}. Is a proxy in between?"
    )


def earliest_second(client: Any, queries: Sequence[Mapping[str, Any]]) -> int | None:
    """Return the time of the first event that there is, None if there is none."""
    found = [first for query in queries if (first := _first_of(client, query)) is not None]
    return min(found, default=None)


def _first_of(client: Any, query: Mapping[str, Any]) -> int | None:
    token: dict[str, str] = {}
    while True:
        answer = _ask(client, {**query, **token, "limit": 1})
        if answer["events"].count:
            return answer["events"].events.field("timestamp")[0].as_py() // 1000
        if "nextToken" not in answer:
            return None
        token = {"nextToken": answer["nextToken"]}
