"""The span of time that a reader is asked for, and which records fall into it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from math import floor

import pyarrow as pa
import pyarrow.compute as pc

from labkit.errors import ParameterError

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
"""Of Unix time: no record starts before it."""


@dataclass(frozen=True, slots=True)
class Window:
    """From start to end, both included. By default from the beginning of time, and without end."""

    start: datetime = BEGINNING
    end: datetime | None = None

    def __post_init__(self) -> None:
        for name, moment in (("start", self.start), ("end", self.end)):
            if moment is not None and moment.tzinfo is None:
                raise ParameterError(f"{name}={moment} has no time zone: use datetime.now(UTC).")
        if self.end is not None and self.end < self.start:
            raise ParameterError(f"The window ends at {self.end}, before its start {self.start}.")

    def widen(self, before: timedelta, after: timedelta | None = None) -> Window:
        """Return the window with so much more on either side, `after` as `before` if not said."""
        after = before if after is None else after
        start = max(self.start, BEGINNING + before) - before
        return Window(start, None if self.end is None else self.end + after)

    def contains(self, moment: datetime) -> bool:
        return self.start <= moment and (self.end is None or moment <= self.end)

    def days(self) -> list[date]:
        """Return the UTC days that the window touches; without an end those until tomorrow."""
        end = self.end or max(datetime.now(UTC), self.start) + timedelta(days=1)
        first = self.start.astimezone(UTC).date()
        count = (end.astimezone(UTC).date() - first).days + 1
        return [first + timedelta(days=day) for day in range(count)]

    def overlapping(self, table: pa.Table) -> pa.Table:
        """Keep the records of which a part lies in the window.

        Most records know whole seconds only, so the window's sides are rounded down to what they
        know. A record without start or end, by its format or by `-`, is kept: nothing says that it
        lies outside.
        """
        for name, keep, moment in (
            ("end", pc.greater_equal, self.start),  # pyright: ignore
            ("start", pc.less_equal, self.end),  # pyright: ignore
        ):
            if moment is not None and moment > BEGINNING and name in table.column_names:
                side = _side(moment, table[name].type)
                inside = pc.fill_null(keep(table[name], side), True)  # pyright: ignore
                if not pc.all(inside).as_py():  # pyright: ignore
                    table = table.filter(inside)
        return table


def _side(moment: datetime, dtype: pa.TimestampType) -> pa.Scalar:
    per_second = 1000 if dtype.unit == "ms" else 1
    return pa.scalar(floor(moment.timestamp() * per_second), dtype)
