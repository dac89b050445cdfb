"""What ping printed, as values: round-trip times and packets sent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Protocol

from labkit.errors import LabError, RecordFormatError

# Formats: iputils 20210202, the ping of Amazon Linux 2023 (ping.c, ping_common.c).
HEADER = re.compile(
    r"^PING (?P<name>\S+) \((?P<address>[0-9.]+)\)(?: from [^:]+:)? "
    r"(?P<data>\d+)\((?P<sent>\d+)\) bytes of data\.$",
    re.MULTILINE,
)
REPLY = re.compile(
    r"^(?:\[[0-9.]+\] )?\d+ bytes from .+?: icmp_seq=(?P<seq>\d+)"
    r"(?: ttl=(?P<ttl>\d+))?(?: time=(?P<time>[0-9.]+) ms)?(?P<marks>.*)$",
    re.MULTILINE,
)
MESSAGE = re.compile(r"^(?:\[[0-9.]+\] )?(From .+)$", re.MULTILINE)
STATISTICS = re.compile(
    r"^(?P<transmitted>\d+) packets transmitted, (?P<received>\d+) received"
    r"(?:, \+(?P<duplicates>\d+) duplicates)?(?:, \+(?P<corrupted>\d+) corrupted)?"
    r"(?:, \+(?P<errors>\d+) errors)?",
    re.MULTILINE,
)
TIMES = re.compile(r"^rtt min/avg/max/mdev = ([0-9.]+)/([0-9.]+)/([0-9.]+)/([0-9.]+) ms", re.M)


@dataclass(frozen=True, slots=True)
class Reply:
    """One echo reply; `ttl` and `time_ms` are None where ping printed none."""

    icmp_seq: int
    ttl: int | None
    time_ms: float | None


@dataclass(frozen=True, slots=True)
class PingResult:
    """One run of ping.

    Attributes:
        destination: The address that was pinged.
        sent_bytes: Size of one IP packet: data + 8 of ICMP + 20 of IP, e.g. 84.
        transmitted: Echo requests sent. Without statistics, the highest icmp_seq seen: a lower
            bound.
        received: Echo replies that came, duplicates not counted.
        loss: Share of the requests without a reply, 0 to 1.
        replies: As printed, duplicates left out.
        min_ms: And avg, max, mdev; None when no reply came.
        duplicates: Replies that came a second time.
        errors: ICMP errors that came instead of replies.
        messages: Their lines, e.g. "From 10.0.1.1 icmp_seq=1 Destination Host Unreachable".
        complete: False if ping was killed, or its text cut off, before its statistics.
    """

    destination: str
    sent_bytes: int
    transmitted: int
    received: int
    loss: float
    replies: tuple[Reply, ...]
    min_ms: float | None = None
    avg_ms: float | None = None
    max_ms: float | None = None
    mdev_ms: float | None = None
    duplicates: int = 0
    errors: int = 0
    messages: tuple[str, ...] = ()
    complete: bool = True


@dataclass(frozen=True, slots=True)
class PingRun:
    """A ping that Run Command ran, and when, by the node's clock."""

    instance_id: str
    command_id: str
    started_at: datetime
    ended_at: datetime
    result: PingResult


class Command(Protocol):
    """What `runs` needs of a `run_command.CommandResult`."""

    @property
    def instance_id(self) -> str: ...
    @property
    def command_id(self) -> str: ...
    @property
    def stdout(self) -> str: ...
    @property
    def started_at(self) -> datetime | None: ...
    @property
    def ended_at(self) -> datetime | None: ...


def parse(text: str) -> PingResult:
    """Return the first ping in a text, as iputils prints it (Amazon Linux, most of Linux).

    Raises:
        RecordFormatError: There is none.
    """
    found = next(_all(text), None)
    if found is None:
        first = next((line for line in text.splitlines() if line.strip()), "")
        raise RecordFormatError(
            "This is no output of ping: no line reads 'PING name (address) 56(84) bytes of data.'"
            f"; it begins with {first[:80]!r}.",
            line=first,
            format="PING name (address) 56(84) bytes of data.",
        )
    return found


def runs(history: Iterable[Command]) -> list[PingRun]:
    """Return the pings among commands, one for each ping a command ran, in their order."""
    return [
        PingRun(command.instance_id, command.command_id, started_at, ended_at, result)
        for command in history
        if (started_at := command.started_at) and (ended_at := command.ended_at)
        for result in _all(command.stdout)
    ]


def overlapping(
    runs: Iterable[PingRun], latest: PingRun | None = None, margin_s: float = 120
) -> list[PingRun]:
    """Return the latest run and all that flow logs cannot tell from it, oldest first.

    Records carry no port and no sequence number of ICMP, and their windows may lie a minute off:
    two pings whose times, widened by `margin_s`, overlap share their records. That holds in a
    chain, too: the first and the third run belong together if the second overlaps both.

    Args:
        runs: Any number of pings.
        latest: Where to begin; by default the run that started last.
        margin_s: How far a record's time may lie off, to either side.

    Raises:
        LabError: There is no ping at all.
    """
    pending = sorted(runs, key=lambda run: run.started_at)
    if latest is None:
        if not pending:
            raise LabError(
                "Systems Manager remembers no finished ping on these instances: run 02_ping first."
            )
        latest = pending[-1]
    together = [latest]
    margin = timedelta(seconds=margin_s)
    pending = [run for run in pending if run is not latest]
    while joined := [run for run in pending if any(_touch(run, one, margin) for one in together)]:
        together += joined
        pending = [run for run in pending if run not in joined]
    return sorted(together, key=lambda run: run.started_at)


def expected_packets(
    runs: Iterable[PingRun], instances: Mapping[str, str]
) -> dict[tuple[str, str], int]:
    """Return how many packets went each way between instances, by what ping printed.

    Each of the two network interfaces sees each of these packets. A reply that came twice is
    two packets.

    Args:
        runs: The pings; those to or from elsewhere are left out.
        instances: Private addresses by instance id.

    Returns:
        Packets by (srcaddr, dstaddr), both ways.
    """
    packets: dict[tuple[str, str], int] = {}
    for run in runs:
        source, destination = instances.get(run.instance_id), run.result.destination
        if source is None or destination not in instances.values():
            continue
        there, back = (source, destination), (destination, source)
        packets[there] = packets.get(there, 0) + run.result.transmitted
        packets[back] = packets.get(back, 0) + run.result.received + run.result.duplicates
    return packets


def _touch(one: PingRun, other: PingRun, margin: timedelta) -> bool:
    return (
        one.started_at - margin <= other.ended_at + margin
        and other.started_at - margin <= one.ended_at + margin
    )


def _all(text: str) -> Iterator[PingResult]:
    text = text.replace("\r\n", "\n")
    headers = [*HEADER.finditer(text)]
    for header, following in zip_longest(headers, headers[1:]):
        yield _one(header, text[header.end() : following.start() if following else None])


def _one(header: re.Match[str], body: str) -> PingResult:
    replies = [_reply(match) for match in REPLY.finditer(body) if "(DUP!)" not in match["marks"]]
    messages = tuple(MESSAGE.findall(body))
    statistics, times = STATISTICS.search(body), TIMES.search(body)
    if statistics:
        counts = {name: int(value or 0) for name, value in _counts(statistics)}
    else:
        counts = {
            "transmitted": max((reply.icmp_seq for reply in replies), default=0),
            "received": len(replies),
            "duplicates": body.count("(DUP!)"),
            "errors": len(messages),
        }
    lost = counts["transmitted"] - counts["received"]
    return PingResult(
        destination=header["address"],
        sent_bytes=int(header["sent"]),
        loss=lost / counts["transmitted"] if counts["transmitted"] else 0.0,
        replies=tuple(replies),
        messages=messages,
        complete=statistics is not None,
        **counts,
        min_ms=float(times[1]) if times else None,
        avg_ms=float(times[2]) if times else None,
        max_ms=float(times[3]) if times else None,
        mdev_ms=float(times[4]) if times else None,
    )


def _counts(statistics: re.Match[str]) -> list[tuple[str, str | None]]:
    names = ("transmitted", "received", "duplicates", "errors")
    return [(name, statistics[name]) for name in names]


def _reply(match: re.Match[str]) -> Reply:
    ttl, time = match["ttl"], match["time"]
    return Reply(int(match["seq"]), int(ttl) if ttl else None, float(time) if time else None)
