"""Sums over more records than fit into memory: folds of the tables that a scan yields.

Each takes the tables one by one and keeps only sums, whose number does not grow with the records'.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from labkit.errors import ParameterError
from labkit.flowlogs.columns import COLUMN_TYPES
from labkit.flowlogs.frames import to_frame
from labkit.flowlogs.records import ReadSummary

# Sums are summed up again as soon as there are so many, so that they stay few.
MOST_ROWS = 1_000_000
_FOR_ONE_THREAD = 500_000  # rows; the tables of a scan are smaller, and its threads are busy
_SUMS = ("packets", "bytes", "records")
_SPANS = {"start": "min", "end": "max"}


def by(tables: Iterable[pa.Table], keys: Sequence[str], *, spans: bool = False) -> pd.DataFrame:
    """Sum packets and bytes, and count the records, for each combination of some columns.

    Args:
        tables: As a scan yields them. NODATA and SKIPDATA rows are left out: they have no flow.
        keys: Names of columns.
        spans: Tell also the earliest start and the latest end.

    Returns:
        The keys, packets, bytes, records, and start and end if wanted; ordered by the keys.

    Raises:
        ParameterError: A table lacks a column.
    """
    also = tuple(name for name in _SPANS if spans and name not in keys)
    sums = (_sums(table, keys, also) for table in tables)
    return _frame(_fold(sums, keys), keys, also)


def count(tables: Iterable[pa.Table], keys: Sequence[str]) -> pd.DataFrame:
    """Count the rows for each combination of some columns, those without traffic included.

    Returns:
        The keys, records; ordered by the keys.
    """
    ones = (table.append_column("records", pa.repeat(1, table.num_rows)) for table in tables)
    parts = (_sum_up([table.select([*keys, "records"])], keys) for table in ones)
    return _frame(_fold(parts, keys), keys, sums=("records",))


def by_minute(tables: Iterable[pa.Table], keys: Sequence[str] = ("action",)) -> pd.DataFrame:
    """Sum packets and bytes by the minute in which a record starts, and by action.

    Returns:
        minute (UTC), the keys, packets, bytes, records; ordered by time.
    """
    names = ["minute", *keys]
    return _frame(_fold((_sums(_with_minute(table), names) for table in tables), names), names)


def by_port(tables: Iterable[pa.Table]) -> pd.DataFrame:
    """Sum packets and bytes by protocol, destination port and action, most bytes first."""
    frame = by(tables, ["protocol", "dstport", "action"])
    return frame.sort_values("bytes", ascending=False, ignore_index=True)


def top_talkers(tables: Iterable[pa.Table], n: int = 10) -> pd.DataFrame:
    """Sum packets and bytes by source and destination address, and keep the n with most bytes."""
    frame = by(tables, ["srcaddr", "dstaddr"])
    ordered = frame.sort_values(
        ["bytes", "srcaddr", "dstaddr"], ascending=[False, True, True], ignore_index=True
    )
    return ordered.head(n)


def addresses(tables: Iterable[pa.Table]) -> list[str]:
    """Return every address at either end of a record, in the order of their text."""
    found: set[str] = set()
    for table in tables:
        for name in ("srcaddr", "dstaddr"):
            if name in table.column_names:
                found.update(pc.unique(table[name]).to_pylist())  # pyright: ignore
    return sorted(found - {None})  # pyright: ignore


def _with_minute(table: pa.Table) -> pa.Table:
    if "start" not in table.column_names:
        raise ParameterError("The records have no start: their log format lacks it.")
    seconds = table["start"].cast(pa.timestamp("s", "UTC"), safe=False).cast(pa.int64())
    minute = pc.multiply(pc.divide(seconds, 60), 60)  # pyright: ignore
    return table.append_column("minute", minute.cast(pa.timestamp("s", "UTC")))


def _sums(table: pa.Table, keys: Sequence[str], also: Sequence[str] = ()) -> pa.Table:
    needed = [*dict.fromkeys([*keys, "packets", "bytes", *also])]
    missing = [name for name in needed if name not in table.column_names]
    if missing:
        raise ParameterError(
            f"The records have no {', '.join(missing)}: their log format lacks it."
        )
    rows = table.select(needed)
    if also:  # those of rows without traffic would count
        rows = rows.filter(pc.is_valid(rows["packets"]))  # pyright: ignore
    grouped = rows.group_by(list(keys), use_threads=rows.num_rows > _FOR_ONE_THREAD)
    sums = grouped.aggregate(
        [
            ("packets", "sum"),
            ("bytes", "sum"),
            ("packets", "count"),  # of those that are there
            *((name, _SPANS[name]) for name in also),
        ]
    ).rename_columns([*keys, *_SUMS, *also])
    return sums.filter(pc.greater(sums["records"], 0))  # pyright: ignore


def _fold(parts: Iterable[pa.Table], keys: Sequence[str]) -> pa.Table | None:
    kept: list[pa.Table] = []
    rows = 0
    for part in parts:
        kept.append(part)
        rows += part.num_rows
        if rows > MOST_ROWS:
            kept = [_sum_up(kept, keys)]
            rows = 0
    return _sum_up(kept, keys) if kept else None


def _sum_up(parts: Sequence[pa.Table], keys: Sequence[str]) -> pa.Table:
    table = pa.concat_tables(parts, promote_options="permissive")
    values = [name for name in table.column_names if name not in keys]
    sums = table.group_by(list(keys)).aggregate(
        [(name, _SPANS.get(name, "sum")) for name in values]
    )
    return sums.rename_columns([*keys, *values])


def _frame(
    table: pa.Table | None,
    keys: Sequence[str],
    also: Sequence[str] = (),
    sums: Sequence[str] = _SUMS,
) -> pd.DataFrame:
    if table is None:
        strings = [(key, COLUMN_TYPES.get(key, pa.string())) for key in keys]
        times = [(name, pa.timestamp("s", "UTC")) for name in also]
        counts = [(name, pa.int64()) for name in sums]
        table = pa.schema([*strings, *counts, *times]).empty_table()
    ordered = table.sort_by([(key, "ascending") for key in keys])  # pyright: ignore
    frame = to_frame([ordered], ReadSummary())
    frame.attrs.clear()
    return frame
