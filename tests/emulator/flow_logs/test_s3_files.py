"""Parquet files: the types of the guide.

Source: docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html#flow-logs-fields
"""

import io

import pyarrow.parquet as pq
import pytest

from labkit.emulator.flow_logs.s3_files import as_parquet
from labkit.fields import FIELDS

# The Parquet type of each field that is not a STRING, in the table of
# docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html#flow-logs-fields
NUMBERS = {
    "version": "INT32",
    "srcport": "INT32",
    "dstport": "INT32",
    "protocol": "INT32",
    "packets": "INT64",
    "bytes": "INT64",
    "start": "INT64",
    "end": "INT64",
    "tcp_flags": "INT32",
    "traffic_path": "INT32",
    "encryption_status": "INT32",
}
NAMES = [field.name for field in FIELDS]


def opened(fields, rows):
    return pq.ParquetFile(io.BytesIO(as_parquet(fields, rows)))


def test_columns_are_typed_as_in_the_guide_s_table_and_named_as_in_athena():
    """docs.aws.amazon.com/athena/latest/ug/vpc-flow-logs-create-table-statement.html"""
    file = opened(NAMES, [tuple(None for _ in NAMES)])
    types = {column.name: column.physical_type for column in file.schema}
    assert list(types) == [name.replace("-", "_") for name in NAMES]
    assert {name: kind for name, kind in types.items() if kind != "BYTE_ARRAY"} == NUMBERS
    logical = {column.name: str(column.logical_type) for column in file.schema}
    assert {logical[name] for name in types.keys() - NUMBERS.keys()} == {"String"}


def test_the_compression_is_gzip_inside():
    """docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html"""
    file = opened(["srcaddr", "bytes"], [("10.0.0.4", 84)])
    group = file.metadata.row_group(0)
    assert {group.column(index).compression for index in range(2)} == {"GZIP"}


@pytest.mark.parametrize(
    ("fields", "row", "expected"),
    [
        pytest.param(["bytes", "end"], (4249, 1418530070), [4249, 1418530070], id="numbers"),
        pytest.param(["dstport", "tcp-flags"], (0, 0), [0, 0], id="zero is not missing"),
        pytest.param(["bytes", "tcp-flags"], (None, None), [None, None], id="no number is null"),
        pytest.param(
            ["srcaddr", "vpc-id"], (None, "vpc-1"), ["-", "vpc-1"], id="no text is a dash"
        ),
    ],
)
def test_values(fields, row, expected):
    (found,) = opened(fields, [row]).read().to_pylist()
    assert list(found.values()) == expected
