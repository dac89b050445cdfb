"""From the text of flow log records to a DataFrame that accounts for every line.

Source: docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Literal

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from labkit.fields import DEFAULT_FIELDS
from labkit.flowlogs import clean_lines, exact_lines
from labkit.flowlogs.columns import with_times
from labkit.flowlogs.frames import to_frame
from labkit.flowlogs.summary import ReadSummary, SetAside, total
from labkit.flowlogs.writer import write

__all__ = [
    "Malformed",
    "ReadSummary",
    "SetAside",
    "count_rows",
    "parse",
    "parse_table",
    "total",
    "write",
]

Malformed = Literal["raise", "keep"]
"""What becomes of a line that does not fit: an error, or an entry in `ReadSummary.set_aside`."""


def parse(
    lines: str | Iterable[str],
    fields: Sequence[str] = DEFAULT_FIELDS,
    *,
    malformed: Malformed = "raise",
) -> pd.DataFrame:
    """Return flow log records as a DataFrame, one row a line.

    A line that only repeats the field names (a header) and a blank one make no row; NODATA and
    SKIPDATA lines do, for they say something. `attrs["read"]` counts them all.

    Args:
        lines: Text, or its lines. Fields are separated by spaces or tabs, one or more.
        fields: Names in the order of the log format, as `fields.parse_format` returns them.
        malformed: "raise" an error for a line that does not fit, or "keep" it in
            `attrs["read"].set_aside` and go on.

    Returns:
        A column a field, named as AWS names it with `-` replaced by `_`. `-` is missing, 0 is
        zero. Numbers and strings have Arrow's types; start and end are datetime64[s, UTC].

    Raises:
        RecordFormatError: A line has too few or too many fields, or a number is none.
    """
    if not isinstance(lines, str):
        lines = "".join(line.rstrip("\r\n") + "\n" for line in lines)
    table, read = parse_table(lines.encode(), fields, malformed=malformed)
    return to_frame([table], read)


def parse_table(
    data: bytes | bytearray,
    fields: Sequence[str] = DEFAULT_FIELDS,
    *,
    columns: Collection[str] | None = None,
    begin: int = 0,
    end: int | None = None,
    file: str = "",
    first_line: int = 1,
    malformed: Malformed = "raise",
) -> tuple[pa.Table, ReadSummary]:
    """Parse the lines of one log format to an Arrow table.

    Args:
        data: The lines, UTF-8.
        fields: Names in the order of the log format.
        columns: The columns wanted, None for all. start, end and log_status always come. Of a
            line's other fields it is then only known that they are there.
        begin: Where the first line begins.
        end: Where the last one ends; None for the end of the data.
        file: Where the lines are from, for errors.
        first_line: The number of the first line there, for errors.
        malformed: As for `parse`.

    Returns:
        The rows, start and end as timestamps, and the account of the lines.

    Raises:
        RecordFormatError: As `parse`.
    """
    end = len(data) if end is None else end
    table = clean_lines.parse(data, fields, columns, begin=begin, end=end)
    if table is not None:
        counts = count_rows(table)._replace(lines=table.num_rows)
    else:
        lines = bytes(data[begin:end])
        table, counts = _parse_exactly(lines, fields, columns, file, first_line, malformed)
    return with_times(table), counts._replace(text_bytes=end - begin)


def count_rows(table: pa.Table) -> ReadSummary:
    """Count records, NODATA and SKIPDATA among the rows; without log_status all are records."""
    rows, nodata, skipdata = table.num_rows, 0, 0
    if "log_status" in table.column_names and _may_lack_traffic(table["log_status"]):
        nodata, skipdata = (_count(table["log_status"], word) for word in ("NODATA", "SKIPDATA"))
    return ReadSummary(records=rows - nodata - skipdata, nodata=nodata, skipdata=skipdata)


def _count(values: pa.ChunkedArray, word: str) -> int:
    return pc.sum(pc.equal(values, word)).as_py() or 0  # pyright: ignore


def _may_lack_traffic(statuses: pa.ChunkedArray) -> bool:
    """Rule the longer words out at a twentieth of what counting costs."""
    longest = pc.max(pc.binary_length(statuses)).as_py()  # pyright: ignore
    return longest is not None and longest >= len("NODATA")


def _parse_exactly(
    data: bytes,
    fields: Sequence[str],
    columns: Collection[str] | None,
    file: str,
    first_line: int,
    malformed: Malformed,
) -> tuple[pa.Table, ReadSummary]:
    lines = exact_lines.sort(data, fields, file=file, first_line=first_line)
    if lines.set_aside and malformed == "raise":
        raise exact_lines.error(lines.set_aside[0], fields)
    if lines.clean:
        table = clean_lines.read_csv(b"\n".join(lines.clean), fields, columns)
    else:
        table = clean_lines.empty(fields, columns)
    return table, count_rows(table)._replace(
        lines=lines.count,
        header=lines.headers,
        blank=lines.blank,
        malformed=len(lines.set_aside),
        set_aside=tuple(lines.set_aside),
    )
