"""The figures as Markdown, for the README."""

import math
import platform
from importlib.metadata import PackageNotFoundError, version

from reading.measure import Figures, ratio

PACKAGES = ("pyarrow", "isal", "obstore", "pandas", "polars", "duckdb", "flowlogs-reader", "numba")


def head() -> str:
    return (
        "| case | method | million records/s | labkit is faster by | peak MB | bytes a record |\n"
        "|---|---|---|---|---|---|"
    )


def lines(title: str, figures: list[Figures]) -> list[str]:
    """Return a row a method, ours first; the ratio is the median of the rounds' own ratios."""
    ours = figures[0]
    return [
        f"| {title if each is ours else ''} | {each.entry.method} | {_rate(each)} "
        f"| {'' if each is ours else _ratio(ours, each)} "
        f"| {each.peak_bytes / 1e6:,.0f} | {each.peak_bytes / each.entry.records:,.0f} |"
        for each in figures
    ]


PEERS = {
    "flowlogs-reader": ("flowlogs-reader",),
    "awswrangler": ("awswrangler",),
    "pandas": ("pandas (pyarrow)", "pandas"),
    "polars": ("polars",),
    "duckdb": ("duckdb",),
    "plain pyarrow": ("pyarrow",),
}


def short(measured: list[tuple[str, list[Figures]]]) -> list[str]:
    """Return a row a case, for the README: our rate, and how many times that of each other one."""
    rows = [
        "| case | million records/s | " + " | ".join(f"times {peer}" for peer in PEERS) + " |",
        "|---|---|" + "---|" * len(PEERS),
    ]
    for title, figures in measured:
        ours = figures[0]
        cells = [f"{ours.rate / 1e6:.1f}"]
        for names in PEERS.values():
            found = [
                each
                for name in names
                for each in figures[1:]
                if each.entry.method == name
                or each.entry.method.startswith((name + ",", name + " ("))
            ]
            cells.append(_ratio(ours, found[0]).removesuffix("×") if found else "")
        rows.append(f"| {title} | " + " | ".join(cells) + " |")
    return rows


def _rate(each: Figures) -> str:
    if each.faults:
        return f"wrong: {each.faults[0]}"
    return f"{each.rate / 1e6:.2f} ± {100 * each.spread:.0f} %"


def _ratio(ours: Figures, other: Figures) -> str:
    times = ratio(ours, other) if not (ours.faults or other.faults) else math.nan
    return "–" if math.isnan(times) else f"{times:.2g}×" if times < 10 else f"{times:.0f}×"


def foot(rounds: int, server: str) -> str:
    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return (
        f"Median of {rounds} rounds, in turn, each in a fresh process; ± is half of the range. "
        f"Python {platform.python_version()}, {', '.join(found)}; {server}. Gaps under a quarter "
        "are noise on a shared machine."
    )
