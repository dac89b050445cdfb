"""A span of time cut into slices that can be asked for side by side.

FilterLogEvents answers page by page, each page's token comes with the page before: one query is
as slow as its pages one after another. Several queries over slices of the span go side by side,
if only one knew where in the span the events lie. So the slices learn: they grow while answers
are small, and shrink where an answer takes many pages.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

FIRST_S = 1800
"""Most lessons and most looks at "just now" are one slice, and one call."""

SHORTEST_S = 1
FEW_EVENTS = 500
MANY_PAGES = 4


@dataclass(frozen=True, slots=True)
class Slice:
    """Seconds of Unix time, both included; None where the span has no such end."""

    first: int | None
    last: int | None


@dataclass(slots=True)
class Slices:
    """Yields the slices of a span, one after another, without gap or overlap.

    Args:
        first: The span's first second, None for no limit: then there is one slice.
        last: Its last second, None for no limit: the last slice has none either.
        now: The present second: beyond it nothing is cut.
    """

    first: int | None
    last: int | None
    now: int
    width_s: int = FIRST_S
    _next: int | None = field(init=False)
    _over: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        self._next = self.first

    def __iter__(self) -> Iterator[Slice]:
        return self

    def __next__(self) -> Slice:
        if self._over:
            raise StopIteration
        begin = self._next
        if begin is None or begin + self.width_s > self._cut_until():
            self._over = True
            return Slice(begin, self.last)
        self._next = begin + self.width_s
        return Slice(begin, self._next - 1)

    def learn(self, pages: int, events: int) -> None:
        """Take note of what one slice held, once it is read."""
        if pages > MANY_PAGES:
            self.width_s = max(SHORTEST_S, self.width_s * MANY_PAGES // pages)
        elif pages == 1:
            self.width_s *= 8 if events < FEW_EVENTS else 2

    def _cut_until(self) -> int:
        return self.now if self.last is None else min(self.last, self.now)
