"""Rows back to the text of flow log records, byte for byte as AWS writes it.

Source: docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from labkit.errors import ParameterError
from labkit.fields import DEFAULT_FIELDS, column


def write(
    rows: pa.Table | pd.DataFrame, fields: Sequence[str] = DEFAULT_FIELDS, *, header: bool = True
) -> str:
    """Return the text that `records.parse` makes the same rows from.

    Args:
        rows: As a reader of `labkit.flowlogs` returns them.
        fields: Names in the order in which to write them, e.g. that of the log format.
        header: Whether the first line names the fields, as it does in S3.

    Returns:
        A line a row, fields separated by one space, `-` for what is missing. Times are written
        in the unit they were read in: seconds, or milliseconds.

    Raises:
        ParameterError: A field is no column of the rows.
    """
    names = [column(field) for field in fields]
    there = list(rows.columns if isinstance(rows, pd.DataFrame) else rows.column_names)
    missing = [name for name in names if name not in there]
    if missing:
        raise ParameterError(f"The rows have no column {', '.join(missing)} to write.")
    if isinstance(rows, pd.DataFrame):
        rows = pa.Table.from_pandas(rows[names], preserve_index=False)
    first = " ".join(fields) + "\n" if header else ""
    if not rows.num_rows:
        return first
    words = [_words(rows[name]) for name in names]
    lines = pc.binary_join_element_wise(*words, " ")  # pyright: ignore
    return first + "\n".join(lines.to_pylist()) + "\n"


def _words(values: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if pa.types.is_timestamp(values.type):
        values = values.cast(pa.int64())
    return pc.fill_null(values.cast(pa.string()), "-")  # pyright: ignore
