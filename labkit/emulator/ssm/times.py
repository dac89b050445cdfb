"""Times and durations as GetCommandInvocation writes them: ISO 8601 text."""

from __future__ import annotations

from datetime import UTC, datetime


def as_datetime(at: float) -> datetime:
    """Return an epoch time as SSM's other operations give it, to the millisecond."""
    return datetime.fromtimestamp(round(at, 3), UTC)


def as_text(at: float | None) -> str:
    """Return ``2020-02-19T16:18:53.544Z``, or nothing for what has not happened."""
    if at is None:
        return ""
    return as_datetime(at).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def duration(started_at: float | None, ended_at: float | None) -> str:
    """Return ``PT3.05S``, ``PT1M0.5S``; nothing as long as it has not ended."""
    if started_at is None or ended_at is None:
        return ""
    milliseconds = max(round((ended_at - started_at) * 1000), 0)
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{rest / 1000:.3f}".rstrip("0").rstrip(".")
    parts = f"{hours}H" * (hours > 0) + f"{minutes}M" * (minutes > 0)
    return f"PT{parts}{seconds}S" if rest or not parts else f"PT{parts}"
