"""How long after its end a record could be read, at both destinations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import boto3
import pandas as pd

from labkit.fields import DEFAULT_FIELDS
from labkit.flowlogs import cloudwatch, files, s3
from labkit.flowlogs.objects import Bucket
from labkit.flowlogs.records import parse_table
from labkit.flowlogs.window import Window


def delivery_delays(
    aws: boto3.Session,
    bucket: str,
    group: str,
    *,
    start: datetime,
    end: datetime | None = None,
    fields: Sequence[str] = DEFAULT_FIELDS,
) -> pd.DataFrame:
    """Return for each record the time from its end until its destination had it.

    S3 tells when the file was written, in whole seconds; CloudWatch Logs when the event was
    ingested. A record's end may itself be a minute off.

    Args:
        aws: A session.
        bucket: The bucket's name.
        group: The log group's name.
        start: As for `s3.read`.
        end: As for `s3.read`.
        fields: The log format of the log group's records.

    Returns:
        destination ("S3" or "CloudWatch Logs"), end of the record (UTC), delay_s.
    """
    window = Window(start, end)
    parts = [*_from_s3(aws, bucket, window), _from_cloudwatch(aws, group, window, fields)]
    delays = pd.concat(parts, ignore_index=True)
    delays["delay_s"] = (delays.arrived - delays.end).dt.total_seconds()
    return delays.drop(columns="arrived")


def _from_s3(aws: boto3.Session, bucket: str, window: Window) -> list[pd.DataFrame]:
    opened = Bucket(aws, bucket)
    frames = []
    for each in s3.find_files(opened, window):
        table = files.load_and_parse(each.key, opened.get(each.key))
        ends = window.overlapping(table)["end"].to_pandas()
        frames.append(_frame("S3", ends, pd.Series(each.last_modified, index=ends.index)))
    return frames


def _from_cloudwatch(
    aws: boto3.Session, group: str, window: Window, fields: Sequence[str]
) -> pd.DataFrame:
    events = list(cloudwatch.events(aws.client("logs"), group, window))
    text = "".join(event["message"] + "\n" for event in events)
    table, _ = parse_table(text.encode(), fields, file=f"Log group {group}")
    ingested = pd.Series([event["ingestionTime"] for event in events], dtype="int64")
    arrived = pd.to_datetime(ingested, unit="ms", utc=True)
    ends = table["end"].to_pandas()
    frame = _frame("CloudWatch Logs", ends, arrived)
    # A record knows whole seconds only.
    return frame.loc[ends >= window.start.replace(microsecond=0), :]


def _frame(destination: str, ends: pd.Series, arrived: pd.Series) -> pd.DataFrame:
    return pd.DataFrame({"destination": destination, "end": ends, "arrived": arrived})
