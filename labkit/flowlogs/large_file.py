"""One large file of text: inflated in one thread, its blocks parsed in others, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial

from labkit.errors import RecordFormatError
from labkit.flowlogs.exact_lines import error as line_error
from labkit.flowlogs.file_parts import Parsed, Reading
from labkit.flowlogs.stored import Data, Object, is_gone
from labkit.flowlogs.summary import ReadSummary, SetAside
from labkit.flowlogs.text_blocks import Block, BreaksOff, NotFlowLog, text_blocks

Task = tuple[Callable[[], Parsed], Callable[[Parsed], Parsed]]


class LargeFile:
    """Numbers the lines across blocks: only when a block has been parsed is its number known."""

    def __init__(self, each: Object, reading: Reading) -> None:
        self._object = each
        self._reading = reading
        self._line = 1

    def tasks(self, parts: Iterable[Data]) -> Iterator[Task]:
        """Yield what parses each block, and what then puts its outcome right, in order.

        Raises:
            RecordFormatError: The file is malformed. Even where such are kept: if its records have
                been handed out before its checksum told that it is damaged.
        """
        name, size = self._object.key, self._object.size_bytes
        blocks = 0
        counts = ReadSummary(objects=1, stored_bytes=size)
        try:
            for block in text_blocks(name, parts, self._reading.fields, self._reading.buffers):
                blocks += 1
                alone = replace(self._reading, malformed="keep")
                yield partial(alone.parse_block, block), partial(self._settle, block)
        except NotFlowLog as error:
            if blocks:
                raise RecordFormatError(f"{name} {error.reason}.", file=name) from error
            counts = self._reading.refuse(name, error)
        except BreaksOff as error:
            counts = self._reading.refuse(name, error)._replace(stored_bytes=size)
        except Exception as error:
            if blocks or not is_gone(error):
                raise
            gone = SetAside(name, 0, "it was listed, and gone when it was to be read")
            counts = ReadSummary(vanished=1, set_aside=(gone,))
        yield lambda: Parsed([], counts), lambda parsed: parsed

    def _settle(self, block: Block, parsed: Parsed) -> Parsed:
        first = self._line + block.headers
        self._line += parsed.counts.lines
        moved = tuple(
            each._replace(line_number=each.line_number + first - 1)
            for each in parsed.counts.set_aside
        )
        if moved and self._reading.malformed == "raise":
            raise line_error(moved[0], block.fields)
        return parsed._replace(counts=parsed.counts._replace(set_aside=moved))
