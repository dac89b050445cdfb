"""How many packets each network interface saw, per direction and action."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes

from labkit.charts import style
from labkit.charts.alternative_text import describe
from labkit.charts.lanes import Lane, draw_frame, group_lanes, say_lanes

LANE_HEIGHT = 0.9


def packets_by_interface(
    log: pd.DataFrame,
    *,
    names: Mapping[str, str] | None = None,
    expected: Mapping[tuple[str, str], int] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw the packets of each interface and direction, summed over its records.

    On AWS the agent's own HTTPS outweighs any ping: filter the log first.

    Args:
        log: Records; NODATA and SKIPDATA are left out.
        names: What to write instead of interface ids and addresses.
        expected: Packets by (srcaddr, dstaddr), marked by a line, from `ping.expected_packets`.
        ax: Where to draw; new axes by default.
    """
    groups, left_out = group_lanes(log.loc[log.packets.notna(), :], names or {})
    if not groups:
        return style.show_emptiness(style.new_axes(ax, 1.5), "There are no packets to draw.")
    lanes = {
        (number, place): lane
        for number, group in enumerate(groups)
        for place, lane in enumerate(group.lanes)
    }
    ax = style.new_axes(ax, 1.5 + 0.36 * (LANE_HEIGHT * len(lanes) + 0.95 * len(groups)))
    tops = draw_frame(ax, groups, dict.fromkeys(lanes, LANE_HEIGHT), left_out)
    kinds, ends = set(), []
    for key, lane in lanes.items():
        y = tops[key] + LANE_HEIGHT / 2
        kinds |= set(lane.records.action)
        ends.append(_draw_sums(ax, lane, y))
        _mark_expected(ax, lane, y, expected or {})
    style.tidy(ax)
    style.set_count_axis(ax, [*ends, *((count, "") for count in (expected or {}).values())])
    subtitle = "line: what ping printed" if expected else ""
    style.set_title(ax, "Packets by network interface and direction", subtitle)
    style.add_legend(ax, kinds)
    return describe(ax, f"Packets by network interface and direction. {say_lanes(groups)}")


def _draw_sums(ax: Axes, lane: Lane, y: float) -> tuple[float, str]:
    """Draw a bar for each action, one after the other; return their end and the words there."""
    sums = lane.records.groupby("action").agg(packets=("packets", "sum"), bytes=("bytes", "sum"))
    left, parts = 0, []
    for action, packets in zip(sums.index, sums.packets, strict=True):
        look = style.LOOKS.get(action, style.LOOKS["NODATA"])
        ax.barh(y, packets, left=left, height=0.6, zorder=2, **look.bar())
        left += packets
        parts.append(f"{packets:,}{'' if action == 'ACCEPT' else f' {action}'}")
    noun = "packet" if left == 1 else "packets"
    text = f"{' + '.join(parts)} {noun}, {sums.bytes.sum():,} bytes"
    ax.annotate(
        text,
        (left, y),
        xytext=(4, 0),
        textcoords="offset points",
        va="center_baseline",
        fontsize=style.SMALL_PT,
        color=style.INK,
        zorder=3,
    )
    return left, text


def _mark_expected(ax: Axes, lane: Lane, y: float, expected: Mapping[tuple[str, str], int]) -> None:
    first = lane.records.iloc[0]
    count = expected.get((first.srcaddr, first.dstaddr))
    if count is not None:
        ax.plot([count, count], [y - 0.4, y + 0.4], color=style.INK, linewidth=2, zorder=4)
