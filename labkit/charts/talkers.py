"""Who talks to whom: a matrix of sources and destinations, by bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from matplotlib.ticker import EngFormatter

from labkit.charts import style
from labkit.charts.alternative_text import describe

MOST = 12
CELL_IN = 0.48
OTHERS = "others"
SHADES = LinearSegmentedColormap.from_list("bytes", ["#e8f1f8", style.LOOKS["ACCEPT"].color])
DARK_FROM = 0.55  # from here on white letters are read better


@dataclass(frozen=True, slots=True)
class _Pair:
    """What went from one address to another."""

    accepted_bytes: int
    rejected_packets: int


def talkers(
    log: pd.DataFrame, *, names: Mapping[str, str] | None = None, ax: Axes | None = None
) -> Axes:
    """Draw a matrix: who sent (rows) to whom (columns) how many bytes, and what was rejected.

    What two interfaces recorded of one packet is counted once: the larger of the two sums.

    Args:
        log: Records; NODATA and SKIPDATA are left out.
        names: What to write instead of addresses, as `charts.names` returns.
        ax: Where to draw; new axes by default.
    """
    pairs, order = _pairs(log.loc[log.packets.notna(), :], names or {})
    if not pairs:
        return style.show_emptiness(style.new_axes(ax, 1.5), "There are no packets to draw.")
    ax = style.new_axes(ax, 1.6 + CELL_IN * len(order))
    most = max(pair.accepted_bytes for pair in pairs.values())
    least = min((pair.accepted_bytes for pair in pairs.values() if pair.accepted_bytes), default=1)
    norm = LogNorm(max(1, least / 2), max(2, most))
    for (source, target), pair in pairs.items():
        _draw(ax, order.index(target), order.index(source), pair, norm)
    ax.set_xticks(range(len(order)), [_fold(name) for name in order])
    ax.set_yticks(range(len(order)), order)
    ax.set_xlim(-0.5, len(order) - 0.5)
    ax.set_ylim(len(order) - 0.5, -0.5)
    style.tidy(ax)
    ax.grid(visible=False)
    ax.tick_params(axis="x", top=True, labeltop=True, bottom=False, labelbottom=False)
    ax.tick_params(axis="both", labelsize=style.SMALL_PT)
    ax.set_ylabel("from", fontsize=style.TEXT_PT, color=style.INK)
    lift_pt = 8 + 10 * max(_fold(name).count("\n") + 1 for name in order)
    style.set_title(ax, "Who talks to whom", "rows send, columns receive; bytes, ✗ packets "
                    "rejected", lift_pt=lift_pt)  # fmt: skip
    style.add_legend(ax, _kinds(pairs))
    return describe(ax, _in_words(pairs))


def _pairs(
    log: pd.DataFrame, names: Mapping[str, str]
) -> tuple[dict[tuple[str, str], _Pair], list[str]]:
    """Return what went between whom, by name, and the names, those with the most bytes first."""
    if not len(log):
        return {}, []
    ends = [log[end].map(lambda each: names.get(each, each)) for end in ("srcaddr", "dstaddr")]
    named = log.assign(source=ends[0], target=ends[1])
    both = pd.concat([named.assign(name=end) for end in ends])
    ranked = both.groupby("name").bytes.sum().sort_values(ascending=False).index
    kept = list(ranked) if len(ranked) <= MOST else [*ranked[: MOST - 1], OTHERS]
    for end in ("source", "target"):
        named[end] = named[end].where(named[end].isin(kept), OTHERS)
    pairs: dict[tuple[str, str], _Pair] = {}
    for source, of_source in named.groupby("source"):
        for target, records in of_source.groupby("target"):
            pairs[str(source), str(target)] = _pair(records)
    return pairs, sorted(kept, key=_sort_key)


def _pair(records: pd.DataFrame) -> _Pair:
    accepted = records.loc[records.action == "ACCEPT", :].groupby("interface_id").bytes.sum()
    rejected = records.loc[records.action == "REJECT", :].groupby("interface_id").packets.sum()
    return _Pair(int(accepted.max() if len(accepted) else 0), int(rejected.sum()))


def _draw(ax: Axes, x: int, y: int, pair: _Pair, norm: LogNorm) -> None:
    strip = (0.42 if pair.accepted_bytes else 0.92) if pair.rejected_packets else 0.0
    if pair.accepted_bytes:
        share = float(norm(pair.accepted_bytes))
        color = SHADES(share)
        _fill(ax, x, y - 0.46, 0.92 - strip, facecolor=color)
        ink = "white" if share >= DARK_FROM else style.INK
        text = EngFormatter("B", places=1)(pair.accepted_bytes).replace(".0 ", " ")
        _write(ax, x, y - strip / 2, text, ink)
    if pair.rejected_packets:
        look = style.LOOKS["REJECT"]
        _fill(ax, x, y + 0.46 - strip, strip, facecolor=look.color, hatch=look.hatch)
        written = _write(ax, x, y + 0.46 - strip / 2, f"✗ {pair.rejected_packets:,}", look.text)
        written.set_bbox({"facecolor": look.color, "edgecolor": "none", "pad": 1})


def _fill(ax: Axes, x: int, top: float, height: float, **look: Any) -> None:
    ax.add_patch(Rectangle((x - 0.46, top), 0.92, height, edgecolor="white", linewidth=0.8, **look))


def _write(ax: Axes, x: float, y: float, text: str, color: str) -> Text:
    return ax.text(x, y, text, ha="center", va="center_baseline", fontsize=style.SMALL_PT,
                   fontweight="bold", color=color)  # fmt: skip


def _fold(name: str) -> str:
    return name.replace(" ", "\n")


def _sort_key(name: str) -> tuple[bool, bool, str]:
    """Instances first, endpoints next, plain addresses after them, the rest last."""
    return name == OTHERS, name[:1].isdigit(), f"{name.endswith('endpoint')}{name}"


def _kinds(pairs: Mapping[tuple[str, str], _Pair]) -> list[str]:
    has = {
        "ACCEPT": any(pair.accepted_bytes for pair in pairs.values()),
        "REJECT": any(pair.rejected_packets for pair in pairs.values()),
    }
    return [kind for kind, is_there in has.items() if is_there]


def _in_words(pairs: Mapping[tuple[str, str], _Pair]) -> str:
    ranked = sorted(pairs.items(), key=lambda item: -item[1].accepted_bytes)[:3]
    told = "; ".join(f"{a} to {b} {pair.accepted_bytes:,} bytes" for (a, b), pair in ranked)
    rejected = [
        f"{a} to {b} {pair.rejected_packets:,} packets"
        for (a, b), pair in pairs.items()
        if pair.rejected_packets
    ]
    return f"Matrix of {len(pairs)} pairs of sources and destinations. Most: {told}." + (
        f" Rejected: {'; '.join(rejected[:5])}." if rejected else " Nothing was rejected."
    )
