"""Flow log files in Parquet.

Source: docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from labkit.flowlogs.columns import COLUMN_TYPES, to_read, with_times
from labkit.flowlogs.records import ReadSummary, count_rows
from labkit.flowlogs.stored import Data
from labkit.flowlogs.text_blocks import NotFlowLog

if TYPE_CHECKING:
    from pyarrow.parquet import FileMetaData

MAGIC = b"PAR1"


def read_parquet(
    data: Data, columns: Collection[str] | None = None
) -> tuple[pa.Table, ReadSummary]:
    """Read a Parquet file, whose columns are named with underscores and typed.

    How a `-` of the text appears there is not documented: null, and a string "-", are missing.

    Raises:
        NotFlowLog: It is no Parquet file, has no column of a flow log, or one of another type.
    """
    import pyarrow.parquet  # not needed where all is text, and slow to import

    try:
        opened = pyarrow.parquet.ParquetFile(pa.BufferReader(data))
        names = to_read(columns, opened.schema_arrow.names)
        if not COLUMN_TYPES.keys() & set(opened.schema_arrow.names):
            raise NotFlowLog("has no column of a flow log")
        table = opened.read(columns=names, use_threads=False)
        dashes = _may_hold_dashes(opened.metadata)
        for place, name in enumerate(table.column_names):
            values = _typed(name, table[name])
            if name in dashes and pa.types.is_string(values.type):
                values = pc.if_else(pc.equal(values, "-"), None, values)  # pyright: ignore
            table = table.set_column(place, name, values)
        table = with_times(table)
    except pa.ArrowException as error:
        raise NotFlowLog(f"is no Parquet file of flow log records ({error})") from error
    return table, count_rows(table)._replace(lines=table.num_rows)


def _typed(name: str, values: pa.ChunkedArray) -> pa.ChunkedArray:
    wanted = COLUMN_TYPES.get(name, pa.string())
    if values.type == wanted or (name in ("start", "end") and pa.types.is_timestamp(values.type)):
        return values
    return values.cast(wanted)


def _may_hold_dashes(metadata: FileMetaData) -> set[str]:
    """Return the columns of which the statistics do not rule out a "-"; it sorts before letters."""
    found = set()
    for group in range(metadata.num_row_groups):
        for place in range(metadata.num_columns):
            column = metadata.row_group(group).column(place)
            told = column.statistics
            least = told.min if told is not None and told.has_min_max else "-"
            if not isinstance(least, str) or least <= "-":
                found.add(column.path_in_schema)
    return found
