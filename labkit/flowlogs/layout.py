"""Where flow logs lie in a bucket: the layouts of keys, and what a file's name says.

Source: docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from labkit.errors import LabError

AWS_LOGS = "AWSLogs/"
MOST_FOLDERS = 500

_FILE_NAME = re.compile(
    r"(\d{12})_vpcflowlogs_([a-z0-9-]+)_(fl-[0-9a-f]+)"
    r"_(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)Z_[^_./]+\.(log\.gz|log\.parquet|parquet)"
)
_REGION = re.compile(
    r"(?:aws-account-id=)?(?P<account>\d{12})/(?:aws-service=)?vpcflowlogs/"
    r"(?:aws-region=)?(?P<region>[^/]+)/"
)
_ENDINGS = (".log", ".log.gz", ".txt.gz", ".gz", ".parquet")


@dataclass(frozen=True, slots=True)
class FileName:
    """What the name of a flow log file says.

    Attributes:
        slot: The start of the five minutes in which its records end, about.
        is_parquet: Parquet rather than gzipped text.
    """

    account_id: str
    region: str
    flow_log_id: str
    slot: datetime
    is_parquet: bool


def parse_key(key: str) -> FileName | None:
    """Return what a key's last part says, or None if the object is no flow log file."""
    match = _FILE_NAME.fullmatch(key.rpartition("/")[2])
    if match is None:
        return None
    account_id, region, flow_log_id, *slot, ending = match.groups()
    try:
        began = datetime(*map(int, slot), tzinfo=UTC)  # pyright: ignore
    except ValueError:  # a 13th month
        return None
    return FileName(account_id, region, flow_log_id, began, ending.endswith("parquet"))


def may_be_flow_log(key: str) -> bool:
    """Tell whether an object is named as a flow log, or as a copy of one might be."""
    return key.endswith(_ENDINGS)


def find_regions(
    s3: Any,
    bucket: str,
    prefix: str = "",
    *,
    accounts: Collection[str] | None = None,
    regions: Collection[str] | None = None,
) -> list[str]:
    """Return the key prefixes of flow logs in a bucket, down to the Region, for each account.

    The prefix before `AWSLogs/`, if any, and Hive-compatible names are found, not assumed.

    Args:
        s3: A boto3 client of S3.
        bucket: The bucket's name.
        prefix: Where to look: a folder above `AWSLogs/`, or any part of a key below it.
        accounts: Only these account ids.
        regions: Only these Regions.

    Raises:
        ClientError: NoSuchBucket, AccessDenied and the like.
        LabError: The bucket holds too many other folders to look through.
    """
    found = []
    for logs in _find_aws_logs(s3, bucket, prefix):
        for account in _folders_towards(s3, bucket, logs, prefix):
            services = _folders_towards(s3, bucket, account, prefix)
            for service in services:
                if not service.endswith("vpcflowlogs/"):
                    continue
                for region in _folders_towards(s3, bucket, service, prefix):
                    match = _REGION.fullmatch(region.removeprefix(logs))
                    if match and _is_among(match["account"], accounts):
                        found += [region] if _is_among(match["region"], regions) else []
    return found


def are_on_one_way(folder: str, prefix: str) -> bool:
    """Tell whether keys may begin with both."""
    return folder.startswith(prefix) or prefix.startswith(folder)


def day_prefix(region_prefix: str, day: date) -> str:
    """Return the prefix under which a UTC day's files lie, hourly folders or not."""
    hive = "aws-region=" in region_prefix
    return region_prefix + day.strftime("year=%Y/month=%m/day=%d/" if hive else "%Y/%m/%d/")


def _is_among(value: str, wanted: Collection[str] | None) -> bool:
    return wanted is None or value in wanted


def _folders_towards(s3: Any, bucket: str, folder: str, prefix: str) -> list[str]:
    return [each for each in _folders(s3, bucket, folder) if are_on_one_way(each, prefix)]


def _find_aws_logs(s3: Any, bucket: str, prefix: str) -> Iterator[str]:
    before, found, _ = f"/{prefix}".partition("/" + AWS_LOGS)
    if found:
        yield f"{before}/{AWS_LOGS}".removeprefix("/")
        return
    if prefix and not prefix.endswith("/"):
        prefix += "/"
    pending, seen = [prefix], 0
    while pending:
        for folder in _folders(s3, bucket, pending.pop(0)):
            seen += 1
            if seen > MOST_FOLDERS:
                raise LabError(
                    f"Looked at {MOST_FOLDERS} folders of the bucket {bucket} without an end: "
                    "say prefix=… where its flow logs are."
                )
            if folder.endswith("/" + AWS_LOGS) or folder == AWS_LOGS:
                yield folder
            else:
                pending.append(folder)


def _folders(s3: Any, bucket: str, prefix: str) -> list[str]:
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix=prefix, Delimiter="/"
    )
    return [folder["Prefix"] for page in pages for folder in page.get("CommonPrefixes", ())]
