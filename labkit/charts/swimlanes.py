"""Swimlanes: which network interface saw which packets, and when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd
from matplotlib.axes import Axes

from labkit.charts import style
from labkit.charts.alternative_text import describe
from labkit.charts.lanes import Lane, draw_frame, group_lanes, kind_of, say_lanes

ROW = 0.72
EVENT_PT = 12.0
LEAST_SPAN = timedelta(seconds=30)
LEAST_SHARE = 0.007  # of the width: a record of one second in an hour is still seen


@dataclass(frozen=True, slots=True)
class _Bar:
    """One record as it is drawn; x in days as Matplotlib counts them."""

    left: float
    width: float
    kind: str
    text: str
    size_pt: float
    is_text_inside: bool
    right: float  # where the bar, or the text beside it, ends


def swimlanes(
    log: pd.DataFrame,
    *,
    names: Mapping[str, str] | None = None,
    events: Mapping[str, datetime] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw each record as a bar from its start to its end, with its packets, in lanes.

    A lane is one network interface in one direction. Records that overlap in a lane lie below
    each other. The times are the records' own: on AWS they may be up to a minute off.

    Args:
        log: Records, at best some dozens.
        names: What to write instead of interface ids and addresses, as `charts.names` returns.
        events: Moments to mark, such as {"ping": started_at}.
        ax: Where to draw; new axes by default.
    """
    names, events = names or {}, events or {}
    groups, left_out = group_lanes(log, names)
    if not groups:
        return style.show_emptiness(style.new_axes(ax, 1.5), "There are no records to draw.")
    first, last = _span(log, events)
    # Bars are laid out before their axes exist, for the axes' height hangs on them.
    scale = _Scale(style.days(first), style.days(last), style.axes_width_in(ax))
    rows = {
        (number, place): _stack(_bars(lane, scale))
        for number, group in enumerate(groups)
        for place, lane in enumerate(group.lanes)
    }
    heights = {key: ROW * len(lane_rows) + 0.2 for key, lane_rows in rows.items()}
    height_in = 1.55 + 0.36 * (sum(heights.values()) + 0.95 * len(groups))
    ax = style.new_axes(ax, height_in)
    right = max(bar.right for lane in rows.values() for row in lane for bar in row)
    tops = draw_frame(ax, groups, heights, left_out)
    for key, lane_rows in rows.items():
        for number, bars in enumerate(lane_rows):
            for bar in bars:
                _draw(ax, bar, tops[key] + 0.1 + ROW * (number + 0.5))
    style.tidy(ax)
    style.set_time_axis(ax, first, last)
    ax.set_xlim(right=max(scale.last, right))
    lift_pt = _draw_events(ax, events, scale)
    style.set_title(ax, _title(log), "bar: from start to end; number: packets", lift_pt=lift_pt)
    style.add_legend(ax, {bar.kind for lane in rows.values() for row in lane for bar in row})
    told = "".join(f" {name} at {moment:%H:%M:%S} UTC." for name, moment in events.items())
    return describe(ax, f"Swimlanes of {_title(log)}. {say_lanes(groups)}{told}")


@dataclass(frozen=True, slots=True)
class _Scale:
    """How many days of time an inch of the axes is."""

    first: float
    last: float
    width_in: float

    def days(self, inches: float) -> float:
        return inches / self.width_in * (self.last - self.first)


def _span(log: pd.DataFrame, events: Mapping[str, datetime]) -> tuple[datetime, datetime]:
    """Return the time from the first record or event to the last, with room to either side."""
    moments = [*events.values(), log.start.min(), log.end.max() + timedelta(seconds=1)]
    first, last = min(moments), max(moments)
    room = max((last - first) * 0.04, (LEAST_SPAN - (last - first)) / 2)
    return first - room, last + room


def _bars(lane: Lane, scale: _Scale) -> list[_Bar]:
    records = lane.records.sort_values(["start", "end"])
    kinds = map(kind_of, records.action, records.log_status)
    columns = zip(records.start, records.end, kinds, records.packets, strict=True)
    return [_bar(*values, scale) for values in columns]


def _bar(start: datetime, end: datetime, kind: str, packets: object, scale: _Scale) -> _Bar:
    left = style.days(start)
    width = style.days(end + timedelta(seconds=1)) - left  # the last second is in it
    width = max(width, LEAST_SHARE * (scale.last - scale.first))
    for text, size_pt in _texts(kind, packets):
        if scale.days(style.text_width_in(text, size_pt) + 0.06) <= width:
            return _Bar(left, width, kind, text, size_pt, True, left + width)
    text, size_pt = _texts(kind, packets)[-1][0], style.SMALL_PT
    beside = scale.days(style.text_width_in(text, size_pt) + 0.12)
    return _Bar(left, width, kind, text, size_pt, False, left + width + beside)


def _texts(kind: str, packets: object) -> list[tuple[str, float]]:
    """Return what may stand in a bar, the best first."""
    if pd.isna(packets):  # pyright: ignore
        return [(kind, style.SMALL_PT)]
    noun = "packet" if packets == 1 else "packets"
    mark = "" if kind == "ACCEPT" else "✗ "
    word = "" if kind == "ACCEPT" else f" {kind}"
    return [
        (f"{packets:,} {noun}{word}", style.SMALL_PT),
        (f"{packets:,}{word or ' ' + noun}", style.SMALL_PT),
        (f"{mark}{packets:,}", style.SMALL_PT),
        (f"{mark}{packets:,}", 6.5),
    ]


def _stack(bars: Iterable[_Bar]) -> list[list[_Bar]]:
    """Put each bar into the first row where it and its text overlap nothing."""
    rows: list[list[_Bar]] = []
    for bar in bars:
        free = next((row for row in rows if row[-1].right <= bar.left), None)
        if free is None:
            rows.append([bar])
        else:
            free.append(bar)
    return rows


def _draw(ax: Axes, bar: _Bar, y: float) -> None:
    look = style.LOOKS.get(bar.kind, style.LOOKS["NODATA"])
    ax.barh(y, bar.width, left=bar.left, height=0.8 * ROW, zorder=2, **look.bar())
    inside = bar.is_text_inside
    x = bar.left + bar.width / 2 if inside else bar.left + bar.width
    text = ax.annotate(
        bar.text,
        (x, y),
        xytext=(0 if inside else 3, 0),
        textcoords="offset points",
        ha="center" if inside else "left",
        va="center_baseline",
        fontsize=bar.size_pt,
        fontweight="bold",
        color=look.text if inside else style.INK,
        zorder=3,
    )
    if inside and look.hatch:
        text.set_bbox({"facecolor": look.color, "edgecolor": "none", "pad": 1.5})


def _draw_events(ax: Axes, events: Mapping[str, datetime], scale: _Scale) -> float:
    """Draw dotted lines with their labels above the axes, and return the labels' height."""
    ends: list[float] = []  # of each line of labels, where its last label ends
    for name, moment in sorted(events.items(), key=lambda event: event[1]):
        x = style.days(moment)
        width = scale.days(style.text_width_in(name, style.TEXT_PT) + 0.1)
        left = min(x - width / 2, scale.last - width)
        level = next((n for n, end in enumerate(ends) if end <= left), len(ends))
        ends[level : level + 1] = [left + width]
        ax.axvline(x, color=style.INK, linestyle=":", linewidth=1.3, zorder=1.5)
        ax.annotate(
            name,
            (left + width / 2, 1),
            xytext=(0, 3 + level * EVENT_PT),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="center",
            fontsize=style.TEXT_PT,
            color=style.INK,
            annotation_clip=False,
        )
    return len(ends) * EVENT_PT + (3 if ends else 0)


def _title(log: pd.DataFrame) -> str:
    noun = "record" if len(log) == 1 else "records"
    return f"{len(log)} flow log {noun}, by network interface and direction"
