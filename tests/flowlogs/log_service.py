"""A local stand-in for CloudWatch Logs: FilterLogEvents as its documentation has it, over HTTP.

It serves events that it was given, pages of at most 10,000 events or 1 MB of messages, by time and
by stream, with tokens; and DescribeFlowLogs of EC2. Faults can be laid in its way.

Source: docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
"""

import bisect
import json
import threading
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import accumulate
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

PAGE_EVENTS = 10_000
PAGE_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent instead of the regular answer; with `is_cut`, half of it, and good-bye."""

    status: int = 200
    body: bytes = b"{}"
    is_cut: bool = False

    @classmethod
    def error(cls, code: str, message: str = "", status: int = 400) -> "Answer":
        return cls(status, json.dumps({"__type": code, "message": message}).encode())


@dataclass
class Group:
    """One log group.

    Attributes:
        events: Pairs of the stream's name and (Unix milliseconds, message), by time.
        formats: The LogFormat of each flow log that delivers to the group.
    """

    events: list[tuple[str, int, str]] = field(default_factory=list)
    formats: list[str] = field(default_factory=list)
    page_events: int = PAGE_EVENTS

    def put(self, message: str, stream: str = "eni-1-all", at: int | None = None) -> None:
        """Add an event at its record's start, the eleventh field of the default format."""
        milliseconds = int(message.split()[10]) * 1000 if at is None else at
        bisect.insort(self.events, (stream, milliseconds, message), key=lambda event: event[1])


class Service:
    """The groups by name, the requests so far, and what lies in their way.

    Attributes:
        fault: Called with each request of FilterLogEvents, numbered from 1; what it returns is
            answered instead, or None.
    """

    def __init__(self) -> None:
        self.groups: dict[str, Group] = {}
        self.requests: list[dict] = []
        self.fault: Callable[[int, dict], Answer | None] = lambda number, asked: None
        self.url = ""
        self._lock = threading.Lock()
        self._rendered: dict[str, tuple[list[int], list[bytes], list[str], list[int]]] = {}

    def answer(self, headers, body: bytes) -> Answer:
        operation = headers.get("X-Amz-Target", "").rpartition(".")[2]
        if operation != "FilterLogEvents":
            return self._describe_flow_logs(parse_qs(body.decode()))
        asked = json.loads(body)
        with self._lock:
            self.requests.append(asked)
            number = len(self.requests)
        return self.fault(number, asked) or self._filter(asked)

    def warm_up(self, name: str) -> None:
        """Have the answers of a group ready."""
        self._render(name, self.groups[name])

    def _filter(self, asked: dict) -> Answer:
        group = self.groups.get(asked["logGroupName"])
        if group is None:
            text = "The specified log group does not exist."
            return Answer.error("ResourceNotFoundException", text)
        times, rendered, streams, _ = self._render(asked["logGroupName"], group)
        first = bisect.bisect_left(times, asked.get("startTime", 0))
        last = bisect.bisect_right(times, asked.get("endTime", 1 << 62))
        place = int(asked.get("nextToken", first))
        most = min(asked.get("limit", group.page_events), group.page_events)
        wanted = set(asked.get("logStreamNames", ()))
        if not wanted and most == PAGE_EVENTS:
            return self._page(asked["logGroupName"], place, last)
        found, size = [], 0
        while place < last and len(found) < most and size < PAGE_BYTES:
            if not wanted or streams[place] in wanted:
                found.append(rendered[place])
                size += len(group.events[place][2]) + 26
            place += 1
        return _answer(found, place, last)

    def _page(self, name: str, place: int, last: int) -> Answer:
        """Return a full page without looking at each event, for benchmarks."""
        rendered, sizes = self._rendered[name][1], self._rendered[name][3]
        full = bisect.bisect_right(sizes, (sizes[place - 1] if place else 0) + PAGE_BYTES)
        end = min(last, place + PAGE_EVENTS, max(full, place + 1))
        return _answer(rendered[place:end], end, last)

    def _render(
        self, name: str, group: Group
    ) -> tuple[list[int], list[bytes], list[str], list[int]]:
        with self._lock:
            known = self._rendered.get(name)
            if known is None or len(known[0]) != len(group.events):
                known = self._rendered[name] = (
                    [event[1] for event in group.events],
                    [_event(number, *event) for number, event in enumerate(group.events)],
                    [event[0] for event in group.events],
                    list(accumulate(len(event[2]) + 26 for event in group.events)),
                )
            return known

    def _describe_flow_logs(self, asked: dict[str, list[str]]) -> Answer:
        assert asked["Action"] == ["DescribeFlowLogs"], asked
        group = self.groups.get(asked["Filter.1.Value.1"][0], Group())
        items = "".join(
            f"<item><flowLogId>fl-{number}</flowLogId><logFormat>{escape(text)}</logFormat></item>"
            for number, text in enumerate(group.formats)
        )
        return Answer(
            200,
            '<DescribeFlowLogsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">'
            f"<flowLogSet>{items}</flowLogSet></DescribeFlowLogsResponse>".encode(),
        )


def _answer(events: list[bytes], place: int, last: int) -> Answer:
    token = b',"nextToken":"%d"' % place if place < last else b""
    return Answer(200, b'{"events":[%s],"searchedLogStreams":[]%s}' % (b",".join(events), token))


def _event(number: int, stream: str, milliseconds: int, message: str) -> bytes:
    event = {
        "logStreamName": stream,
        "timestamp": milliseconds,
        "message": message,
        "ingestionTime": milliseconds + 90_000,
        "eventId": f"{number:056d}",
    }
    return json.dumps(event, separators=(",", ":")).encode()


@contextmanager
def serving(service: Service):
    """Serve on a free port of the loopback; sets the service's url."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = service.answer(self.headers, body)
            self.send_response(answer.status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            if answer.is_cut:
                self.wfile.write(answer.body[: len(answer.body) // 2])
                self.close_connection = True
            else:
                self.wfile.write(answer.body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        service.url = f"http://127.0.0.1:{server.server_port}"
        yield service
        server.shutdown()
