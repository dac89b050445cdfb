"""A log as a stream: in order, in bounded memory, told on the way, ended early."""

import gzip
import itertools
import threading
import time
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from labkit.errors import ParameterError, RecordFormatError
from labkit.fields import DEFAULT_FIELDS
from labkit.flowlogs import files, s3
from labkit.flowlogs.file_parts import Reading
from labkit.flowlogs.records import write
from labkit.flowlogs.scan import NEAR_FETCHERS, Scan
from labkit.flowlogs.selection import Selection
from labkit.flowlogs.stored import Object
from labkit.flowlogs.window import Window
from labkit.waiting import State

pytestmark = pytest.mark.usefixtures("each_parser")

HEADER = " ".join(DEFAULT_FIELDS)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
SECOND = int(NOON.timestamp())
ACCOUNT = "123456789012"


def line(size, second=SECOND):
    return f"2 {ACCOUNT} eni-a 10.0.1.22 10.0.1.25 0 0 1 5 {size} {second} {second} ACCEPT OK"


def packed(*lines, header=HEADER):
    return gzip.compress("\n".join([header, *lines, ""]).encode())


def key(at=NOON, *, number=0, account=ACCOUNT, region="us-east-1", flow_log="fl-1a"):
    name = f"{account}_vpcflowlogs_{region}_{flow_log}_{at:%Y%m%dT%H%MZ}_{number:08x}.log.gz"
    return f"AWSLogs/{account}/vpcflowlogs/{region}/{at:%Y/%m/%d}/{name}"


def test_tables_come_in_the_order_of_the_files(tmp_path):
    for number in range(50):
        (tmp_path / f"{number:02}.log.gz").write_bytes(packed(line(number)))
    scanned = files.scan(tmp_path, columns=["bytes"])
    assert list(itertools.chain(*(t["bytes"].to_pylist() for t in scanned))) == list(range(50))
    assert (scanned.summary.records, scanned.summary.objects) == (50, 50)


def test_twice_gives_the_same(tmp_path):
    (tmp_path / "a.log.gz").write_bytes(packed(*map(line, range(1000))))
    first, second = (files.read(tmp_path) for _ in range(2))
    assert first.equals(second)
    assert first.attrs == second.attrs


def test_ending_early_leaves_no_thread_and_reads_not_all(tmp_path):
    for number in range(300):
        (tmp_path / f"{number:03}.log.gz").write_bytes(packed(line(number)) + b"\0" * 400_000)
    before = threading.active_count()
    scanned = files.scan(tmp_path)
    next(scanned)
    scanned.close()
    assert scanned.summary.objects < 100
    assert threading.active_count() == before


def test_progress_is_told(tmp_path):
    (tmp_path / "a.log.gz").write_bytes(packed(line(1), line(2)))
    told = []
    files.read(tmp_path / "a.log.gz", watch=told.append)
    last = told[-1]
    assert (last.state, last.records, last.objects) == (State.DONE, 2, 1)
    assert last.stored_bytes == (tmp_path / "a.log.gz").stat().st_size
    assert "2 rows of 1 objects" in last.seen


def test_a_failure_ends_the_progress_too(tmp_path):
    (tmp_path / "a.log.gz").write_bytes(packed("2 bad"))
    told = []
    with pytest.raises(RecordFormatError):
        files.read(tmp_path, watch=told.append)
    assert told[-1].state is State.STOPPED


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        files.read(tmp_path / "none.log.gz")


def test_several_accounts_and_regions_are_found_or_chosen(local_s3, local_aws):
    places = [(ACCOUNT, "us-east-1"), (ACCOUNT, "eu-west-1"), ("210987654321", "us-east-1")]
    local_s3.buckets["logs"] = {
        key(account=account, region=region): packed(line(n))
        for n, (account, region) in enumerate(places)
    }
    assert sorted(s3.read(local_aws, "logs").bytes) == [0, 1, 2]
    assert s3.read(local_aws, "logs", regions=["eu-west-1"]).bytes.tolist() == [1]
    assert s3.read(local_aws, "logs", accounts=["210987654321"]).bytes.tolist() == [2]


@pytest.mark.parametrize(
    "prefix",
    [
        pytest.param(f"AWSLogs/{ACCOUNT}", id="down to the account"),
        pytest.param("AWSLogs/", id="AWSLogs itself"),
        pytest.param(f"AWSLogs/{ACCOUNT}/vpcflowlogs/us-east-1/2026/11/24/", id="to the day"),
        pytest.param(f"AWSLogs/{ACCOUNT}/vpcflowlogs/us-east-1/2026/1", id="into the month"),
        pytest.param(key(), id="one object's key"),
    ],
)
def test_a_prefix_may_end_anywhere_in_the_keys(local_s3, local_aws, prefix):
    local_s3.buckets["logs"] = {key(): packed(line(7)), key(region="us-west-2"): packed(line(8))}
    wanted = [7, 8] if prefix.count("/") < 2 else [7]
    assert s3.read(local_aws, "logs", prefix=prefix, start=NOON).bytes.tolist() == wanted
    assert s3.read(local_aws, "logs", prefix=prefix).bytes.tolist() == wanted


def test_copies_outside_of_any_layout_are_found_by_their_prefix(local_s3, local_aws):
    local_s3.buckets["logs"] = {"copies/a.log.gz": packed(line(7)), "other.gz": b"?"}
    assert s3.read(local_aws, "logs", prefix="copies/").bytes.tolist() == [7]


def test_of_a_large_folder_only_the_keys_near_the_window_are_listed(local_s3, local_aws):
    """A day of 20 files each five minutes, of two flow logs: 11,520 keys, in pages of 1,000."""
    objects = {}
    for number in range(288 * 20):
        at = NOON.replace(hour=0) + timedelta(minutes=5 * (number // 20))
        for flow_log in ("fl-1a", "fl-2b"):
            objects[key(at, number=number, flow_log=flow_log)] = packed(line(1))
    local_s3.buckets["logs"] = objects
    log = s3.read(local_aws, "logs", start=NOON, end=NOON + timedelta(minutes=1))
    assert len(log) == log.attrs["read"].objects == 2 * 20 * 6  # 11:50 to 12:15
    assert len([each for each in local_s3.listed if "delimiter" not in each]) <= 8


def test_columns_that_some_files_lack_are_missing_there(tmp_path):
    (tmp_path / "a.log").write_text(f"{HEADER}\n{line(1)}\n")
    (tmp_path / "b.log").write_text("vpc-id bytes\nvpc-1 2\n")
    log = files.read(tmp_path, columns=["vpc_id", "bytes"])
    assert log.vpc_id.fillna("-").tolist() == ["-", "vpc-1"]
    with pytest.raises(ParameterError, match="no_such"):
        files.read(tmp_path, columns=["no_such"])


def test_a_malformed_line_of_a_large_file_is_told_by_its_number(tmp_path, monkeypatch):
    monkeypatch.setattr("labkit.flowlogs.batches.LARGE_BYTES", 1000)
    monkeypatch.setattr("labkit.flowlogs.buffers.BUFFER_BYTES", 5000)
    lines = [line(n) for n in range(2000)]
    lines[1500] = "2 cut"
    (tmp_path / "a.log.gz").write_bytes(packed(*lines))
    with pytest.raises(RecordFormatError, match=r"a\.log\.gz, line 1502: 2 fields"):
        files.read(tmp_path)
    read = files.read(tmp_path, malformed="keep").attrs["read"]
    assert (read.lines, read.records, read.malformed) == (2001, 1999, 1)
    assert read.set_aside[0][1:] == (1502, "2 fields where the log format has 14", "2 cut")


def test_columns_as_categories_hold_the_same_in_less_memory(tmp_path):
    for number in range(3):
        lines = [line(n).replace("eni-a", f"eni-{number:017x}") for n in range(1000)]
        (tmp_path / f"{number}.log.gz").write_bytes(packed(*lines))
    names = ["action", "log_status", "account_id", "interface_id", "srcaddr", "dstaddr"]
    plain, small = files.read(tmp_path), files.read(tmp_path, categorical=names)
    assert (small[names].dtypes == "category").all()
    assert small[names].astype(str).equals(plain[names].astype(str))
    assert small.memory_usage(deep=True).sum() < plain.memory_usage(deep=True).sum() * 0.6
    assert write(small) == write(plain)
    assert plain.memory_usage(deep=True).sum() < 150 * len(plain)


@pytest.mark.parametrize("name", ["start", "end"])
def test_a_time_that_a_format_lacks_is_missing_in_its_rows(tmp_path, name):
    (tmp_path / "a.log.gz").write_bytes(
        gzip.compress(b"start end bytes log-status\n1700000000 1700000010 3 OK\n")
    )
    (tmp_path / "b.log.gz").write_bytes(gzip.compress(b"bytes srcaddr\n4 10.0.0.1\n"))
    types = {table.schema.field(name).type for table in files.scan(tmp_path, columns=[name])}
    assert types == {pa.timestamp("s", "UTC")}
    log = files.read(tmp_path, columns=[name, "bytes"])
    assert log[name].dtype == "datetime64[s, UTC]"
    assert log[name].isna().tolist() == [False, True]
    assert log.bytes.tolist() == [3, 4]


class Store:
    """Answers each request so much later, and counts how many it has at once."""

    def __init__(self, latency_s, data):
        self.latency_s, self.data = latency_s, data
        self.at_once = self.most_at_once = 0
        self._lock = threading.Lock()

    def get(self, key):
        with self._lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        time.sleep(self.latency_s)
        with self._lock:
            self.at_once -= 1
        return self.data


@pytest.mark.parametrize(
    ("far_s", "many"), [pytest.param(5, False, id="near"), pytest.param(0.02, True, id="far")]
)
def test_only_objects_from_afar_are_fetched_many_at_once(far_s, many, monkeypatch):
    """The bounds are far from the latency, so that a busy machine changes nothing."""
    monkeypatch.setattr("labkit.flowlogs.scan.FAR_S", far_s)
    latency_s = 0.05
    store = Store(latency_s, packed(line(1)))
    now = datetime.now(UTC)
    found = [Object(f"{n}.log.gz", 90_000, now) for n in range(60)]
    tables = list(Scan("a store", store, found, Reading(Selection(Window()))))
    assert sum(table.num_rows for table in tables) == 60
    assert (store.most_at_once > NEAR_FETCHERS) == many
