"""The fastest path: clean lines, by a parser in machine code, straight into Arrow's columns.

It gives what Arrow's own parser gives in `clean_lines`, or nothing: whatever is not plain is parsed
there. Loading the machine code takes a moment, and compiling it on the first time ever some more,
so nothing waits for it: Arrow's parser goes on until it is there.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Collection, Iterator, Mapping
from types import ModuleType

import numpy as np
import pyarrow as pa

from labkit.flowlogs.exact_lines import TIMES

LOADED_AFTER_BYTES = 100_000_000
"""Text that was parsed without it: more is likely to come, and to be worth its loading."""
LEAST_BYTES = 20_000
SAMPLE = 500  # lines, to estimate how much room the strings of all of them take
SPARE = 1.04
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
        if sys.byteorder != "little":
            return
        try:
            from labkit.flowlogs import compiled_parser
        except (ImportError, RuntimeError):  # no Numba for this Python; no place for its cache
            return
        self.parser = compiled_parser


_loader = _Loader()


def load() -> bool:
    """Load the parser now, rather than when much has been parsed; tell whether it is there."""
    _loader.load()
    return _loader.parser is not None


def parse(
    text: bytes | bytearray,
    begin: int,
    end: int,
    types: Mapping[str, pa.DataType],
    wanted: Collection[str],
) -> pa.Table | None:
    """Return a row for each line, or None if one is not plain, or the parser not there.

    Args:
        text: Lines, the last one with or without its newline.
        begin: Where the first line begins.
        end: Where the last one ends.
        types: The type of each field of the log format.
        wanted: The columns wanted.
    """
    size = end - begin
    parser = _loader.parser
    if parser is None:
        _loader.after(size)
        return None
    if size < LEAST_BYTES or all(pa.types.is_string(types[name]) for name in wanted):
        return None  # where there are numbers, a header is no record
    kinds = [
        getattr(parser, _KINDS[types[name]] if name in wanted else "SKIPPED") for name in types
    ]
    # The parser reads some bytes on, so the last line goes to where there are some.
    cut = text.rfind(b"\n", begin, min(end, len(text) - parser.WORD)) + 1
    if cut <= begin:
        return None
    parts = [(np.frombuffer(text, np.uint8), begin, cut)]
    if cut < end:
        tail = bytes(text[cut:end])
        tail += b"" if tail.endswith(b"\n") else b"\n"
        parts.append((np.frombuffer(tail + bytes(parser.WORD), np.uint8), 0, len(tail)))
    rows = sum(parser.count_lines(*part) for part in parts)
    estimated = _estimate(parser, parts[0], len(types))
    if estimated is None:
        return None
    spare = SPARE
    while True:
        columns = _Columns(parser, list(types), kinds, rows, estimated * spare)
        outcome = columns.fill(parts)
        if outcome != parser.FULL:
            break
        spare *= 1.5
    return columns.table(types) if outcome == rows else None


def _estimate(parser: ModuleType, part: tuple, fields: int) -> np.ndarray | None:
    """Return the bytes a line of each field, or None if the lines are odd."""
    sizes = np.zeros(fields, np.int64)
    lines = parser.measure(*part, SAMPLE, sizes)
    return None if lines == parser.ODD else sizes / max(lines, 1)


class _Columns:
    """Memory for the columns of some lines, filled by the parser.

    Times have pieces of their own, which are used again as soon as pandas has copied them. All
    other columns lie in one: the system gives one large piece faster than many small ones.
    """

    def __init__(
        self, parser: ModuleType, names: list[str], kinds: list[int], rows: int, widths: np.ndarray
    ) -> None:
        self._parser, self._rows, self._kinds = parser, rows, kinds
        self._nulls = np.zeros(len(kinds), np.int64)
        self._validity = np.full((len(kinds), rows // 8 + 1), 0xFF, np.uint8)
        bytes_of = {
            parser.SKIPPED: 0,
            parser.INT32: 4 * rows,
            parser.INT64: 8 * rows,
            parser.STRING: 4 * rows + 4,
        }
        is_text = [kind == parser.STRING for kind in kinds]
        sizes = [_aligned(bytes_of[kind]) for kind in kinds]
        rooms = [
            _aligned(rows * width + 2 * parser.WORD) if there else 0
            for width, there in zip(widths, is_text, strict=True)
        ]
        own = {
            field: np.empty(size, np.uint8)
            for field, (name, size) in enumerate(zip(names, sizes, strict=True))
            if name in TIMES and size
        }
        shared = np.empty(sum(rooms) + sum(sizes) - sum(map(len, own.values())), np.uint8)
        in_shared = [0 if field in own else size for field, size in enumerate(sizes)]
        pieces = list(_cut(shared, [*in_shared, *rooms]))
        self._values = [own.get(field, piece) for field, piece in enumerate(pieces[: len(kinds)])]
        self._text = pieces[len(kinds) :]
        ends = [(each.ctypes.data, each.ctypes.data + each.size) for each in self._text]
        self._rooms = np.array([(begin, end, begin) for begin, end in ends], np.int64)
        for field, there in enumerate(is_text):
            if there:
                self._values[field][:4] = 0  # the first value begins with the text

    def fill(self, parts: list[tuple]) -> int:
        """Parse the lines of all parts; return the number of rows, ODD or FULL."""
        kinds = np.array(self._kinds, np.int8)
        values = np.array([each.ctypes.data for each in self._values], np.int64)
        row = 0
        for part in parts:
            row = self._parser.parse(
                *part, row, kinds, values, self._rooms, self._validity, self._nulls
            )
            if row < 0:
                break
        return row

    def table(self, types: Mapping[str, pa.DataType]) -> pa.Table:
        return pa.table(
            {
                name: self._column(field, dtype)
                for field, (name, dtype) in enumerate(types.items())
                if self._kinds[field] != self._parser.SKIPPED
            }
        )

    def _column(self, field: int, dtype: pa.DataType) -> pa.Array:
        nulls = int(self._nulls[field])
        buffers = [
            pa.py_buffer(self._validity[field]) if nulls else None,
            pa.py_buffer(self._values[field]),
        ]
        if self._kinds[field] == self._parser.STRING:
            begin, _, free = self._rooms[field]
            buffers.append(pa.py_buffer(self._text[field][: free - begin]))
        return pa.Array.from_buffers(dtype, self._rows, buffers, nulls)


def _cut(memory: np.ndarray, sizes: list[int]) -> Iterator[np.ndarray]:
    """Yield pieces of these sizes, one after the other."""
    place = 0
    for size in sizes:
        yield memory[place : place + size]
        place += size


def _aligned(size: float) -> int:
    return -(-int(size) // ALIGNED) * ALIGNED
