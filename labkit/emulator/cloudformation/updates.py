"""Brings a stack to what another template wants, and back if that fails.

Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/ (update behaviors of resources)
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

from labkit.emulator.cloudformation import workers
from labkit.emulator.cloudformation.changes import changed_properties
from labkit.emulator.cloudformation.creation import failed_to
from labkit.emulator.cloudformation.deletion import KEPT_AT_A_ROLLBACK, Deletion
from labkit.emulator.cloudformation.evaluation import Evaluation
from labkit.emulator.cloudformation.exports import Exports
from labkit.emulator.cloudformation.failures import FAILURES, reason
from labkit.emulator.cloudformation.known_types import STACK
from labkit.emulator.cloudformation.providers import PROVIDERS
from labkit.emulator.cloudformation.records import (
    Options,
    ResourceRecord,
    StackRecord,
)
from labkit.emulator.cloudformation.resources import CANCELLED, Asked, Problem, Resources
from labkit.emulator.cloudformation.schema import schemas
from labkit.emulator.cloudformation.update_steps import (
    ADDED,
    CHANGED,
    KEPT,
    REFUSED,
    REPLACED,
    Step,
)


class Update:
    """One update of a stack: `apply`, then either `clean_up`, or `roll_back` and `remove_new`.

    Args:
        evaluation: what is wanted.
        options: capabilities and tags from now on.
        resources_for: as for a creation.
        exports: where the outputs go.
        stopped: whether something outside gave it up.
        keeps: whether a failure leaves alone what does not need the failed resource.
    """

    def __init__(
        self,
        evaluation: Evaluation,
        options: Options,
        resources_for: Callable[[Asked], Resources],
        exports: Exports,
        *,
        stopped: Asked,
        keeps: bool = False,
    ):
        self.stack = evaluation.stack
        self._evaluation = evaluation
        self._options = options
        self._exports = exports
        self._stopped = stopped
        self._keeps = keeps
        self._failed: dict[str, list[str]] = {"create": [], "update": []}
        self._steps: dict[str, Step] = {}
        self._new: dict[str, ResourceRecord] = {}
        self._goes_back = False
        self._back = _settings_of(self.stack)
        self.resources = resources_for(self._cancelled)

    def apply(self) -> str | None:
        """Make, change and replace resources; return why that failed, if it did."""
        stack, evaluation = self.stack, self._evaluation
        stack.template, stack.parameters = evaluation.template, evaluation.parameters
        stack.options = self._options
        stack.imports = stack.imports | evaluation.imports
        self._remove_failed()
        workers.run(evaluation.needs, self._apply, stopped=self._cancelled)
        if any(self._failed.values()):
            return "".join(failed_to(what, names) for what, names in self._failed.items() if names)
        if self._stopped():
            return CANCELLED["updated"]
        try:
            self._exports.publish(stack, evaluation.outputs())
        except FAILURES as failure:
            return reason(failure, "CloudFormation")
        stack.imports = evaluation.imports
        return None

    def clean_up(self) -> None:
        """Delete what is no longer wanted. What cannot be deleted is left behind, as on AWS."""
        self.resources.nested.finish()
        old = {name: record for name, record in self.stack.resources.items() if self._goes(name)}
        for name, step in self._steps.items():
            if (replaced := step.replaced) is not None:
                old[name] = replaced
        Deletion(self.stack, self.resources).run(old)
        self._delete_leftovers()
        for name in old:
            if self._goes(name):
                self.stack.forget(name)

    def keep(self) -> None:
        """Leave a failed update as it is; what was replaced is deleted by the next operation."""
        self.resources.nested.keep()
        replaced = [step.replaced for step in self._steps.values()]
        self.stack.leftovers += [record for record in replaced if record is not None]

    def roll_back(self, skip: Collection[str] = ()) -> list[str]:
        """Bring every resource back to what it was; return the names of those that do not.

        May be called again, for the rest.

        Args:
            skip: resources to take for rolled back, whatever they are.
        """
        self._goes_back = True
        (template, parameters, options, outputs, imports) = self._back
        stack = self.stack
        stack.template, stack.parameters, stack.options = template, parameters, options
        stack.outputs, stack.imports = outputs, imports
        self.resources.nested.skip = skip
        back = {name: step for name, step in self._steps.items() if step.kind != ADDED}
        needs = {
            name: step.before.needs & back.keys() for name, step in back.items() if step.before
        }
        failed: list[str] = []

        def go_back(name: str) -> bool:
            done = name in skip or self._go_back(self._steps[name])
            if not done:
                failed.append(name)
                return False
            if name in skip:
                self.stack.note_resource(self._steps[name].record, "UPDATE_COMPLETE")
            self._steps.pop(name)
            return True

        workers.run(needs, go_back)
        return failed

    def remove_new(self) -> None:
        """Delete what the update added, after everything else is back."""
        new = dict(self._new)
        for name, step in self._steps.items():
            new[name] = step.record  # the added ones are left
        kept = () if self._options.retain_except_on_create else KEPT_AT_A_ROLLBACK
        Deletion(self.stack, self.resources, kept=kept).run(new)
        for name in self._steps:
            self.stack.forget(name)

    def _apply(self, name: str) -> bool:
        record = self.stack.resources.get(name)
        if record is None:
            done, kind = self._add(name), "create"
        else:
            done, kind = self._change(name, record), "update"
        if not done:
            self._failed[kind].append(name)
        return done

    def _add(self, name: str) -> bool:
        record = self._evaluation.record(name)
        self._steps[name] = Step(ADDED, record, None)
        return self.resources.create(record, lambda: self._evaluation.properties(name))

    def _change(self, name: str, record: ResourceRecord) -> bool:
        step = self._steps[name] = Step(KEPT, record, replace(record))
        wanted: dict[str, Any] = {}
        problem = self.resources.problem(
            record, lambda: wanted.update(self._evaluation.properties(name))
        )
        for setting, value in self._evaluation.settings(name).items():
            setattr(record, setting, value)
        if problem is not None:
            step.kind = REFUSED
            return self.resources.fail(record, problem)
        return self._change_to(wanted, step)

    def _change_to(self, wanted: dict[str, Any], step: Step) -> bool:
        record, before = step.record, step.before
        assert before is not None
        changed = changed_properties(before, wanted, record.stack_tags)
        if not changed and record.type != STACK:
            return True
        if changed & schemas()[record.type].create_only:
            step.kind = REPLACED
            return self.resources.replace(record, wanted)
        fixed = sorted(changed - PROVIDERS[record.type].in_place)
        if fixed:
            step.kind = REFUSED
            return self.resources.fail(record, Problem(_cannot(record.type, fixed)))
        step.kind = CHANGED
        done = self.resources.update(record, wanted, before.stack_tags)
        if not done and self._keeps:  # back to the last state that is known to be stable
            now = replace(record)
            step.restore()
            self.resources.change(record, now.properties, now.stack_tags)
            record.status, record.reason = now.status, now.reason
        return done

    def _go_back(self, step: Step) -> bool:
        record = step.record
        step.after = step.after or replace(record)
        if (replacement := step.replacement) is not None:
            self._new[record.logical_id] = replacement
        step.restore()
        if step.kind == KEPT:
            return True
        if step.kind == CHANGED:
            return self.resources.update_back(record, step.after)
        self.resources.note(record, "UPDATE_COMPLETE")
        return True

    def _goes(self, name: str) -> bool:
        return name not in self._evaluation.wanted

    def _cancelled(self) -> bool:
        if self._goes_back:
            return False
        return self._stopped() or (any(self._failed.values()) and not self._keeps)

    def _remove_failed(self) -> None:
        """Delete what an earlier operation failed to create.

        Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-failure-options.html
        """
        failed = {
            name: record
            for name, record in self.stack.resources.items()
            if record.status == "CREATE_FAILED"
        }
        Deletion(self.stack, self.resources, kept=()).run(failed)
        for name in failed:
            self.stack.forget(name)

    def _delete_leftovers(self) -> None:
        leftovers, self.stack.leftovers = self.stack.leftovers, []
        Deletion(self.stack, self.resources).run({one.logical_id: one for one in leftovers})


def _settings_of(stack: StackRecord) -> tuple[Any, ...]:
    return stack.template, stack.parameters, stack.options, stack.outputs, stack.imports


def _cannot(kind: str, names: list[str]) -> str:
    return f"The emulator's provider cannot update property {', '.join(names)} of {kind} in place"
