"""Why the last operation of a stack failed: the first cause among many failures."""

from __future__ import annotations

import re
from collections.abc import Iterable

from labkit.stacks.events import STACK, Event

_BEGINNINGS = {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS"}
_CANCELLED = re.compile(r"Resource (creation|update|deletion) cancelled")
_NESTED_FAILED = re.compile(r"Embedded stack .* was not successfully")


def first_cause(events: Iterable[Event]) -> Event | None:
    """Return why the last operation of a stack failed: its earliest failure of its own.

    CloudFormation cancels what else is under way once one resource fails: those are *_FAILED,
    too, and no cause. A nested stack that failed is one only if its own events are not there.

    Args:
        events: Those of the outermost stack and, if there are such, of the stacks nested in it.
    """
    failed = [one for one in _last_operation(list(events)) if one.status.endswith("_FAILED")]
    failed = [one for one in failed if not _CANCELLED.match(one.reason)]
    causes = [one for one in failed if not _NESTED_FAILED.match(one.reason)]
    return next(iter([*causes, *failed]), None)


def what_stayed(events: Iterable[Event]) -> str:
    """Return the resources that the last deletion left, each with its reason."""
    failed = [
        f"{event.name} ({event.type}): {event.reason}"
        for event in _last_operation(list(events))
        if event.status == "DELETE_FAILED" and event.type != STACK
    ]
    return "; ".join(failed) or "no resource says so"


def _last_operation(events: list[Event]) -> list[Event]:
    for index in range(len(events) - 1, -1, -1):
        event = events[index]
        outermost = event.is_of_the_stack_itself and not event.within
        if outermost and event.status in _BEGINNINGS:
            return events[index:]
    return events
