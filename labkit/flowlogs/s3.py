"""Flow log records from an S3 bucket.

Source: docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

import boto3
import pandas as pd

from labkit.flowlogs import layout, listing
from labkit.flowlogs.file_parts import Reading
from labkit.flowlogs.filters import Filter
from labkit.flowlogs.frames import collect
from labkit.flowlogs.listing import Place
from labkit.flowlogs.objects import Bucket
from labkit.flowlogs.records import Malformed
from labkit.flowlogs.regions import find_regions
from labkit.flowlogs.scan import Scan
from labkit.flowlogs.selection import Selection
from labkit.flowlogs.stored import Object
from labkit.flowlogs.window import BEGINNING, Window
from labkit.waiting import Watch, silent


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
    opened.open()
    folder = prefix[: prefix.rfind("/") + 1]
    objects = [each for each in opened.list(folder) if each.key.startswith(prefix)]
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
    start: datetime | None = None,
    end: datetime | None = None,
    fields: Sequence[str] | None = None,
    columns: Collection[str] | None = None,
    filter: Filter | None = None,
    prefix: str = "",
    flow_log_id: str | None = None,
    accounts: Collection[str] | None = None,
    regions: Collection[str] | None = None,
    malformed: Malformed = "raise",
    categorical: Collection[str] = (),
    watch: Watch = silent,
) -> pd.DataFrame:
    """Read the flow log records of a bucket that overlap a span of time.

    Text and Parquet files, daily or hourly folders, Hive-compatible or not, with or without a
    prefix: what is there is found. Only keys of the slots in question are listed.

    Args:
        aws: The session whose credentials and endpoint to use.
        bucket: The bucket's name.
        start: Records that end before it are left out; None for no limit. With a time zone.
        end: Records that start after it are left out; None for no limit.
        fields: The log format's names, for text files without a header (AWS writes one).
        columns: The columns wanted, in this order; None for all.
        filter: Which records are wanted; None for all.
        prefix: Where in the bucket to look: a folder, or any part of the keys; "" for everywhere.
        flow_log_id: Only this flow log's files, where several deliver to the bucket.
        accounts: Only these accounts' files.
        regions: Only these Regions' files.
        malformed: "raise" for a line or file that does not fit, or "keep" it in
            `attrs["read"].set_aside` and go on.
        categorical: Columns of few different strings to hold as pandas' categories. A million
            records of the default format take 140 MB; with action, log_status, account_id and
            interface_id so 86 MB, with the addresses, too, 57 MB; reading takes a tenth longer.
        watch: Told how far the reading is (`scan.Progress`).

    Returns:
        As `records.parse`, the files in their keys' order, each in its own. `attrs["read"]` has
        the account of lines and objects. An empty bucket gives no rows and the columns of the
        default format.

    Raises:
        ClientError: NoSuchBucket, AccessDenied and the like.
        RecordFormatError: A line does not fit its file's header, or a file is no flow log.
        ParameterError: A column is in no file; start or end have no time zone.
    """
    scanned = scan(
        aws,
        bucket,
        start=start,
        end=end,
        fields=fields,
        columns=columns,
        filter=filter,
        prefix=prefix,
        flow_log_id=flow_log_id,
        accounts=accounts,
        regions=regions,
        malformed=malformed,
        categorical=categorical,
        watch=watch,
    )
    return collect(scanned, fields, columns)


def scan(
    aws: boto3.Session,
    bucket: str,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    fields: Sequence[str] | None = None,
    columns: Collection[str] | None = None,
    filter: Filter | None = None,
    prefix: str = "",
    flow_log_id: str | None = None,
    accounts: Collection[str] | None = None,
    regions: Collection[str] | None = None,
    malformed: Malformed = "raise",
    categorical: Collection[str] = (),
    watch: Watch = silent,
) -> Scan:
    """Read as `read` does, but yield Arrow tables one by one, in bounded memory.

    Returns:
        To be iterated once: tables of one log format each. Its `summary` has the account.
    """
    opened = Bucket(aws, bucket)
    window = Window(start or BEGINNING, end)
    place = Place(prefix, flow_log_id, accounts, regions)
    wanted = None if columns is None else tuple(columns)
    selection = Selection(window, filter, wanted, tuple(categorical))
    reading = Reading(selection, fields, malformed)
    found = listing.find(opened, window, place)
    return Scan(f"s3://{bucket}/{prefix}", opened, found, reading, watch)


def find_files(
    bucket: Bucket, window: Window, *, prefix: str = "", flow_log_id: str | None = None
) -> list[Object]:
    """List the flow log files that may hold records of a span of time."""
    found = listing.find(bucket, window, Place(prefix, flow_log_id))
    return [each for each in found if isinstance(each, Object)]


def list_days(bucket: Bucket, prefix: str, window: Window) -> list[Object]:
    """List the folders of the window's days, in every account and Region that is there."""
    return [
        each
        for region in find_regions(bucket, prefix)
        for day in window.days()
        for each in bucket.list(layout.day_prefix(region, day))
    ]


def _times(moments: Iterator[datetime]) -> pd.Series:
    return pd.to_datetime(pd.Series(list(moments), dtype="datetime64[s, UTC]"), utc=True)
