"""Flow log files as S3 holds them: gzipped text with a header, or Parquet, to Arrow tables."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet
from isal import igzip, igzip_lib

from labkit.errors import RecordFormatError
from labkit.fields import BY_NAME
from labkit.flowlogs import layout
from labkit.flowlogs.records import (
    COLUMN_TYPES,
    ReadSummary,
    count_rows,
    header_lines,
    parse_table,
    total,
    with_times,
)

# Setting a parser up costs more than a small file's parse, so small files of one header are
# joined up to JOINED_BYTES; one of LARGE_BYTES is parsed by the thread that fetched it.
JOINED_BYTES = 4_000_000
LARGE_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Text:
    """The records of one file, inflated, without the header that names their fields."""

    key: str
    fields: tuple[str, ...]
    body: bytes
    headers: int


Parsed = tuple[pa.Table, ReadSummary]


def load(
    key: str,
    data: bytes,
    fields: Sequence[str] | None = None,
    columns: Collection[str] | None = None,
) -> Text | Parsed:
    """Open one file, and parse it unless it is small text.

    Raises:
        RecordFormatError: It is no gzip file, has no header, or a line does not fit.
    """
    name = layout.parse_key(key)
    if name and name.is_parquet:
        return _read_parquet(key, data, columns)
    text = _open(key, data, fields)
    return text if len(text.body) < LARGE_BYTES else _parse_one(text, columns)


def join(loaded: Iterable[Text | Parsed]) -> Iterator[list[Text] | Parsed]:
    """Yield the same files in the same order, neighbors of one log format together."""
    together: list[Text] = []
    size = 0
    for each in loaded:
        if together and (size >= JOINED_BYTES or _fields(each) != together[0].fields):
            yield together
            together, size = [], 0
        if isinstance(each, Text):
            together.append(each)
            size += len(each.body)
        else:
            yield each
    if together:
        yield together


def _fields(each: Text | Parsed) -> tuple[str, ...] | None:
    return each.fields if isinstance(each, Text) else None


def load_and_parse(key: str, data: bytes) -> pa.Table:
    """Open and parse one file."""
    return parse(next(join([load(key, data)])))[0]


def parse(texts: list[Text] | Parsed, columns: Collection[str] | None = None) -> Parsed:
    """Parse files of one log format at once."""
    if isinstance(texts, tuple):
        return texts
    body = b"".join(_ending_in_newline(text.body) for text in texts)
    try:
        table, counts = parse_table(body, texts[0].fields, columns=columns)
    except RecordFormatError:
        for text in texts:  # the bad line is in one of them: let the error name it
            _parse_one(text, columns)
        raise
    headers = sum(text.headers for text in texts)
    return table, total([counts, header_lines(texts[0].fields, headers)])


def _parse_one(text: Text, columns: Collection[str] | None) -> Parsed:
    table, counts = parse_table(
        text.body, text.fields, columns=columns, file=text.key, first_line=1 + text.headers
    )
    return table, total([counts, header_lines(text.fields, text.headers)])


def _ending_in_newline(body: bytes) -> bytes:
    return body if not body or body.endswith(b"\n") else body + b"\n"


def _open(key: str, data: bytes, fields: Sequence[str] | None) -> Text:
    try:
        inflated = igzip.decompress(data)  # every gzip member, unlike igzip_lib.decompress
    except (OSError, EOFError, igzip_lib.IsalError) as error:  # pyright: ignore
        raise RecordFormatError(f"{key} is no complete gzip file: {error}") from error
    first, _, rest = inflated.partition(b"\n")
    names = tuple(first.decode(errors="backslashreplace").split())
    if _is_header(names):
        return Text(key, names, rest, headers=1)
    if fields is None:
        raise RecordFormatError(
            f"{key} has no header in its first line: say fields=… of its log format.",
            line=" ".join(names),
        )
    return Text(key, tuple(fields), inflated, headers=0)


def _is_header(names: Sequence[str]) -> bool:
    """Tell field names from values; no value of a record is the name of a known field."""
    return any(name in BY_NAME for name in names)


def _read_parquet(key: str, data: bytes, columns: Collection[str] | None) -> Parsed:
    """Read a Parquet file, whose columns are named with underscores and typed.

    How a `-` of the text appears there is not documented: null, and a string "-", are missing.
    """
    try:
        table = pyarrow.parquet.read_table(pa.BufferReader(data))
    except pa.ArrowInvalid as error:
        raise RecordFormatError(f"{key} is no Parquet file: {error}") from error
    for place, name in enumerate(table.column_names):
        values = table[name].cast(COLUMN_TYPES.get(name, pa.string()))
        if pa.types.is_string(values.type):
            values = _dash_to_missing(values)
        table = table.set_column(place, name, values)
    return with_times(table), count_rows(table)


def _dash_to_missing(values: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.if_else(pc.equal(values, "-"), None, values)  # pyright: ignore
