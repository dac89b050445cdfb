"""The keys of flow log files on S3.

Source: docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

FileFormat = Literal["plain-text", "parquet"]
EXTENSIONS: dict[FileFormat, str] = {"plain-text": "log.gz", "parquet": "log.parquet"}

SLOT_S = 300
"""Files are published for slots of five minutes."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the files of one flow log go, and what they are: DestinationOptions and the prefix."""

    prefix: str = ""  # "" or one that ends in a slash
    hive_compatible: bool = False
    per_hour: bool = False
    file_format: FileFormat = "plain-text"


def slot_of(end: int) -> int:
    """Return the start of the slot that a record's end falls into, in epoch seconds."""
    return end - end % SLOT_S


def folder(layout: Layout, account_id: str) -> str:
    """Return the folder that all files of an account share; a bucket policy grants it."""
    account = f"aws-account-id={account_id}" if layout.hive_compatible else account_id
    return f"{layout.prefix}AWSLogs/{account}/"


def object_key(
    layout: Layout, slot: int, *, account_id: str, region: str, flow_log_id: str, unique: str
) -> str:
    """Return the key of one file.

    Args:
        layout: where the flow log's files go.
        slot: start of the slot, in epoch seconds.
        account_id: whose flow log it is.
        region: where it is.
        flow_log_id: its id.
        unique: eight hexadecimal digits; a slot may have several files.
    """
    at = datetime.fromtimestamp(slot, UTC)
    days = (
        f"aws-service=vpcflowlogs/aws-region={region}/year={at:%Y}/month={at:%m}/day={at:%d}/"
        if layout.hive_compatible
        else f"vpcflowlogs/{region}/{at:%Y/%m/%d}/"
    )
    hours = (f"hour={at:%H}/" if layout.hive_compatible else f"{at:%H}/") * layout.per_hour
    name = f"{account_id}_vpcflowlogs_{region}_{flow_log_id}_{at:%Y%m%dT%H%MZ}_{unique}"
    return f"{folder(layout, account_id)}{days}{hours}{name}.{EXTENSIONS[layout.file_format]}"
