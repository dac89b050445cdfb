"""Lanes: the records of one network interface in one direction, grouped by interface."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes

from labkit.charts.style import BAND, INK, SMALL_PT, TEXT_PT

MOST_LANES = 24
PROTOCOLS = {1: "ICMP", 6: "TCP", 17: "UDP", 58: "ICMPv6"}

_LANE = ["srcaddr", "dstaddr", "protocol"]


@dataclass(frozen=True, slots=True)
class Lane:
    """Records of one interface from one address to another, of one protocol."""

    label: str
    records: pd.DataFrame


@dataclass(frozen=True, slots=True)
class Group:
    """The lanes of one network interface."""

    title: str
    lanes: tuple[Lane, ...]


def group_lanes(log: pd.DataFrame, names: Mapping[str, str]) -> tuple[list[Group], int]:
    """Return the lanes with the most packets, by interface, and how many are left out."""
    lanes = {}
    for key, records in log.groupby(["interface_id", *_LANE], dropna=False, sort=False):
        lanes[key] = records
    ranked = sorted(lanes, key=lambda key: -_packets(lanes[key]))[:MOST_LANES]
    groups = []
    for interface_id in sorted({key[0] for key in ranked}, key=lambda each: _name(names, each)):
        own = _own_address(log.loc[log.interface_id == interface_id, :], interface_id, names)
        found = [key for key in ranked if key[0] == interface_id]
        found.sort(key=lambda key: (pd.isna(key[1]), str(key[3]), key[1] != own, str(key[1:])))
        title = _title(interface_id, own, names)
        groups.append(
            Group(title, tuple(Lane(_label(key, own, names), lanes[key]) for key in found))
        )
    return groups, len(lanes) - len(ranked)


def draw_frame(
    ax: Axes, groups: Iterable[Group], heights: Mapping[tuple[int, int], float], left_out: int
) -> dict[tuple[int, int], float]:
    """Label the lanes at the left, headers in bold, every other group on a gray band.

    Args:
        ax: The axes.
        groups: Groups of lanes, top down.
        heights: The height of each lane, by the numbers of its group and of itself.
        left_out: How many lanes are not drawn: said below.

    Returns:
        The upper edge of each lane; y grows downward.
    """
    tops, ticks, labels, headers = {}, [], [], []
    y = 0.0
    for number, group in enumerate(groups):
        begin = y
        headers.append(len(labels))
        ticks.append(y + 0.45)
        labels.append(group.title)
        y += 0.8
        for place, lane in enumerate(group.lanes):
            tops[number, place] = y
            ticks.append(y + heights[number, place] / 2)
            labels.append(lane.label)
            y += heights[number, place]
        y += 0.15
        if number % 2 == 0:
            ax.axhspan(begin, y, color=BAND, zorder=0)
    ax.set_ylim(y, 0)
    ax.set_yticks(ticks, labels, fontsize=TEXT_PT, color=INK)
    for place in headers:
        ax.get_yticklabels()[place].set_fontweight("bold")
    if left_out:
        ax.annotate(
            f"{left_out} more directions with fewer packets are not shown",
            (1, 0),
            xytext=(0, -34),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="right",
            fontsize=SMALL_PT,
            color="#555555",
            annotation_clip=False,
        )
    return tops


def say_lanes(groups: Iterable[Group]) -> str:
    """Return in words how many packets each lane has, by action."""
    return " ".join(
        f"{group.title}: {'; '.join(_say_lane(lane) for lane in group.lanes)}." for group in groups
    )


def _say_lane(lane: Lane) -> str:
    sums = lane.records.groupby("action").packets.sum()
    told = ", ".join(f"{packets:,} {action}" for action, packets in sums.items())
    return f"{lane.label} {told or 'nothing'}"


def kind_of(action: object, log_status: object) -> str:
    """Return what a record is drawn as: its action, or NODATA, or SKIPDATA."""
    return str(log_status) if pd.isna(action) else str(action)  # pyright: ignore


def _packets(records: pd.DataFrame) -> int:
    return int(records.packets.fillna(0).sum())


def _name(names: Mapping[str, str], key: object) -> str:
    return names.get(str(key), str(key))


def _title(interface_id: object, own: str | None, names: Mapping[str, str]) -> str:
    name = names.get(str(interface_id)) or (names.get(own) if own else None)
    return f"{name}  {interface_id}" if name else str(interface_id)


def _own_address(
    records: pd.DataFrame, interface_id: object, names: Mapping[str, str]
) -> str | None:
    """Return the interface's own address: it is in each record, as source or as target.

    Where two addresses are, as in a log of nothing but a ping, the name decides.
    """
    pairs = [set(pair) for pair in records[["srcaddr", "dstaddr"]].dropna().to_numpy()]
    candidates = set.intersection(*pairs) if pairs else set()
    if len(candidates) == 1:
        return candidates.pop()
    name = names.get(str(interface_id))
    named = [each for each in candidates if name and names.get(each) == name]
    return named[0] if len(named) == 1 else None


def _label(key: tuple, own: str | None, names: Mapping[str, str]) -> str:
    _, srcaddr, dstaddr, protocol = key
    if pd.isna(srcaddr) or pd.isna(dstaddr):
        return "no flow"
    kind = PROTOCOLS.get(protocol, f"protocol {protocol}")
    if srcaddr == own:
        return f"out → {_name(names, dstaddr)}  {kind}"
    if dstaddr == own:
        return f"in ← {_name(names, srcaddr)}  {kind}"
    return f"{_name(names, srcaddr)} → {_name(names, dstaddr)}  {kind}"
