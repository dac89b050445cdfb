"""The day's records as the files that a flow log puts into a bucket.

Source: docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html
"""

from __future__ import annotations

import gzip
import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from labkit.company.incidents import incidents
from labkit.company.ordinary import ordinary
from labkit.company.records import ACCOUNT_ID, FIELDS, records
from labkit.company.truth import truth

DAY = datetime(2026, 5, 12, tzinfo=UTC)
"""The day of the log, a Tuesday: the same for each seed, and whenever it is made."""

REGION = "us-east-1"
SLOT_S = 300
MOST_RECORDS = 700  # in one file: a busy slot has several


@dataclass(frozen=True, slots=True)
class LogFile:
    """One object: its key, and the gzipped text."""

    key: str
    body: bytes = field(repr=False)


def day(seed: int) -> pa.Table:
    """Return all records of the day of a seed."""
    rng = np.random.default_rng([seed, 1])
    made = np.concatenate([*ordinary(rng), *incidents(rng, truth(seed))])
    return records(made, rng, midnight=int(DAY.timestamp()))


def log_files(seed: int) -> Iterator[LogFile]:
    """Yield the day's files, oldest slot first: the same bytes for the same seed."""
    table = day(seed)
    slots = np.asarray(table["end"]) // SLOT_S
    table = table.take(np.argsort(slots, kind="stable"))
    found, begins = np.unique(np.sort(slots), return_index=True)
    lengths = np.diff([*begins, len(table)])
    for slot, begin, length in zip(found, begins, lengths, strict=True):
        for offset in range(0, length, MOST_RECORDS):
            part = table.slice(begin + offset, min(MOST_RECORDS, length - offset))
            yield _log_file(int(slot) * SLOT_S, part, seed)


def _log_file(slot: int, part: pa.Table, seed: int) -> LogFile:
    text = as_text(part)
    digest = hashlib.sha256(text).hexdigest()
    at = datetime.fromtimestamp(slot, UTC)
    name = f"{ACCOUNT_ID}_vpcflowlogs_{REGION}_{flow_log_id(seed)}_{at:%Y%m%dT%H%MZ}_{digest[:8]}"
    key = f"AWSLogs/{ACCOUNT_ID}/vpcflowlogs/{REGION}/{at:%Y/%m/%d}/{name}.log.gz"
    return LogFile(key, gzip.compress(text, compresslevel=6, mtime=0))


def flow_log_id(seed: int) -> str:
    """Return an id of EC2's form, one for each seed."""
    return f"fl-0{hashlib.sha256(f'company {seed}'.encode()).hexdigest()[:16]}"


def as_text(table: pa.Table) -> bytes:
    """Return a header with the fields' names, then a line for each record; missing is `-`."""
    texts = [pc.fill_null(table[name].cast(pa.string()), "-") for name in table.column_names]  # pyright: ignore
    lines = pc.binary_join_element_wise(*texts, " ")  # pyright: ignore
    file = io.StringIO()
    file.write(" ".join(FIELDS) + "\n")
    file.writelines(f"{line}\n" for line in lines.to_pylist())
    return file.getvalue().encode()
