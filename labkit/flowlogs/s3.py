"""Flow log records from an S3 bucket.

Source: docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import partial

import boto3
import pandas as pd
import pyarrow as pa

from labkit.errors import ParameterError
from labkit.fields import DEFAULT_FIELDS
from labkit.flowlogs import files, layout
from labkit.flowlogs.objects import Bucket, Object
from labkit.flowlogs.records import ReadSummary, parse_table, to_frame, total
from labkit.flowlogs.window import Window

# A file is named for the five minutes in which its records end; a record may begin ten minutes
# (the longest aggregation interval) earlier, and AWS's own times are up to a minute off.
SLACK = timedelta(minutes=30)
THREADS = 16


def keys(aws: boto3.Session, bucket: str, *, prefix: str = "") -> pd.DataFrame:
    """List the flow log files of a bucket, oldest key first.

    Args:
        aws: The session whose credentials and endpoint to use.
        bucket: The bucket's name.
        prefix: Only keys that begin with it.

    Returns:
        key, size (bytes), last_modified (UTC), flow_log_id, slot (the five minutes in which the
        file's records end begin here, UTC). `attrs["other_objects"]` counts what is no such file.

    Raises:
        ClientError: NoSuchBucket, AccessDenied and the like.
    """
    opened = Bucket(aws, bucket)
    opened.s3.list_objects_v2(Bucket=bucket, MaxKeys=1)
    objects = opened.list(prefix)
    named = [(each, name) for each in objects if (name := layout.parse_key(each.key))]
    frame = pd.DataFrame(
        {
            "key": pd.Series([each.key for each, _ in named], dtype="str"),
            "size": pd.Series([each.size_bytes for each, _ in named], dtype="int64"),
            "last_modified": _times(each.last_modified for each, _ in named),
            "flow_log_id": pd.Series([name.flow_log_id for _, name in named], dtype="str"),
            "slot": _times(name.slot for _, name in named),
        }
    )
    frame.attrs["other_objects"] = len(objects) - len(named)
    return frame


def read(
    aws: boto3.Session,
    bucket: str,
    *,
    start: datetime,
    end: datetime | None = None,
    fields: Sequence[str] | None = None,
    columns: Collection[str] | None = None,
    prefix: str = "",
    flow_log_id: str | None = None,
) -> pd.DataFrame:
    """Read the flow log records of a bucket that overlap a span of time.

    Text and Parquet files, daily or hourly folders, Hive-compatible or not, with or without a
    prefix: what is there is found. Only the folders of the days in question are listed.

    Args:
        aws: The session whose credentials and endpoint to use.
        bucket: The bucket's name.
        start: Records that end before it are left out. With a time zone.
        end: Records that start after it are left out; None for no limit.
        fields: The log format's names, for text files without a header (AWS writes one).
        columns: The columns wanted, in this order; None for all.
        prefix: Where in the bucket to look; `` for everywhere.
        flow_log_id: Only this flow log's files, where several deliver to the bucket.

    Returns:
        As `records.parse`, the files in their keys' order, each in its own. `attrs["read"]` has
        the account of the lines, `objects` read, and how many rows lay `outside` of the span.
        An empty bucket gives no rows and the columns of the default format.

    Raises:
        ClientError: NoSuchBucket, AccessDenied and the like.
        RecordFormatError: A line does not fit its file's header.
        ParameterError: A column is in no file; start or end have no time zone.
    """
    window = Window(start, end)
    opened = Bucket(aws, bucket)
    found = find_files(opened, window, prefix=prefix, flow_log_id=flow_log_id)
    tables, counts = _read_all(opened, found, fields, columns)
    if not tables:
        tables = [parse_table(b"", fields or DEFAULT_FIELDS)[0]]
    table = pa.concat_tables(tables, promote_options="default")
    kept = window.overlapping(table)
    counts = counts._replace(objects=len(found), outside=len(table) - len(kept))
    return to_frame(_select(kept, columns), counts)


def find_files(
    bucket: Bucket, window: Window, *, prefix: str = "", flow_log_id: str | None = None
) -> list[Object]:
    """List the flow log files that may hold records of a span of time."""
    wide = window.widen(SLACK)
    named = [(each, layout.parse_key(each.key)) for each in list_days(bucket, prefix, wide)]
    return [
        each
        for each, name in named
        if name and wide.contains(name.slot) and flow_log_id in (None, name.flow_log_id)
    ]


def list_days(bucket: Bucket, prefix: str, window: Window) -> list[Object]:
    """List the folders of the window's days, in every account and Region that is there."""
    folders = [
        layout.day_prefix(region, day)
        for region in layout.find_regions(bucket.s3, bucket.name, prefix)
        for day in window.days()
    ]
    with ThreadPoolExecutor(THREADS) as pool:
        return [each for listed in pool.map(bucket.list, folders) for each in listed]


def _read_all(
    bucket: Bucket,
    objects: Sequence[Object],
    fields: Sequence[str] | None,
    columns: Collection[str] | None,
) -> tuple[list[pa.Table], ReadSummary]:
    def load(each: Object) -> files.Text | files.Parsed:
        return files.load(each.key, bucket.get(each.key), fields, columns)

    with ThreadPoolExecutor(THREADS) as pool:
        groups = files.join(pool.map(load, objects))
        parts = list(pool.map(partial(files.parse, columns=columns), groups))
    return [table for table, _ in parts], total(counts for _, counts in parts)


def _select(table: pa.Table, columns: Collection[str] | None) -> pa.Table:
    if columns is None:
        return table
    missing = [name for name in columns if name not in table.column_names]
    if missing:
        raise ParameterError(
            f"No file has the columns {missing}; they have {', '.join(table.column_names)}."
        )
    return table.select(list(columns))


def _times(moments: Iterator[datetime]) -> pd.Series:
    return pd.to_datetime(pd.Series(list(moments), dtype="datetime64[s, UTC]"), utc=True)
