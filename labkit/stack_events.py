"""The events of a CloudFormation stack, and what they say about why it failed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

STACK = "AWS::CloudFormation::Stack"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a resource of a stack, or to the stack itself."""

    id: str
    timestamp: datetime
    logical_id: str
    type: str
    physical_id: str
    status: str
    reason: str = ""

    def __str__(self) -> str:
        reason = f" ({self.reason})" if self.reason else ""
        return f"{self.timestamp:%H:%M:%S} {self.status} {self.logical_id} {self.type}{reason}"


def events(cloudformation: Any, stack_name: str, *, after: str | None = None) -> list[Event]:
    """Return the events of a stack, oldest first.

    Args:
        cloudformation: The client.
        stack_name: Its name, or its id (needed once it is deleted).
        after: Id of an event that is known: only newer ones are asked for and returned.

    Source: docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackEvents.html
    (newest first, in pages).
    """
    found: list[Event] = []
    paginator = cloudformation.get_paginator("describe_stack_events")
    for page in paginator.paginate(StackName=stack_name):
        for answer in page["StackEvents"]:
            if answer["EventId"] == after:
                return found[::-1]
            found.append(_event(answer))
    return found[::-1]


def first_cause(events: Iterable[Event]) -> Event | None:
    """Return why the last operation of a stack failed: its earliest failure of its own.

    CloudFormation cancels what else is under way once one resource fails: those are *_FAILED,
    too, and no cause.
    """
    for event in _last_operation(list(events)):
        if event.status.endswith("_FAILED") and not _cancelled(event):
            return event
    return None


def what_stayed(events: Iterable[Event]) -> str:
    """Return the resources that the last deletion left, each with its reason."""
    failed = [
        f"{event.logical_id} ({event.type}): {event.reason}"
        for event in _last_operation(list(events))
        if event.status == "DELETE_FAILED" and event.type != STACK
    ]
    return "; ".join(failed) or "no resource says so"


def _last_operation(events: list[Event]) -> list[Event]:
    started = {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS"}
    for index in range(len(events) - 1, -1, -1):
        if events[index].type == STACK and events[index].status in started:
            return events[index:]
    return events


def _cancelled(event: Event) -> bool:
    return re.match(r"Resource (creation|update|deletion) cancelled", event.reason) is not None


def _event(answer: dict[str, Any]) -> Event:
    return Event(
        id=answer["EventId"],
        timestamp=answer["Timestamp"],
        logical_id=answer["LogicalResourceId"],
        type=answer["ResourceType"],
        physical_id=answer.get("PhysicalResourceId", ""),
        status=answer["ResourceStatus"],
        reason=answer.get("ResourceStatusReason", ""),
    )
