"""The four things that are not ordinary, as the connections that they are made of."""

from __future__ import annotations

import numpy as np

from labkit.company.connections import DAY_S, Connections, Rng, connections, fill, knocks
from labkit.company.truth import Beacon, Leak, PortScan, Retry, Truth


def incidents(rng: Rng, truth: Truth) -> list[Connections]:
    """Return the connections of each incident."""
    return [
        *port_scan(rng, truth.port_scan),
        beacon(rng, truth.beacon),
        leak(rng, truth.leak),
        retry(rng, truth.retry),
    ]


def port_scan(rng: Rng, scan: PortScan) -> list[Connections]:
    """One SYN for each port, often a second where nothing came back; an open port is reset."""
    ports = np.arange(scan.first_port, scan.last_port + 1)
    times = np.linspace(scan.began_s, scan.ended_s - 3, len(ports)) + rng.normal(0, 0.4, len(ports))
    is_open = np.isin(ports, sorted(scan.open_ports))
    ways = {"client": scan.source, "server": scan.target}
    closed = connections(rng, times[~is_open], **ways, server_port=ports[~is_open], lasted_s=1)
    answered = connections(rng, times[is_open], **ways, server_port=ports[is_open], lasted_s=0.1)
    answered["packets_out"], answered["bytes_out"] = 2, 100  # SYN, RST
    answered["packets_back"], answered["bytes_back"] = 1, 60  # SYN-ACK
    answered["was_reset"] = True
    return [knocks(closed, rng.integers(1, 3, len(closed))), answered]


def beacon(rng: Rng, calls: Beacon) -> Connections:
    """A short connection at each interval: a question, and a short answer."""
    times = np.arange(rng.uniform(0, calls.interval_s), DAY_S - 5, calls.interval_s)
    times = times + rng.uniform(-calls.jitter_s, calls.jitter_s, len(times))
    made = connections(
        rng, times, client=calls.source, server=calls.destination, server_port=calls.port,
        lasted_s=rng.uniform(0.3, 0.9, len(times)),
    )  # fmt: skip
    return fill(
        made, out=rng.integers(500, 620, len(made)), back=rng.integers(900, 1100, len(made))
    )


def leak(rng: Rng, theft: Leak) -> Connections:
    """One long connection outwards."""
    made = connections(
        rng, [theft.began_s], client=theft.source, server=theft.destination,
        server_port=theft.port, lasted_s=theft.ended_s - theft.began_s,
    )  # fmt: skip
    return fill(made, out=theft.payload_bytes, back=5000)


def retry(rng: Rng, asks: Retry) -> Connections:
    """An attempt of four SYN packets within 7 seconds (Linux sends them after 1, 2 and 4 s)."""
    times = np.arange(asks.began_s, DAY_S - 10, asks.every_s)
    times = times + rng.uniform(0, 0.3, len(times))
    made = connections(
        rng, times, client=asks.source, server=asks.destination, server_port=asks.port, lasted_s=7
    )
    return knocks(made, 4)
