"""Ports by time: a port scan as flow logs see it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullLocator

from labkit.charts import style
from labkit.charts.alternative_text import describe

TCP, UDP = 6, 17
MARKERS = {"ACCEPT": "o", "REJECT": "X"}
KNOWN = {
    22: "ssh", 25: "smtp", 53: "dns", 80: "http", 123: "ntp", 443: "https", 445: "smb",
    3306: "mysql", 3389: "rdp", 5432: "postgres", 6379: "redis", 8080: "http-alt",
}  # fmt: skip
DECADES = (1, 10, 100, 1_000, 10_000, 65_535)
LEAST_SPAN = timedelta(seconds=10)
LEAST_DISTANCE = 2.1  # of two labels on the logarithmic axis
MANY = 60


def ports(
    log: pd.DataFrame, *, names: Mapping[str, str] | None = None, ax: Axes | None = None
) -> Axes:
    """Draw a mark for each TCP or UDP record: when it began, and which port it went to.

    A scan is a line or a cloud of many ports in a short time, nearly all of them rejected or
    without an answer. Filter the log by who sends, and to whom, first.

    Args:
        log: Records; other protocols, NODATA and SKIPDATA are left out.
        names: What to write instead of addresses, as `charts.names` returns.
        ax: Where to draw; new axes by default.
    """
    has_ports = log.protocol.isin([TCP, UDP]).fillna(False).astype(bool)
    seen = log.loc[has_ports, :]
    if not len(seen):
        sentence = "There are no TCP or UDP packets to draw."
        return style.show_emptiness(style.new_axes(ax, 1.5), sentence)
    ax = style.new_axes(ax, 4.0)
    ax.set_yscale("log")
    ax.set_ylim(0.8, 90_000)
    for action, marker in MARKERS.items():
        rows = seen.loc[seen.action == action, :]
        if len(rows):
            _draw(ax, rows, action, marker)
    first, last = seen.start.min(), seen.start.max()
    margin = max((last - first) * 0.03, LEAST_SPAN / 2)
    style.tidy(ax, grid="both")
    style.set_time_axis(ax, first - margin, last + margin, told=(first, last))
    _name_ports(ax, seen)
    ax.set_ylabel("destination port", fontsize=style.TEXT_PT, color=style.INK)
    style.set_title(ax, "Ports by time", _subtitle(seen, names or {}), lift_pt=18)
    ax.legend(loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0.1, ncols=2, frameon=False,
              fontsize=style.TEXT_PT)  # fmt: skip
    return describe(ax, _in_words(seen, names or {}))


def _draw(ax: Axes, rows: pd.DataFrame, action: str, marker: str) -> None:
    is_many = len(rows) > MANY
    ax.scatter(
        [style.days(moment) for moment in rows.start],
        rows.dstport.to_numpy(dtype=float).clip(min=1),
        s=18 if is_many else 40,
        marker=marker,
        color=style.LOOKS[action].color,
        linewidth=0,
        zorder=3 if action == "ACCEPT" else 2.5,  # the few that answered are what one looks for
        label=f"{action} ({_count(rows.dstport.nunique())})",
    )


def _name_ports(ax: Axes, seen: pd.DataFrame) -> None:
    """Mark the known ports that were seen, accepted ones first, and the decades, if they fit."""
    accepted = set(seen.dstport[seen.action == "ACCEPT"])
    found = sorted(set(seen.dstport) & set(KNOWN), key=lambda port: (port not in accepted, port))
    labels: dict[int, str] = {}
    for port in [*found, *DECADES]:
        if all(not 1 / LEAST_DISTANCE < port / other < LEAST_DISTANCE for other in labels):
            labels[port] = f"{KNOWN[port]} {port}" if port in found else f"{port:,}"
    ax.yaxis.set_minor_locator(NullLocator())
    ax.set_yticks(list(labels))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: labels.get(round(value), "")))


def _subtitle(seen: pd.DataFrame, names: Mapping[str, str]) -> str:
    return f"{_who(seen.srcaddr, names, 'sources')} → {_who(seen.dstaddr, names, 'destinations')}"


def _count(ports: int) -> str:
    return f"{ports:,} {'port' if ports == 1 else 'ports'}"


def _who(addresses: pd.Series, names: Mapping[str, str], noun: str) -> str:
    found = list(dict.fromkeys(names.get(each, each) for each in addresses))
    return ", ".join(found) if len(found) <= 3 else f"{len(found)} {noun}"


def _in_words(seen: pd.DataFrame, names: Mapping[str, str]) -> str:
    counts = seen.groupby("action").dstport.nunique()
    told = ", ".join(f"{action} to {_count(count)}" for action, count in counts.items())
    return (
        f"Destination ports by time, {_subtitle(seen, names)}, from {seen.start.min():%H:%M:%S} to "
        f"{seen.start.max():%H:%M:%S} UTC: {told}."
    )
