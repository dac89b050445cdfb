"""How long after its end a record could be read, at both destinations."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import boto3
import pandas as pd

from labkit.flowlogs import cloudwatch, files, s3
from labkit.flowlogs.objects import Bucket
from labkit.flowlogs.window import Window


def delivery_delays(
    aws: boto3.Session,
    bucket: str,
    group: str,
    *,
    start: datetime,
    end: datetime | None = None,
    fields: Sequence[str] | None = None,
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
        fields: As for `cloudwatch.read`.

    Returns:
        destination ("S3" or "CloudWatch Logs"), end of the record (UTC), delay_s.
    """
    window = Window(start, end)
    parts = [*_from_s3(aws, bucket, window), *_from_cloudwatch(aws, group, window, fields)]
    delays = pd.concat(parts or [_frame("", *_NO_TIMES)], ignore_index=True)
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
    aws: boto3.Session, group: str, window: Window, fields: Sequence[str] | None
) -> list[pd.DataFrame]:
    scan = cloudwatch.scan(
        aws,
        group,
        start=window.start,
        end=window.end,
        fields=fields,
        columns=["end"],
        ingestion_time=True,
    )
    return [
        _frame("CloudWatch Logs", table["end"].to_pandas(), table["ingestion_time"].to_pandas())
        for table in scan
    ]


def summarize(delays: pd.DataFrame) -> pd.DataFrame:
    """Return how late each destination is.

    Returns:
        By destination: the number of records; the earliest, the median, the 95th percentile
        (`p95`) and the latest delay, in seconds.
    """
    return delays.groupby("destination").delay_s.agg(
        records="size", earliest="min", median="median", p95=_p95, latest="max"
    )


def _p95(delays: pd.Series) -> float:
    return delays.quantile(0.95)


def _frame(destination: str, ends: pd.Series, arrived: pd.Series) -> pd.DataFrame:
    times = {"end": ends, "arrived": arrived}
    return pd.DataFrame(
        {"destination": destination}
        | {name: pd.to_datetime(each, utc=True) for name, each in times.items()}
    )


_NO_TIMES = (pd.Series(dtype="datetime64[s, UTC]"), pd.Series(dtype="datetime64[s, UTC]"))
