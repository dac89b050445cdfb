"""S3 and CloudWatch Logs side by side: packets of each flow, and delays of delivery."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from labkit.charts import style
from labkit.charts.alternative_text import describe
from labkit.charts.lanes import PROTOCOLS

MOST_FLOWS = 16
FEW = 20
COLUMNS = {"S3": "packets_s3", "CloudWatch Logs": "packets_cloudwatch_logs"}
LINE_STYLES = {"S3": "--", "CloudWatch Logs": "-"}


class Comparison(Protocol):
    """What is drawn of a `flowlogs.compare.Comparison`."""

    @property
    def sums(self) -> pd.DataFrame: ...
    @property
    def differences(self) -> pd.DataFrame: ...


def destinations(
    comparison: Comparison, *, names: Mapping[str, str] | None = None, ax: Axes | None = None
) -> Axes:
    """Draw the packets of each flow at both destinations, those that differ first.

    Args:
        comparison: From `flowlogs.compare.destinations`.
        names: What to write instead of interface ids and addresses.
        ax: Where to draw; new axes by default.
    """
    sums = comparison.sums
    if not len(sums):
        return style.show_emptiness(style.new_axes(ax, 1.5), "Both destinations are empty.")
    differ = sums.index.isin(comparison.differences.index)
    order = np.lexsort((-sums.packets_s3.to_numpy(dtype=float), ~differ))[:MOST_FLOWS]
    shown, marks = sums.iloc[order], differ[order]
    ax = style.new_axes(ax, 1.5 + 0.62 * len(shown))
    for number, (destination, column) in enumerate(COLUMNS.items()):
        look = style.LOOKS[destination]
        ys = np.arange(len(shown)) + (number - 0.5) * 0.36
        counts = shown[column].to_numpy(dtype=int)
        bars = ax.barh(ys, counts, height=0.34, zorder=2, **look.bar())
        ax.bar_label(bars, [f"{each:,}" for each in counts], padding=3, fontsize=style.SMALL_PT)
    labels = [
        _label(flow, names or {}, is_different=is_different)
        for flow, is_different in zip(shown.index, marks, strict=True)
    ]
    ax.set_yticks(range(len(shown)), labels)
    ax.set_ylim(len(shown) - 0.4, -0.6)
    style.tidy(ax)
    most = int(shown[list(COLUMNS.values())].max().max())
    style.set_count_axis(ax, [(most, f"{most:,}")])
    style.set_title(ax, "Packets of each flow at both destinations", _summary(sums, differ, shown))
    style.add_legend(ax, COLUMNS)
    rows = zip(labels, *(shown[column] for column in COLUMNS.values()), strict=True)
    told = "; ".join(f"{label}: {s3} in S3, {logs} in CloudWatch Logs" for label, s3, logs in rows)
    return describe(ax, f"Packets of each flow, {_summary(sums, differ, shown)}. {told}.")


def delivery_delay(delays: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw what share of the records was there how long after its end, for both destinations.

    Args:
        delays: destination and delay_s, as `flowlogs.delivery_delays` returns them.
        ax: Where to draw; new axes by default.
    """
    if not len(delays):
        return style.show_emptiness(style.new_axes(ax, 1.5), "Nothing was delivered yet.")
    scale, unit = (60, "minutes") if delays.delay_s.max() > 180 else (1, "seconds")
    groups = {
        destination: delays.delay_s[delays.destination == destination].sort_values() / scale
        for destination in COLUMNS
        if (delays.destination == destination).any()
    }
    ax = style.new_axes(ax, 3.4)
    for destination, group in groups.items():
        _draw_shares(ax, destination, group, unit)
    ax.yaxis.set_major_formatter(PercentFormatter(1))
    ax.set_ylabel("share of records", fontsize=style.TEXT_PT)
    ax.set_ylim(0, 1.04)
    ax.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1),
        borderaxespad=0,
        ncols=2,
        frameon=False,
        fontsize=style.TEXT_PT,
    )
    style.tidy(ax, grid="both")
    ax.set_xlim(left=min(0, ax.get_xlim()[0]))
    ax.set_xlabel(f"{unit} from a record's end until it could be read", fontsize=style.TEXT_PT)
    style.set_title(ax, "Delivery delay of flow log records", lift_pt=18)
    told = "; ".join(
        f"{name}: {len(group)} records, median {group.median():.1f}, last {group.max():.1f} {unit}"
        for name, group in groups.items()
    )
    return describe(ax, f"Share of records that had arrived, by delay. {told}.")


def _draw_shares(ax: Axes, destination: str, delays: pd.Series, unit: str) -> None:
    """Draw an ECDF, with a dot for each record where they are few."""
    color = style.LOOKS[destination].color
    noun = "record" if len(delays) == 1 else "records"
    ax.ecdf(
        delays,
        color=color,
        linestyle=LINE_STYLES[destination],
        linewidth=2,
        label=f"{destination} ({len(delays)} {noun}, median {delays.median():.1f} {unit})",
    )
    if len(delays) < FEW:
        shares = np.arange(1, len(delays) + 1) / len(delays)
        ax.scatter(delays, shares, s=42, color=color, edgecolor="white", zorder=3)


def _label(flow: tuple, names: Mapping[str, str], *, is_different: bool) -> str:
    interface_id, srcaddr, dstaddr, srcport, dstport, protocol, action = flow
    source, target = (names.get(each, each) for each in (srcaddr, dstaddr))
    ports = f" {srcport}→{dstport}" if srcport or dstport else ""
    kind = f"{PROTOCOLS.get(protocol, f'protocol {protocol}')}{ports} {action}"
    mark = "≠  " if is_different else ""
    return f"{mark}{source} → {target}\n{kind} at {names.get(interface_id, interface_id)}"


def _summary(sums: pd.DataFrame, differ: np.ndarray, shown: pd.DataFrame) -> str:
    state = f"{differ.sum()} of {len(sums)} differ (≠)" if differ.any() else "all agree"
    hidden = f"; {len(sums) - len(shown)} are not shown" if len(sums) > len(shown) else ""
    return f"by network interface, five-tuple and action: {state}{hidden}"
