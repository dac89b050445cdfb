"""The records of a ping, and what they should sum up to.

Records are summed, never counted: aggregation intervals follow the clock, and any ping may be
split at an edge. start and end are not the packets' times: AWS says they may be a minute off.

Source: docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import pandas as pd
import pyarrow as pa

from labkit.errors import LabError
from labkit.flowlogs.window import Window
from labkit.ping import PingRun, expected_packets

ICMP = 1
DIRECTION = ["interface_id", "srcaddr", "dstaddr", "action"]


def ping_window(runs: Sequence[PingRun], margin_s: float = 120) -> Window:
    """Return the time in which the records of these pings lie: theirs, and a margin around.

    Raises:
        LabError: There is no ping.
    """
    if not runs:
        raise LabError("There is no ping to look for: run 02_ping first.")
    span = Window(min(run.started_at for run in runs), max(run.ended_at for run in runs))
    return span.widen(timedelta(seconds=margin_s))


def find_ping(
    log: pd.DataFrame, ip_a: str, ip_b: str, runs: Sequence[PingRun], margin_s: float = 120
) -> pd.DataFrame:
    """Return the ICMP records between two addresses, both ways, around the time of the pings.

    Pings less than four minutes apart cannot be told apart: ICMP records have no ports. So
    `runs` should be all that overlap, as `ping.overlapping` returns them.

    Args:
        log: Records.
        ip_a: One private address.
        ip_b: The other.
        runs: The pings.
        margin_s: How far a record may lie off, to either side.
    """
    window = ping_window(runs, margin_s)
    pair = {(ip_a, ip_b), (ip_b, ip_a)}
    between = [each in pair for each in zip(log.srcaddr, log.dstaddr, strict=True)]
    overlaps = (log.end >= window.start) & (log.start <= window.end)
    is_icmp = (log.protocol == ICMP).fillna(False).astype(bool)
    found = log.loc[pd.Series(between, index=log.index, dtype=bool) & is_icmp & overlaps, :]
    return found.sort_values(["start", *DIRECTION], kind="stable").reset_index(drop=True)


def sum_packets(log: pd.DataFrame) -> pd.DataFrame:
    """Sum packets and bytes per interface, direction and action.

    Returns:
        packets, bytes and the number of records by interface_id, srcaddr, dstaddr and action,
        sorted by them. Rows without traffic (NODATA, SKIPDATA) do not count.
    """
    return log.groupby(DIRECTION).agg(
        packets=("packets", "sum"), bytes=("bytes", "sum"), records=("packets", "size")
    )


def expect_packets(runs: Iterable[PingRun], instances: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Say what the records of these pings sum up to if nothing was rejected or lost.

    Each network interface sees each request and each reply: two instances, two interfaces, two
    directions, four sums. Pings from or to anything else are left out.

    Args:
        runs: All pings that overlap, as `ping.overlapping` returns them.
        instances: The two `Instances` of describe_instances.

    Returns:
        packets and bytes with the index of `sum_packets`, so that the two can be compared.
    """
    nodes = list(instances)
    addresses = {node["InstanceId"]: node["PrivateIpAddress"] for node in nodes}
    rows = [
        (_primary_interface_id(node), *direction, "ACCEPT", count, count * run.result.sent_bytes)
        for run in runs
        for direction, count in expected_packets([run], addresses).items()
        for node in nodes
        if node["PrivateIpAddress"] in direction and count
    ]
    frame = pd.DataFrame(rows, columns=[*DIRECTION, "packets", "bytes"])
    types = {name: pd.ArrowDtype(pa.string()) for name in DIRECTION}
    typed = frame.astype({**types, "packets": "int64[pyarrow]", "bytes": "int64[pyarrow]"})
    return typed.groupby(DIRECTION).agg(packets=("packets", "sum"), bytes=("bytes", "sum"))


def is_complete(log: pd.DataFrame, expected: pd.DataFrame) -> bool:
    """Tell whether the records hold at least the packets expected, in each direction.

    More than expected is complete, too: somebody else may have pinged. A check says so.
    """
    packets = sum_packets(log).packets.reindex(expected.index).fillna(0)
    return bool(len(expected)) and bool((packets >= expected.packets).all())


def _primary_interface_id(instance: Mapping[str, Any]) -> str:
    """Return the interface with device index 0, the one that carries the primary address."""
    attached = sorted(
        instance["NetworkInterfaces"], key=lambda each: each["Attachment"]["DeviceIndex"]
    )
    return attached[0]["NetworkInterfaceId"]
