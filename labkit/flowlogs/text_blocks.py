"""A flow log file's text in blocks of whole lines, and the log format that its header tells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from labkit.fields import KNOWN
from labkit.flowlogs.buffers import Buffers
from labkit.flowlogs.exact_lines import LONGEST_LINE
from labkit.flowlogs.inflate import Damaged, Text, Truncated
from labkit.flowlogs.stored import Data

ENDLESS_LINE = 16 * LONGEST_LINE
"""Bytes after which to give up the file: a longer line may be gigabytes of the same letter."""


class NotFlowLog(Exception):
    """The file holds something else, or is damaged.

    Attributes:
        reason: What is wrong, as it fits after the file's name.
        text: How it begins.
    """

    def __init__(self, reason: str, text: bytes | bytearray = b"") -> None:
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
        text: A buffer that holds the lines, and the header before them if it stood there.
        begin: Where the lines begin: nothing is cut off, as that would copy them.
        end: Where they end.
    """

    file: str
    fields: tuple[str, ...]
    text: bytearray
    begin: int
    end: int

    @property
    def headers(self) -> int:
        return 1 if self.begin else 0

    @property
    def size(self) -> int:
        """Bytes of the lines."""
        return self.end - self.begin


def text_blocks(
    file: str,
    parts: Iterable[Data],
    fields: Sequence[str] | None = None,
    buffers: Buffers | None = None,
) -> Iterator[Block]:
    """Yield a file's lines, none for a file without text.

    Args:
        file: The key or path.
        parts: The file's bytes, gzip or plain, in any parts.
        fields: The log format, in case the file has no header (AWS writes one).
        buffers: Where the blocks' texts are from; who has parsed one may give it back.

    Raises:
        NotFlowLog: It has no header and no fields were given, or it is damaged.
        BreaksOff: Its compressed text is truncated.
    """
    names: tuple[str, ...] = ()
    for text, end in _whole_lines(Text(parts), buffers or Buffers()):
        begin = 0
        if not names:
            names, begin = read_header(text, end, fields)
        yield Block(file, names, text, begin, end)


def _whole_lines(source: Text, buffers: Buffers) -> Iterator[tuple[bytearray, int]]:
    """Yield the text in buffers, and where in each the last whole line ends."""
    text = buffers.take(source.likely_size + 1)  # one more, so that all of it leaves some room
    begun = 0  # bytes of a line whose end is still to come
    while True:
        try:
            size = begun + source.read_into(memoryview(text)[begun:])
        except Damaged as error:
            raise NotFlowLog(f"is no intact gzip file ({error})") from error
        except Truncated as error:
            size = begun + error.size
            end = text.rfind(b"\n", 0, size) + 1
            beginning = bytes(text[end:size])
            if end:
                yield text, end
            raise BreaksOff(beginning) from None
        if size < len(text):
            if size:
                yield text, size
            return
        end = text.rfind(b"\n", 0, size) + 1
        if size - end > ENDLESS_LINE:
            raise NotFlowLog(f"has a line of more than {ENDLESS_LINE:,} bytes", text[end:])
        beginning = text[end:]
        if end:
            yield text, end
            text = buffers.take()
        else:
            text = bytearray(2 * size)
        begun = len(beginning)
        text[:begun] = beginning


def read_header(
    text: bytearray, size: int, fields: Sequence[str] | None = None
) -> tuple[tuple[str, ...], int]:
    """Return the names of the fields, and where in the text the lines after them begin.

    Raises:
        NotFlowLog: It has no header and no fields were given, or names one twice.
    """
    end = text.find(b"\n", 0, size) + 1 or size
    names = _names(bytes(text[: min(end, LONGEST_LINE)]))
    if names:
        return names, end
    if fields is None:
        raise NotFlowLog(
            "has no header in its first line: say fields=… if it is a flow log without one",
            text[:size],
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
