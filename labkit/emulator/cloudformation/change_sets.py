"""Change sets: what an update, or a creation, would do; carried out when one says so.

Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/ (change sets)
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from labkit.emulator.cloudformation.changes import Change
from labkit.emulator.cloudformation.evaluation import Evaluation
from labkit.emulator.cloudformation.records import Options, StackRecord
from labkit.emulator.cloudformation.registry import Registry
from labkit.emulator.operations import Call
from labkit.emulator.refusal import ServiceError

NO_CHANGES = (
    "The submitted information didn't contain changes. Submit different information to create a "
    "change set."
)


@dataclass(slots=True)
class ChangeSet:
    """A change set. It is complete, or failed, as soon as it is there."""

    id: str
    name: str
    evaluation: Evaluation
    options: Options
    changes: list[Change]
    created_at: datetime
    creates: bool
    token: str | None = None
    description: str | None = None
    on_stack_failure: str | None = None
    status: str = "CREATE_COMPLETE"
    reason: str | None = None
    execution_status: str = "AVAILABLE"

    @property
    def stack(self) -> StackRecord:
        """The stack that it is for."""
        return self.evaluation.stack

    def fail(self, reason: str) -> None:
        """Let it be one that cannot be executed."""
        self.status, self.reason, self.execution_status = "FAILED", reason, "UNAVAILABLE"

    def check_executable(self) -> None:
        """Refuse to execute what is not there to be executed.

        Raises:
            ServiceError: InvalidChangeSetStatus.
        """
        if self.execution_status != "AVAILABLE":
            status = self.status if self.status == "FAILED" else self.execution_status
            raise ServiceError(
                "InvalidChangeSetStatus",
                f"ChangeSet [{self.id}] cannot be executed in its current status of [{status}]",
            )


class ChangeSets:
    """All change sets; `registry.lock` is held while they change."""

    def __init__(self, registry: Registry):
        self._registry = registry
        self._by_id: dict[str, ChangeSet] = {}

    def add(self, change_set: ChangeSet) -> ChangeSet:
        """Add a change set; return it, or the one that the same request made before.

        Raises:
            ServiceError: AlreadyExistsException.
        """
        found = self.named(change_set.stack, change_set.name)
        if found is None:
            self._by_id[change_set.id] = change_set
            return change_set
        if found.token is None or found.token != change_set.token:
            raise ServiceError("AlreadyExistsException", f"ChangeSet {found.name} already exists")
        return found

    def of_stack(self, stack: StackRecord) -> list[ChangeSet]:
        """Return the change sets of a stack, oldest first."""
        with self._registry.lock:
            return [one for one in self._by_id.values() if one.stack is stack]

    def named(self, stack: StackRecord, name: str) -> ChangeSet | None:
        """Return a stack's change set of that name."""
        return next((one for one in self.of_stack(stack) if one.name == name), None)

    def existing(self, call: Call) -> ChangeSet:
        """Return the change set that a call names: by ARN, or by its name and its stack's.

        Raises:
            ValidationError: no stack is named, or there is none.
            ServiceError: ChangeSetNotFound.
        """
        name = call.parameters.get("ChangeSetName", "")
        found = self._by_id.get(name)
        if found is not None and found.stack.region == call.region:
            return found
        if not name.startswith("arn:"):
            stack = self._registry.existing(call, "Stack [{}] does not exist")
            found = self.named(stack, name)
        else:
            found = None
        if found is None:
            raise ServiceError("ChangeSetNotFound", f"ChangeSet [{name}] does not exist", 404)
        return found

    def remove(self, change_set: ChangeSet) -> None:
        """Let go of a change set."""
        self._by_id.pop(change_set.id, None)

    def remove_others(self, executed: ChangeSet) -> None:
        """Let go of those that the execution of one made invalid.

        Source: docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ExecuteChangeSet.html
        """
        for one in self.of_stack(executed.stack):
            if one is not executed:
                self.remove(one)

    def expire(self, stack: StackRecord) -> None:
        """Note that a stack was updated, so that its change sets fit no longer."""
        for one in self.of_stack(stack):
            if one.execution_status == "AVAILABLE":
                one.execution_status = "OBSOLETE"
