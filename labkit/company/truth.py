"""What really happened: drawn from the seed alone, before any record is made of it.

Nothing here shows itself: who wants to know the answer has to ask for it by name.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from labkit.company import hosts
from labkit.company.connections import Rng

HOUR_S = 3600


@dataclass(frozen=True, slots=True, repr=False)
class PortScan:
    """Someone outside tries each port of a web server, one after another.

    Attributes:
        open_ports: The ports that answered.
    """

    source: str
    target: str
    first_port: int
    last_port: int
    began_s: float
    ended_s: float
    open_ports: frozenset[int]


@dataclass(frozen=True, slots=True, repr=False)
class Beacon:
    """A host calls somebody outside, all day, at the same interval but for a little jitter."""

    source: str
    destination: str
    port: int
    interval_s: int
    jitter_s: float


@dataclass(frozen=True, slots=True, repr=False)
class Leak:
    """A host that never sends data outside does so at night; bytes are those of the payload."""

    source: str
    destination: str
    port: int
    began_s: float
    ended_s: float
    payload_bytes: int


@dataclass(frozen=True, slots=True, repr=False)
class Retry:
    """A service asks for a port that is not open, again and again, since its configuration says so.

    Attributes:
        began_s: When the wrong configuration was rolled out; it stays so until midnight.
        every_s: Seconds between two attempts.
    """

    source: str
    destination: str
    port: int
    began_s: float
    every_s: int


@dataclass(frozen=True, slots=True)
class Truth:
    """The four things that are to be found in a day's log."""

    port_scan: PortScan = field(repr=False)
    beacon: Beacon = field(repr=False)
    leak: Leak = field(repr=False)
    retry: Retry = field(repr=False)


def truth(seed: int) -> Truth:
    """Return what happened on the day of a seed; times in seconds since midnight, UTC."""
    rng = np.random.default_rng([seed, 0])
    scanner, contact, drop = _strangers(rng)
    return Truth(
        _port_scan(rng, scanner), _beacon(rng, contact), _leak(rng, drop), _retry(rng)
    )  # fmt: skip


def _strangers(rng: Rng) -> list[str]:
    """Return an address of each range, none of which takes part in the ordinary traffic."""
    return [cidr.replace("0/24", str(rng.integers(*STRANGERS))) for cidr in hosts.INTERNET_CIDRS]


STRANGERS = (201, 250)
"""The last bytes of addresses outside that the ordinary traffic leaves alone: from, up to."""


def _port_scan(rng: Rng, source: str) -> PortScan:
    began_s = rng.uniform(9, 16) * HOUR_S
    return PortScan(
        source=source,
        target=hosts.address(str(rng.choice(["web-1", "web-2"]))),
        first_port=1,
        last_port=1024,
        began_s=began_s,
        ended_s=began_s + rng.uniform(20, 40) * 60,
        open_ports=frozenset({80, 443}),
    )


def _beacon(rng: Rng, destination: str) -> Beacon:
    return Beacon(
        source=hosts.address(str(rng.choice(["build-1", "batch-1", "report-1"]))),
        destination=destination,
        port=443,
        interval_s=int(rng.integers(4, 13)) * 60,
        jitter_s=2.0,
    )


def _leak(rng: Rng, destination: str) -> Leak:
    began_s = rng.uniform(2.5, 4) * HOUR_S
    return Leak(
        source=hosts.address(str(rng.choice(["db-1", "files-1"]))),
        destination=destination,
        port=443,
        began_s=began_s,
        ended_s=began_s + rng.uniform(25, 50) * 60,
        payload_bytes=int(rng.uniform(0.5, 0.8) * 1e9),
    )


def _retry(rng: Rng) -> Retry:
    return Retry(
        source=hosts.address(str(rng.choice(["app-1", "app-2", "report-1"]))),
        destination=hosts.address("db-1"),
        port=int(rng.choice([1433, 3306, 5433])),
        began_s=rng.uniform(8, 14) * HOUR_S,
        every_s=int(rng.choice([10, 15, 20])),
    )
