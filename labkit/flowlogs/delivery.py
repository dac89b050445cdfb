"""Is delivery in order? What DescribeFlowLogs, the bucket and the log group say, as facts.

Sources:
    docs.aws.amazon.com/vpc/latest/userguide/flow-logs-troubleshooting.html
    docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-permissions.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

import boto3
from botocore.exceptions import ClientError

from labkit.flowlogs import s3
from labkit.flowlogs.objects import Bucket
from labkit.flowlogs.window import Window

DELIVERY_SERVICE = "delivery.logs.amazonaws.com"
NEEDED = ("s3:PutObject", "s3:GetBucketAcl")


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that was looked at; `is_fine` is None where it says neither yes nor no."""

    what: str
    seen: str
    is_fine: bool | None = None

    @property
    def mark(self) -> str:
        return {True: "✓", False: "✗", None: "·"}[self.is_fine]


def status(flow_log: Mapping[str, Any]) -> Fact:
    """Return what AWS says of the delivery; to S3, one that fails later is not told here."""
    said = flow_log.get("DeliverLogsStatus", "not said")
    message = flow_log.get("DeliverLogsErrorMessage")
    seen = f"{said}: {message}" if message else said
    return Fact("DeliverLogsStatus", seen, is_fine=False if said == "FAILED" or message else None)


def bucket_facts(aws: boto3.Session, bucket: str, since: datetime, now: datetime) -> list[Fact]:
    """Look at a bucket's policy and at its objects of the days in question."""
    try:
        policy = _policy(aws, bucket)
        objects = s3.list_days(Bucket(aws, bucket), "", Window(since, max(since, now)))
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucket":
            raise
        return [Fact("Bucket", f"{bucket} does not exist", is_fine=False)]
    newest = max((each.last_modified for each in objects), default=None)
    seen = f"{newest:%Y-%m-%d %H:%M:%S} UTC, of {len(objects)}" if newest else "none so far"
    return [policy, Fact("Newest object since that day", seen)]


def log_group_facts(aws: boto3.Session, group: str) -> list[Fact]:
    """Look at a log group's streams."""
    try:
        pages = aws.client("logs").get_paginator("describe_log_streams")
        streams = sum(len(page["logStreams"]) for page in pages.paginate(logGroupName=group))
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return [Fact("Log group", f"{group} does not exist", is_fine=False)]
    return [Fact("Log streams", f"{streams} (one per network interface that had traffic)")]


def missing_grants(policy: Mapping[str, Any]) -> list[str]:
    """Return the actions that a bucket policy does not allow the delivery service.

    A statement with conditions counts as a grant, but not as a denial: what the conditions are
    compared with is known to AWS only.
    """
    allowed = set(_actions(policy, "Allow"))
    denied = set(_actions(policy, "Deny", conditional=False))
    return [action for action in NEEDED if action not in allowed or action in denied]


def _actions(policy: Mapping[str, Any], effect: str, *, conditional: bool = True) -> Iterator[str]:
    for statement in _as_list(policy.get("Statement", [])):
        if statement["Effect"] != effect or (statement.get("Condition") and not conditional):
            continue
        if not {"*", DELIVERY_SERVICE}.intersection(_services(statement)):
            continue
        patterns = [pattern.lower() for pattern in _as_list(statement.get("Action", []))]
        for action in NEEDED:
            if any(fnmatchcase(action.lower(), pattern) for pattern in patterns):
                yield action


def _services(statement: Mapping[str, Any]) -> list[str]:
    principal = statement.get("Principal", {})
    return [principal] if principal == "*" else _as_list(principal.get("Service", []))


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _policy(aws: boto3.Session, bucket: str) -> Fact:
    try:
        text = aws.client("s3").get_bucket_policy(Bucket=bucket)["Policy"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucketPolicy":
            raise
        return Fact("Bucket policy", f"none, so {DELIVERY_SERVICE} may not write", is_fine=False)
    missing = missing_grants(json.loads(text))
    if missing:
        seen = f"does not allow {DELIVERY_SERVICE} {' and '.join(missing)}"
        return Fact("Bucket policy", seen, is_fine=False)
    return Fact("Bucket policy", f"grants {DELIVERY_SERVICE} what it needs", is_fine=True)
