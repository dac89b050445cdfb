"""How all charts look: colors that color-blind readers tell apart, sizes, the axis of time.

Colors are Okabe and Ito's. Blue and orange are alike in gray, so REJECT has a hatch, too.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import matplotlib.dates as mdates
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

WIDTH_IN = 9.5
"""JupyterLab's width beside its file browser."""

INK = "#222222"
FAINT = "#e4e4e4"
BAND = "#f6f6f6"
TEXT_PT = 9.0
SMALL_PT = 8.0

# Full minutes are where most aggregation intervals have their edges: ticks fall on them.
_STEPS_S = (
    *(1, 2, 5, 10, 15, 30),
    *(60, 120, 300, 600, 900, 1800),
    *(3600, 2 * 3600, 3 * 3600, 6 * 3600, 12 * 3600),
    *(86400, 2 * 86400, 7 * 86400, 30 * 86400),
)

# The share of an axes in a figure's width, and of a letter in its size: for fitting labels.
_AXES_SHARE = 0.72
_LETTER_SHARE = 0.62


@dataclass(frozen=True, slots=True)
class Look:
    """The color, hatch and text color of one kind of bar."""

    color: str
    hatch: str = ""
    text: str = "white"

    def bar(self) -> dict[str, Any]:
        """Return how `barh` draws it."""
        return {"color": self.color, "hatch": self.hatch, "edgecolor": "white", "linewidth": 0.8}


LOOKS: dict[str, Look] = {
    "ACCEPT": Look("#0072B2"),
    "REJECT": Look("#D55E00", hatch="////"),
    "NODATA": Look("#999999", text="black"),
    "SKIPDATA": Look("#cccccc", hatch="xxx", text="black"),
    "S3": Look("#009E73"),
    "CloudWatch Logs": Look("#CC79A7", hatch="...", text="black"),
}


def new_axes(ax: Axes | None, height_in: float) -> Axes:
    """Return the axes given, or new ones as wide as a notebook."""
    if ax is None:
        _, ax = plt.subplots(figsize=(WIDTH_IN, height_in), layout="constrained")
    return ax


def set_title(ax: Axes, title: str, subtitle: str = "", *, lift_pt: float = 0.0) -> None:
    """Write what the chart shows above it, and how to read it in a smaller line.

    Args:
        ax: The axes.
        title: What it shows.
        subtitle: How to read it.
        lift_pt: Room to leave below, for labels above the axes.
    """
    rise_pt = lift_pt + (16 if subtitle else 5)
    ax.set_title(title, loc="left", fontsize=11, fontweight="bold", color=INK, pad=rise_pt)
    ax.annotate(
        subtitle,
        (0, 1),
        xytext=(0, lift_pt + 4),
        xycoords="axes fraction",
        textcoords="offset points",
        fontsize=SMALL_PT,
        color="#555555",
        annotation_clip=False,
    )


def tidy(ax: Axes, *, grid: str = "x") -> None:
    """Leave only the lines that are read."""
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="both", length=0, labelsize=TEXT_PT, labelcolor=INK)
    ax.grid(axis=grid, color=FAINT, linewidth=0.8)  # pyright: ignore[reportArgumentType]
    ax.set_axisbelow(True)


def add_legend(ax: Axes, kinds: Iterable[str]) -> None:
    """Explain the kinds of bars below the axes."""
    handles = [
        Patch(facecolor=LOOKS[kind].color, hatch=LOOKS[kind].hatch, edgecolor="white", label=kind)
        for kind in LOOKS
        if kind in set(kinds)
    ]
    if not handles:
        return
    more: dict[str, Any] = {
        "handles": handles,
        "ncols": len(handles),
        "frameon": False,
        "fontsize": TEXT_PT,
    }
    figure = ax.get_figure(root=True)
    if figure is not None and figure.axes == [ax] and figure.get_layout_engine() is not None:
        figure.legend(loc="outside lower right", **more)
    else:
        ax.legend(loc="upper right", **more)


def set_time_axis(
    ax: Axes,
    first: datetime,
    last: datetime,
    *,
    least_step_s: int = 1,
    told: tuple[datetime, datetime] | None = None,
) -> None:
    """Make x a UTC time axis from first to last, with the day in its label.

    Args:
        ax: The axes.
        first: Its left end.
        last: Its right end.
        least_step_s: Least distance of two ticks.
        told: Of which span the label tells the days; by default the axis, its margins included.
    """
    steps = [step for step in _STEPS_S if step >= least_step_s]
    step_s = next((s for s in steps if (last - first).total_seconds() / s <= 10), steps[-1])
    epochs = range(-(-int(first.timestamp()) // step_s) * step_s, int(last.timestamp()) + 1, step_s)
    ticks = [datetime.fromtimestamp(epoch, UTC) for epoch in epochs]
    form = "%H:%M:%S" if step_s < 60 else "%H:%M" if step_s < 6 * 3600 else "%d %b\n%H:%M"
    ax.set_xlim(days(first), days(last))
    ax.set_xticks([days(tick) for tick in ticks], [f"{tick:{form}}" for tick in ticks])
    ax.set_xlabel(f"time (UTC), {_days(*(told or (first, last)))}", fontsize=TEXT_PT, color=INK)


def days(moment: datetime) -> float:
    """Return a moment as Matplotlib counts time, in days."""
    return float(mdates.date2num(moment))


def axes_width_in(ax: Axes | None) -> float:
    """Return the width of the axes in inches: an estimate where they do not exist yet."""
    if ax is None:
        return WIDTH_IN * _AXES_SHARE
    figure = ax.get_figure(root=True)
    return (WIDTH_IN if figure is None else figure.get_figwidth()) * ax.get_position().width


def text_width_in(text: str, size_pt: float) -> float:
    """Estimate how wide a text is, in inches."""
    return len(text) * size_pt * _LETTER_SHARE / 72


def set_count_axis(ax: Axes, ends: Iterable[tuple[float, str]]) -> None:
    """Make x an axis of packets that has room for the texts right of the bars' ends."""
    width_in = WIDTH_IN * _AXES_SHARE
    rights = [
        end / (1 - min(text_width_in(text, SMALL_PT) / width_in + 0.02, 0.8)) for end, text in ends
    ]
    ax.set_xlim(0, max([1.0, *rights]))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=7))
    ax.xaxis.set_major_formatter("{x:,.0f}")
    ax.set_xlabel("packets", fontsize=TEXT_PT, color=INK)


def show_emptiness(ax: Axes, sentence: str) -> Axes:
    """Say in an empty chart why it is empty."""
    ax.set_axis_off()
    ax.text(0.5, 0.5, sentence, ha="center", va="center", fontsize=11, color=INK)
    return ax


def _days(first: datetime, last: datetime) -> str:
    last = max(first, last - timedelta(microseconds=1))  # midnight still belongs to the day
    begin, end = (f"{each.astimezone(UTC):%a %d %b %Y}" for each in (first, last))
    return begin if begin == end else f"{begin} to {end}"
