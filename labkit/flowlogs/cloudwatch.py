"""Flow log records from a log group of CloudWatch Logs.

Source: docs.aws.amazon.com/vpc/latest/userguide/flow-logs-cwl.html
"""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import boto3
import pandas as pd
import pyarrow as pa

from labkit.flowlogs import filter_patterns, log_events
from labkit.flowlogs.event_records import INGESTED, Reader
from labkit.flowlogs.filters import Filter
from labkit.flowlogs.frames import Rows
from labkit.flowlogs.log_events import MOST_STREAMS, Events
from labkit.flowlogs.log_formats import Formats
from labkit.flowlogs.records import Malformed, parse_table
from labkit.flowlogs.scan import Progress
from labkit.flowlogs.selection import Selection
from labkit.flowlogs.summary import ReadSummary, total
from labkit.flowlogs.window import BEGINNING, Window
from labkit.waiting import State, Watch, silent

# An event's time is its record's start: a record that reaches into the span may have begun the
# longest aggregation interval earlier, and AWS's own times are up to a minute off.
SLACK = timedelta(seconds=600 + 60)


def read(
    aws: boto3.Session,
    group: str,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    filter: Filter | None = None,
    columns: Collection[str] | None = None,
    fields: Sequence[str] | None = None,
    streams: str | Collection[str] | None = None,
    pattern: str | None = None,
    malformed: Malformed = "raise",
    watch: Watch = silent,
) -> pd.DataFrame:
    """Read the flow log records of a log group that overlap a span of time.

    Args:
        aws: The session whose credentials, Region and endpoint to use.
        group: The log group's name.
        start: Records that end before it are left out. With a time zone; None for no limit.
        end: Records that start after it are left out; None for no limit.
        filter: Only such records; CloudWatch Logs sorts out what it can before it answers.
        columns: The columns wanted, in this order; None for all.
        fields: The log format's names, in its order. By default DescribeFlowLogs is asked; needed
            where no flow log delivers to the group any more, or where a record fits several.
        streams: Only this log stream, or these; there is one for each network interface.
        pattern: A filter pattern of your own for CloudWatch Logs to apply before it answers.
        malformed: "keep" sets aside what fits no log format: `attrs["read"].set_aside`.
        watch: Told of the events and bytes as they come.

    Returns:
        As `s3.read`, in the order of the events' times. `attrs["read"]` accounts for each event.

    Raises:
        ClientError: ResourceNotFoundException and the like.
        RecordFormatError: A message does not fit the log format; the log format is not known.
        ParameterError: start or end have no time zone; a column is in no record.
    """
    found = scan(
        aws,
        group,
        start=start,
        end=end,
        filter=filter,
        columns=columns,
        fields=fields,
        streams=streams,
        pattern=pattern,
        malformed=malformed,
        watch=watch,
    )
    rows = Rows()
    for table in found:
        rows.add(table)
    if rows.is_empty:
        rows.add(found.empty())
    return rows.to_frame(found.summary)


def scan(
    aws: boto3.Session,
    group: str,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    filter: Filter | None = None,
    columns: Collection[str] | None = None,
    fields: Sequence[str] | None = None,
    streams: str | Collection[str] | None = None,
    pattern: str | None = None,
    malformed: Malformed = "raise",
    ingestion_time: bool = False,
    watch: Watch = silent,
) -> Scan:
    """Return the records of a log group bit by bit, in bounded memory: Arrow tables.

    Args and errors are those of `read`, and
        ingestion_time: With the column `ingestion_time`, when CloudWatch Logs had the event.
    """
    formats = Formats(aws, group, fields, columns or ())
    chosen = None if columns is None else (*columns, *([INGESTED] if ingestion_time else ()))
    selection = Selection(Window(start or BEGINNING, end), filter, chosen)
    reader = Reader(group, formats, selection.to_read, malformed == "keep", ingestion_time)
    queries = _queries(group, streams, pattern or filter_patterns.of(filter))
    return Scan(aws, formats, reader, queries, selection, watch)


class Scan(Iterator[pa.Table]):
    """Tables of records, in the order of the events' times, as they come.

    An error in the middle loses nothing: go on iterating, and the reading goes on where it
    stopped, from the same page's token.

    Attributes:
        summary: What was read so far; complete once the iteration is over.
    """

    def __init__(
        self,
        aws: boto3.Session,
        formats: Formats,
        reader: Reader,
        queries: Sequence[dict[str, Any]],
        selection: Selection,
        watch: Watch,
    ) -> None:
        self.summary = ReadSummary()
        self._client = log_events.connect(aws)
        self._formats = formats
        self._reader = reader
        self._queries = queries
        self._selection = selection
        self._watch = watch
        self._began = time.monotonic()
        self._events: Events[tuple[pa.Table, ReadSummary]] | None = None
        self._going: Iterator[tuple[pa.Table, ReadSummary]] | None = None

    def __iter__(self) -> Iterator[pa.Table]:
        return self

    def __next__(self) -> pa.Table:
        if self._events is None:
            self._events = self._open()
        if self._going is None:
            self._going = iter(self._events)
        state = State.STOPPED
        try:
            while True:
                state = State.STOPPED
                table, counts = next(self._going)
                if table.num_rows:
                    table, counts = self._selection.apply(table, counts)
                self.summary = total([self.summary, counts])
                self._tell(state := State.WAITING)
                if table.num_rows:
                    return table
        except StopIteration:
            self._tell(state := State.DONE)
            raise
        finally:
            if state is not State.WAITING:
                self._going = None
            if state is State.STOPPED:
                self._tell(state)

    def close(self) -> None:
        """End the reading, and wait for the pages on their way."""
        if self._going is not None:
            self._going.close()  # pyright: ignore[reportAttributeAccessIssue]

    def empty(self) -> pa.Table:
        """Return no rows, with the columns that rows would have."""
        table, counts = parse_table(b"", self._formats.of_no_events())
        any_record = replace(self._selection, filter=None)  # it may judge by columns not there
        return any_record.apply(table, counts)[0]

    def _open(self) -> Events[tuple[pa.Table, ReadSummary]]:
        window, now = self._selection.window, int(time.time())
        last = None if window.end is None else int(window.end.timestamp())
        if window.start > BEGINNING:
            first = int(window.widen(SLACK).start.timestamp())
        else:
            first = log_events.earliest_second(self._client, self._queries)
        return Events(self._client, self._queries, first, last, now, self._reader.parse)

    def _tell(self, state: State) -> None:
        what = f"log group {self._reader.group}"
        seen = f"{self.summary.events:,} events, {self.summary.stored_bytes / 1e6:,.1f} MB"
        self._watch(
            Progress(
                what,
                time.monotonic() - self._began,
                math.inf,
                seen,
                state,
                records=self.summary.records,
                stored_bytes=self.summary.stored_bytes,
            )
        )


def _queries(
    group: str, streams: str | Collection[str] | None, pattern: str | None
) -> list[dict[str, Any]]:
    query = {"logGroupName": group, **({"filterPattern": pattern} if pattern else {})}
    if streams is None:
        return [query]
    names = [streams] if isinstance(streams, str) else list(dict.fromkeys(streams))
    return [
        {**query, "logStreamNames": names[place : place + MOST_STREAMS]}
        for place in range(0, len(names), MOST_STREAMS)
    ]
