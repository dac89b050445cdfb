"""The account of what was read: what became of each line and of each object."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import NamedTuple


class SetAside(NamedTuple):
    """A line, or a whole object, that made no row.

    Attributes:
        file: The key or path.
        line_number: The line's place there, the first is 1; 0 for the whole object.
        reason: Why it made no row.
        text: What was read, up to `MOST_TEXT` characters.
    """

    file: str
    line_number: int
    reason: str
    text: str = ""


MOST_TEXT = 10_000


class ReadSummary(NamedTuple):
    """What became of each line and object; stands in a frame's `attrs["read"]`.

    `lines` = header + blank + records + nodata + skipdata + outside + filtered + malformed, and
    the frame has a row for each of records, nodata and skipdata. A log event counts as a line.

    Attributes:
        lines: Of text, or rows of Parquet.
        outside: Not in the span of time that was asked for.
        filtered: In the span, but not wanted by the filter.
        malformed: Did not fit the log format, and was set aside because that was asked for.
        text_bytes: Bytes of inflated text.
        objects: Files read.
        events: Log events read.
        stored_bytes: Bytes of those files as they are stored.
        empty: Files of no bytes.
        truncated: Files whose compressed text breaks off; their whole lines count as read.
        not_flow_log: Files that hold something else, or are damaged.
        vanished: Files that were listed, and gone when it was their turn.
        set_aside: The malformed lines, and the last three kinds of file, one by one.
    """

    lines: int = 0
    header: int = 0
    blank: int = 0
    records: int = 0
    nodata: int = 0
    skipdata: int = 0
    outside: int = 0
    text_bytes: int = 0
    objects: int = 0
    events: int = 0
    filtered: int = 0
    malformed: int = 0
    stored_bytes: int = 0
    empty: int = 0
    truncated: int = 0
    not_flow_log: int = 0
    vanished: int = 0
    set_aside: tuple[SetAside, ...] = ()

    @property
    def rows(self) -> int:
        return self.records + self.nodata + self.skipdata

    def __str__(self) -> str:
        """Return the account as one line, without what there was none of."""
        objects = _listing(
            (self.objects, "object", "objects"),
            (self.events, "event", "events"),
            *((getattr(self, name), text, text) for name, text in _OBJECTS.items()),
        )
        lines = _listing(*((getattr(self, name), text, text) for name, text in _LINES.items()))
        counted = f"{self.lines:,} {'line' if self.lines == 1 else 'lines'}"
        found = f"{counted}: {lines}" if lines else counted
        return f"{objects}; {found}" if objects else found

    __repr__ = __str__

    def __deepcopy__(self, memo: object) -> ReadSummary:
        """Return itself: pandas copies a frame's attrs with every step, and this never changes."""
        return self


_COUNTS = ReadSummary._fields[:-1]
_OBJECTS = {
    "empty": "empty",
    "truncated": "truncated",
    "not_flow_log": "not a flow log",
    "vanished": "vanished",
}
_LINES = {
    "records": "records",
    "nodata": "NODATA",
    "skipdata": "SKIPDATA",
    "outside": "outside the window",
    "filtered": "filtered out",
    "malformed": "malformed",
    "header": "header",
    "blank": "blank",
}


def total(parts: Iterable[ReadSummary]) -> ReadSummary:
    several = [ReadSummary(), *parts]
    counts = {name: sum(getattr(part, name) for part in several) for name in _COUNTS}
    kept = chain.from_iterable(part.set_aside for part in several)
    return ReadSummary(**counts, set_aside=tuple(kept))


def _listing(*parts: tuple[int, str, str]) -> str:
    return ", ".join(f"{n:,} {one if n == 1 else many}" for n, one, many in parts if n)
