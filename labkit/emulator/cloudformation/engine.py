"""Carries out operations on stacks; each runs to its end in a thread of the stack's own.

Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-failure-options.html
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection

from labkit.emulator.cloudformation.creation import Creation, failed_to
from labkit.emulator.cloudformation.deletion import (
    KEPT_AT_A_ROLLBACK,
    KEPT_AT_THE_END,
    Deletion,
)
from labkit.emulator.cloudformation.evaluation import Evaluation
from labkit.emulator.cloudformation.exports import Exports
from labkit.emulator.cloudformation.nested import Manner, Nested
from labkit.emulator.cloudformation.proposals import Proposals
from labkit.emulator.cloudformation.records import DELETED, Options, StackRecord
from labkit.emulator.cloudformation.registry import Registry
from labkit.emulator.cloudformation.resources import INTERNAL, Asked, Resources
from labkit.emulator.cloudformation.updates import Update
from labkit.emulator.cloudformation.validation import ValidationError
from labkit.emulator.upstream import Clients

log = logging.getLogger(__name__)

CREATING, DELETING, UPDATING = "CREATE_IN_PROGRESS", "DELETE_IN_PROGRESS", "UPDATE_IN_PROGRESS"
ROLLING_BACK = "UPDATE_ROLLBACK_IN_PROGRESS"
CLEANING_UP = "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
REMOVING_NEW = "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"

_AFTER_A_DEFECT = {
    CREATING: "CREATE_FAILED",
    "ROLLBACK_IN_PROGRESS": "ROLLBACK_FAILED",
    DELETING: "DELETE_FAILED",
    UPDATING: "UPDATE_FAILED",
    CLEANING_UP: "UPDATE_COMPLETE",
    ROLLING_BACK: "UPDATE_ROLLBACK_FAILED",
    REMOVING_NEW: "UPDATE_ROLLBACK_COMPLETE",
}
"""Where a stack ends when the emulator itself fails: never in progress."""

_ON_FAILURE = {
    "DO_NOTHING": ("CREATE_FAILED", "", "", ""),
    "ROLLBACK": (
        "ROLLBACK_IN_PROGRESS",
        "Rollback requested by user.",
        "ROLLBACK_COMPLETE",
        "ROLLBACK_FAILED",
    ),
    "DELETE": (DELETING, "Delete requested by user.", DELETED, "DELETE_FAILED"),
}
"""OnFailure -> the next status, the end of its reason, the last status: if done, and if not."""


class Engine:
    """What all operations share, and the work of each.

    Args:
        outer: clients through the gateway: what the providers call.
        registry: all stacks.
        exports: all exports.
        proposals: what turns requests into what is wanted.
    """

    def __init__(self, outer: Clients, registry: Registry, exports: Exports, proposals: Proposals):
        self._outer = outer
        self.registry = registry
        self.exports = exports
        self.proposals = proposals
        self._rolled_back_in_part: dict[str, Update] = {}

    def start(
        self,
        stack: StackRecord,
        work: Callable[[], None],
        after: threading.Thread | None = None,
    ) -> None:
        """Run work in the stack's thread, after that of the operation before."""
        operation_id = stack.operation_id

        def run() -> None:
            if after:
                after.join()
            try:
                work()
            except BaseException:
                log.exception("Working on %s", stack.name)
            finally:
                if stack.is_busy and stack.operation_id == operation_id:
                    stack.note(_AFTER_A_DEFECT[stack.status], INTERNAL)

        stack.worker = threading.Thread(target=run, name=f"stack {stack.name}", daemon=True)
        stack.worker.start()

    def create(self, evaluation: Evaluation) -> None:
        """Make all resources and the outputs; on failure do what OnFailure says.

        Stops early, and leaves the rest to `delete`, once the stack is no longer being created.
        """
        stack = evaluation.stack
        manner = Manner(keeps=stack.options.on_failure == "DO_NOTHING")
        creation = self.creation(evaluation, manner, lambda: stack.status != CREATING)
        try:
            why = creation.run()
        except Exception:
            log.exception("Creating %s", stack.name)
            why = f"{INTERNAL}. "
        if why is None:
            stack.note("CREATE_COMPLETE", coming_from=CREATING)
        else:
            self._give_up(stack, why)

    def delete(
        self, stack: StackRecord, retain: Collection[str], *, force: bool, before: str
    ) -> None:
        """Delete all resources but those to retain.

        Args:
            stack: whose.
            retain: names of resources.
            force: whether to leave what cannot be deleted.
            before: the stack's status so far, and again if its exports are in use.
        """
        try:
            self.exports.check_deletion(stack)
        except ValidationError as error:
            stack.note(before, error.message)
            return
        failed = self.delete_resources(stack, Manner(force=force), retain=retain)
        if failed:
            stack.note("DELETE_FAILED", failed_to("delete", failed))
        else:
            stack.note(DELETED)

    def change(self, update: Update, *, keeps: bool) -> None:
        """Bring a stack to what an update wants, or back."""
        stack = update.stack
        why = self._applied(update)
        if why is None and stack.note(CLEANING_UP, coming_from=UPDATING):
            update.clean_up()
            stack.note("UPDATE_COMPLETE")
        elif keeps and stack.note("UPDATE_FAILED", why, coming_from=UPDATING):
            update.keep()
        else:
            stack.note(ROLLING_BACK, why, coming_from=UPDATING)  # else it was cancelled
            self._roll_back(update)

    def continue_rollback(self, stack: StackRecord, skip: Collection[str]) -> None:
        """Go on with a rollback that failed."""
        self._roll_back(self._rolled_back_in_part[stack.id], skip)

    def check_skip(self, stack: StackRecord, skip: Collection[str]) -> None:
        """Refuse to skip what did not fail to roll back.

        Source: docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/
        (API_ContinueUpdateRollback.html)

        Raises:
            ValidationError: a resource is none of the stack's, or did not fail.
        """
        for name in skip:
            record = stack.resources.get(name.partition(".")[0])
            if record is None or record.status != "UPDATE_FAILED":
                raise ValidationError(
                    f"Some resources cannot be skipped: [{name}]. Only resources in UPDATE_FAILED "
                    "state can be skipped"
                )

    def creation(self, evaluation: Evaluation, manner: Manner, stopped: Asked) -> Creation:
        """Return what makes a stack."""
        return Creation(
            evaluation,
            lambda cancelled: self._resources(evaluation.stack, manner, cancelled),
            self.exports,
            stopped=stopped,
            keeps=manner.keeps,
        )

    def update(
        self, evaluation: Evaluation, options: Options, manner: Manner, stopped: Asked
    ) -> Update:
        """Return what updates a stack."""
        return Update(
            evaluation,
            options,
            lambda cancelled: self._resources(evaluation.stack, manner, cancelled),
            self.exports,
            stopped=stopped,
            keeps=manner.keeps,
        )

    def delete_resources(
        self,
        stack: StackRecord,
        manner: Manner,
        *,
        retain: Collection[str] = (),
        kept: Collection[str] = KEPT_AT_THE_END,
    ) -> list[str]:
        """Delete a stack's resources; return the names of those that could not be."""
        resources = self._resources(stack, manner, lambda: False)
        deletion = Deletion(stack, resources, kept=kept, retain=retain, force=manner.force)
        leftovers, stack.leftovers = stack.leftovers, []
        Deletion(stack, resources).run({one.logical_id: one for one in leftovers})
        return deletion.run(dict(stack.resources))

    def _applied(self, update: Update) -> str | None:
        try:
            return update.apply()
        except Exception:
            log.exception("Updating %s", update.stack.name)
            return INTERNAL

    def _give_up(self, stack: StackRecord, why: str) -> None:
        coming, wish, done, undone = _ON_FAILURE[stack.options.on_failure]
        if not stack.note(coming, f"{why}{wish}", coming_from=CREATING) or not done:
            return
        kept = () if stack.options.retain_except_on_create else KEPT_AT_A_ROLLBACK
        failed = self.delete_resources(stack, Manner(), kept=kept)
        stack.imports = set()
        if failed:
            stack.note(undone, failed_to("delete", failed), coming_from=coming)
        else:
            stack.note(done, coming_from=coming)

    def _roll_back(self, update: Update, skip: Collection[str] = ()) -> None:
        stack = update.stack
        failed = update.roll_back(skip)
        if failed:
            self._rolled_back_in_part[stack.id] = update
            stack.note("UPDATE_ROLLBACK_FAILED", failed_to("update", failed))
            return
        self._rolled_back_in_part.pop(stack.id, None)
        stack.note(REMOVING_NEW)
        update.remove_new()
        stack.note("UPDATE_ROLLBACK_COMPLETE")

    def _resources(self, stack: StackRecord, manner: Manner, cancelled: Asked) -> Resources:
        return Resources(stack, self._outer, Nested(self, stack, manner, cancelled), cancelled)
