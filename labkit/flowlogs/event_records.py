"""From the events of a page to rows: at full speed where all is plain, else event by event.

An event's message is one record and nothing else, so each event is accounted for as one line.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from labkit.errors import RecordFormatError
from labkit.flowlogs import exact_lines, log_formats
from labkit.flowlogs.event_pages import Page, lines
from labkit.flowlogs.log_formats import Format
from labkit.flowlogs.records import count_rows, parse_table
from labkit.flowlogs.summary import ReadSummary, SetAside

INGESTED = "ingestion_time"
"""The column that tells when CloudWatch Logs had the event."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Turns pages into rows.

    Attributes:
        group: The log group's name, for errors.
        formats: Asked for at the first event: a group without events need not have any.
        columns: The columns wanted, None for all.
        keeps_malformed: Whether what fits no format is set aside rather than an error.
        tells_ingestion: Whether the rows have the column `INGESTED`.
    """

    group: str
    formats: Callable[[], Sequence[Format]]
    columns: Collection[str] | None = None
    keeps_malformed: bool = False
    tells_ingestion: bool = False

    def parse(self, page: Page) -> tuple[pa.Table, ReadSummary]:
        """Return a row for each event that is a record, NODATA or SKIPDATA, and the account.

        Raises:
            RecordFormatError: A message fits no log format, or several.
        """
        events = page.count
        if not events:
            return pa.table({}), ReadSummary()
        parsed = self._parse_plain(page) or self._parse_each(page)
        rows = count_rows(parsed.table)
        return parsed.table, parsed.counts._replace(
            lines=events,
            events=events,
            stored_bytes=page.size_bytes,
            records=rows.records,
            nodata=rows.nodata,
            skipdata=rows.skipdata,
        )

    def _parse_plain(self, page: Page) -> _Parsed | None:
        """Parse at full speed, or return None where a message is odd."""
        parts: list[_Part] = []
        size = 0
        for fields, places in _by_field_count(page, self.formats()):
            if fields is None:
                return None
            text = page.lines if places is None else lines(page.messages.take(places))
            count = page.count if places is None else len(places)
            try:
                table, counts = parse_table(text, fields, columns=self.columns)
            except RecordFormatError:
                return None
            if counts.lines != count or table.num_rows != count:
                return None
            parts.append(_Part(table, places))
            size += len(text)
        return _Parsed(self._together(parts, page), ReadSummary(text_bytes=size))

    def _parse_each(self, page: Page) -> _Parsed:
        sorted_ = _Sorted(self.group, self.formats(), self.keeps_malformed)
        for place, event in enumerate(page.events.to_pylist()):
            sorted_.add(place, event)
        parts = []
        for fields, found in sorted_.lines.items():
            table, _ = parse_table(b"".join(found.values()), fields, columns=self.columns)
            parts.append(_Part(table, pa.array(list(found))))
        return _Parsed(self._together(parts, page), sorted_.counts())

    def _together(self, parts: Sequence[_Part], page: Page) -> pa.Table:
        """Return the rows of all formats in the order of the events."""
        if not parts:
            return pa.table({})
        tables = [self._with_ingestion(part, page) for part in parts]
        if len(tables) == 1:
            return tables[0]
        places = np.concatenate([np.asarray(part.places) for part in parts])
        return pa.concat_tables(tables, promote_options="permissive").take(np.argsort(places))

    def _with_ingestion(self, part: _Part, page: Page) -> pa.Table:
        if not self.tells_ingestion:
            return part.table
        times = page.events.field("ingestionTime").cast(pa.timestamp("ms", "UTC"))
        own = times if part.places is None else times.take(part.places)
        return part.table.append_column(INGESTED, own)


@dataclass(frozen=True, slots=True)
class _Part:
    """Rows of one format, and the places of their events in the page, None for all."""

    table: pa.Table
    places: pa.Array | None


@dataclass(frozen=True, slots=True)
class _Parsed:
    table: pa.Table
    counts: ReadSummary


class _Sorted:
    """The events of a page, told apart one by one."""

    def __init__(self, group: str, formats: Sequence[Format], keeps_malformed: bool) -> None:
        self.group = group
        self.formats = formats
        self.keeps_malformed = keeps_malformed
        self.lines: dict[Format, dict[int, bytes]] = {}
        self.set_aside: list[SetAside] = []
        self.blank = 0
        self.headers = 0
        self.size = 0

    def add(self, place: int, event: dict) -> None:
        message = (event["message"] or "").encode(errors="surrogatepass")
        self.size += len(message) + 1
        words = message.split()
        if not words:
            self.blank += 1
            return
        second = (event["timestamp"] or 0) // 1000
        fields = log_formats.choose(words, second, self.formats)
        fault = exact_lines.find_fault(message.strip(), words, fields)
        if [word.decode(errors="replace") for word in words] == list(fields):
            self.headers += 1
        elif fault is None:
            self.lines.setdefault(fields, {})[place] = b" ".join(words) + b"\n"
        else:
            self._set_aside(fault, message, second, fields)

    def _set_aside(self, fault: str, message: bytes, second: int, fields: Format) -> None:
        where = f"Log group {self.group}, event of {datetime.fromtimestamp(second, UTC):%FT%TZ}"
        found = SetAside(where, 1, fault, message.decode(errors="backslashreplace"))
        if not self.keeps_malformed:
            raise exact_lines.error(found, fields)
        self.set_aside.append(found)

    def counts(self) -> ReadSummary:
        return ReadSummary(
            blank=self.blank,
            header=self.headers,
            malformed=len(self.set_aside),
            set_aside=tuple(self.set_aside),
            text_bytes=self.size,
        )


def _by_field_count(
    page: Page, formats: Sequence[Format]
) -> Iterator[tuple[Format | None, pa.Array | None]]:
    """Yield each format with the places of its messages; None for a format that is not known."""
    if len(formats) == 1:
        yield formats[0], None
        return
    by_count = {len(each): each for each in formats}
    if len(by_count) < len(formats):  # a count does not tell
        by_count = {}
    counts = pc.add(pc.count_substring(page.messages, " "), 1)  # pyright: ignore
    for count in pc.unique(counts).to_pylist():  # pyright: ignore
        places = pc.indices_nonzero(pc.equal(counts, count))  # pyright: ignore
        yield by_count.get(count), places
