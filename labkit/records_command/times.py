"""Times as one types them: 2026-11-24T10:00Z, or 90m for ninety minutes ago."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from labkit.errors import ParameterError

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_AGO = re.compile(r"([0-9]+)([smhd])")


def parse_time(name: str, text: str, now: datetime, *, utc: bool = False) -> datetime:
    """Return the time that a text says.

    Args:
        name: The option, for errors.
        text: ISO 8601 with a zone, or a number and one of s, m, h, d: so long ago.
        now: The present time.
        utc: Whether a time without a zone is UTC; else it is refused.

    Raises:
        ParameterError: It is no time, or has no zone.
    """
    if match := _AGO.fullmatch(text):
        return now - timedelta(**{_UNITS[match[2]]: int(match[1])})
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ParameterError(
            f"{name} {text!r} is no time: write 2026-11-24T10:00Z, or 90m, 2h, 3d for so long ago."
        ) from None
    if moment.tzinfo is None and not utc:
        raise ParameterError(
            f"{name} {text!r} has no time zone: add Z for UTC or e.g. +09:00, or say --utc."
        )
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def check_not_future(name: str, moment: datetime, now: datetime) -> None:
    """Refuse to look for records that nobody can have written yet.

    Raises:
        ParameterError: The window begins in the future.
    """
    if moment > now:
        raise ParameterError(
            f"{name} is {moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC, and it is "
            f"{now.astimezone(UTC):%H:%M:%S} of {now.astimezone(UTC):%Y-%m-%d}: nothing was "
            "recorded in the future."
        )
