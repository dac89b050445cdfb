"""The operations that make, change and delete stacks."""

from __future__ import annotations

from typing import Any

from labkit.emulator.cloudformation import requests
from labkit.emulator.cloudformation.change_sets import ChangeSets
from labkit.emulator.cloudformation.engine import (
    CREATING,
    DELETING,
    ROLLING_BACK,
    UPDATING,
    Engine,
)
from labkit.emulator.cloudformation.nested import Manner
from labkit.emulator.cloudformation.records import DELETED, REVIEWED, StackRecord
from labkit.emulator.cloudformation.validation import ValidationError
from labkit.emulator.operations import Call, Operation


class StackOperations:
    """Begins what the engine then carries out.

    Args:
        engine: does the work.
        change_sets: fit no longer once a stack was updated.
    """

    def __init__(self, engine: Engine, change_sets: ChangeSets):
        self._engine = engine
        self._registry = engine.registry
        self._change_sets = change_sets

    def operations(self) -> dict[str, Operation]:
        """Return the operations by name."""
        return {
            "CancelUpdateStack": self._cancel_update_stack,
            "ContinueUpdateRollback": self._continue_update_rollback,
            "CreateStack": self._create_stack,
            "DeleteStack": self._delete_stack,
            "UpdateStack": self._update_stack,
            "UpdateTerminationProtection": self._update_termination_protection,
        }

    def _create_stack(self, call: Call) -> dict[str, Any]:
        evaluation, _ = self._engine.proposals.new(call)
        evaluation.stack.parameters = evaluation.parameters

        def begin() -> StackRecord:
            stack = evaluation.stack
            self._registry.add(stack)
            stack.begin(CREATING, call.parameters.get("ClientRequestToken"), "User Initiated")
            self._engine.start(stack, lambda: self._engine.create(evaluation))
            return stack

        return _answer(self._registry.once(call, begin))

    def _update_stack(self, call: Call) -> dict[str, Any]:
        """Begin an update.

        Source: docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_UpdateStack.html
        """
        keeps = bool(call.parameters.get("DisableRollback"))
        stack = self._registry.existing(call, "Stack [{}] does not exist")
        evaluation, options = self._engine.proposals.update(stack, call)

        def begin() -> StackRecord:
            requests.check_updatable(stack, keeps=keeps)
            if not self._engine.proposals.changes_anything(evaluation, options):
                raise ValidationError("No updates are to be performed.")
            self._change_sets.expire(stack)
            stack.begin(UPDATING, call.parameters.get("ClientRequestToken"), "User Initiated")
            update = self._engine.update(
                evaluation, options, Manner(keeps=keeps), lambda: stack.status != UPDATING
            )
            work = lambda: self._engine.change(update, keeps=keeps)  # noqa: E731
            self._engine.start(stack, work, after=stack.worker)
            return stack

        return _answer(self._registry.once(call, begin))

    def _delete_stack(self, call: Call) -> dict[str, Any]:
        """Begin to delete; a stack that does not exist, or goes already, is no error."""
        requests.refuse_unknown_options(call.parameters, call.operation)
        stack = self._registry.find(call)
        if stack is None or stack.status in {DELETING, DELETED}:
            return {}
        _check_deletable(stack)
        retain, force = requests.deletion_mode(call.parameters, stack)

        def begin() -> StackRecord:
            status, previous = stack.status, stack.worker
            if status in {DELETING, DELETED}:  # another call came first
                return stack
            stack.begin(DELETING, call.parameters.get("ClientRequestToken"), "User Initiated")
            if status == REVIEWED:
                stack.note(DELETED)
                return stack
            self._engine.start(
                stack,
                lambda: self._engine.delete(stack, retain, force=force, before=status),
                after=previous,
            )
            return stack

        self._registry.once(call, begin)
        return {}

    def _cancel_update_stack(self, call: Call) -> dict[str, Any]:
        """Roll an update back that is still under way.

        Source: docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CancelUpdateStack.html
        """
        stack = self._registry.existing(call, "Stack [{}] does not exist")
        _check_root(stack)
        if not stack.note(ROLLING_BACK, "User Initiated", coming_from=UPDATING):
            raise ValidationError(
                f"CancelUpdateStack cannot be called from current stack status [{stack.status}]"
            )
        return {}

    def _continue_update_rollback(self, call: Call) -> dict[str, Any]:
        stack = self._registry.existing(call, "Stack [{}] does not exist")
        requests.refuse_unknown_options(call.parameters, call.operation)
        _check_root(stack)
        skip = call.parameters.get("ResourcesToSkip", [])

        def begin() -> StackRecord:
            if stack.status != "UPDATE_ROLLBACK_FAILED":
                raise ValidationError(
                    f"Stack:{stack.id} is in {stack.status} state and can not continue update "
                    "rollback."
                )
            self._engine.check_skip(stack, skip)
            stack.begin(ROLLING_BACK, call.parameters.get("ClientRequestToken"), "User Initiated")
            work = lambda: self._engine.continue_rollback(stack, skip)  # noqa: E731
            self._engine.start(stack, work, after=stack.worker)
            return stack

        self._registry.once(call, begin)
        return {}

    def _update_termination_protection(self, call: Call) -> dict[str, Any]:
        stack = self._registry.existing(call)
        if stack.parent is not None:
            raise ValidationError(
                "Termination protection cannot be changed on a nested stack: change it on its "
                f"root stack [{stack.root.name}]"
            )
        stack.options.termination_protection = call.parameters["EnableTerminationProtection"]
        return {"StackId": stack.id}


def _check_deletable(stack: StackRecord) -> None:
    if stack.root.options.termination_protection:
        raise ValidationError(
            f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled"
        )
    if stack.is_busy and stack.status.startswith("UPDATE_"):
        raise ValidationError(
            f"Stack [{stack.id}] cannot be deleted while in status {stack.status}"
        )


def _check_root(stack: StackRecord) -> None:
    if stack.parent is not None:
        raise ValidationError(
            f"Stack [{stack.name}] is a nested stack: call this on its root stack "
            f"[{stack.root.name}]"
        )


def _answer(stack: StackRecord) -> dict[str, Any]:
    return {"StackId": stack.id, "OperationId": stack.operation_id}
