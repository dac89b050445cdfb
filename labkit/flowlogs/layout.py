"""Where flow logs lie in a bucket: the layouts of keys, and what a file's name says.

Source: docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime

_FILE_NAME = re.compile(
    r"(\d{12})_vpcflowlogs_([a-z0-9-]+)_(fl-[0-9a-f]+)"
    r"_(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)Z_[^_./]+\.(log\.gz|log\.parquet|parquet)"
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


def are_on_one_way(folder: str, prefix: str) -> bool:
    """Tell whether keys may begin with both."""
    return folder.startswith(prefix) or prefix.startswith(folder)


def day_prefix(region_prefix: str, day: date) -> str:
    """Return the prefix under which a UTC day's files lie, hourly folders or not."""
    hive = "aws-region=" in region_prefix
    return region_prefix + day.strftime("year=%Y/month=%m/day=%d/" if hive else "%Y/%m/%d/")
