"""The columns of flow log records: Arrow's type of each, and times among them.

Source: docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html#flow-logs-fields
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from labkit.fields import KNOWN, column
from labkit.flowlogs.exact_lines import FIRST_MILLISECONDS

ALWAYS_READ = ("start", "end", "log_status")
"""The columns without which no line can be accounted for."""

_TYPES = {"int32": pa.int32(), "int64": pa.int64(), "string": pa.string()}
COLUMN_TYPES: dict[str, pa.DataType] = {
    field.column: _TYPES[field.dtype] for field in KNOWN.values()
}
_BY_UNIT = {"s": pa.timestamp("s", "UTC"), "ms": pa.timestamp("ms", "UTC")}


def schema(fields: Sequence[str]) -> dict[str, pa.DataType]:
    """Return the type of each column; what AWS adds tomorrow is a string."""
    names = [column(field) for field in fields]
    return {name: COLUMN_TYPES.get(name, pa.string()) for name in names}


def to_read(wanted: Collection[str] | None, there: Collection[str]) -> list[str]:
    """Return which of the columns that are there must be read, None being all."""
    needed = None if wanted is None else {*wanted, *ALWAYS_READ}
    return [name for name in there if needed is None or name in needed]


def with_times(table: pa.Table) -> pa.Table:
    """Make Unix times UTC timestamps without copying them: of seconds, or of milliseconds."""
    for name in ("start", "end"):
        if name in table.column_names:
            place = table.column_names.index(name)
            table = table.set_column(place, name, _as_times(table[name]))
    return table


def _as_times(values: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_timestamp(values.type):  # as other programs write Parquet
        return values.cast(_BY_UNIT["s" if values.type.unit == "s" else "ms"], safe=False)
    latest = pc.max(values).as_py()  # pyright: ignore
    in_ms = latest is not None and latest >= FIRST_MILLISECONDS
    return values.cast(_BY_UNIT["ms" if in_ms else "s"])
