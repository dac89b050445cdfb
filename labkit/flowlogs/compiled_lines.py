"""The fastest path: clean lines, by a parser in machine code, straight into Arrow's columns.

It gives what `clean_lines` gives, or nothing: for whatever is not plain, its lines are parsed there.
Loading the machine code takes half a second, and two seconds more on the first time ever, so
nothing waits for it: Arrow's parser goes on until it is there.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import ModuleType

import numpy as np
import pyarrow as pa

LOADED_AFTER_BYTES = 32_000_000
"""Text that was parsed without it: a log for which loading it takes less time than it saves."""
LEAST_BYTES = 20_000
SAMPLE = 500  # lines, to estimate how much room the strings of all of them take
SPARE = 1.1
ALIGNED = 64  # bytes, as Arrow recommends

_KINDS = {pa.int32(): "INT32", pa.int64(): "INT64", pa.string(): "STRING"}


class _Loader:
    """Loads the parser once in a process, in a thread of its own.

    Attributes:
        parser: `compiled_parser`, as soon as it is there.
    """

    def __init__(self) -> None:
        self.parser: ModuleType | None = None
        self._begun = threading.Lock()
        self._parsed_bytes = 0

    def after(self, size: int) -> None:
        """Begin to load it if enough text has been parsed without it."""
        self._parsed_bytes += size
        if self._parsed_bytes >= LOADED_AFTER_BYTES and self._begun.acquire(blocking=False):
            threading.Thread(target=self.load, name="compiled-parser").start()

    def load(self) -> None:
        try:
            from labkit.flowlogs import compiled_parser
        except (ImportError, RuntimeError):  # no Numba for this Python; no place for its cache
            return
        self.parser = compiled_parser


_loader = _Loader()


def load() -> bool:
    """Load the parser now; tell whether it is there."""
    _loader.load()
    return _loader.parser is not None


def parse(
    text: bytes, begin: int, types: Mapping[str, pa.DataType], wanted: Collection[str]
) -> pa.Table | None:
    """Return a row for each line, or None if one is not plain, or the parser not there.

    Args:
        text: Lines, the last one with or without its newline.
        begin: Where the first line begins.
        types: The type of each field of the log format.
        wanted: The columns wanted.
    """
    size = len(text) - begin
    parser = _loader.parser
    if parser is None:
        _loader.after(size)
        return None
    if size < LEAST_BYTES or all(pa.types.is_string(types[name]) for name in wanted):
        return None  # where there are numbers, a header is no record
    kinds = [getattr(parser, _KINDS[types[name]]) if name in wanted else 0 for name in types]
    # The parser reads some bytes on, so the last line goes to where there are some.
    cut = text.rfind(b"\n", begin, len(text) - parser.WORD) + 1
    tail = text[cut:] if text.endswith(b"\n") else text[cut:] + b"\n"
    parts = [
        (np.frombuffer(text, np.uint8), begin, cut),
        (np.frombuffer(tail + bytes(parser.WORD), np.uint8), 0, len(tail)),
    ]
    rows = sum(parser.count_lines(*part) for part in parts)
    estimated = _estimate(parser, parts[0], len(types))
    if cut <= begin or estimated is None:
        return None
    spare = SPARE
    while True:
        columns = _Columns(parser, kinds, rows, estimated * spare)
        outcome = columns.fill(parts)
        if outcome != parser.FULL:
            break
        spare *= 2
    return columns.table(list(types.items())) if outcome == rows else None


def _estimate(parser: ModuleType, part: tuple, fields: int) -> np.ndarray | None:
    """Return the bytes a line of each field, or None if the lines are odd."""
    sizes = np.zeros(fields, np.int64)
    lines = parser.measure(*part, SAMPLE, sizes)
    return None if lines == parser.ODD else sizes / max(lines, 1)


class _Columns:
    """One piece of memory for all columns of some lines: the kernel gives one faster than many."""

    def __init__(
        self, parser: ModuleType, kinds: list[int], rows: int, string_bytes: np.ndarray
    ) -> None:
        self._parser, self._rows = parser, rows
        self._kinds = np.array(kinds, np.int8)
        self._slots = np.array([kinds[:n].count(kind) for n, kind in enumerate(kinds)], np.int64)
        ints, longs, strings = map(kinds.count, (parser.INT32, parser.INT64, parser.STRING))
        sizes = [
            _aligned(rows * string_bytes[field] + 2 * parser.WORD)
            for field, kind in enumerate(kinds)
            if kind == parser.STRING
        ]
        row = _aligned(4 * rows + 4) // 4  # so that each column begins aligned
        spans = np.cumsum([0, 8 * row * longs, 4 * row * ints, 4 * row * strings, *sizes])
        memory = np.empty(spans[-1], np.uint8)
        longs_at, ints_at, offsets_at, room_at = spans[:4]
        self.int64 = memory[longs_at:ints_at].view(np.int64).reshape(longs, row)
        self.int32 = memory[ints_at:offsets_at].view(np.int32).reshape(ints, row)
        self.offsets = memory[offsets_at:room_at].view(np.int32).reshape(strings, row)
        self.offsets[:, 0] = 0
        self.room = memory[room_at:]
        begins = spans[3:-1] - room_at
        self.rooms = np.stack([begins, spans[4:] - room_at, begins], axis=1)
        self.validity = np.full((len(kinds), rows // 8 + 1), 0xFF, np.uint8)
        self.nulls = np.zeros(len(kinds), np.int64)

    def fill(self, parts: list[tuple]) -> int:
        """Parse the lines of all parts; return the number of rows, ODD or FULL."""
        row = 0
        for part in parts:
            row = self._parser.parse(
                *part,
                row,
                self._kinds,
                self._slots,
                self.int32,
                self.int64,
                self.offsets,
                self.room,
                self.rooms,
                self.validity,
                self.nulls,
            )
            if row < 0:
                break
        return row

    def table(self, types: list[tuple[str, pa.DataType]]) -> pa.Table:
        columns = {
            name: self._column(field, dtype)
            for field, (name, dtype) in enumerate(types)
            if self._kinds[field] != self._parser.SKIPPED
        }
        return pa.table(columns)

    def _column(self, field: int, dtype: pa.DataType) -> pa.Array:
        slot, kind, nulls = self._slots[field], self._kinds[field], int(self.nulls[field])
        buffers = [pa.py_buffer(self.validity[field]) if nulls else None]
        if kind == self._parser.STRING:
            begin, _, end = self.rooms[slot]
            buffers += [pa.py_buffer(self.offsets[slot]), pa.py_buffer(self.room[begin:end])]
        else:
            values = self.int32 if kind == self._parser.INT32 else self.int64
            buffers.append(pa.py_buffer(values[slot]))
        return pa.Array.from_buffers(dtype, self._rows, buffers, nulls)


def _aligned(size: float) -> int:
    return -(-int(size) // ALIGNED) * ALIGNED
