"""The fast path: lines of one log format, one space between fields, nothing odd in them.

It answers only where it is sure to give what `exact_lines` gives; a few looks at the bytes and at
the result are all that this costs.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from labkit.flowlogs import compiled_lines
from labkit.flowlogs.columns import schema, to_read
from labkit.flowlogs.exact_lines import END_OF_TIME, FIRST_MILLISECONDS, LONGEST_LINE, TIMES

# Arrow takes a tab beside a number for nothing, a carriage return for the end of a line.
_ODD = (b"\t", b"\r", b"\0")
_HEXADECIMAL = re.compile(rb"[ \n]-?0[xX]")  # a number to Arrow, none to us


def parse(
    text: bytes | bytearray,
    fields: Sequence[str],
    columns: Collection[str] | None = None,
    *,
    begin: int = 0,
    end: int | None = None,
) -> pa.Table | None:
    """Return a row for each line, or None if something in them is odd.

    Args:
        text: Lines, the last one with or without its newline.
        fields: Names in the order of the log format.
        columns: The columns wanted, None for all. start, end and log_status always come. Of the
            other ones it is only known that they are there.
        begin: Where the first record begins, after a header.
        end: Where the lines end; None for the end of the text.
    """
    end = len(text) if end is None else end
    if begin == end:
        return empty(fields, columns)
    types = schema(fields)
    table = compiled_lines.parse(text, begin, end, types, to_read(columns, types))
    if table is None:
        table = _parse_by_arrow(bytes(text[begin:end]), fields, columns)
    return None if table is None or _has_odd_time(table) else table


def _parse_by_arrow(
    data: bytes, fields: Sequence[str], columns: Collection[str] | None
) -> pa.Table | None:
    if any(odd in data for odd in _ODD) or _has_hexadecimal(data):
        return None
    if columns is not None and _has_two_spaces(data):  # in a column that nobody looks at
        return None
    if _are_all_strings(fields, columns) and " ".join(fields).encode() in data:
        return None  # where there are numbers, a header is none
    try:
        table = read_csv(data, fields, columns)
    except pa.ArrowInvalid:
        return None
    return None if any(map(_has_empty_string, table.columns)) else table


def read_csv(
    data: bytes, fields: Sequence[str], columns: Collection[str] | None = None
) -> pa.Table:
    """Parse lines by Arrow, each of which must be a record.

    Raises:
        ArrowInvalid: One is not.
    """
    types = schema(fields)
    return pyarrow.csv.read_csv(
        pa.BufferReader(data),
        read_options=pyarrow.csv.ReadOptions(
            column_names=list(types), use_threads=False, block_size=LONGEST_LINE
        ),
        parse_options=pyarrow.csv.ParseOptions(
            delimiter=" ", quote_char=False, ignore_empty_lines=False
        ),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types=types,
            null_values=["-"],
            strings_can_be_null=True,
            include_columns=to_read(columns, types),
            check_utf8=not data.isascii(),
        ),
    )


def empty(fields: Sequence[str], columns: Collection[str] | None = None) -> pa.Table:
    types = schema(fields)
    return pa.schema([(name, types[name]) for name in to_read(columns, types)]).empty_table()


def _are_all_strings(fields: Sequence[str], columns: Collection[str] | None) -> bool:
    types = schema(fields)
    return all(pa.types.is_string(types[name]) for name in to_read(columns, types))


def _has_hexadecimal(data: bytes) -> bool:
    may_have = b"x" in data or b"X" in data  # many times faster than the expression
    return may_have and (_HEXADECIMAL.search(data) is not None or data[:3].lower() == b"-0x")


def _has_two_spaces(data: bytes) -> bool:
    """Look for two spaces in a row, in pairs of bytes from the first and from the second byte.

    With single spaces so close together, `in` takes seven times longer, and keeps the GIL.
    """
    pairs = (
        np.frombuffer(data, np.uint16, (len(data) - offset) // 2, offset)
        for offset in range(min(2, len(data)))
    )
    return any(bool((each == 0x2020).any()) for each in pairs)


def _has_empty_string(values: pa.ChunkedArray) -> bool:
    """Tell whether two separators met, or a line was blank: only then is a string empty."""
    if not pa.types.is_string(values.type):
        return False
    return pc.min(pc.binary_length(values)).as_py() == 0  # pyright: ignore


def _has_odd_time(table: pa.Table) -> bool:
    """Tell whether a time is none, or some are seconds and some milliseconds."""
    found = [pc.min_max(table[name]).as_py() for name in TIMES if name in table.column_names]  # pyright: ignore
    least = min((each["min"] for each in found if each["min"] is not None), default=0)
    most = max((each["max"] for each in found if each["max"] is not None), default=0)
    mixed = least < FIRST_MILLISECONDS <= most
    return mixed or least < 0 or most >= END_OF_TIME
