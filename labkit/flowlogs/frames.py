"""From a scan to one DataFrame, for what fits into memory."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pandas as pd
import pyarrow as pa

from labkit.fields import DEFAULT_FIELDS
from labkit.flowlogs import clean_lines
from labkit.flowlogs.columns import with_times
from labkit.flowlogs.records import to_frame
from labkit.flowlogs.scan import Scan


def collect(
    scan: Scan, fields: Sequence[str] | None = None, columns: Collection[str] | None = None
) -> pd.DataFrame:
    """Return all that a scan yields; what a file's format lacks is missing in its rows."""
    tables = list(scan)
    if not tables:
        table = with_times(clean_lines.empty(fields or DEFAULT_FIELDS))
        tables = [table if columns is None else _only(table, columns)]
    table = pa.concat_tables(tables, promote_options="permissive")
    tables.clear()  # so that nothing else holds what is given back
    return to_frame(table, scan.summary)


def _only(table: pa.Table, columns: Collection[str]) -> pa.Table:
    there = [name for name in columns if name in table.column_names]
    return table.select(there)
