"""The records of a ping, and whether they are what ping printed.

Records are summed, never counted: aggregation intervals follow the clock, and any ping may be
split at an edge. start and end are not the packets' times: AWS says they may be a minute off.

Source: docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import permutations
from typing import Protocol

import pandas as pd

from labkit.errors import LabError, WaitTimedOut
from labkit.flowlogs.window import Window
from labkit.waiting import Watch, silent, until

ICMP = 1
WAY = ["interface_id", "srcaddr", "dstaddr"]

Ways = Mapping[tuple[str, str], int]
"""Packets by (srcaddr, dstaddr), as `ping.expected_packets` returns them."""


class Ping(Protocol):
    """What is needed of a `ping.PingRun`: when it ran, by the node's clock."""

    @property
    def started_at(self) -> datetime: ...
    @property
    def ended_at(self) -> datetime: ...


def ping_window(runs: Sequence[Ping], margin_s: float = 120) -> Window:
    """Return the time in which the records of these pings lie: theirs, and a margin around.

    Raises:
        LabError: There is no ping.
    """
    if not runs:
        raise LabError("There is no ping to look for: run 02_ping first.")
    span = Window(min(run.started_at for run in runs), max(run.ended_at for run in runs))
    return span.widen(timedelta(seconds=margin_s))


def find_ping(
    log: pd.DataFrame, addresses: Iterable[str], runs: Sequence[Ping], margin_s: float = 120
) -> pd.DataFrame:
    """Return the ICMP records between these addresses around the time of the pings.

    Pings less than four minutes apart cannot be told apart: ICMP records have no ports. So
    `runs` should be all that overlap, as `ping.overlapping` returns them.

    Args:
        log: Records.
        addresses: The private addresses of the instances.
        runs: The pings.
        margin_s: How far a record may lie off, to either side.
    """
    window = ping_window(runs, margin_s)
    icmp = _icmp_between(log, set(permutations(addresses, 2)))
    found = icmp.loc[(icmp.end >= window.start) & (icmp.start <= window.end), :]
    return found.sort_values(["start", *WAY, "action"], kind="stable").reset_index(drop=True)


def sum_packets(log: pd.DataFrame) -> pd.DataFrame:
    """Sum packets and bytes per interface, direction and action.

    Returns:
        packets, bytes and the number of records by interface_id, srcaddr, dstaddr and action,
        sorted by them. Rows without traffic (NODATA, SKIPDATA) do not count.
    """
    return log.groupby([*WAY, "action"]).agg(
        packets=("packets", "sum"), bytes=("bytes", "sum"), records=("packets", "size")
    )


def agrees(sums: pd.DataFrame, expected: Ways) -> bool:
    """Tell whether these sums are what ping printed: each way, on both network interfaces.

    The interface that a packet leaves and the one that it reaches record it alike, so each
    direction is expected twice, and nothing else is.

    Args:
        sums: From `sum_packets`, whatever the actions.
        expected: From `ping.expected_packets`.
    """
    wanted = sorted((*way, count) for way, count in _on_the_wire(expected).items() for _ in "12")
    seen = sums.groupby(WAY).packets.sum()
    return sorted((src, dst, count) for (_, src, dst), count in seen.items()) == wanted


def is_complete(log: pd.DataFrame, expected: Ways) -> bool:
    """Tell whether at least the packets expected are there: each way, on two interfaces.

    Rejected packets count, for they have arrived as records. More than expected is complete,
    too: somebody else may have pinged. `agrees` says so.
    """
    wire = _on_the_wire(expected)
    sums = _icmp_between(log, set(wire)).groupby(WAY).packets.sum()
    enough = [(src, dst) for (_, src, dst), count in sums.items() if count >= wire[src, dst]]
    return bool(wire) and all(enough.count(way) >= 2 for way in wire)


def wait_for(
    read: Callable[[], pd.DataFrame],
    expected: Ways,
    *,
    patience_s: float,
    watch: Watch = silent,
) -> pd.DataFrame:
    """Read until the packets of the pings are there, or patience ends; return what was read last.

    That they did not come is no error here: `diagnose` says why, and whether to wait on.

    Args:
        read: Reads the records anew, from the time of the pings on.
        expected: From `ping.expected_packets`.
        patience_s: How long to read again.
        watch: Sees each look.
    """
    last = pd.DataFrame()

    def look() -> pd.DataFrame:
        nonlocal last
        last = read()
        return last

    try:
        return until(
            look,
            lambda log: is_complete(log, expected),
            what="the records of the ping",
            timeout_s=patience_s,
            every_s=15,
            watch=watch,
            describe=lambda log: _describe(log, expected),
        )
    except WaitTimedOut:
        return last


def _icmp_between(log: pd.DataFrame, ways: set[tuple[str, str]]) -> pd.DataFrame:
    is_icmp = (log.protocol == ICMP).fillna(False).astype(bool)
    icmp = log.loc[is_icmp, :]
    wanted = [way in ways for way in zip(icmp.srcaddr, icmp.dstaddr, strict=True)]
    return icmp.loc[pd.Series(wanted, index=icmp.index, dtype=bool), :]


def _on_the_wire(expected: Ways) -> dict[tuple[str, str], int]:
    """Leave out what no interface sees: replies that never came, and a ping of one's own self."""
    return {way: count for way, count in expected.items() if count and way[0] != way[1]}


def _describe(log: pd.DataFrame, expected: Ways) -> str:
    wire = _on_the_wire(expected)
    packets = int(_icmp_between(log, set(wire)).packets.sum())
    return f"{packets} of {2 * sum(wire.values())} packets of the ping, in {len(log)} records"
