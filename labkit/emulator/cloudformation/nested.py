"""Stacks in a stack: made, changed and deleted in the course of their parent's operation.

Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-nested-stacks.html
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labkit.emulator.cloudformation.creation import failed_to
from labkit.emulator.cloudformation.failures import FAILURES
from labkit.emulator.cloudformation.providers.provider import Attributes, Context, Properties
from labkit.emulator.cloudformation.records import DELETED, StackRecord
from labkit.emulator.cloudformation.resources import CANCELLED, INTERNAL, Asked
from labkit.emulator.cloudformation.updates import Update
from labkit.emulator.cloudformation.validation import ValidationError
from labkit.emulator.refusal import ServiceError

if TYPE_CHECKING:
    from labkit.emulator.cloudformation.engine import Engine

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Manner:
    """How an operation is carried out, the same for the whole tree of stacks.

    Attributes:
        keeps: whether what succeeded stays after a failure.
        force: whether what cannot be deleted is left behind.
    """

    keeps: bool = False
    force: bool = False


class Nested:
    """The stacks below one, as one operation on it sees them.

    Each failure is told to the parent as that of its resource, in AWS's wording.

    Args:
        engine: what carries out operations.
        parent: the stack above.
        manner: how the operation is carried out.
        stopped: whether everything is given up.
    """

    def __init__(self, engine: Engine, parent: StackRecord, manner: Manner, stopped: Asked):
        self._engine = engine
        self._parent = parent
        self._manner = manner
        self._stopped = stopped
        self._unfinished: dict[str, Update] = {}
        self.skip: Collection[str] = ()

    def create(self, context: Context, properties: Properties) -> Attributes:
        """Make a stack, report its id, and return its outputs once it is complete."""
        with _as_validation():
            evaluation = self._engine.proposals.nested(self._parent, context, properties)
            child = evaluation.stack
            self._engine.registry.add(child)
        child.note("CREATE_IN_PROGRESS")
        context.exists(child.id)
        with _ends(child, "CREATE_FAILED"):
            why = self._engine.creation(evaluation, self._manner, self._stopped).run()
        if why:
            child.note("CREATE_FAILED", why)
            raise self._failure(child, "created", why)
        child.note("CREATE_COMPLETE")
        return _outputs(child)

    def update(self, context: Context, physical_id: str, properties: Properties) -> Attributes:
        """Update a stack and return its outputs; or take back what it was updated to before."""
        child = self._child(physical_id)
        if physical_id in self._unfinished:
            self._roll_back(context.logical_id, child)
            return _outputs(child)
        with _as_validation():
            evaluation, options = self._engine.proposals.nested_update(child, context, properties)
            if not self._engine.proposals.changes_anything(evaluation, options):
                return _outputs(child)
        child.begin("UPDATE_IN_PROGRESS", self._parent.token)
        update = self._engine.update(evaluation, options, self._manner, self._stopped)
        self._unfinished[physical_id] = update
        with _ends(child, "UPDATE_FAILED"):
            why = update.apply()
        if why:
            child.note("UPDATE_FAILED", why)
            raise self._failure(child, "updated", why)
        child.note("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        return _outputs(child)

    def delete(self, physical_id: str) -> None:
        """Delete a stack with all its resources."""
        child = self._engine.registry.by_id(physical_id)
        if child is None or child.status == DELETED:
            return
        self._engine.exports.check_deletion(child)
        child.begin("DELETE_IN_PROGRESS", self._parent.token)
        with _ends(child, "DELETE_FAILED"):
            failed = self._engine.delete_resources(child, self._manner)
        if failed:
            why = failed_to("delete", failed)
            child.note("DELETE_FAILED", why)
            raise _embedded(child, "deleted", why)
        child.note(DELETED)

    def finish(self) -> None:
        """Clean up after the updates of the stacks below; what cannot be deleted stays."""
        for update in self._unfinished.values():
            child = update.stack
            if child.status == "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS":
                with _ends(child, "UPDATE_COMPLETE"):
                    update.clean_up()
                child.note("UPDATE_COMPLETE")
        self._unfinished.clear()

    def keep(self) -> None:
        """Leave the stacks below as they are, after a failure."""
        for update in self._unfinished.values():
            update.keep()
            if update.stack.is_busy:
                update.stack.note("UPDATE_COMPLETE")
        self._unfinished.clear()

    def _roll_back(self, logical_id: str, child: StackRecord) -> None:
        update = self._unfinished[child.id]
        below = [name.partition(".")[2] for name in self.skip if name.startswith(f"{logical_id}.")]
        child.note("UPDATE_ROLLBACK_IN_PROGRESS")
        with _ends(child, "UPDATE_ROLLBACK_FAILED"):
            failed = update.roll_back(below)
            if not failed:
                child.note("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
                update.remove_new()
        if failed:
            why = failed_to("update", failed)
            child.note("UPDATE_ROLLBACK_FAILED", why)
            raise _embedded(child, "updated", why)
        child.note("UPDATE_ROLLBACK_COMPLETE")
        del self._unfinished[child.id]

    def _failure(self, child: StackRecord, what: str, why: str) -> ValidationError:
        """Return why a nested stack failed: by itself, or since everything was given up."""
        if self._stopped():
            return ValidationError(CANCELLED[what])
        return _embedded(child, what, why)

    def _child(self, physical_id: str) -> StackRecord:
        child = self._engine.registry.by_id(physical_id)
        if child is None or child.status == DELETED:
            raise ValidationError(f"Stack [{physical_id}] does not exist")
        return child


def _outputs(child: StackRecord) -> Attributes:
    return {f"Outputs.{one['OutputKey']}": one["OutputValue"] for one in child.outputs}


def _embedded(child: StackRecord, what: str, why: str) -> ValidationError:
    return ValidationError(f"Embedded stack {child.id} was not successfully {what}: {why}")


@contextmanager
def _as_validation() -> Any:
    """Let any refusal of a request be the failure of the parent's resource."""
    try:
        yield
    except FAILURES:
        raise
    except ServiceError as error:
        raise ValidationError(error.message) from error


@contextmanager
def _ends(child: StackRecord, status: str) -> Any:
    """Leave no stack in progress, whatever goes wrong."""
    try:
        yield
    except BaseException:
        child.note(status, INTERNAL)
        raise
