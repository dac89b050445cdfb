"""The events of a CloudFormation stack and of the stacks nested in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

STACK = "AWS::CloudFormation::Stack"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a resource of a stack, or to the stack itself.

    Attributes:
        stack_id: The stack it happened in.
        within: The logical ids that lead to a nested stack, e.g. "Network/Endpoints"; else "".
    """

    id: str
    timestamp: datetime
    logical_id: str
    type: str
    physical_id: str
    status: str
    reason: str = ""
    stack_id: str = ""
    within: str = ""

    @property
    def is_of_the_stack_itself(self) -> bool:
        """Whether it tells of the stack; a nested stack's resource has the same type."""
        return self.type == STACK and self.physical_id == self.stack_id

    @property
    def name(self) -> str:
        """The logical id, with those of the nested stacks that it is in."""
        return f"{self.within}/{self.logical_id}" if self.within else self.logical_id

    def __str__(self) -> str:
        reason = f" ({self.reason})" if self.reason else ""
        return f"{self.timestamp:%H:%M:%S} {self.status} {self.name} {self.type}{reason}"


def events(
    cloudformation: Any, stack_name: str, *, after: str | None = None, within: str = ""
) -> list[Event]:
    """Return the events of one stack, oldest first.

    Args:
        cloudformation: The client.
        stack_name: Its name, or its id (needed once it is deleted).
        after: Id of an event that is known: only newer ones are asked for and returned.
        within: Of a nested stack, the logical ids that lead to it.

    Source: docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackEvents.html
    (newest first, in pages).
    """
    found: list[Event] = []
    paginator = cloudformation.get_paginator("describe_stack_events")
    for page in paginator.paginate(StackName=stack_name):
        for answer in page["StackEvents"]:
            if answer["EventId"] == after:
                return found[::-1]
            found.append(_event(answer, within))
    return found[::-1]


def tree(cloudformation: Any, stack_id: str) -> list[Event]:
    """Return the events of a stack and of all stacks nested in it, oldest first."""
    return History(cloudformation, stack_id).news()


class History:
    """The events of a stack and of those nested in it, as they come.

    Args:
        cloudformation: The client.
        stack_id: The outermost stack's id.
        after: Its latest event that is known; what happened before is no news.
    """

    def __init__(self, cloudformation: Any, stack_id: str, after: Event | None = None) -> None:
        self._cloudformation = cloudformation
        self._since = after.timestamp if after else None
        self._latest: dict[str, str | None] = {stack_id: after.id if after else None}
        self._within = {stack_id: ""}

    def news(self) -> list[Event]:
        """Return what happened since the last call, oldest first.

        A nested stack is read from the moment that an event of the stack around it names it.
        """
        found: list[Event] = []
        unread = list(self._latest)
        for stack_id in unread:  # grows as nested stacks are met
            for event in self._read(stack_id):
                found.append(event)
                if _names_a_nested_stack(event) and event.physical_id not in self._latest:
                    self._latest[event.physical_id] = None
                    self._within[event.physical_id] = event.name
                    unread.append(event.physical_id)
        return sorted(found, key=lambda event: event.timestamp)

    def _read(self, stack_id: str) -> list[Event]:
        latest, within = self._latest[stack_id], self._within[stack_id]
        found = events(self._cloudformation, stack_id, after=latest, within=within)
        if found:
            self._latest[stack_id] = found[-1].id
        since = self._since
        return [event for event in found if since is None or event.timestamp >= since]


def _names_a_nested_stack(event: Event) -> bool:
    is_arn = event.physical_id.startswith("arn:")
    return event.type == STACK and is_arn and not event.is_of_the_stack_itself


def _event(answer: dict[str, Any], within: str) -> Event:
    return Event(
        id=answer["EventId"],
        timestamp=answer["Timestamp"],
        logical_id=answer["LogicalResourceId"],
        type=answer["ResourceType"],
        physical_id=answer.get("PhysicalResourceId", ""),
        status=answer["ResourceStatus"],
        reason=answer.get("ResourceStatusReason", ""),
        stack_id=answer.get("StackId", ""),
        within=within,
    )
