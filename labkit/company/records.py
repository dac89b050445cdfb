"""From connections to flow log records: what each network interface of the VPC saw of them.

A record is one flow, on one network interface, in one aggregation interval of a minute. So a
connection between two hosts makes four records a minute: each interface has both directions.

Source: docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from labkit.company import hosts
from labkit.company.connections import DAY_S, TCP, Connections, Rng
from labkit.fields import BY_NAME, DEFAULT_FIELDS, column

INTERVAL_S = 60
ACCOUNT_ID = "111122223333"  # one that AWS's documentation uses: nobody's
FIELDS = (*DEFAULT_FIELDS, "tcp-flags", "flow-direction")
VERSION = max(BY_NAME[name].version for name in FIELDS)

FIN, SYN, RST, SYN_ACK = 1, 2, 4, 18

_DTYPE = np.dtype(
    [
        *(("interface_id", "U21"), ("srcaddr", "U15"), ("dstaddr", "U15")),
        *(("srcport", "i4"), ("dstport", "i4"), ("protocol", "i4")),
        *(("packets", "i8"), ("bytes", "i8"), ("start", "i8"), ("end", "i8")),
        *(("action", "U6"), ("tcp_flags", "i4"), ("flow_direction", "U7")),
    ]
)


def records(made: Connections, rng: Rng, *, midnight: int) -> pa.Table:
    """Return the records of a day, a column for each of `FIELDS`, in no order of time.

    Args:
        made: The connections.
        rng: Shuffles the records: AWS promises no order.
        midnight: The day's first second, Unix time.
    """
    pieces = _views(split(made))
    silent = _silent_minutes(pieces)
    columns = {column(name): _column(column(name), pieces, silent, midnight) for name in FIELDS}
    table = pa.table(columns)
    return table.take(rng.permutation(len(table)))


def split(made: Connections) -> Connections:
    """Cut connections at full minutes; packets and bytes are shared out, and none gets lost.

    Returns:
        The same fields, and `first` and `last`: whether a piece begins or ends its connection.
        A piece without a packet is left out.
    """
    first = (made["began_s"] // INTERVAL_S).astype("i8")
    count = ((made["began_s"] + made["lasted_s"]) // INTERVAL_S).astype("i8") - first + 1
    whole = np.repeat(made, count)
    number = np.arange(len(whole)) - np.repeat(np.cumsum(count) - count, count)
    edge = (np.repeat(first, count) + number) * INTERVAL_S
    begins = np.maximum(edge, whole["began_s"])
    ends = np.minimum(edge + INTERVAL_S - 0.001, whole["began_s"] + whole["lasted_s"])
    is_last = number == np.repeat(count, count) - 1
    reach = edge + INTERVAL_S - whole["began_s"]
    at = np.where(is_last, 1.0, reach / np.maximum(whole["lasted_s"], 0.001))
    pieces = np.zeros(len(whole), [*made.dtype.descr, ("first", "?"), ("last", "?")])
    for name in made.dtype.names or ():
        pieces[name] = whole[name]
    pieces["began_s"], pieces["lasted_s"] = begins, np.maximum(ends - begins, 0)
    pieces["first"], pieces["last"] = number == 0, is_last
    for way in ("out", "back"):
        packets = np.ceil(whole[f"packets_{way}"] * at).astype("i8")
        mean = whole[f"bytes_{way}"] / np.maximum(whole[f"packets_{way}"], 1)
        for name, reached in (("packets", packets), ("bytes", np.rint(packets * mean))):
            before = np.where(pieces["first"], 0, np.roll(reached, 1))
            pieces[f"{name}_{way}"] = reached - before
    return pieces


def _views(pieces: Connections) -> np.ndarray:
    """Return the records of both directions on both interfaces; those outside have none here."""
    return np.concatenate(
        [
            _view(pieces, way, side)
            for way in ("out", "back")
            for side in ("client", "server")
        ]
    )  # fmt: skip


def _view(pieces: Connections, way: str, side: str) -> np.ndarray:
    sender, receiver = ("client", "server") if way == "out" else ("server", "client")
    ours = np.isin(pieces[side], list(hosts.BY_ADDRESS))
    seen = pieces[ours & (pieces[f"packets_{way}"] > 0)]
    made = np.zeros(len(seen), _DTYPE)
    made["interface_id"] = _interface_ids(seen[side])
    made["srcaddr"], made["dstaddr"] = seen[sender], seen[receiver]
    made["srcport"], made["dstport"] = seen[f"{sender}_port"], seen[f"{receiver}_port"]
    made["protocol"] = seen["protocol"]
    made["packets"], made["bytes"] = seen[f"packets_{way}"], seen[f"bytes_{way}"]
    made["start"] = seen["began_s"]
    has_several = made["packets"] > 1
    made["end"] = seen["began_s"] + np.where(has_several, seen["lasted_s"], 0)
    # Who sends is never rejected: each security group here lets everything out.
    made["action"] = np.where(seen["rejected"] & (side == "server"), "REJECT", "ACCEPT")
    made["tcp_flags"] = _tcp_flags(seen, way)
    made["flow_direction"] = "egress" if side == sender else "ingress"
    return made


def _interface_ids(addresses: np.ndarray) -> np.ndarray:
    """Return the ids of the interfaces with these addresses."""
    known = sorted(hosts.BY_ADDRESS)
    ids = np.array([hosts.BY_ADDRESS[one].interface_id for one in known])
    return ids[np.searchsorted(np.array(known), addresses)]


def _tcp_flags(seen: Connections, way: str) -> np.ndarray:
    """Return the flags of a piece, OR-ed: SYN or SYN-ACK at the beginning, FIN at the end.

    A rejected connection is nothing but SYN. ACK alone counts as 0.
    """
    opening = SYN if way == "out" else SYN_ACK
    closing = np.where(seen["was_reset"], RST if way == "out" else 0, FIN)
    flags = opening * seen["first"] + closing * seen["last"]
    flags = np.where(seen["rejected"], SYN, flags)
    return np.where(seen["protocol"] == TCP, flags, 0)


def _silent_minutes(views: np.ndarray) -> np.ndarray:
    """Return (interface id, minute) wherever an interface saw nothing: NODATA."""
    ids, place = np.unique(views["interface_id"], return_inverse=True)
    heard = np.zeros((len(ids), DAY_S // INTERVAL_S), dtype=bool)
    heard[place, views["start"] // INTERVAL_S] = True
    interface, minute = np.nonzero(~heard)
    silent = np.zeros(len(minute), _DTYPE)
    silent["interface_id"] = ids[interface]
    silent["start"] = minute * INTERVAL_S
    silent["end"] = silent["start"] + INTERVAL_S - 1
    return silent


def _column(name: str, views: np.ndarray, silent: np.ndarray, midnight: int) -> pa.Array:
    """Return one column; a silent minute has only what its line says on AWS.

    Source: docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html
    """
    count = len(views) + len(silent)
    if name == "version":
        return pa.array(np.full(count, VERSION, "i4"))
    if name == "account_id":
        return pa.array([ACCOUNT_ID] * count)
    if name == "log_status":
        return pa.array(["OK"] * len(views) + ["NODATA"] * len(silent))
    values = np.concatenate([views[name], silent[name]])
    if name in ("start", "end"):
        return pa.array(values + midnight)
    missing = np.arange(count) >= len(views)
    if name == "interface_id":
        return pa.array(values)
    if values.dtype.kind == "U":
        return pa.array(values.astype(object), mask=missing)
    return pa.array(values, mask=missing)
