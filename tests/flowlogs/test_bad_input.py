"""Whatever a bucket can hold or do: a clear error or a counted exception, never a wrong row."""

import gzip
import zlib
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from labkit.errors import ParameterError, RecordFormatError
from labkit.fields import DEFAULT_FIELDS
from labkit.flowlogs import files, s3

pytestmark = pytest.mark.usefixtures("each_parser")

HEADER = " ".join(DEFAULT_FIELDS)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
SECOND = int(NOON.timestamp())
LINE = (
    "2 123456789012 eni-0e61c483ca317dd54 10.0.1.22 10.0.1.25 0 0 1 5 420 "
    f"{SECOND} {SECOND} ACCEPT OK"
)
FOLDER = "AWSLogs/123456789012/vpcflowlogs/us-east-1/2026/11/24/"
STEM = "123456789012_vpcflowlogs_us-east-1_fl-1234abcd_20261124T1200Z_"
GOOD, ODD, LAST = (f"{FOLDER}{STEM}{name}.log.gz" for name in ("aaaaaaaa", "bbbbbbbb", "cccccccc"))


def text(*lines, header=HEADER):
    return "\n".join([header, *lines, ""])


def packed(*lines, header=HEADER):
    return gzip.compress(text(*lines, header=header).encode())


BOMB = gzip.compress(HEADER.encode() + b"\n" + b"0" * 300_000_000)
REPEATED = HEADER.replace("dstaddr", "srcaddr")


@pytest.mark.parametrize(
    ("body", "says", "counted"),
    [
        pytest.param(packed(LINE, LINE)[:-12], "breaks off", {"truncated": 1}, id="truncated gzip"),
        pytest.param(
            packed(LINE)[:-8] + b"\0" * 8,
            "no intact gzip",
            {"not_flow_log": 1},
            id="wrong checksum",
        ),
        pytest.param(
            BOMB, "a line of more than", {"not_flow_log": 1}, id="inflates to one endless line"
        ),
        pytest.param(
            gzip.compress(b"<!DOCTYPE html>\n<html>\n"),
            "no header",
            {"not_flow_log": 1},
            id="HTML, gzipped",
        ),
        pytest.param(b"<!DOCTYPE html>\n<html>\n", "no header", {"not_flow_log": 1}, id="HTML"),
        pytest.param(
            packed(LINE, header=REPEATED),
            "srcaddr twice",
            {"not_flow_log": 1},
            id="a repeated field",
        ),
        pytest.param(
            gzip.compress(LINE.encode()), "no header", {"not_flow_log": 1}, id="no header"
        ),
        pytest.param(b"PAR1" + b"x" * 99, "no Parquet", {"not_flow_log": 1}, id="broken Parquet"),
        pytest.param(packed(LINE + "\0"), "line 2: a NUL byte", {"malformed": 1}, id="a NUL byte"),
        pytest.param(
            packed(LINE + "x" * 2_000_000),
            "line 2: a line of 2,0",
            {"malformed": 1},
            id="a line of megabytes",
        ),
        pytest.param(
            packed(LINE + " more"), "line 2: 15 fields", {"malformed": 1}, id="too many fields"
        ),
        pytest.param(packed(LINE[:-3]), "line 2: 13 fields", {"malformed": 1}, id="too few fields"),
        pytest.param(
            packed(LINE.replace(" 420 ", " 0x1A4 ")),
            "line 2: bytes is '0x1A4'",
            {"malformed": 1},
            id="a hexadecimal number",
        ),
        pytest.param(
            gzip.compress(text(LINE).encode() + b"\xff" + LINE.encode()),
            "line 3: bytes that are no UTF-8",
            {"malformed": 1},
            id="no UTF-8",
        ),
    ],
)
def test_an_odd_file_is_an_error_or_is_set_aside_with_its_text(
    local_s3, local_aws, body, says, counted
):
    local_s3.buckets["logs"] = {GOOD: packed(LINE), ODD: body, LAST: packed(LINE)}
    with pytest.raises(RecordFormatError, match=says) as caught:
        s3.read(local_aws, "logs", start=NOON)
    assert caught.value.file == ODD
    log = s3.read(local_aws, "logs", start=NOON, malformed="keep")
    read = log.attrs["read"]
    assert set(log.bytes) == {420}
    assert len(log) == read.rows >= 2
    assert {name: getattr(read, name) for name in counted} == counted
    (aside,) = read.set_aside
    assert aside.file == ODD
    assert aside.line_number == caught.value.line_number
    assert f"{ODD}, line {aside.line_number}: {aside.reason}" in str(
        caught.value
    ) or aside.reason in str(caught.value)


@pytest.mark.parametrize(
    ("body", "rows"),
    [
        pytest.param(packed(), 0, id="a header only"),
        pytest.param(gzip.compress(HEADER.encode()), 0, id="a header only, without a newline"),
        pytest.param(packed(LINE).replace(b"", b""), 1, id="plain"),
        pytest.param(gzip.compress(text(LINE).replace("\n", "\r\n").encode()), 1, id="CR LF"),
        pytest.param(text(LINE, LINE).encode(), 2, id="not compressed"),
        pytest.param(
            packed(LINE) + gzip.compress(f"{LINE}\n{LINE}\n".encode()), 3, id="two gzip members"
        ),
        pytest.param(packed(LINE) + packed(LINE), 2, id="two members with a header each"),
        pytest.param(packed(LINE) + b"\0" * 512, 1, id="padding after the last member"),
        pytest.param(packed(LINE.replace(" ", "  "), "", " "), 1, id="runs of spaces, blank lines"),
        pytest.param(
            packed(LINE + " new", header=HEADER + " of-tomorrow"), 1, id="an unknown field"
        ),
    ],
)
def test_an_unusual_but_sound_file_is_read(local_s3, local_aws, body, rows):
    local_s3.buckets["logs"] = {ODD: body}
    log = s3.read(local_aws, "logs", start=NOON)
    assert len(log) == rows
    assert (log.bytes == 420).all()
    read = log.attrs["read"]
    assert read.lines == read.records + read.header + read.blank
    assert read.objects == 1


def test_an_object_of_no_bytes_is_counted(local_s3, local_aws):
    local_s3.buckets["logs"] = {GOOD: packed(LINE), ODD: b"", LAST: gzip.compress(b"")}
    read = s3.read(local_aws, "logs", start=NOON).attrs["read"]
    assert (read.records, read.objects, read.empty) == (1, 1, 2)
    assert "2 empty" in str(read)


def test_an_object_of_another_name_is_counted(local_s3, local_aws):
    local_s3.buckets["logs"] = {GOOD: packed(LINE), FOLDER + "notes.html": b"<html>"}
    read = s3.read(local_aws, "logs", start=NOON).attrs["read"]
    assert (read.records, read.objects, read.not_flow_log) == (1, 1, 1)
    assert read.set_aside[0].file == FOLDER + "notes.html"


def test_an_object_that_vanishes_after_the_listing_is_counted(local_s3, local_aws):
    local_s3.buckets["logs"] = {GOOD: packed(LINE), ODD: packed(LINE), LAST: packed(LINE)}
    local_s3.fail = lambda handler, key: key == ODD and (handler.error(404, "NoSuchKey") or True)
    log = s3.read(local_aws, "logs", start=NOON)
    read = log.attrs["read"]
    assert (len(log), read.objects, read.vanished) == (2, 2, 1)
    assert read.set_aside[0].file == ODD
    assert "1 vanished" in str(read)


def test_access_denied_in_the_middle_is_the_error_of_aws(local_s3, local_aws):
    local_s3.buckets["logs"] = {GOOD: packed(LINE), ODD: packed(LINE)}
    local_s3.fail = lambda handler, key: key == ODD and (handler.error(403, "AccessDenied") or True)
    scanned = s3.scan(local_aws, "logs", start=NOON, malformed="keep")
    with pytest.raises(ClientError, match="AccessDenied"):
        list(scanned)


@pytest.mark.parametrize("status", [503, 500, 429])
def test_throttling_is_waited_for(local_s3, local_aws, status):
    """Source: docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html"""
    local_s3.buckets["logs"] = {GOOD: packed(LINE)}
    refused = []

    def fail(handler, key):
        if key == GOOD and len(refused) < 3:
            refused.append(key)
            handler.error(status, "SlowDown")
            return True
        return False

    local_s3.fail = fail
    assert len(s3.read(local_aws, "logs", start=NOON)) == 1
    assert len(refused) == 3


def test_a_fetch_that_breaks_half_way_goes_on(local_s3, local_aws, monkeypatch):
    monkeypatch.setattr("labkit.flowlogs.batches.LARGE_BYTES", 10_000)
    monkeypatch.setattr("labkit.flowlogs.stored.PART_BYTES", 5_000)
    lines = [LINE.replace(" 420 ", f" {n} ") for n in range(100_000)]
    body = packed(*lines)
    local_s3.buckets["logs"] = {GOOD: body}
    broken, given = [], []

    def fail(handler, key):
        if handler.command == "GET" and key == GOOD:
            given.append(handler.headers["Range"])
            if len(broken) < 3 and len(given) % 4 == 0:
                broken.append(key)
                handler.give(body, stop_at=2_000)
                return True
        return False

    local_s3.fail = fail
    log = s3.read(local_aws, "logs", start=NOON)
    assert log.bytes.sum() == sum(range(100_000))
    assert len(broken) == 3
    assert len(given) <= len(body) / 5_000 + 1 + 3  # each part once, but for those that broke


def test_without_obstore_a_body_that_breaks_goes_on_where_it_broke(local_s3, local_aws):
    body = packed(*[LINE.replace(" 420 ", f" {n} ") for n in range(50_000)])
    local_s3.buckets["logs"] = {GOOD: body}
    ranges = []

    def fail(handler, key):
        ranges.append(handler.headers["Range"])
        if len(ranges) == 1:
            handler.give(body, stop_at=100_000)
        return len(ranges) == 1

    local_s3.fail = fail
    assert s3.Bucket(local_aws, "logs")._get_by_boto3(GOOD) == body
    assert ranges[0] is None
    assert 0 < int(ranges[1].removeprefix("bytes=").rstrip("-")) <= 100_000


def test_a_large_object_replaced_while_it_is_read_is_an_error(local_s3, local_aws, monkeypatch):
    monkeypatch.setattr("labkit.flowlogs.batches.LARGE_BYTES", 10)
    local_s3.buckets["logs"] = {GOOD: packed(LINE)}
    local_s3.fail = lambda handler, key: (
        handler.headers["If-Match"] is not None
        and (handler.error(412, "PreconditionFailed") or True)
    )
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.read(local_aws, "logs", start=NOON)


def test_a_bucket_of_another_region_is_read_there(local_s3, local_aws):
    local_s3.buckets["logs"] = {GOOD: packed(LINE)}
    local_s3.region = "eu-west-1"
    opened = s3.Bucket(local_aws, "logs")
    opened.open()
    assert opened.s3.meta.region_name == "eu-west-1"
    assert len(s3.read(local_aws, "logs", start=NOON)) == 1


def test_an_empty_bucket_gives_no_rows_and_says_so(local_s3, local_aws):
    local_s3.buckets["logs"] = {}
    log = s3.read(local_aws, "logs", start=NOON)
    assert list(log.columns) == [name.replace("-", "_") for name in DEFAULT_FIELDS]
    assert str(log.attrs["read"]) == "0 lines"


def test_a_window_in_the_future_gives_no_rows(local_s3, local_aws):
    local_s3.buckets["logs"] = {GOOD: packed(LINE)}
    future = datetime.now(UTC) + timedelta(days=400)
    log = s3.read(local_aws, "logs", start=future, end=future + timedelta(days=1))
    assert (len(log), log.attrs["read"].objects) == (0, 0)


@pytest.mark.parametrize("side", ["start", "end"])
def test_a_naive_datetime_is_an_error(local_s3, local_aws, side, tmp_path):
    with pytest.raises(ParameterError, match="time zone"):
        s3.scan(local_aws, "logs", **{side: NOON.replace(tzinfo=None)})
    with pytest.raises(ParameterError, match="time zone"):
        files.scan(tmp_path, **{side: NOON.replace(tzinfo=None)})


def test_a_file_that_inflates_to_gigabytes_of_records_needs_no_such_memory(tmp_path):
    """A hundred times its size: each block is parsed, summed and gone."""
    block = "".join(f"{LINE}\n" for _ in range(100_000)).encode()
    deflate = zlib.compressobj(9, wbits=31)
    path = tmp_path / "many.log.gz"
    body = deflate.compress(text().encode())
    body += b"".join(deflate.compress(block) for _ in range(20)) + deflate.flush()
    path.write_bytes(body)
    rows = largest = 0
    for table in files.scan(path):
        rows += table.num_rows
        largest = max(largest, table.nbytes)
    assert rows == 2_000_000
    assert largest < 60_000_000
