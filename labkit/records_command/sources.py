"""What `labkit records` reads from: a bucket, a log group, or files."""

from __future__ import annotations

import argparse
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import boto3
import pyarrow as pa

from labkit import aws
from labkit.errors import ParameterError
from labkit.fields import DEFAULT_FIELDS, parse_format
from labkit.flowlogs import cloudwatch, files, s3
from labkit.flowlogs.filters import Filter
from labkit.flowlogs.summary import ReadSummary
from labkit.waiting import Watch

BUCKET, LOG_GROUP = "s3://", "log-group:"


class Scan(Protocol):
    """Tables of records one by one, and the account of them."""

    summary: ReadSummary

    def __iter__(self) -> Iterator[pa.Table]: ...
    def __next__(self) -> pa.Table: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records, and which of their columns."""

    start: datetime | None
    end: datetime | None
    filter: Filter | None
    columns: Collection[str] | None


def scan(sources: Sequence[str], given: argparse.Namespace, wanted: Wanted, watch: Watch) -> Scan:
    """Open what was named.

    Raises:
        ParameterError: It is none of the three kinds, or several.
        LabError: As `aws.connect`.
        FileNotFoundError: There is no such file.
    """
    kind = _kind(sources)
    _refuse_what_does_not_apply(kind, given)
    common = {
        "start": wanted.start,
        "end": wanted.end,
        "filter": wanted.filter,
        "columns": wanted.columns,
        "fields": _fields(given.fields),
        "malformed": given.malformed,
        "watch": watch,
    }
    if kind == "file":
        return files.scan(sources, **common)
    session = connect(given)
    if kind == LOG_GROUP:
        return cloudwatch.scan(
            session,
            sources[0].removeprefix(LOG_GROUP),
            streams=given.streams,
            pattern=given.filter_pattern,
            **common,
        )
    bucket, _, prefix = sources[0].removeprefix(BUCKET).partition("/")
    return s3.scan(
        session,
        bucket,
        prefix=prefix,
        flow_log_id=given.flow_log_id,
        accounts=given.accounts,
        regions=given.regions,
        **common,
    )


def connect(given: argparse.Namespace) -> boto3.Session:
    """Return a session where the command was told to look, in a role if one was named."""
    session = aws.connect(given.target, region=given.region, profile=given.profile)
    if not given.role_arn:
        return session
    asked = {"RoleArn": given.role_arn, "RoleSessionName": "labkit-records"}
    if given.external_id:
        asked["ExternalId"] = given.external_id
    role = session.client("sts").assume_role(**asked)["Credentials"]
    session = aws.connect(given.target, region=given.region, profile=given.profile)
    core: Any = session._session  # boto3 has no public way to change them
    core.set_credentials(role["AccessKeyId"], role["SecretAccessKey"], role["SessionToken"])
    return session


def _kind(sources: Sequence[str]) -> str:
    if not sources:
        raise ParameterError(
            "Say what to read: s3://BUCKET[/PREFIX], log-group:NAME, or files. "
            "A file that is called like an action is written ./count."
        )
    kinds = [
        next((k for k in (BUCKET, LOG_GROUP) if each.startswith(k)), "file") for each in sources
    ]
    if len(set(kinds)) > 1 or (kinds[0] != "file" and len(sources) > 1):
        raise ParameterError(
            f"One bucket, one log group, or files, and not {', '.join(sources)} at once."
        )
    if sources[0] in (BUCKET, LOG_GROUP) or sources[0].startswith(f"{BUCKET}/"):
        raise ParameterError(f"{sources[0]} names no bucket and no log group.")
    return kinds[0]


_ONLY = {
    "flow_log_id": BUCKET,
    "accounts": BUCKET,
    "regions": BUCKET,
    "streams": LOG_GROUP,
    "filter_pattern": LOG_GROUP,
}


def _refuse_what_does_not_apply(kind: str, given: argparse.Namespace) -> None:
    for name, for_kind in _ONLY.items():
        if getattr(given, name) and kind != for_kind:
            option = "stream" if name == "streams" else name.replace("_", "-")
            raise ParameterError(f"--{option} is for {for_kind}… only.")
    if given.external_id and not given.role_arn:
        raise ParameterError("--external-id goes with --role-arn: say the role, too.")


def _fields(text: str | None) -> Sequence[str] | None:
    """Return the names of a log format, written with `${}` or without."""
    if text is None:
        return None
    if text == "default":
        return DEFAULT_FIELDS
    return (
        parse_format(text)
        if "$" in text
        else parse_format(" ".join(f"${{{name}}}" for name in text.replace("_", "-").split()))
    )
