"""Packets or bytes per minute, by action: when was there how much?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import EngFormatter, MaxNLocator

from labkit.charts import style
from labkit.charts.alternative_text import describe

ACTIONS = ("ACCEPT", "REJECT")
Spans = Mapping[str, tuple[datetime, datetime]]
SHADE = "#F0E442"  # Okabe and Ito's yellow
LEAST_MINUTES = 6


def per_minute(
    log: pd.DataFrame,
    measure: str = "packets",
    *,
    what: str = "",
    shaded: Spans | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw packets or bytes per minute of the clock, ACCEPT below and REJECT on top of it.

    A record that covers more than one minute is spread evenly over its seconds: that is all that
    it tells. On AWS start and end may be a minute off, so a bar may be, too.

    Args:
        log: Records; NODATA and SKIPDATA are left out. All traffic of managed instances drowns a
            ping: filter by protocol first.
        measure: "packets" or "bytes".
        what: Whose they are, for the title, such as "ICMP".
        shaded: Spans of time to shade, such as {"ping": (started_at, ended_at)}.
        ax: Where to draw; new axes by default.
    """
    shaded = shaded or {}
    seen = log.loc[log[measure].notna(), :]
    if not len(seen):
        return style.show_emptiness(style.new_axes(ax, 1.5), "There are no packets to draw.")
    ax = style.new_axes(ax, 2.6)
    first, minutes = _frame(seen, shaded)
    sums = {action: _spread(seen, action, measure, first, minutes) for action in ACTIONS}
    begins = style.days(first) + np.arange(minutes) / 1440
    below = np.zeros(minutes)
    for action, values in sums.items():
        look = style.LOOKS[action].bar()
        ax.bar(begins, values, 0.9 / 1440, bottom=below, align="edge", zorder=2, **look)
        below = below + values
    style.tidy(ax, grid="y")
    _label_bars(ax, begins, below, measure)
    _shade(ax, shaded)
    style.set_time_axis(ax, first, first + timedelta(minutes=minutes), least_step_s=60)
    ax.tick_params(axis="x", pad=6)
    ax.set_ylim(0, below.max() * 1.25 or 1)
    ax.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
    ax.yaxis.set_major_formatter(EngFormatter("B") if measure == "bytes" else "{x:,.0f}")
    ax.set_ylabel(f"{measure} per minute", fontsize=style.TEXT_PT, color=style.INK)
    counted = f"{what} {measure}" if what else measure.capitalize()
    style.set_title(ax, f"{counted} per minute, by action", _how_to_read(shaded))
    style.add_legend(ax, [action for action, values in sums.items() if values.any()])
    return describe(ax, _in_words(f"{what} {measure}".strip(), sums, first, shaded))


def _frame(log: pd.DataFrame, shaded: Spans) -> tuple[datetime, int]:
    """Return the first minute drawn and how many there are: all that is known, and some around."""
    moments = [log.start.min(), log.end.max(), *(each for span in shaded.values() for each in span)]
    first, last = _minute(min(moments)), _minute(max(moments))
    minutes = round((last - first) / timedelta(minutes=1)) + 1
    around = max(1, (LEAST_MINUTES - minutes) // 2)
    return first - timedelta(minutes=around), minutes + 2 * around


def _minute(moment: datetime) -> datetime:
    return datetime.fromtimestamp(int(moment.timestamp()) // 60 * 60, UTC)


def _spread(
    log: pd.DataFrame, action: str, measure: str, first: datetime, minutes: int
) -> np.ndarray:
    """Return the sum in each minute, each record spread over the seconds from start to end."""
    of_action = log.loc[log.action == action, :]
    origin = first.timestamp()
    starts = of_action.start.map(datetime.timestamp).to_numpy(dtype=float) - origin
    ends = of_action.end.map(datetime.timestamp).to_numpy(dtype=float) - origin + 1
    values = of_action[measure].to_numpy(dtype=float)
    edges = np.arange(minutes) * 60.0
    shared = np.minimum(ends[:, None], edges + 60) - np.maximum(starts[:, None], edges)
    shares = shared.clip(min=0) / (ends - starts)[:, None]
    return (values[:, None] * shares).sum(axis=0)


def _label_bars(ax: Axes, begins: np.ndarray, heights: np.ndarray, measure: str) -> None:
    """Write each sum above its bar, if there are few enough to be read."""
    if len(begins) > 16:
        return
    for begin, height in zip(begins, heights, strict=True):
        if height:
            text = f"{height:,.0f}" if measure == "packets" else EngFormatter("B", places=1)(height)
            ax.annotate(
                text,
                (begin + 0.45 / 1440, height),
                xytext=(0, 3),
                textcoords="offset points",
                ha="center",
                fontsize=style.SMALL_PT,
                color=style.INK,
                zorder=5,  # above the dotted lines of what is shaded
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.5},
            )


def _shade(ax: Axes, shaded: Spans) -> None:
    """Shade spans behind the bars, with a dotted line in front of them at either end."""
    for begin, end in shaded.values():
        ax.axvspan(style.days(begin), style.days(end), color=SHADE, alpha=0.6, zorder=0.5)
        for moment in (begin, end):
            ax.axvline(style.days(moment), color=style.INK, linestyle=":", linewidth=1.3, zorder=4)


def _how_to_read(shaded: Spans) -> str:
    return f"shaded, between dotted lines: {', '.join(shaded)}" if shaded else ""


def _in_words(
    measure: str,
    sums: Mapping[str, np.ndarray],
    first: datetime,
    shaded: Spans,
) -> str:
    told = [
        f"{action}: {values.sum():,.0f} {measure}, most in the minute from "
        f"{first + timedelta(minutes=int(values.argmax())):%H:%M} UTC"
        for action, values in sums.items()
        if values.any()
    ]
    spans = "; ".join(
        f"{name} from {begin:%H:%M:%S} to {end:%H:%M:%S}" for name, (begin, end) in shaded.items()
    )
    return f"Bar chart of {measure} per minute. {'. '.join(told)}." + (
        f" Shaded: {spans}." if spans else ""
    )
