"""The text of a flow log file, gzip or plain, into memory of the caller's, however long it gets."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator

from isal import igzip_lib, isal_zlib

from labkit.flowlogs.stored import Data

GZIP = b"\x1f\x8b"
READ_BYTES = 512 * 1024


class Truncated(Exception):
    """The compressed text breaks off.

    Attributes:
        size: The bytes of text that were put before it did.
    """

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.size = size


class Damaged(Exception):
    """The compressed text is none, or its checksum does not hold."""


class Text:
    """A file's text, in order: of all members of a gzip file, or what is not compressed as it is.

    isal's own reader fills memory that was used before, where its decompressors make new bytes:
    fresh memory costs as much as inflating.

    Args:
        parts: The file's bytes, in any parts.
    """

    def __init__(self, parts: Iterable[Data]) -> None:
        pending = iter(parts)
        first = next(pending, b"")
        while len(first) < len(GZIP) and (part := next(pending, None)) is not None:
            first = b"".join([first, part])
        self._parts = _Parts(first, pending)
        self._told_size = 0
        self._reader = None
        if first[:2] == GZIP:
            self._told_size = told_size(first)
            self._reader = isal_zlib._GzipReader(self._parts, READ_BYTES)  # pyright: ignore

    @property
    def likely_size(self) -> int:
        """The bytes of text, if all came in one part and there is one member; else a guess."""
        return max(self._told_size, self._parts.first_size)

    def read_into(self, room: memoryview) -> int:
        """Put text; return its bytes, fewer than there is room for only at the end.

        Raises:
            Truncated: The file ends within a member.
            Damaged: It is no gzip file past its beginning, or a checksum is wrong.
        """
        size = 0
        read = self._parts.readinto if self._reader is None else self._reader.readinto
        before = 0 if self._reader is None else self._reader.tell()
        try:
            while size < len(room) and (put := read(room[size:])):
                size += put
        except EOFError as error:
            assert self._reader is not None
            raise Truncated(self._reader.tell() - before) from error
        except (igzip_lib.IsalError, gzip.BadGzipFile) as error:  # pyright: ignore
            raise Damaged(str(error)) from error
        return size


def told_size(data: Data) -> int:
    """Return the size of a gzip file's text as its last four bytes tell it, right or wrong.

    Source: www.rfc-editor.org/rfc/rfc1952 (ISIZE)
    """
    return int.from_bytes(data[-4:], "little")


class _Parts:
    """Parts of a file as one file to read from."""

    def __init__(self, first: Data, others: Iterator[Data]) -> None:
        self.first_size = len(first)
        self._current = memoryview(first)
        self._others = others

    def read(self, size: int = -1) -> bytes:
        raise NotImplementedError  # isal takes it that what has none is no file

    def readinto(self, room: memoryview) -> int:
        while not self._current:
            following = next(self._others, None)
            if following is None:
                return 0
            self._current = memoryview(following)
        size = min(len(room), len(self._current))
        room[:size] = self._current[:size]
        self._current = self._current[size:]
        return size
