"""The text of iputils' ping, to the byte (version 20210202 is Amazon Linux 2023's).

Round trips are whole microseconds, as ping counts them.
Source: github.com/iputils/iputils, ping/ping_common.c.
"""

import math
from dataclasses import dataclass, field

USAGE = """\

Usage
  ping [options] <destination>

Options:
  <destination>      dns name or ip address
  -c <count>         stop after <count> replies
  -f                 flood ping
  -i <interval>      seconds between sending each packet
  -n                 no dns name resolution
  -q                 quiet output
  -s <size>          use <size> as number of data bytes to be sent
  -w <deadline>      reply wait <deadline> in seconds
  -W <timeout>       time to wait for response

These are the options of the lab kit's own ping.
"""
_HEADERS_BYTES = 28  # of IPv4 and ICMP


@dataclass(slots=True)
class Statistics:
    """What ping counts while it runs; milliseconds and microseconds as it prints them."""

    transmitted: int = 0
    received: int = 0
    duplicates: int = 0
    errors: int = 0
    most_in_flight: int = 0
    smoothed_us: int = 0  # eight times the exponentially weighted mean
    trips_us: list[int] = field(default_factory=list)

    def add(self, trip_us: int) -> None:
        self.trips_us.append(trip_us)
        step = trip_us - self.smoothed_us // 8
        self.smoothed_us = self.smoothed_us + step if self.smoothed_us else trip_us * 8


def first_line(destination: str, address: str, size_bytes: int) -> str:
    total = size_bytes + _HEADERS_BYTES
    return f"PING {destination} ({address}) {size_bytes}({total}) bytes of data.\n"


def reply_line(
    size_bytes: int, address: str, sequence: int, ttl: int, trip_us: int | None, duplicate: bool
) -> str:
    """Return the line of one reply; size_bytes counts the ICMP header, trip_us may be unknown."""
    time = "" if trip_us is None else f" time={_trip(trip_us)} ms"
    dup = " (DUP!)" if duplicate else ""
    return f"{size_bytes} bytes from {address}: icmp_seq={sequence} ttl={ttl}{time}{dup}\n"


def error_line(address: str, sequence: int, what: str) -> str:
    return f"From {address} icmp_seq={sequence} {what}\n"


def last_lines(destination: str, statistics: Statistics, elapsed_s: float, flood: bool) -> str:
    """Return the blank line, the statistics and the round trips (without a reply: a blank line)."""
    return (
        f"\n--- {destination} ping statistics ---\n"
        f"{_counts(statistics, elapsed_s)}\n{_round_trips(statistics, elapsed_s, flood)}\n"
    )


def _trip(trip_us: int) -> str:
    """Write four digits at the most, as ping does."""
    if trip_us >= 100000 - 50:
        return str((trip_us + 500) // 1000)
    if trip_us >= 10000 - 5:
        return f"{(trip_us + 50) // 1000}.{(trip_us + 50) % 1000 // 100}"
    if trip_us >= 1000:
        return f"{(trip_us + 5) // 1000}.{(trip_us + 5) % 1000 // 10:02}"
    return f"0.{trip_us:03}"


def _counts(statistics: Statistics, elapsed_s: float) -> str:
    text = f"{statistics.transmitted} packets transmitted, {statistics.received} received"
    if statistics.duplicates:
        text += f", +{statistics.duplicates} duplicates"
    if statistics.errors:
        text += f", +{statistics.errors} errors"
    if statistics.transmitted:
        lost = statistics.transmitted - statistics.received
        text += f", {lost * 100 / statistics.transmitted:g}% packet loss"
        text += f", time {int(elapsed_s * 1000 + 0.5)}ms"
    return text


def _round_trips(statistics: Statistics, elapsed_s: float, flood: bool) -> str:
    parts = []
    if trips := statistics.trips_us:
        mean = sum(trips) // len(trips)
        variance = (sum(trip * trip for trip in trips) - sum(trips) ** 2 // len(trips)) // len(
            trips
        )
        values = (min(trips), mean, max(trips), math.isqrt(max(variance, 0)))
        parts.append(f"rtt min/avg/max/mdev = {'/'.join(map(_milliseconds, values))} ms")
    if statistics.most_in_flight > 1:
        parts.append(f"pipe {statistics.most_in_flight}")
    if flood and statistics.received and statistics.transmitted > 1:
        gap_us = int(elapsed_s * 1_000_000) // (statistics.transmitted - 1)
        smoothed_us = statistics.smoothed_us // 8
        parts.append(f"ipg/ewma {_milliseconds(gap_us)}/{_milliseconds(smoothed_us)} ms")
    return ", ".join(parts)


def _milliseconds(microseconds: int) -> str:
    return f"{microseconds // 1000}.{microseconds % 1000:03}"
