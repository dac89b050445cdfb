"""Commands and their invocations, one for each node, and the states they go through.

Source: docs.aws.amazon.com/systems-manager/latest/userguide/monitor-commands.html
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from labkit.emulator.ssm.documents import Script
from labkit.emulator.ssm.output_to_s3 import Place

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


# Of a command that had more errors than MaxErrors: it is not sent to the nodes that are left.
TERMINATED = Outcome(Status("Cancelled", "Terminated"))
DELIVERY_TIMED_OUT = Outcome(Status("TimedOut", "DeliveryTimedOut"))
# Of a command whose Targets match no node; which status goes with it is not documented.
NO_INSTANCES_IN_TAG = Status("Success", "NoInstancesInTag")
CANCELLED = Outcome(Status("Cancelled", "Cancelled"))


@dataclass(slots=True)
class Invocation:
    """One command on one node. sent: handed over to the node's host; else it waits for it.

    has_turn: MaxConcurrency lets it be sent now.
    """

    command_id: str
    instance_id: str
    computer_name: str
    has_turn: bool = False
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
        if not self.has_turn:
            return PENDING
        return PENDING if self.sent and self.started_at is None else IN_PROGRESS

    @property
    def is_waiting_for_its_turn(self) -> bool:
        return not self.has_turn and self.outcome is None

    @property
    def is_on_its_way(self) -> bool:
        return self.has_turn and self.outcome is None


@dataclass(slots=True)
class Command:
    """A command as it was sent, and its invocations by instance id.

    known_at: when GetCommandInvocation and ListCommandInvocations begin to tell of it.
    max_concurrency and max_errors: numbers of nodes. output: where in S3 the output goes.
    """

    id: str
    region: str
    asked: dict[str, Any]
    script: Script
    requested_at: float
    delivery_timeout_s: int
    max_concurrency: int = 50
    max_errors: int = 0
    output: Place | None = None
    known_at: float = math.inf
    invocations: dict[str, Invocation] = field(default_factory=dict)

    @property
    def expires_at(self) -> float:
        """The total timeout: to deliver, and to execute."""
        return self.requested_at + self.delivery_timeout_s + self.script.execution_timeout_s

    @property
    def status(self) -> Status:
        """The invocations' status together.

        Once all have ended: what MaxErrors invocations or more (with 0: one) ended as. Incomplete,
        where there are fewer; which status goes with that is not documented.

        Source: docs.aws.amazon.com/systems-manager/latest/APIReference/API_Command.html
        """
        found = [invocation.status for invocation in self.invocations.values()]
        if not found:
            return NO_INSTANCES_IN_TAG
        if not all(status.is_finished for status in found):
            if any(status == CANCELLING for status in found):
                return CANCELLING
            return PENDING if all(status == PENDING for status in found) else IN_PROGRESS
        if all(status.status == "Success" for status in found):
            return Status("Success", "Success")
        if self.count("Cancelled") > self.count("Terminated"):
            return CANCELLED.status
        enough = max(self.max_errors, 1)
        if self.count("Failed") >= enough:
            return Status("Failed", "Failed")
        for details in ("ExecutionTimedOut", "DeliveryTimedOut"):
            if self.count(details) >= enough:
                return Status("TimedOut", details)
        return Status("Failed", "Failed" if self.has_failed else "Incomplete")

    @property
    def has_failed(self) -> bool:
        """Whether there were more errors than MaxErrors allows; undelivered ones do not count."""
        return self.count("Failed", "ExecutionTimedOut") > self.max_errors

    def give_turns(self) -> None:
        """Let the next invocations be sent, as many as MaxConcurrency allows, or none any more.

        Source: docs.aws.amazon.com/systems-manager/latest/userguide/send-commands-multiple.html
        """
        waiting = [one for one in self.invocations.values() if one.is_waiting_for_its_turn]
        if self.has_failed:
            for one in waiting:
                one.outcome = TERMINATED
            return
        busy = sum(one.is_on_its_way for one in self.invocations.values())
        for one in waiting[: max(self.max_concurrency - busy, 0)]:
            one.has_turn = True

    def count(self, *names: str) -> int:
        """Return how many invocations have one of these statuses or details."""
        found = (invocation.status for invocation in self.invocations.values())
        return sum(status.status in names or status.details in names for status in found)
