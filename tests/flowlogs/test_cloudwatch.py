"""Records from a log group, at a local server of CloudWatch Logs."""

import json
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pandas as pd
import pytest
from botocore.exceptions import ClientError

from labkit.errors import RecordFormatError
from labkit.flowlogs import cloudwatch
from labkit.flowlogs.records import parse

NOW = datetime.now(UTC).replace(microsecond=0)  # PutLogEvents refuses what is older than 14 days
STREAM = "eni-0e61c483ca317dd54-all"


def line(start, end, *, action="ACCEPT", packets=5):
    return (
        f"2 123456789012 eni-0e61c483ca317dd54 10.0.1.22 10.0.1.25 0 0 1 {packets} {84 * packets} "
        f"{int(start.timestamp())} {int(end.timestamp())} {action} OK"
    )


def minutes(count):
    return timedelta(minutes=count)


@pytest.fixture
def logs(aws):
    return aws.client("logs")


@pytest.fixture
def put(logs, group):
    def put_lines(*lines):
        events = [{"timestamp": int(each.split()[10]) * 1000, "message": each} for each in lines]
        logs.put_log_events(logGroupName=group, logStreamName=STREAM, logEvents=events)

    return put_lines


@pytest.fixture
def group(logs, request):
    name = f"flow-logs-{abs(hash(request.node.nodeid)):x}"
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName=STREAM)
    return name


def test_the_frame_is_that_of_the_lines(logs, group, put):
    lines = [line(NOW - minutes(2), NOW - minutes(1)), line(NOW - minutes(1), NOW, packets=9)]
    put(*lines)
    log = cloudwatch.read(logs, group, start=NOW - minutes(5))
    pd.testing.assert_frame_equal(log, parse(lines))
    assert log.attrs["read"].events == log.attrs["read"].records == 2


@pytest.mark.parametrize(
    ("start", "end", "kept"),
    [
        pytest.param(-12, -9, True, id="began before the span and reaches into it"),
        pytest.param(-12, -10, True, id="ends with the first second"),
        pytest.param(-12, -11, False, id="ends before"),
        pytest.param(-1, 0, True, id="begins with the last second"),
        pytest.param(-0.5, 0, False, id="begins after"),
    ],
)
def test_a_record_counts_if_it_overlaps(logs, group, put, start, end, kept):
    put(line(NOW + minutes(start), NOW + minutes(end)))
    log = cloudwatch.read(logs, group, start=NOW - minutes(10), end=NOW - minutes(1))
    assert len(log) == kept
    assert log.attrs["read"].events == (start >= -12 and start <= -1)


def test_a_filter_pattern_is_applied_by_the_service(logs, group, put):
    put(line(NOW, NOW), line(NOW, NOW, action="REJECT"))
    log = cloudwatch.read(logs, group, start=NOW, pattern="REJECT")
    assert log.attrs["read"].events == 1
    assert list(log.action) == ["REJECT"]


def test_other_fields_are_read_by_their_format(logs, group):
    message = f"{int(NOW.timestamp())} egress"
    events = [{"timestamp": int(NOW.timestamp()) * 1000, "message": message}]
    logs.put_log_events(logGroupName=group, logStreamName=STREAM, logEvents=events)
    log = cloudwatch.read(logs, group, start=NOW, fields=("start", "flow-direction"))
    assert list(log.flow_direction) == ["egress"]
    with pytest.raises(RecordFormatError, match=f"Log group {group}, line 1: 2 fields"):
        cloudwatch.read(logs, group, start=NOW)


def test_no_events_give_an_empty_frame_of_the_same_columns(logs, group):
    pd.testing.assert_frame_equal(cloudwatch.read(logs, group, start=NOW), parse([]))


def test_a_missing_group_answers_in_the_words_of_aws(logs):
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        cloudwatch.read(logs, "no-such-group", start=NOW)


class Pages(BaseHTTPRequestHandler):
    """FilterLogEvents as its documentation allows it: empty pages before others."""

    answers = (
        {"events": [], "nextToken": "a"},
        {"events": [{"timestamp": 0, "message": line(NOW, NOW)}], "nextToken": "b"},
        {"events": [], "nextToken": "c"},
        {"events": [{"timestamp": 0, "message": line(NOW, NOW, packets=6)}]},
    )

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        page = {None: 0, "a": 1, "b": 2, "c": 3}[asked.get("nextToken")]
        body = json.dumps(self.answers[page]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def paging_url():
    with ThreadingHTTPServer(("127.0.0.1", 0), Pages) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_empty_pages_are_not_the_end(connect, paging_url):
    log = cloudwatch.read(connect(paging_url).client("logs"), "any", start=NOW)
    assert log.packets.tolist() == [5, 6]
