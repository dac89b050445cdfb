"""Small files of one log format as one text, as long as nothing about them is odd.

Setting a parser up, or a file's own blocks, costs more than a small file's parse.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from isal import igzip_lib, isal_zlib

from labkit.flowlogs.inflate import GZIP, told_size
from labkit.flowlogs.stored import Data
from labkit.flowlogs.text_blocks import NotFlowLog, read_header

File = tuple[str, Data]
_NEWLINE = 10


class Joined(NamedTuple):
    """One header, and the lines of all files after it.

    Attributes:
        fields: The log format.
        begin: Where the lines begin.
        end: Where they end.
    """

    fields: tuple[str, ...]
    begin: int
    end: int


def groups(files: Iterable[File], room_bytes: int) -> Iterator[list[File]]:
    """Yield the files, in order, in groups whose texts fit into room of this size together.

    A file that is no gzip file, or whose text takes half of the room, is a group of its own.
    """
    group: list[File] = []
    size = 0
    for file in files:
        told = told_size(file[1])
        alone = file[1][:2] != GZIP or told > room_bytes // 2
        if group and (alone or size + told >= room_bytes):
            yield group
            group, size = [], 0
        group.append(file)
        size += told
        if alone:
            yield group
            group, size = [], 0
    if group:
        yield group


def join(files: Sequence[File], room: bytearray) -> Joined | None:
    """Inflate gzip files into one text; None if there is anything odd about one.

    Each one's header is inflated over the end of the lines before it, which are then put back.
    """
    view = memoryview(room)
    fields: tuple[str, ...] = ()
    header, end = b"", 0
    for _, data in files:
        begin = end - len(header)
        covered = room[begin:end]
        try:
            size = isal_zlib._GzipReader(data).readinto(view[begin:])  # pyright: ignore
            if not header:
                fields, length = read_header(room, size)
                header = room[:length]
        except (EOFError, gzip.BadGzipFile, igzip_lib.IsalError, NotFlowLog):  # pyright: ignore
            return None
        is_like_the_others = size >= len(header) and view[begin : begin + len(header)] == header
        if begin:
            room[begin:end] = covered
        end = begin + size
        if not is_like_the_others or end == len(room) or room[end - 1] != _NEWLINE:
            return None
    return Joined(fields, len(header), end)
