"""An ordinary day of the company: people at work, customers, and machines that keep time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from labkit.company import hosts
from labkit.company.connections import DAY_S, UDP, Connections, Rng, connections, fill, knocks
from labkit.company.truth import STRANGERS

HOUR_S = 3600
# How busy each hour of the day is (UTC): customers come till late, the office keeps its hours.
CUSTOMERS = [2, 1, 1, 1, 1, 2, 3, 5, 8, 10, 11, 11, 10, 10, 11, 11, 11, 12, 13, 14, 13, 10, 7, 4]
OFFICE = [0, 0, 0, 0, 0, 0, 0, 2, 9, 12, 12, 11, 6, 10, 12, 11, 9, 4, 1, 0, 0, 0, 0, 0]
EVEN = [1] * 24

KNOCKED = [22, 23, 445, 1433, 3389, 5900, 6379, 8080, 8443]  # what robots look for everywhere
PAYMENTS = "203.0.113.50"
UPDATES = ("198.51.100.10", "198.51.100.11")


def ordinary(rng: Rng) -> list[Connections]:
    """Return the connections of an ordinary day, kind by kind."""
    return [
        customers(rng, 15_000),
        forwarded(rng, 5_000),
        pooled(rng),
        payments(rng, 1_200),
        name_lookups(rng, 7_000),
        clocks(rng),
        monitoring(rng),
        office_files(rng, 3_000),
        office_shells(rng, 40),
        updates(rng),
        *backups(rng),
        robots(rng, 2_500),
    ]


def times(rng: Rng, count: int, weights: Sequence[float]) -> np.ndarray:
    """Return moments of the day, sorted, as many in each hour as its weight says."""
    share = np.asarray(weights) / np.sum(weights)
    return np.sort((rng.choice(24, count, p=share) + rng.uniform(0, 1, count)) * HOUR_S)


def size(rng: Rng, median: float, count: int, spread: float = 1.0) -> np.ndarray:
    """Return sizes in bytes: many small ones, few large ones."""
    return (rng.lognormal(np.log(median), spread, count)).astype("i8") + 1


def pick(rng: Rng, names: Sequence[str], count: int) -> np.ndarray:
    """Return addresses of hosts, drawn by name."""
    return rng.choice([hosts.address(name) for name in names], count)


def outside(cidr: str) -> list[str]:
    """Return the addresses of a range that strangers of the incidents never have."""
    return [one for one in hosts.addresses(cidr) if int(one.rpartition(".")[2]) < STRANGERS[0]]


def customers(rng: Rng, count: int) -> Connections:
    """Customers at the two web servers; some come often."""
    people = [*outside("198.51.100.0/24")[20:], *outside("203.0.113.0/24")[60:]]
    often = rng.pareto(1.2, len(people)) + 0.1
    made = connections(
        rng, times(rng, count, CUSTOMERS), client=rng.choice(people, count, p=often / often.sum()),
        server=pick(rng, ["web-1", "web-2"], count),
        server_port=rng.choice([443, 80], count, p=[0.9, 0.1]),
        lasted_s=rng.exponential(12, count) + 0.05,
    )  # fmt: skip
    return fill(made, out=size(rng, 1500, len(made)), back=size(rng, 60_000, len(made), 1.2))


def forwarded(rng: Rng, count: int) -> Connections:
    """What the web servers hand on to the application."""
    made = connections(
        rng, times(rng, count, CUSTOMERS), client=pick(rng, ["web-1", "web-2"], count),
        server=pick(rng, ["app-1", "app-2"], count), server_port=8080,
        lasted_s=rng.exponential(4, count) + 0.02,
    )  # fmt: skip
    return fill(made, out=size(rng, 2_000, len(made)), back=size(rng, 20_000, len(made)))


def pooled(rng: Rng) -> Connections:
    """The application's open connections to the database, each renewed after an hour or two."""
    starts, clients = [], []
    for client in ("app-1", "app-1", "app-2", "app-2"):
        renewals = np.cumsum(rng.uniform(1, 2, 26) * HOUR_S) - rng.uniform(0, HOUR_S)
        starts.append(renewals[renewals < DAY_S])
        clients += [hosts.address(client)] * len(starts[-1])
    made = connections(
        rng, np.concatenate(starts), client=clients, server=hosts.address("db-1"),
        server_port=5432, lasted_s=HOUR_S,
    )  # fmt: skip
    minutes = made["lasted_s"] // 60 + 1
    return fill(made, out=40_000 * minutes, back=300_000 * minutes)


def payments(rng: Rng, count: int) -> Connections:
    """The application asks the payment service, whenever someone buys."""
    made = connections(
        rng, times(rng, count, CUSTOMERS), client=pick(rng, ["app-1", "app-2"], count),
        server=PAYMENTS, server_port=443, lasted_s=rng.uniform(0.2, 2, count),
    )  # fmt: skip
    return fill(made, out=size(rng, 1_800, len(made), 0.3), back=size(rng, 2_500, len(made), 0.3))


def name_lookups(rng: Rng, count: int) -> Connections:
    """Questions to the company's own DNS server (Amazon's would not be in the log).

    Source: docs.aws.amazon.com/vpc/latest/userguide/flow-logs-limitations.html
    """
    asking = [host.name for host in hosts.HOSTS if host.name not in ("dns-1", "spare-1")]
    return connections(
        rng, times(rng, count, CUSTOMERS), client=pick(rng, asking, count),
        server=hosts.address("dns-1"), server_port=53, protocol=UDP, lasted_s=0.01,
        packets_out=1, bytes_out=rng.integers(56, 90, count),
        packets_back=1, bytes_back=rng.integers(72, 300, count),
    )  # fmt: skip


def clocks(rng: Rng) -> Connections:
    """Each host sets its clock every 1,024 s, by NTP; the port is 123 on both ends."""
    return np.concatenate(
        [
            connections(
                rng, np.arange(rng.uniform(0, 1024), DAY_S, 1024), client=host.address,
                server=hosts.address("dns-1"), client_port=123, server_port=123, protocol=UDP,
                lasted_s=0.01, packets_out=1, bytes_out=76, packets_back=1, bytes_back=76,
            )
            for host in hosts.HOSTS
            if host.name != "dns-1"
        ]
    )  # fmt: skip


def monitoring(rng: Rng) -> Connections:
    """The monitoring asks each host every five minutes, as regularly as any beacon."""
    rounds = np.arange(11.0, DAY_S, 300)
    asked = [host.address for host in hosts.HOSTS if hosts.EXPORTER in host.listens]
    made = connections(
        rng, np.repeat(rounds, len(asked)) + rng.uniform(0, 1, len(rounds) * len(asked)),
        client=hosts.address("monitor-1"), server=np.tile(asked, len(rounds)),
        server_port=hosts.EXPORTER, lasted_s=0.2,
    )  # fmt: skip
    return fill(made, out=200, back=size(rng, 9_000, len(made), 0.1))


def office_files(rng: Rng, count: int) -> Connections:
    """People in the office at their file server."""
    desks = hosts.addresses(hosts.OFFICE_CIDR)[20:60]
    made = connections(
        rng, times(rng, count, OFFICE), client=rng.choice(desks, count),
        server=hosts.address("files-1"), server_port=445, lasted_s=rng.exponential(90, count) + 0.1,
    )  # fmt: skip
    return fill(
        made, out=size(rng, 80_000, len(made), 1.4), back=size(rng, 250_000, len(made), 1.4)
    )


def office_shells(rng: Rng, count: int) -> Connections:
    """Two administrators and their shells."""
    admins = ["192.168.10.11", "192.168.10.12"]
    made = connections(
        rng, times(rng, count, OFFICE), client=rng.choice(admins, count),
        server=pick(rng, ["build-1", "batch-1"], count), server_port=22,
        lasted_s=rng.exponential(900, count) + 5,
    )  # fmt: skip
    minutes = made["lasted_s"] // 60 + 1
    return fill(made, out=4_000 * minutes, back=9_000 * minutes)


def updates(rng: Rng) -> Connections:
    """The mirror fetches updates from outside now and then; each host asks the mirror at times."""
    fetched = connections(
        rng, times(rng, 60, EVEN), client=hosts.address("mirror-1"),
        server=rng.choice(UPDATES, 60), server_port=443, lasted_s=rng.uniform(1, 40, 60),
    )  # fmt: skip
    asking = [host.name for host in hosts.HOSTS if host.name not in ("mirror-1", "spare-1")]
    given = connections(
        rng, times(rng, 120, EVEN), client=pick(rng, asking, 120),
        server=hosts.address("mirror-1"), server_port=443, lasted_s=rng.uniform(1, 20, 120),
    )  # fmt: skip
    built = connections(
        rng, times(rng, 150, OFFICE), client=pick(rng, ["build-1", "batch-1", "report-1"], 150),
        server=rng.choice(UPDATES, 150), server_port=443, lasted_s=rng.uniform(0.5, 10, 150),
    )  # fmt: skip
    fill(fetched, out=3_000, back=size(rng, 4_000_000, len(fetched)))
    fill(given, out=2_000, back=size(rng, 2_000_000, len(given)))
    fill(built, out=size(rng, 2_000, len(built)), back=size(rng, 300_000, len(built)))
    return np.concatenate([fetched, given, built])


def backups(rng: Rng) -> list[Connections]:
    """The nightly backups, which carry more than anything else."""
    found = []
    for name, hour, gigabytes in (("db-1", 1.0, 9), ("files-1", 1.9, 6)):
        made = connections(
            rng, [(hour + rng.uniform(0, 0.1)) * HOUR_S], client=hosts.address(name),
            server=hosts.address("backup-1"), server_port=22, lasted_s=rng.uniform(30, 45) * 60,
        )  # fmt: skip
        found.append(fill(made, out=int(gigabytes * rng.uniform(0.9, 1.1) * 1e9), back=20_000))
    return found


def robots(rng: Rng, count: int) -> Connections:
    """The noise that every public address hears: strangers knock on a few well-known ports."""
    strangers = outside("192.0.2.0/24")
    made = connections(
        rng, times(rng, count, EVEN), client=rng.choice(strangers, count),
        server=pick(rng, ["web-1", "web-2"], count), server_port=rng.choice(KNOCKED, count),
        lasted_s=1,
    )  # fmt: skip
    return knocks(made, rng.integers(1, 4, count))
