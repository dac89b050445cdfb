"""The folders of a bucket that hold flow logs, found by looking: for each account and Region.

Source: docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from labkit.errors import LabError
from labkit.flowlogs.layout import are_on_one_way
from labkit.flowlogs.objects import Bucket

AWS_LOGS = "AWSLogs/"
MOST_FOLDERS = 500

_REGION = re.compile(
    r"(?:aws-account-id=)?(?P<account>\d{12})/(?:aws-service=)?vpcflowlogs/"
    r"(?:aws-region=)?(?P<region>[^/]+)/"
)


def find_regions(
    bucket: Bucket,
    prefix: str = "",
    *,
    accounts: Collection[str] | None = None,
    regions: Collection[str] | None = None,
) -> list[str]:
    """Return the key prefixes of flow logs in a bucket, down to the Region, for each account.

    The prefix before `AWSLogs/`, if any, and Hive-compatible names are found, not assumed.

    Args:
        bucket: Where to look.
        prefix: Where to look: a folder above `AWSLogs/`, or any part of a key below it.
        accounts: Only these account ids.
        regions: Only these Regions.

    Raises:
        ClientError: NoSuchBucket, AccessDenied and the like.
        LabError: The bucket holds too many other folders to look through.
    """
    found = []
    for logs in _find_aws_logs(bucket, prefix):
        for account in _folders_towards(bucket, logs, prefix):
            services = _folders_towards(bucket, account, prefix)
            for service in services:
                if not service.endswith("vpcflowlogs/"):
                    continue
                for region in _folders_towards(bucket, service, prefix):
                    match = _REGION.fullmatch(region.removeprefix(logs))
                    if match and _is_among(match["account"], accounts):
                        found += [region] if _is_among(match["region"], regions) else []
    return found


def _is_among(value: str, wanted: Collection[str] | None) -> bool:
    return wanted is None or value in wanted


def _folders_towards(bucket: Bucket, folder: str, prefix: str) -> list[str]:
    return [each for each in bucket.folders(folder) if are_on_one_way(each, prefix)]


def _find_aws_logs(bucket: Bucket, prefix: str) -> Iterator[str]:
    before, found, _ = f"/{prefix}".partition("/" + AWS_LOGS)
    if found:
        yield f"{before}/{AWS_LOGS}".removeprefix("/")
        return
    if prefix and not prefix.endswith("/"):
        prefix += "/"
    pending, seen = [prefix], 0
    while pending:
        for folder in bucket.folders_among_objects(pending.pop(0)):
            seen += 1
            if seen > MOST_FOLDERS:
                raise LabError(
                    f"Looked at {MOST_FOLDERS} folders of the bucket {bucket.name} without an end: "
                    "say prefix=… where its flow logs are."
                )
            if folder.endswith("/" + AWS_LOGS) or folder == AWS_LOGS:
                yield folder
            else:
                pending.append(folder)
