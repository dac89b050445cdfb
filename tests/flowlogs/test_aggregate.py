"""Sums folded from tables are those of all records at once."""

import pandas as pd
import pyarrow as pa
import pytest

from labkit.errors import ParameterError
from labkit.flowlogs import aggregate
from labkit.flowlogs.records import parse_table

NODATA = "2 1 eni-a - - - - - - - 60 119 - NODATA"


def table(*lines):
    return parse_table("".join(f"{line}\n" for line in lines).encode())[0]


def line(start, *, src="10.0.0.1", dst="10.0.0.2", port=22, size=40, action="ACCEPT"):
    return f"2 1 eni-a {src} {dst} 40000 {port} 6 1 {size} {start} {start + 9} {action} OK"


TABLES = (
    table(line(0), line(59, size=60), line(61, action="REJECT"), NODATA),
    table(line(0, port=443, size=100, dst="10.0.0.3"), line(119, action="REJECT", size=1)),
)


def test_by_minute_and_action():
    sums = aggregate.by_minute(iter(TABLES))
    assert sums.to_dict("list") == {
        "minute": [pd.Timestamp(0, tz="UTC"), pd.Timestamp(60, unit="s", tz="UTC")],
        "action": ["ACCEPT", "REJECT"],
        "packets": [3, 2],
        "bytes": [200, 41],
        "records": [3, 2],
    }


def test_top_talkers_by_bytes():
    top = aggregate.top_talkers(TABLES, 1)
    assert top.to_dict("list") == {
        "srcaddr": ["10.0.0.1"],
        "dstaddr": ["10.0.0.2"],
        "packets": [4],
        "bytes": [141],
        "records": [4],
    }


def test_by_port():
    sums = aggregate.by_port(TABLES)
    assert sums[["dstport", "action", "bytes"]].values.tolist() == [
        [22, "ACCEPT", 100],
        [443, "ACCEPT", 100],
        [22, "REJECT", 41],
    ]


def test_addresses():
    assert aggregate.addresses(TABLES) == ["10.0.0.1", "10.0.0.2", "10.0.0.3"]


def test_summing_up_in_between_changes_nothing(monkeypatch):
    whole = aggregate.by_minute(TABLES)
    monkeypatch.setattr("labkit.flowlogs.aggregate.MOST_ROWS", 1)
    pd.testing.assert_frame_equal(aggregate.by_minute(TABLES), whole)


def test_seconds_and_milliseconds_fall_into_the_same_minutes():
    in_ms = parse_table(line(0).replace(" 0 9 ", " 1500000000000 1500000009000 ").encode())[0]
    assert aggregate.by_minute([in_ms]).minute[0] == pd.Timestamp(1500000000, unit="s", tz="UTC")


def test_no_tables_give_no_sums():
    assert aggregate.by_minute([]).empty
    assert aggregate.top_talkers([]).empty


def test_a_column_that_is_missing_is_an_error():
    with pytest.raises(ParameterError, match="no srcaddr"):
        aggregate.top_talkers([pa.table({"bytes": [1], "packets": [1]})])
