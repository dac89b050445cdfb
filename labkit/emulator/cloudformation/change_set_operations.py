"""The operations on change sets."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from labkit.emulator.cloudformation import descriptions, requests, surroundings
from labkit.emulator.cloudformation.change_sets import NO_CHANGES, ChangeSet, ChangeSets
from labkit.emulator.cloudformation.changes import Comparison
from labkit.emulator.cloudformation.engine import CREATING, UPDATING, Engine
from labkit.emulator.cloudformation.evaluation import Evaluation
from labkit.emulator.cloudformation.nested import Manner
from labkit.emulator.cloudformation.records import REVIEWED, Clock, Options, StackRecord
from labkit.emulator.cloudformation.validation import ValidationError
from labkit.emulator.operations import Call, Operation

PATIENCE_S = 2.0
"""How long ExecuteChangeSet's answer waits for the stack.

The AWS CLI's `deploy` looks at the stack as soon as it has that answer, and else again after 30 s.
"""


class ChangeSetOperations:
    """Creates, shows, executes and deletes change sets.

    Args:
        engine: carries out what they say.
        change_sets: all of them.
        clock: seconds since 1970.
    """

    def __init__(self, engine: Engine, change_sets: ChangeSets, clock: Clock):
        self._engine = engine
        self._change_sets = change_sets
        self._clock = clock

    def operations(self) -> dict[str, Operation]:
        """Return the operations by name."""
        return {
            "CreateChangeSet": self._create,
            "DeleteChangeSet": self._delete,
            "DescribeChangeSet": self._describe,
            "ExecuteChangeSet": self._execute,
            "ListChangeSets": self._list,
        }

    def _create(self, call: Call) -> dict[str, Any]:
        kind = call.parameters.get("ChangeSetType", "UPDATE")
        if kind == "IMPORT":
            raise ValidationError("The emulator does not emulate change sets of type IMPORT.")
        evaluation, options = self._proposed(call, creates=kind == "CREATE")
        stack = evaluation.stack
        comparison = Comparison(evaluation, options.tags)
        change_set = ChangeSet(
            id=surroundings.change_set_id(stack.id, call.parameters["ChangeSetName"]),
            name=call.parameters["ChangeSetName"],
            evaluation=evaluation,
            options=options,
            changes=comparison.changes(),
            created_at=datetime.fromtimestamp(self._clock(), UTC),
            creates=kind == "CREATE",
            token=call.parameters.get("ClientToken"),
            description=call.parameters.get("Description"),
            on_stack_failure=call.parameters.get("OnStackFailure"),
        )
        if kind != "CREATE" and not self._engine.proposals.changes_anything(evaluation, options):
            change_set.fail(NO_CHANGES)
        with self._engine.registry.lock:
            if not stack.status:  # it is new
                self._engine.registry.add(stack)
                stack.note(REVIEWED, "User Initiated")
            kept = self._change_sets.add(change_set)
        return {"Id": kept.id, "StackId": stack.id}

    def _proposed(self, call: Call, *, creates: bool) -> tuple[Evaluation, Options]:
        registry, proposals = self._engine.registry, self._engine.proposals
        name = call.parameters["StackName"]
        if not creates:
            stack = registry.existing(call, "Stack [{}] does not exist")
            requests.check_updatable(stack, keeps=True)
            return proposals.update(stack, call)
        stack = registry.find(call)
        if stack is not None and stack.status != REVIEWED:
            change_set = call.parameters["ChangeSetName"]
            raise ValidationError(
                f"Stack [{name}] already exists and cannot be created again with the changeSet "
                f"[{change_set}]."
            )
        return proposals.new(call, stack)

    def _describe(self, call: Call) -> dict[str, Any]:
        values = bool(call.parameters.get("IncludePropertyValues"))
        return descriptions.change_set(self._change_sets.existing(call), values=values)

    def _list(self, call: Call) -> dict[str, Any]:
        stack = self._engine.registry.existing(call, "Stack [{}] does not exist")
        found = self._change_sets.of_stack(stack)
        return {"Summaries": [descriptions.change_set_summary(one) for one in found]}

    def _delete(self, call: Call) -> dict[str, Any]:
        change_set = self._change_sets.existing(call)
        self._change_sets.remove(change_set)
        return {}

    def _execute(self, call: Call) -> dict[str, Any]:
        change_set = self._change_sets.existing(call)

        def begin() -> StackRecord:
            change_set.check_executable()
            self._begin(change_set, call)
            self._change_sets.remove_others(change_set)
            return change_set.stack

        self._engine.registry.once(call, begin).wait_until_settled(PATIENCE_S)
        return {}

    def _begin(self, change_set: ChangeSet, call: Call) -> None:
        stack, token = change_set.stack, call.parameters.get("ClientRequestToken")
        keeps = self._keeps(change_set, call)
        if not change_set.creates:
            requests.check_updatable(stack, keeps=keeps)
        change_set.execution_status = "EXECUTE_IN_PROGRESS"
        stack.change_set_id = change_set.id
        if change_set.creates:
            stack.template = change_set.evaluation.template
            stack.parameters = change_set.evaluation.parameters
            stack.options = change_set.options
            if keeps:
                stack.options.on_failure = "DO_NOTHING"
            stack.begin(CREATING, token, "User Initiated")
            work = lambda: self._engine.create(change_set.evaluation)  # noqa: E731
        else:
            stack.begin(UPDATING, token, "User Initiated")
            update = self._engine.update(
                change_set.evaluation,
                change_set.options,
                Manner(keeps=keeps),
                lambda: stack.status != UPDATING,
            )
            work = lambda: self._engine.change(update, keeps=keeps)  # noqa: E731

        def execute() -> None:
            try:
                work()
            finally:
                done = stack.status in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}
                change_set.execution_status = "EXECUTE_COMPLETE" if done else "EXECUTE_FAILED"

        self._engine.start(stack, execute, after=stack.worker)

    def _keeps(self, change_set: ChangeSet, call: Call) -> bool:
        disable = call.parameters.get("DisableRollback")
        if disable is not None and change_set.on_stack_failure:
            raise ValidationError(
                "You cannot specify both OnStackFailure of the change set and DisableRollback"
            )
        return bool(disable) or change_set.on_stack_failure == "DO_NOTHING"
