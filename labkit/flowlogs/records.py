"""From the text of flow log records to a DataFrame that accounts for every line.

Source: docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from labkit.errors import RecordFormatError
from labkit.fields import BY_NAME, DEFAULT_FIELDS, FIELDS, column

_TYPES = {"int32": pa.int32(), "int64": pa.int64(), "string": pa.string()}
COLUMN_TYPES: dict[str, pa.DataType] = {field.column: _TYPES[field.dtype] for field in FIELDS}
_UNIX_TIME = pa.timestamp("s", "UTC")
ALWAYS_READ = ("start", "end", "log_status")
_WHOLE_NUMBER = re.compile(r"-|-?[0-9]+")


class ReadSummary(NamedTuple):
    """What was read, and what became of each line; stands in a frame's `attrs["read"]`.

    `lines` = header + blank + records + nodata + skipdata. The frame has a row for each of the
    last three, but for those that lie `outside` of the span that was asked for.
    """

    lines: int = 0
    header: int = 0
    blank: int = 0
    records: int = 0
    nodata: int = 0
    skipdata: int = 0
    outside: int = 0
    text_bytes: int = 0
    objects: int = 0
    events: int = 0


def total(parts: Iterable[ReadSummary]) -> ReadSummary:
    return ReadSummary(*map(sum, zip(ReadSummary(), *parts, strict=True)))


def parse(lines: str | Iterable[str], fields: Sequence[str] = DEFAULT_FIELDS) -> pd.DataFrame:
    """Return flow log records as a DataFrame, one row a line.

    A line that only repeats the field names (a header) and a blank one make no row; NODATA and
    SKIPDATA lines do, for they say something. `attrs["read"]` counts them all.

    Args:
        lines: Text, or its lines. Fields are separated by one space or more.
        fields: Names in the order of the log format, as `fields.parse_format` returns them.

    Returns:
        A column a field, named as AWS names it with `-` replaced by `_`. `-` is missing, 0 is
        zero. Numbers and strings have Arrow's types; start and end are datetime64[s, UTC].

    Raises:
        RecordFormatError: A line has too few or too many fields, or a number is none.
    """
    all_lines = lines.splitlines() if isinstance(lines, str) else list(lines)
    header = list(fields)
    kept = [line.rstrip("\r\n") + "\n" for line in all_lines if line.split() != header]
    table, counts = parse_table("".join(kept).encode(), fields)
    headers = header_lines(fields, len(all_lines) - len(kept))
    return to_frame(table, total([counts, headers]))


def parse_table(
    data: bytes,
    fields: Sequence[str] = DEFAULT_FIELDS,
    *,
    columns: Collection[str] | None = None,
    file: str = "",
    first_line: int = 1,
) -> tuple[pa.Table, ReadSummary]:
    """Parse the lines of one log format, which have no header, to an Arrow table.

    Args:
        data: The lines, UTF-8.
        fields: Names in the order of the log format.
        columns: The columns wanted, None for all. start, end and log_status always come.
        file: Where the lines are from, for errors.
        first_line: The number of the first line there, for errors.

    Returns:
        The rows, start and end as timestamps, and the account of the lines.

    Raises:
        RecordFormatError: As `parse`.
    """
    lines = data.count(b"\n") + (not data.endswith(b"\n") and data != b"")
    table = _read_plain(data, fields, columns, lines)
    if table is None:  # blank lines, runs of whitespace, or a bad line
        rows = _split(data, fields, file, first_line)
        table = _read_rows(rows, fields, columns)
    return with_times(table), _count(table, lines)._replace(text_bytes=len(data))


def to_frame(table: pa.Table, read: ReadSummary) -> pd.DataFrame:
    """Return the table as pandas has it, with the account of what was read in `attrs["read"]`.

    Arrow's types keep a missing number apart from 0 without turning the others into floats.
    Times are NumPy's instead: only those compare with strings and slice by them
    (`log[log.start >= "2026-11-24 10:00"]`), and Matplotlib takes both.
    """
    frame = table.to_pandas(
        types_mapper=lambda dtype: None if pa.types.is_timestamp(dtype) else pd.ArrowDtype(dtype)
    )
    frame.attrs["read"] = read
    return frame


def header_lines(fields: Sequence[str], count: int) -> ReadSummary:
    size = len(" ".join(fields)) + 1
    return ReadSummary(lines=count, header=count, text_bytes=count * size)


def count_rows(table: pa.Table) -> ReadSummary:
    """Count records, NODATA and SKIPDATA among the rows; without log_status all are records."""
    nodata = skipdata = 0
    if "log_status" in table.column_names:
        statuses = pc.value_counts(table["log_status"]).to_pylist()  # pyright: ignore
        by_status = {each["values"]: each["counts"] for each in statuses}
        nodata, skipdata = by_status.get("NODATA", 0), by_status.get("SKIPDATA", 0)
    rows = table.num_rows
    return ReadSummary(
        lines=rows, records=rows - nodata - skipdata, nodata=nodata, skipdata=skipdata
    )


def _count(table: pa.Table, lines: int) -> ReadSummary:
    blank = lines - table.num_rows
    return total([count_rows(table), ReadSummary(lines=blank, blank=blank)])


def _schema(fields: Sequence[str]) -> list[tuple[str, pa.DataType]]:
    names = [column(field) for field in fields]
    return [(name, COLUMN_TYPES.get(name, pa.string())) for name in names]


def _read_plain(
    data: bytes, fields: Sequence[str], columns: Collection[str] | None, lines: int
) -> pa.Table | None:
    """Parse at full speed, or return None where the text is not one space between fields."""
    try:
        table = _read_csv(data, fields, columns)
    except pa.ArrowInvalid:
        return None
    if table.num_rows != lines or any(map(_has_empty_string, table.columns)):
        return None
    return table


def _has_empty_string(values: pa.ChunkedArray) -> bool:
    """Tell whether two separators met: only then is a string empty."""
    if not pa.types.is_string(values.type):
        return False
    return pc.min(pc.binary_length(values)).as_py() == 0  # pyright: ignore


def _read_csv(
    data: bytes, fields: Sequence[str], columns: Collection[str] | None = None
) -> pa.Table:
    schema = _schema(fields)
    names = [name for name, _ in schema]
    wanted = None if columns is None else {*columns, *ALWAYS_READ}
    return pyarrow.csv.read_csv(
        pa.BufferReader(data),
        read_options=pyarrow.csv.ReadOptions(column_names=names, use_threads=False),
        parse_options=pyarrow.csv.ParseOptions(delimiter=" ", quote_char=False),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=dict(schema),
            null_values=["-"],
            strings_can_be_null=True,
            include_columns=[name for name in names if wanted is None or name in wanted],
        ),
    )


def _read_rows(
    rows: Sequence[Sequence[str]], fields: Sequence[str], columns: Collection[str] | None
) -> pa.Table:
    none = " ".join("-" for _ in fields)  # for the types, since Arrow refuses an empty text
    text = "\n".join([none, *map(" ".join, rows)])
    return _read_csv(text.encode(), fields, columns).slice(1)


def _split(data: bytes, fields: Sequence[str], file: str, first_line: int) -> list[list[str]]:
    """Split each line on whitespace and check it: slowly, but able to say what is wrong where."""
    rows = []
    for number, line in enumerate(data.split(b"\n"), start=first_line):
        words = line.decode(errors="backslashreplace").split()
        fault = _find_fault(words, fields) if words else None
        if fault:
            raise _format_error(fault, " ".join(words), fields, file, number)
        if words:
            rows.append(words)
    return rows


def _find_fault(words: Sequence[str], fields: Sequence[str]) -> str | None:
    if len(words) != len(fields):
        return f"{len(words)} fields where the log format has {len(fields)}"
    for word, name in zip(words, fields, strict=True):
        dtype = BY_NAME[name].dtype if name in BY_NAME else "string"
        if dtype != "string" and not _fits(word, dtype):
            return f"{name} is {word!r}, which is no {dtype}"
    return None


def _fits(word: str, dtype: str) -> bool:
    if not _WHOLE_NUMBER.fullmatch(word):
        return False
    bits = 32 if dtype == "int32" else 64
    return word == "-" or -(2 ** (bits - 1)) <= int(word) < 2 ** (bits - 1)


def _format_error(
    fault: str, line: str, fields: Sequence[str], file: str, number: int
) -> RecordFormatError:
    where = f"{file}, line {number}" if file else f"Line {number}"
    expected = " ".join(fields)
    return RecordFormatError(
        f"{where}: {fault}.\n  line:   {line}\n  format: {expected}", line=line, format=expected
    )


def with_times(table: pa.Table) -> pa.Table:
    """Make Unix seconds UTC times, without copying them."""
    for name in {"start", "end"}.intersection(table.column_names):
        place = table.column_names.index(name)
        table = table.set_column(place, name, table[name].cast(_UNIX_TIME))
    return table
