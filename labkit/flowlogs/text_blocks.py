"""A flow log file's text in blocks of whole lines, and the log format that its header tells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from labkit.fields import KNOWN
from labkit.flowlogs.exact_lines import LONGEST_LINE
from labkit.flowlogs.inflate import Damaged, Truncated, inflate
from labkit.flowlogs.stored import Data

BLOCK_BYTES = 4_000_000
ENDLESS_LINE = 16 * LONGEST_LINE
"""Bytes after which to give up the file: a longer line may be gigabytes of the same letter."""


class NotFlowLog(Exception):
    """The file holds something else, or is damaged.

    Attributes:
        reason: What is wrong, as it fits after the file's name.
        text: How it begins.
    """

    def __init__(self, reason: str, text: bytes = b"") -> None:
        super().__init__(reason)
        self.reason = reason
        self.text = text[:200].decode(errors="backslashreplace")


class BreaksOff(Exception):
    """The file's compressed text is truncated; all its whole lines were yielded.

    Attributes:
        text: The beginning of the line that breaks off.
    """

    def __init__(self, text: bytes) -> None:
        super().__init__("its compressed text breaks off")
        self.text = text[:1000].decode(errors="backslashreplace")


@dataclass(frozen=True, slots=True)
class Block:
    """Some lines of one file, whole.

    Attributes:
        file: The key or path.
        fields: The log format.
        text: The lines, and the header before them if it stood there.
        begin: Where the lines begin: the header is not cut off, as that would copy them.
    """

    file: str
    fields: tuple[str, ...]
    text: bytes
    begin: int

    @property
    def headers(self) -> int:
        return 1 if self.begin else 0

    @property
    def size(self) -> int:
        """Bytes of the lines."""
        return len(self.text) - self.begin


def text_blocks(
    file: str,
    parts: Iterable[Data],
    fields: Sequence[str] | None = None,
) -> Iterator[Block]:
    """Yield a file's lines, none for a file without text.

    Args:
        file: The key or path.
        parts: The file's bytes, gzip or plain, in any parts.
        fields: The log format, in case the file has no header (AWS writes one).

    Raises:
        NotFlowLog: It has no header and no fields were given, or it is damaged.
        BreaksOff: Its compressed text is truncated.
    """
    names: tuple[str, ...] = ()
    for whole in _whole_lines(parts, BLOCK_BYTES):
        begin = 0
        if not names:
            names, begin = _header(whole, fields)
        yield Block(file, names, whole, begin)


def _whole_lines(parts: Iterable[Data], block_bytes: int) -> Iterator[bytes]:
    """Yield the text in blocks that end with a line."""
    pending: list[bytes] = []
    size = 0
    pieces = inflate(parts, block_bytes)
    try:
        for piece in pieces:
            pending.append(piece)
            size += len(piece)
            if size >= block_bytes:
                whole, rest = _cut(pending)
                pending, size = [rest], len(rest)
                yield from [whole] if whole else []
    except Damaged as error:
        raise NotFlowLog(f"is no intact gzip file ({error})") from error
    except Truncated:
        whole, rest = _cut(pending)
        yield from [whole] if whole else []
        raise BreaksOff(rest) from None
    if size:
        yield b"".join(pending)


def _cut(pieces: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Return the whole lines of a text, and the beginning of the one after them."""
    *before, last = pieces or [b""]
    end = last.rfind(b"\n") + 1
    if not end and before:
        last, before = b"".join(pieces), []
        end = last.rfind(b"\n") + 1
    if len(last) - end > ENDLESS_LINE:
        raise NotFlowLog(f"has a line of more than {ENDLESS_LINE:,} bytes", last[end:])
    return b"".join([*before, memoryview(last)[:end]]), last[end:]


def _header(text: bytes, fields: Sequence[str] | None) -> tuple[tuple[str, ...], int]:
    """Return the names of the fields, and where the lines after them begin."""
    end = text.find(b"\n") + 1 or len(text)
    names = _names(text[: min(end, LONGEST_LINE)])
    if names:
        return names, end
    if fields is None:
        raise NotFlowLog(
            "has no header in its first line: say fields=… if it is a flow log without one", text
        )
    return tuple(fields), 0


@lru_cache(maxsize=64)
def _names(first: bytes) -> tuple[str, ...]:
    """Return the names of a header, or none if the line is no header."""
    names = tuple(first.decode(errors="backslashreplace").split())
    if not _is_header(names):
        return ()
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise NotFlowLog(f"has a header that names {', '.join(repeated)} twice", first)
    return names


def _is_header(names: Sequence[str]) -> bool:
    """Tell field names from values; no value of a record is the name of a known field."""
    return any(name in KNOWN for name in names)
