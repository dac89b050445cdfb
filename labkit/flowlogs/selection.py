"""What is wanted of the records: a span of time, a filter, some columns."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import pyarrow as pa

from labkit.flowlogs.columns import COLUMN_TYPES
from labkit.flowlogs.exact_lines import TIMES
from labkit.flowlogs.filters import Filter
from labkit.flowlogs.records import ReadSummary, count_rows
from labkit.flowlogs.window import Window


@dataclass(frozen=True, slots=True)
class Selection:
    """Keeps the rows and columns that are wanted, and accounts for the others.

    Attributes:
        window: The span of time.
        filter: None for every record.
        columns: In this order; None for all.
        categorical: The columns to hold as a dictionary and numbers, which takes less memory.
    """

    window: Window
    filter: Filter | None = None
    columns: tuple[str, ...] | None = None
    categorical: tuple[str, ...] = ()

    @property
    def to_read(self) -> Collection[str] | None:
        """The columns to read so that all this can be told; None for all."""
        if self.columns is None:
            return None
        return {*self.columns, *(self.filter.columns if self.filter else ())}

    def apply(self, table: pa.Table, counts: ReadSummary) -> tuple[pa.Table, ReadSummary]:
        """Return the rows that are wanted, and the account with the others as what they are."""
        inside = self.window.overlapping(table)
        kept = inside.filter(self.filter.mask(inside)) if self.filter else inside
        if kept.num_rows < table.num_rows:
            rows = count_rows(kept)
            counts = counts._replace(
                records=rows.records,
                nodata=rows.nodata,
                skipdata=rows.skipdata,
                outside=counts.outside + table.num_rows - inside.num_rows,
                filtered=counts.filtered + inside.num_rows - kept.num_rows,
            )
        return self._encode(self._select(kept)), counts

    def _select(self, table: pa.Table) -> pa.Table:
        """Take the columns wanted; one that the log format lacks is missing in each row."""
        if self.columns is None:
            return table
        for name in self.columns:
            if name not in table.column_names:
                none = pa.nulls(table.num_rows, _type_of(name))
                table = table.append_column(name, none)
        return table.select(list(self.columns))

    def _encode(self, table: pa.Table) -> pa.Table:
        for name in self.categorical:
            if name in table.column_names:
                place = table.column_names.index(name)
                table = table.set_column(place, name, table[name].dictionary_encode())
        return table


def _type_of(name: str) -> pa.DataType:
    return pa.timestamp("s", "UTC") if name in TIMES else COLUMN_TYPES.get(name, pa.string())
