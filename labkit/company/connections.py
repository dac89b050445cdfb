"""Connections, before anyone recorded them: who opened which to whom, when, how much it carried.

A set of connections is a structured array, one row each; its fields are `DTYPE`'s.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

DAY_S = 86_400
TCP, UDP = 6, 17
FIRST_EPHEMERAL, LAST_EPHEMERAL = 32_768, 60_999  # Linux's own range

DTYPE = np.dtype(
    [
        ("began_s", "f8"),  # seconds since midnight, UTC
        ("lasted_s", "f8"),
        ("client", "U15"),
        ("server", "U15"),
        ("client_port", "i4"),
        ("server_port", "i4"),
        ("protocol", "i4"),
        ("packets_out", "i8"),  # client to server
        ("bytes_out", "i8"),
        ("packets_back", "i8"),
        ("bytes_back", "i8"),
        ("rejected", "?"),  # by the server's security group: no reply
        ("was_reset", "?"),  # the client ended it at once by RST
    ]
)
Connections = npt.NDArray[np.void]
Rng = np.random.Generator


def connections(rng: Rng, began_s: Any, **fields: Any) -> Connections:
    """Return connections whose fields are arrays of one length, or the same for all.

    What is not given: TCP, an ephemeral port of the client, and an end within the day.
    """
    began_s = np.asarray(began_s, dtype="f8")
    made = np.zeros(len(began_s), DTYPE)
    made["began_s"] = began_s
    made["protocol"] = TCP
    made["client_port"] = rng.integers(FIRST_EPHEMERAL, LAST_EPHEMERAL + 1, len(made))
    for name, values in fields.items():
        made[name] = values
    return clip_to_day(made)


def clip_to_day(made: Connections) -> Connections:
    """Let connections end with the day: the log ends there, too."""
    kept = made[(made["began_s"] >= 0) & (made["began_s"] < DAY_S - 1)]
    kept["lasted_s"] = np.minimum(kept["lasted_s"], DAY_S - 1 - kept["began_s"])
    return kept


def fill(made: Connections, *, out: Any, back: Any) -> Connections:
    """Give TCP connections the packets that carry so many bytes of payload each way.

    Segments of 1,400 bytes; every second one is acknowledged by a packet of 52 bytes; three
    packets each way open and close the connection.
    """
    for payload, way, other in ((out, "out", "back"), (back, "back", "out")):
        segments = np.maximum(1, -(-np.asarray(payload, dtype="i8") // 1400))
        made[f"packets_{way}"] += 3 + segments
        made[f"bytes_{way}"] += 52 * (3 + segments) + np.asarray(payload, dtype="i8")
        made[f"packets_{other}"] += segments // 2
        made[f"bytes_{other}"] += 52 * (segments // 2)
    return made


def knocks(made: Connections, packets: Any) -> Connections:
    """Make them connections that were rejected: so many SYN packets of 60 bytes, no reply."""
    made["rejected"] = True
    made["packets_out"] = packets
    made["bytes_out"] = 60 * made["packets_out"]
    made["lasted_s"][made["packets_out"] == 1] = 0
    made["packets_back"] = made["bytes_back"] = 0
    return made
