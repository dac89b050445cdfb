"""Compressed text piece by piece: every gzip member, in bounded memory, however far it inflates."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from isal import igzip_lib

from labkit.flowlogs.stored import Data

GZIP = b"\x1f\x8b"
PIECE_BYTES = 4_000_000


class Truncated(Exception):
    """The compressed text breaks off."""


class Damaged(Exception):
    """The compressed text is none, or its checksum does not hold."""


def inflate(parts: Iterable[Data], piece_bytes: int = PIECE_BYTES) -> Iterator[bytes]:
    """Yield the text of a gzip file, or of one that is not compressed, in pieces.

    `igzip_lib.decompress` would drop every gzip member but the first without a word.

    Args:
        parts: The file's bytes, in any parts.
        piece_bytes: The most that a piece holds of what was compressed.

    Raises:
        Truncated: The file ends within a member; all before it was yielded.
        Damaged: It is no gzip file past its beginning, or a checksum is wrong.
    """
    pending = iter(parts)
    first = next((part for part in pending if part), b"")
    if first[:2] != GZIP:
        yield bytes(first)
        yield from map(bytes, pending)
        return
    member = _Member()
    most = _told_size(first, piece_bytes)
    for part in _then(first, pending):
        rest: Data | None = part
        while rest:
            if member.eof:
                rest = bytes(rest).lstrip(b"\0")  # padding is allowed between members
                member = _Member() if rest else member
                continue
            yield from member.feed(rest, most, piece_bytes)
            most = piece_bytes
            rest = member.unused_data if member.eof else None
    if not member.eof:
        raise Truncated


class _Member:
    def __init__(self) -> None:
        self._isal = igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)

    @property
    def eof(self) -> bool:
        return self._isal.eof

    @property
    def unused_data(self) -> bytes:
        return self._isal.unused_data

    def feed(self, data: Data, first: int, most: int) -> Iterator[bytes]:
        """Yield what the data inflates to: a piece of `first` bytes at most, then of `most`."""
        try:
            yield self._isal.decompress(data, first)
            while not self._isal.eof and not self._isal.needs_input:
                yield self._isal.decompress(b"", most)
        except igzip_lib.IsalError as error:  # pyright: ignore
            raise Damaged(str(error)) from error


def _told_size(data: Data, most: int) -> int:
    """Return the size of the text as a gzip file's last four bytes tell it, if they may be right.

    With a piece of just that size, none is made larger and cut again: half of the work, as fresh
    memory costs as much as inflating. Where they are wrong, there are more pieces.

    Source: www.rfc-editor.org/rfc/rfc1952 (ISIZE)
    """
    told = int.from_bytes(data[-4:], "little")
    return told if len(data) < told < most else most


def _then(first: Data, others: Iterator[Data]) -> Iterator[Data]:
    yield first
    yield from others
