"""From Arrow tables to one DataFrame."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa

from labkit.fields import DEFAULT_FIELDS
from labkit.flowlogs import clean_lines
from labkit.flowlogs.columns import with_times
from labkit.flowlogs.summary import ReadSummary

if TYPE_CHECKING:
    from labkit.flowlogs.scan import Scan

MORE_ROOM = 8  # times as much as there is, when a column of times grows
MANY_ROWS = 100_000  # of fewer, a column of times has no more room than it needs
UNITS = ("s", "ms", "us", "ns")
_NOT_A_TIME = np.datetime64("NaT").view(np.int64)


def collect(
    scan: Scan, fields: Sequence[str] | None = None, columns: Collection[str] | None = None
) -> pd.DataFrame:
    """Return all that a scan yields; what a file's format lacks is missing in its rows."""
    rows = Rows()
    for table in scan:
        rows.add(table)
    if rows.is_empty:
        table = with_times(clean_lines.empty(fields or DEFAULT_FIELDS))
        rows.add(table if columns is None else _only(table, columns))
    return rows.to_frame(scan.summary)


def to_frame(tables: Iterable[pa.Table], read: ReadSummary) -> pd.DataFrame:
    """Return tables as pandas has them, with the account of what was read in `attrs["read"]`."""
    rows = Rows()
    for table in tables:
        rows.add(table)
    return rows.to_frame(read)


class Rows:
    """Gathers tables for a DataFrame.

    Arrow's types keep a missing number apart from 0 without turning the others into floats.
    Times are NumPy's instead: only those compare with strings and slice by them
    (`log[log.start >= "2026-11-24 10:00"]`), and Matplotlib takes both. They are copied as they
    come, while others are still being parsed, and so are never all there twice.
    """

    def __init__(self) -> None:
        self._rows = 0
        self._names: dict[str, None] = {}
        self._tables: list[pa.Table] = []
        self._times: dict[str, _Times] = {}

    @property
    def is_empty(self) -> bool:
        """Whether no table has been added, not even one without rows."""
        return not self._names

    def add(self, table: pa.Table) -> None:
        self._names.update(dict.fromkeys(table.column_names))
        times = [each.name for each in table.schema if pa.types.is_timestamp(each.type)]
        for name in times:
            if name not in self._times:
                self._times[name] = _Times()
                self._times[name].pad(self._rows)
            self._times[name].extend(table[name])
        self._rows += table.num_rows
        for each in self._times.values():
            each.pad(self._rows)
        self._tables.append(table.drop_columns(times))

    def to_frame(self, read: ReadSummary) -> pd.DataFrame:
        """Return all rows: the columns of the first table, then those that only others have."""
        others = pa.concat_tables(self._tables, promote_options="permissive")
        self._tables.clear()
        columns = {
            name: self._times[name].array() if name in self._times else _as_pandas(others[name])
            for name in self._names
        }
        frame = pd.DataFrame(columns, index=pd.RangeIndex(self._rows), copy=False)
        frame.attrs["read"] = read
        return frame


class _Times:
    """A column of times that grows.

    It has room for many more than there are: the system gives only the memory that is written to.
    """

    def __init__(self) -> None:
        self._type: pa.TimestampType | None = None
        self._numbers = np.empty(0, np.int64)
        self._size = 0

    def extend(self, times: pa.ChunkedArray) -> None:
        times = self._in_one_unit(times)
        for chunk in times.chunks:
            numbers = chunk.view(pa.int64())
            if numbers.null_count:
                numbers = numbers.fill_null(_NOT_A_TIME)
            self._room(len(numbers))[:] = numbers.to_numpy()

    def pad(self, size: int) -> None:
        """Add missing ones up to so many."""
        self._room(size - self._size)[:] = _NOT_A_TIME

    def array(self) -> pd.api.extensions.ExtensionArray | np.ndarray:
        assert self._type is not None
        numbers, unit = self._numbers[: self._size], self._type.unit
        if self._size < MANY_ROWS:
            numbers = numbers.copy()
        if self._type.tz is None:
            return numbers.view(f"M8[{unit}]")
        return pd.array(numbers, dtype=pd.DatetimeTZDtype(unit, self._type.tz), copy=False)

    def _in_one_unit(self, times: pa.ChunkedArray) -> pa.ChunkedArray:
        """Turn these, or those that were there, into the finer unit."""
        before, self._type = self._type, times.type
        if before is None or before == times.type:
            return times
        if UNITS.index(before.unit) > UNITS.index(times.type.unit):
            self._type = before
            return times.cast(before)
        there = self._numbers[: self._size].view(f"M8[{before.unit}]")
        self._numbers = there.astype(f"M8[{times.type.unit}]").view(np.int64)
        return times

    def _room(self, rows: int) -> np.ndarray:
        begin, self._size = self._size, self._size + rows
        if self._size > len(self._numbers):
            larger = np.empty(max(self._size, MORE_ROOM * len(self._numbers)), np.int64)
            larger[:begin] = self._numbers[:begin]
            self._numbers = larger
        return self._numbers[begin : self._size]


def _as_pandas(values: pa.ChunkedArray) -> pd.Series | pd.api.extensions.ExtensionArray:
    if pa.types.is_dictionary(values.type):
        return values.unify_dictionaries().to_pandas()
    return pd.arrays.ArrowExtensionArray(values)


def _only(table: pa.Table, columns: Collection[str]) -> pa.Table:
    there = [name for name in columns if name in table.column_names]
    return table.select(there)
