"""A stack's creation as a Gantt chart: which resource began when, and how long it took."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from labkit.charts import style
from labkit.charts.alternative_text import describe

STACK = "AWS::CloudFormation::Stack"
ROW_IN = 0.24
UNITS = ((180.0, 60.0, "minutes"), (5.0, 1.0, "seconds"), (0.0, 0.001, "milliseconds"))
LOOKS = {"done": style.Look("#56B4E9"), "failed": style.LOOKS["REJECT"]}
HINT = "on AWS it takes minutes"


class Event(Protocol):
    """What is drawn of a `stacks.Event`."""

    @property
    def timestamp(self) -> datetime: ...
    @property
    def logical_id(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def status(self) -> str: ...


@dataclass(frozen=True, slots=True)
class _Span:
    """One resource, in seconds since the first event."""

    logical_id: str
    type: str
    begin_s: float
    end_s: float
    has_failed: bool

    @property
    def length_s(self) -> float:
        return self.end_s - self.begin_s


def stack_events(events: Iterable[Event], *, ax: Axes | None = None) -> Axes:
    """Draw a bar for each resource, from its first event to its last, in order of beginning.

    The axis is in milliseconds, seconds or minutes, as the whole took; title and axis say which.

    Args:
        events: Of one stack's creation, oldest first, as `stacks.events` returns them.
        ax: Where to draw; new axes by default.
    """
    spans = _spans(list(events))
    if not spans:
        return style.show_emptiness(style.new_axes(ax, 1.5), "There are no events to draw.")
    whole_s = max(span.end_s for span in spans)
    scale_s, unit = next((scale, unit) for least, scale, unit in UNITS if whole_s >= least)
    ax = style.new_axes(ax, 1.3 + ROW_IN * len(spans))
    for row, span in enumerate(spans):
        _draw(ax, row, span, scale_s, whole_s)
    ax.set_yticks(range(len(spans)), [span.logical_id for span in spans])
    ax.set_ylim(len(spans) - 0.4, -0.6)
    style.tidy(ax)
    ax.tick_params(axis="y", labelsize=style.SMALL_PT)
    ax.set_xlim(0, whole_s / scale_s * 1.24)  # room for the last bar's words
    ax.xaxis.set_major_locator(MaxNLocator(nbins=8))
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.set_xlabel(f"{unit} since the stack's first event", fontsize=style.TEXT_PT, color=style.INK)
    total = f"{whole_s / scale_s:,.{0 if unit == 'milliseconds' else 1}f}"
    hint = "" if unit == "minutes" else f"; {HINT}"
    said = f"{len(spans)} resources in {total} {unit} (the axis is in {unit}{hint})"
    style.set_title(ax, "The stack's creation, resource by resource", said)
    return describe(ax, _in_words(spans, total, unit))


def _spans(events: list[Event]) -> list[_Span]:
    if not events:
        return []
    first = events[0].timestamp
    times: dict[str, list[Event]] = {}
    for event in events:
        if event.type != STACK:
            times.setdefault(event.logical_id, []).append(event)
    spans = [
        _Span(
            logical_id,
            seen[-1].type.removeprefix("AWS::"),
            (seen[0].timestamp - first).total_seconds(),
            (seen[-1].timestamp - first).total_seconds(),
            any(event.status.endswith("FAILED") for event in seen),
        )
        for logical_id, seen in times.items()
    ]
    return sorted(spans, key=lambda span: (span.begin_s, span.end_s))


def _draw(ax: Axes, row: int, span: _Span, scale_s: float, whole_s: float) -> None:
    width = max(span.length_s, 0.004 * whole_s) / scale_s
    look = LOOKS["failed" if span.has_failed else "done"]
    ax.barh(row, width, left=span.begin_s / scale_s, height=0.62, zorder=2, **look.bar())
    failed = "  FAILED" if span.has_failed else ""
    ax.annotate(
        f"{span.type}{failed}",
        (span.begin_s / scale_s + width, row),
        xytext=(4, 0),
        textcoords="offset points",
        va="center_baseline",
        fontsize=7,
        color="#555555",
    )


def _in_words(spans: list[_Span], total: str, unit: str) -> str:
    longest = max(spans, key=lambda span: span.length_s)
    failed = [span.logical_id for span in spans if span.has_failed]
    return (
        f"Gantt chart of {len(spans)} resources, created in {total} {unit}. First "
        f"{spans[0].logical_id}, last {spans[-1].logical_id}; {longest.logical_id} took longest."
        + (f" Failed: {', '.join(failed)}." if failed else "")
    )
