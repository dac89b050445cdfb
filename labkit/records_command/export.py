"""Records into a file that other programs read: CSV, Parquet or JSON lines."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from labkit.errors import ParameterError


class Sink(Protocol):
    """Takes tables of one schema, one after another."""

    def write(self, table: pa.Table) -> None: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Writer:
    """A file to be, and what opens it for tables of a schema."""

    path: Path
    open: Callable[[Path, pa.Schema], Sink]


def choose(name: str) -> Writer:
    """Return what writes a file of this name.

    Raises:
        ParameterError: Its ending tells no format that we know.
    """
    path = Path(name)
    ending = "".join(path.suffixes[-2:] if path.suffix == ".gz" else path.suffixes[-1:]).lower()
    if ending not in _SINKS:
        raise ParameterError(
            f"{name}: how to write is told by the ending, one of {', '.join(_SINKS)}."
        )
    return Writer(path, _SINKS[ending])


def export(tables: Iterable[pa.Table], writer: Writer) -> None:
    """Write all tables to a file, which is there only once it is whole.

    The first table settles the columns. A column that a later one lacks is missing in its rows.

    Raises:
        ParameterError: A later table has a column that the first has not.
        OSError: The file cannot be written.
    """
    part = writer.path.with_name(writer.path.name + ".part")
    sink: Sink | None = None
    try:
        schema = None
        for table in tables:
            if sink is None or schema is None:
                schema = table.schema
                sink = writer.open(part, schema)
            sink.write(_fit(table, schema))
        sink = sink or writer.open(part, pa.schema([]))
        sink.close()
        part.replace(writer.path)
    except BaseException:
        if sink is not None:
            sink.close()
        part.unlink(missing_ok=True)
        raise


def _fit(table: pa.Table, schema: pa.Schema) -> pa.Table:
    new = [name for name in table.column_names if name not in schema.names]
    if new:
        raise ParameterError(
            f"The records have several log formats, and {', '.join(new)} is not in the first. Say "
            "--columns=… of them all, or export them one by one."
        )
    for field in schema:
        if field.name not in table.column_names:
            table = table.append_column(field, pa.nulls(table.num_rows, field.type))
    return table.select(schema.names).cast(schema)


class _Csv:
    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._file = pa.OSFile(str(path), "wb")
        self._writer = pyarrow.csv.CSVWriter(self._file, schema)

    def write(self, table: pa.Table) -> None:
        self._writer.write_table(table)

    def close(self) -> None:
        self._writer.close()
        self._file.close()


class _GzippedCsv(_Csv):
    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._file = pa.CompressedOutputStream(pa.OSFile(str(path), "wb"), "gzip")
        self._writer = pyarrow.csv.CSVWriter(self._file, schema)


class _Parquet:
    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._writer = pyarrow.parquet.ParquetWriter(path, schema, compression="zstd")

    def write(self, table: pa.Table) -> None:
        self._writer.write_table(table)

    def close(self) -> None:
        self._writer.close()


class _JsonLines:
    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._file: Any = path.open("w", encoding="utf-8")

    def write(self, table: pa.Table) -> None:
        for row in _with_text_times(table).to_pylist():
            self._file.write(json.dumps(row, separators=(",", ":")) + "\n")

    def close(self) -> None:
        self._file.close()


class _GzippedJsonLines(_JsonLines):
    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._file = gzip.open(path, "wt", encoding="utf-8")  # noqa: SIM115


def _with_text_times(table: pa.Table) -> pa.Table:
    """Write times as ISO 8601 has them, with a Z."""
    import pyarrow.compute as pc

    for place, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type):
            text = pc.strftime(table[field.name], "%Y-%m-%dT%H:%M:%SZ")  # pyright: ignore
            table = table.set_column(place, field.name, text)
    return table


_SINKS: dict[str, Callable[[Path, pa.Schema], Sink]] = {
    ".csv": _Csv,
    ".csv.gz": _GzippedCsv,
    ".parquet": _Parquet,
    ".jsonl": _JsonLines,
    ".jsonl.gz": _GzippedJsonLines,
}
