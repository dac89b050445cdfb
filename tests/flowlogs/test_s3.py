"""Records from a bucket, at a local S3 server.

Key layouts: docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html
"""

import gzip
from datetime import UTC, datetime, timedelta

import boto3
import obstore
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest
from botocore.exceptions import ClientError

from labkit.errors import LabError, ParameterError, RecordFormatError
from labkit.fields import DEFAULT_FIELDS
from labkit.flowlogs import s3
from labkit.flowlogs.records import parse

pytestmark = pytest.mark.usefixtures("each_parser")

HEADER = " ".join(DEFAULT_FIELDS)
NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
FLOW_LOG = "fl-1234abcd1234abcd1"
PLAIN = "AWSLogs/123456789012/vpcflowlogs/us-east-1/2026/11/24/"


def line(start, end, *, packets=5, srcaddr="10.0.1.22"):
    return (
        f"2 123456789012 eni-0e61c483ca317dd54 {srcaddr} 10.0.1.25 0 0 1 {packets} {84 * packets} "
        f"{int(start.timestamp())} {int(end.timestamp())} ACCEPT OK"
    )


def file_name(slot, hash="fe123456", suffix="log.gz", flow_log=FLOW_LOG):
    return f"123456789012_vpcflowlogs_us-east-1_{flow_log}_{slot:%Y%m%dT%H%MZ}_{hash}.{suffix}"


def minutes(count):
    return timedelta(minutes=count)


@pytest.fixture
def put(aws, bucket):
    def put_lines(key, *lines, header=HEADER):
        text = "\n".join([header, *lines, ""]) if header else "\n".join([*lines, ""])
        aws.client("s3").put_object(Bucket=bucket, Key=key, Body=gzip.compress(text.encode()))

    return put_lines


@pytest.mark.parametrize(
    "folder",
    [
        pytest.param(PLAIN, id="daily folders"),
        pytest.param(PLAIN + "12/", id="hourly folders"),
        pytest.param("team-a/lab/" + PLAIN, id="a prefix of two parts"),
        pytest.param(
            "AWSLogs/aws-account-id=123456789012/aws-service=vpcflowlogs/aws-region=us-east-1/"
            "year=2026/month=11/day=24/",
            id="Hive-compatible",
        ),
        pytest.param(
            "p/AWSLogs/aws-account-id=123456789012/aws-service=vpcflowlogs/aws-region=eu-west-1/"
            "year=2026/month=11/day=24/hour=12/",
            id="Hive-compatible, hourly, prefix, another Region",
        ),
    ],
)
def test_every_layout_of_keys_is_found(aws, bucket, put, folder):
    put(folder + file_name(NOON), line(NOON, NOON + minutes(1)))
    log = s3.read(aws, bucket, start=NOON, end=NOON + minutes(5))
    assert list(log.packets) == [5]


@pytest.mark.parametrize("below", [PLAIN, "copies/"], ids=["AWS's folders", "other folders"])
@pytest.mark.parametrize(
    "prefix", ["/rooted/", "two//slashes/", "./x/", "../x/", "tab\there/", "a%41b/", "é+&=#? b/"]
)
def test_odd_prefixes_are_found(aws, bucket, put, prefix, below):
    key = prefix + below + file_name(NOON)
    put(key, line(NOON, NOON + minutes(1)))
    for asked in ("", prefix, prefix.removesuffix("/")):
        assert len(s3.read(aws, bucket, start=NOON, prefix=asked)) == 1, asked
        assert s3.keys(aws, bucket, prefix=asked).key.tolist() == [key]


def test_the_frame_is_that_of_the_lines(aws, bucket, put):
    lines = [line(NOON, NOON + minutes(1)), line(NOON, NOON + minutes(1), srcaddr="10.0.1.23")]
    put(PLAIN + file_name(NOON), *lines)
    pd.testing.assert_frame_equal(s3.read(aws, bucket, start=NOON), parse(lines))


@pytest.mark.parametrize(
    ("start", "end", "kept"),
    [
        pytest.param(0, 1, True, id="begins and ends in the span"),
        pytest.param(-1, 0, True, id="ends with the first second"),
        pytest.param(-2, -1, False, id="ends before"),
        pytest.param(10, 12, True, id="begins with the last second"),
        pytest.param(11, 12, False, id="begins after"),
        pytest.param(-3, 15, True, id="covers the span"),
    ],
)
def test_a_record_counts_if_it_overlaps(aws, bucket, put, start, end, kept):
    put(PLAIN + file_name(NOON), line(NOON + minutes(start), NOON + minutes(end)))
    log = s3.read(aws, bucket, start=NOON + timedelta(seconds=0.7), end=NOON + minutes(10))
    assert len(log) == kept
    assert log.attrs["read"].outside == (not kept)
    assert log.attrs["read"].lines == 2


def test_a_span_over_midnight_reads_both_days_and_no_other(aws, bucket, put):
    midnight = datetime(2026, 11, 25, tzinfo=UTC)
    for at in (midnight - minutes(10), midnight + minutes(2), midnight + timedelta(days=1)):
        put(
            f"AWSLogs/123456789012/vpcflowlogs/us-east-1/{at:%Y/%m/%d}/{file_name(at)}",
            line(at, at + minutes(1)),
        )
    log = s3.read(aws, bucket, start=midnight - minutes(15), end=midnight + minutes(5))
    assert len(log) == 2
    assert log.attrs["read"].objects == 2


def test_a_file_named_a_little_later_than_the_span_is_read(aws, bucket, put):
    put(PLAIN + file_name(NOON + minutes(10)), line(NOON, NOON + minutes(9)))
    assert len(s3.read(aws, bucket, start=NOON, end=NOON + minutes(1))) == 1


def test_files_of_two_formats_join(aws, bucket, put):
    put(PLAIN + file_name(NOON, "aaaaaaaa"), line(NOON, NOON))
    put(
        PLAIN + file_name(NOON, "bbbbbbbb", flow_log="fl-2"),
        f"{int(NOON.timestamp())} egress 7",
        header="start flow-direction field-of-tomorrow",
    )
    log = s3.read(aws, bucket, start=NOON)
    assert len(log) == 2
    assert log.flow_direction.fillna("-").tolist() == ["-", "egress"]
    assert log.field_of_tomorrow.dropna().tolist() == ["7"]
    assert s3.read(aws, bucket, start=NOON, flow_log_id="fl-2").shape == (1, 3)


def test_every_gzip_member_is_read(aws, bucket):
    members = [f"{HEADER}\n{line(NOON, NOON)}\n", f"{line(NOON, NOON, packets=6)}\n"]
    body = b"".join(gzip.compress(member.encode()) for member in members)
    aws.client("s3").put_object(Bucket=bucket, Key=PLAIN + file_name(NOON), Body=body)
    assert s3.read(aws, bucket, start=NOON).packets.sum() == 11


def test_small_and_large_files_give_all_their_lines(aws, bucket, put, monkeypatch):
    for number in range(5):
        many = [line(NOON, NOON, packets=number)] * (1 + 100 * (number % 2))
        put(PLAIN + file_name(NOON, f"0000000{number}"), *many)
    whole = s3.read(aws, bucket, start=NOON)
    monkeypatch.setattr("labkit.flowlogs.batches.LARGE_BYTES", 400)
    monkeypatch.setattr("labkit.flowlogs.batches.BATCH_BYTES", 500)
    monkeypatch.setattr("labkit.flowlogs.buffers.BUFFER_BYTES", 3000)
    monkeypatch.setattr("labkit.flowlogs.stored.PART_BYTES", 100)
    pd.testing.assert_frame_equal(s3.read(aws, bucket, start=NOON), whole)
    read = whole.attrs["read"]
    assert (read.lines, read.header, read.records, read.objects) == (210, 5, 205, 5)
    assert s3.read(aws, bucket, start=NOON).attrs["read"] == read


def test_only_the_columns_wanted_in_their_order(aws, bucket, put):
    put(PLAIN + file_name(NOON), line(NOON, NOON))
    log = s3.read(aws, bucket, start=NOON, columns=["packets", "srcaddr"])
    assert list(log.columns) == ["packets", "srcaddr"]
    assert log.attrs["read"].records == 1


def test_a_column_that_no_file_has_is_an_error(aws, bucket, put):
    put(PLAIN + file_name(NOON), line(NOON, NOON))
    with pytest.raises(ParameterError, match="vpc_id"):
        s3.read(aws, bucket, start=NOON, columns=["vpc_id"])


def test_a_parquet_file_is_read_alike(aws, bucket):
    log = parse([line(NOON, NOON), line(NOON, NOON).replace(" 5 420 ", " - - ")])
    unix = log.assign(start=log.start.astype("int64"), end=log.end.astype("int64"))
    stored = unix.assign(srcaddr="-")
    sink = pa.BufferOutputStream()
    pyarrow.parquet.write_table(pa.Table.from_pandas(stored), sink)
    aws.client("s3").put_object(
        Bucket=bucket,
        Key=PLAIN + file_name(NOON, suffix="log.parquet"),
        Body=sink.getvalue().to_pybytes(),
    )
    read = s3.read(aws, bucket, start=NOON)
    assert read.srcaddr.isna().all()
    pd.testing.assert_frame_equal(read.assign(srcaddr=log.srcaddr), log)


def test_an_empty_bucket_gives_no_rows_and_the_right_columns(aws, bucket):
    log = s3.read(aws, bucket, start=NOON)
    pd.testing.assert_frame_equal(log, parse([]))
    assert log.attrs["read"].objects == 0
    assert list(s3.read(aws, bucket, start=NOON, columns=["bytes"]).columns) == ["bytes"]


def test_a_missing_bucket_answers_in_the_words_of_aws(aws):
    for read in (lambda: s3.read(aws, "no-such-bucket", start=NOON), lambda: s3.keys(aws, "none")):
        with pytest.raises(ClientError) as caught:
            read()
        assert caught.value.response["Error"]["Code"] == "NoSuchBucket"


def test_an_object_that_goes_between_listing_and_reading_answers_in_the_words_of_aws(aws, bucket):
    with pytest.raises(ClientError, match="NoSuchKey"):
        s3.Bucket(aws, bucket).get("gone.log.gz")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param(b"no gzip", "no header", id="no gzip"),
        pytest.param(gzip.compress(b"x" * 999)[:-9], "breaks off", id="cut off"),
        pytest.param(gzip.compress(line(NOON, NOON).encode()), "no header", id="no header"),
        pytest.param(
            gzip.compress(f"{HEADER}\n{line(NOON, NOON)}\n2 1234".encode()),
            "fe123456.log.gz, line 3: 2 fields",
            id="a line cut off",
        ),
    ],
)
def test_a_broken_file_is_named(aws, bucket, put, body, says):
    put(PLAIN + file_name(NOON, "00000000"), line(NOON, NOON))
    aws.client("s3").put_object(Bucket=bucket, Key=PLAIN + file_name(NOON), Body=body)
    with pytest.raises(RecordFormatError, match=says):
        s3.read(aws, bucket, start=NOON)


def test_a_file_without_a_header_is_read_by_the_fields_given(aws, bucket, put):
    put(PLAIN + file_name(NOON), line(NOON, NOON), header=None)
    log = s3.read(aws, bucket, start=NOON, fields=DEFAULT_FIELDS)
    assert (len(log), log.attrs["read"].header) == (1, 0)


def test_a_span_needs_time_zones(aws, bucket):
    with pytest.raises(ParameterError, match="time zone"):
        s3.read(aws, bucket, start=NOON.replace(tzinfo=None))


def test_a_span_does_not_end_before_it_starts(aws, bucket):
    with pytest.raises(ParameterError, match="before its start"):
        s3.read(aws, bucket, start=NOON, end=NOON - minutes(1))


def test_a_file_of_another_hour_is_not_read(aws, bucket, put):
    put(PLAIN + file_name(NOON), line(NOON, NOON))
    log = s3.read(aws, bucket, start=NOON + minutes(60), end=NOON + minutes(65))
    assert log.attrs["read"].objects == 0


def test_a_bucket_of_many_other_folders_asks_for_a_prefix(aws, bucket, put, monkeypatch):
    monkeypatch.setattr("labkit.flowlogs.regions.MOST_FOLDERS", 3)
    for number in range(4):
        put(f"folder-{number}/notes.txt", "no flow log")
    put("logs/" + PLAIN + file_name(NOON), line(NOON, NOON))
    with pytest.raises(LabError, match="say prefix="):
        s3.read(aws, bucket, start=NOON)
    assert len(s3.read(aws, bucket, start=NOON, prefix="logs")) == 1


def test_files_without_a_newline_at_their_end_are_kept_apart(aws, bucket):
    for number in range(2):
        body = gzip.compress(f"{HEADER}\n{line(NOON, NOON)}".encode())
        key = PLAIN + file_name(NOON, f"0000000{number}")
        aws.client("s3").put_object(Bucket=bucket, Key=key, Body=body)
    assert len(s3.read(aws, bucket, start=NOON)) == 2


def test_keys_lists_what_the_names_say(aws, bucket, put):
    put(PLAIN + file_name(NOON), line(NOON, NOON))
    put("notes.txt", "no flow log")
    listed = s3.keys(aws, bucket)
    assert listed.flow_log_id.tolist() == [FLOW_LOG]
    assert listed.slot.tolist() == [pd.Timestamp(NOON)]
    assert (listed["size"] > 0).all()
    assert abs(listed.last_modified[0] - pd.Timestamp.now("UTC")) < pd.Timedelta("1min")
    assert listed.attrs["other_objects"] == 1
    assert len(s3.keys(aws, bucket, prefix="AWSLogs/999999999999/")) == 0


def test_without_obstore_boto3_reads_the_same(aws, bucket, put, connect):
    """A proxy for odd credentials: the store signs for another endpoint, where nobody listens."""
    put(PLAIN + file_name(NOON), line(NOON, NOON))
    opened = s3.Bucket(aws, bucket)
    dead = s3.Bucket(aws, bucket)
    dead.__dict__["_store"] = s3.Bucket(connect("http://127.0.0.1:9"), bucket)._store
    listed = list(opened.list())
    assert list(dead.list()) == listed
    key = listed[0].key
    assert dead.get(key) == opened.get(key)


@pytest.mark.parametrize(
    "name", ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT", "HTTP_PROXY", "http_proxy"]
)
def test_the_environment_does_not_divert_obstore(moto_url, aws, bucket, put, monkeypatch, name):
    put(PLAIN + file_name(NOON), line(NOON, NOON))
    opened = s3.Bucket(aws, bucket)
    monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert len(obstore.list(opened._store).collect()) == 1


def test_no_credentials_is_the_error_of_boto3(moto_url, connect, monkeypatch, tmp_path):
    from botocore.exceptions import NoCredentialsError

    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    nobody = boto3.Session(region_name="us-east-1")
    for read in (lambda: s3.read(nobody, "any", start=NOON), lambda: s3.keys(nobody, "any")):
        with pytest.raises(NoCredentialsError):
            read()
