"""Commands and their invocations, one for each node, and the states they go through.

Source: docs.aws.amazon.com/systems-manager/latest/userguide/monitor-commands.html
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from labkit.emulator.ssm.documents import Script

FINISHED = frozenset({"Success", "Failed", "TimedOut", "Cancelled"})


class Status(NamedTuple):
    """Status and StatusDetails; the API writes details without spaces."""

    status: str
    details: str

    @property
    def is_finished(self) -> bool:
        return self.status in FINISHED


PENDING = Status("Pending", "Pending")
IN_PROGRESS = Status("InProgress", "InProgress")
CANCELLING = Status("Cancelling", "Cancelling")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an invocation ended; exit_code is -1 where nothing ran."""

    status: Status
    exit_code: int = -1
    stdout: str = ""
    stderr: str = ""
    ended_at: float | None = None


DELIVERY_TIMED_OUT = Outcome(Status("TimedOut", "DeliveryTimedOut"))
CANCELLED = Outcome(Status("Cancelled", "Cancelled"))


@dataclass(slots=True)
class Invocation:
    """One command on one node. sent: handed over to the node's host; else it waits for it."""

    command_id: str
    instance_id: str
    computer_name: str
    sent: bool = False
    is_cancelled: bool = False
    started_at: float | None = None
    outcome: Outcome | None = None

    @property
    def status(self) -> Status:
        """An invocation that waits for its node counts as being in progress, as on AWS."""
        if self.outcome is not None:
            return self.outcome.status
        if self.is_cancelled:
            return CANCELLING
        return PENDING if self.sent and self.started_at is None else IN_PROGRESS


@dataclass(slots=True)
class Command:
    """A command as it was sent, and its invocations by instance id.

    known_at: when GetCommandInvocation and ListCommandInvocations begin to tell of it.
    """

    id: str
    region: str
    asked: dict[str, Any]
    script: Script
    requested_at: float
    delivery_timeout_s: int
    known_at: float = math.inf
    invocations: dict[str, Invocation] = field(default_factory=dict)

    @property
    def expires_at(self) -> float:
        """The total timeout: to deliver, and to execute."""
        return self.requested_at + self.delivery_timeout_s + self.script.execution_timeout_s

    @property
    def status(self) -> Status:
        """The invocations' status together: the worst once all have ended.

        One failed invocation fails the command, since MaxErrors is 0 by default.
        """
        found = [invocation.status for invocation in self.invocations.values()]
        if not all(status.is_finished for status in found):
            if any(status == CANCELLING for status in found):
                return CANCELLING
            return PENDING if all(status == PENDING for status in found) else IN_PROGRESS
        for name in ("Cancelled", "Failed", "TimedOut"):
            if worst := [status for status in found if status.status == name]:
                return worst[0]
        return Status("Success", "Success")

    def count(self, *names: str) -> int:
        """Return how many invocations have one of these statuses or details."""
        found = (invocation.status for invocation in self.invocations.values())
        return sum(status.status in names or status.details in names for status in found)
