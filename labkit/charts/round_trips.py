"""The round-trip times of a ping, and the requests that nobody answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from labkit.charts import style
from labkit.charts.alternative_text import describe


class Reply(Protocol):
    """What is drawn of a `ping.Reply`."""

    @property
    def icmp_seq(self) -> int: ...
    @property
    def time_ms(self) -> float | None: ...


class Ping(Protocol):
    """What is drawn of a `ping.PingResult`."""

    @property
    def destination(self) -> str: ...
    @property
    def transmitted(self) -> int: ...
    @property
    def received(self) -> int: ...
    @property
    def replies(self) -> Sequence[Reply]: ...


def round_trips(result: Ping, *, ax: Axes | None = None) -> Axes:
    """Draw a dot for each reply, and a cross at the bottom for each request without one.

    Args:
        result: From `ping.parse`.
        ax: Where to draw; new axes by default.
    """
    ax = style.new_axes(ax, 3.0)
    timed = {each.icmp_seq: each.time_ms for each in result.replies if each.time_ms is not None}
    answered = {each.icmp_seq for each in result.replies}
    lost = [seq for seq in range(1, result.transmitted + 1) if seq not in answered]
    ax.vlines(list(timed), 0, list(timed.values()), color=style.FAINT, linewidth=2)
    blue = style.LOOKS["ACCEPT"].color
    ax.plot(list(timed), list(timed.values()), "o", color=blue, label="reply")
    # Not in the color of REJECT: that a reply is missing does not say that somebody rejected it.
    crosses = ax.plot(lost, [0] * len(lost), "X", markersize=9, color=style.INK, label="no reply")
    crosses[0].set(clip_on=False, zorder=3)
    style.tidy(ax, grid="y")
    ax.set_ylim(0, max(timed.values(), default=1.0) * 1.2 or 1.0)
    ax.set_xlim(0.5, max(result.transmitted, 1) + 0.5)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=12, min_n_ticks=1))
    ax.tick_params(axis="x", pad=9)
    ax.set_xlabel("icmp_seq: number of the echo request", fontsize=style.TEXT_PT)
    ax.set_ylabel("round trip, ms", fontsize=style.TEXT_PT)
    if not timed:
        ax.set_yticks([0])
    answers = f"{result.received} of {result.transmitted} echo requests answered"
    style.set_title(ax, f"Round-trip times to {result.destination}", answers)
    if lost:
        ax.legend(loc="upper right", frameon=False, fontsize=style.TEXT_PT, ncols=2)
    return describe(ax, f"{_in_words(result, list(timed.values()))} {_say_lost(lost)}")


def _in_words(result: Ping, times_ms: list[float]) -> str:
    spread = f", from {min(times_ms):g} to {max(times_ms):g} ms" if times_ms else ""
    return (
        f"Round-trip time of each ping to {result.destination}{spread}: {result.received} of "
        f"{result.transmitted} echo requests were answered."
    )


def _say_lost(lost: list[int]) -> str:
    if not lost:
        return "None was lost."
    return f"Without a reply: {', '.join(map(str, lost[:20]))}{' …' if len(lost) > 20 else ''}."
