"""CloudWatch Logs from a local stand-in that serves canned pages: any client is the bottleneck.

Run: python cloudwatch.py FOLDER PORT STREAMS

The pages hold the lines of a generated data set, dealt out to streams.
"""

import gzip
import json
import sys
from collections.abc import Iterator
from datetime import UTC
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from reading.methods import END, LABKIT, START, Job, Method, session

EVENTS = 10_000  # the most that FilterLogEvents gives at once
GROUP = "flow-logs"
PEER = ("flowlogs_reader", "boto3")


def labkit_logs(job: Job) -> Any:
    from labkit.flowlogs import cloudwatch

    return cloudwatch.read(session().client("logs"), GROUP, start=START, end=END)


def flowlogs_reader_logs(job: Job) -> Any:
    import flowlogs_reader

    reader = flowlogs_reader.FlowLogsReader(
        GROUP,
        start_time=START.astimezone(UTC).replace(tzinfo=None),
        end_time=END.astimezone(UTC).replace(tzinfo=None),
        boto_client=session().client("logs"),
    )
    return list(reader)


METHODS = {
    method.name: method
    for method in (
        Method("labkit, CloudWatch Logs", labkit_logs, (*LABKIT, "labkit.flowlogs.cloudwatch")),
        Method(
            "flowlogs-reader, CloudWatch Logs", flowlogs_reader_logs, ("flowlogs_reader", "boto3")
        ),
    )
}


def pages(folder: Path, streams: int) -> dict[tuple[str | None, str | None], bytes]:
    """Return the bodies by stream (None for all) and token."""
    events: list[dict[str, Any]] = []
    for path in sorted(folder.rglob("*.log.gz")):
        for line in gzip.decompress(path.read_bytes()).decode().splitlines()[1:]:
            number = len(events)
            at = int(line.split()[10]) * 1000
            events.append(
                {
                    "logStreamName": f"eni-{number % streams:017x}-all",
                    "timestamp": at,
                    "message": line,
                    "ingestionTime": at + 300_000,
                    "eventId": f"{number:056d}",
                }
            )
    names = {each["logStreamName"] for each in events}
    chosen = {name: [e for e in events if e["logStreamName"] == name] for name in names}
    made: dict[tuple[str | None, str | None], bytes] = {}
    for name, mine in {None: events, **chosen}.items():
        for start, body in _bodies(mine):
            made[name, str(start) if start else None] = body
    made["streams", None] = json.dumps(
        {"logStreams": [_stream(each) for each in sorted(names)]}
    ).encode()
    return made


def _bodies(events: list[dict[str, Any]]) -> Iterator[tuple[int, bytes]]:
    for start in range(0, len(events), EVENTS):
        after = start + EVENTS
        page: dict[str, Any] = {"events": events[start:after], "searchedLogStreams": []}
        if after < len(events):
            page["nextToken"] = str(after)
        yield start, json.dumps(page).encode()


def _stream(name: str) -> dict[str, Any]:
    begin, end = int(START.timestamp()) * 1000, int(END.timestamp()) * 1000
    return {
        "logStreamName": name,
        "firstEventTimestamp": begin,
        "lastEventTimestamp": end,
        "lastIngestionTime": end,
        "creationTime": begin,
    }


def serve(folder: Path, port: int, streams: int) -> None:
    made = pages(folder, streams)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            stream = (asked.get("logStreamNames") or [None])[0]
            if self.headers["X-Amz-Target"].endswith("DescribeLogStreams"):
                stream = "streams"
            body = made[stream, asked.get("nextToken")]
            self.send_response(200)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
