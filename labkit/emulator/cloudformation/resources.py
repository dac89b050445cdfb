"""What is done to one resource of a stack: its provider's work, told in events."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from labkit.emulator.cloudformation import failures
from labkit.emulator.cloudformation.failures import FAILURES, Failure
from labkit.emulator.cloudformation.providers import PROVIDERS
from labkit.emulator.cloudformation.providers.provider import Context, NestedStacks, Provider
from labkit.emulator.cloudformation.records import DELETED, ResourceRecord, StackRecord
from labkit.emulator.cloudformation.schema import schemas
from labkit.emulator.upstream import Clients

log = logging.getLogger(__name__)

INTERNAL = "Internal Failure"
CANCELLED = {"created": "Resource creation cancelled", "updated": "Resource update cancelled"}
_INITIATED = "Resource creation Initiated"
_REPLACES = "Requested update requires the creation of a new physical resource; hence creating one."

Asked = Callable[[], bool]
Properties = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Problem:
    """Why something was not done to a resource.

    Attributes:
        reason: in the words of the event.
        in_use: whether something else depends on the resource, which may be about to go.
    """

    reason: str
    in_use: bool = False


class Below(NestedStacks, Protocol):
    """The stacks below one, as its own operation sees them.

    Attributes:
        skip: resources that a rollback takes for rolled back: `STACK.RESOURCE` in a nested one.
    """

    skip: Collection[str]

    def finish(self) -> None:
        """Clean up after the updates of the stacks below."""
        ...

    def keep(self) -> None:
        """Leave the stacks below as they are, after a failure."""
        ...


class Resources:
    """Makes, changes and deletes the resources of one stack, each by its type's provider.

    Args:
        stack: where the events are noted.
        outer: clients through the gateway: what the providers call.
        nested: the stacks below it.
        cancelled: whether all is to be given up; what is made nevertheless counts as failed.
    """

    def __init__(self, stack: StackRecord, outer: Clients, nested: Below, cancelled: Asked):
        self._stack = stack
        self._outer = outer
        self.nested = nested
        self._cancelled = cancelled

    def create(self, record: ResourceRecord, properties: Callable[[], Properties]) -> bool:
        """Make a resource of the properties that a function yields; return whether it is there."""
        self._stack.track(record)
        self._stack.note_resource(record, "CREATE_IN_PROGRESS")

        def make() -> None:
            record.properties = properties()
            context = self._context(record, "CREATE_IN_PROGRESS")
            record.attributes = _provider(record).create(context, record.properties)

        return self._note(record, "CREATE", _problem(make, record), CANCELLED["created"])

    def replace(self, record: ResourceRecord, properties: Properties) -> bool:
        """Make another resource in the place of one; the old one stays."""
        self._stack.note_resource(record, "UPDATE_IN_PROGRESS", _REPLACES)

        def make() -> None:
            record.properties = properties
            context = self._context(record, "UPDATE_IN_PROGRESS")
            record.attributes = _provider(record).create(context, properties)

        return self._note(record, "UPDATE", _problem(make, record), CANCELLED["updated"])

    def update(
        self, record: ResourceRecord, properties: Properties, old_tags: Mapping[str, str]
    ) -> bool:
        """Change a resource in place, from what it is; return whether that is done."""
        self._stack.note_resource(record, "UPDATE_IN_PROGRESS")
        old = record.properties
        record.properties = properties
        problem = self.change(record, old, old_tags)
        return self._note(record, "UPDATE", problem, CANCELLED["updated"])

    def update_back(self, record: ResourceRecord, now: ResourceRecord) -> bool:
        """Change a resource from what it is now back to what its record says again."""
        self._stack.note_resource(record, "UPDATE_IN_PROGRESS")
        problem = self.change(record, now.properties, now.stack_tags)
        return self._note(record, "UPDATE", problem, "")

    def change(
        self, record: ResourceRecord, old: Properties, old_tags: Mapping[str, str]
    ) -> Problem | None:
        """Let the provider change a resource to what its record says, without an event."""

        def change() -> None:
            was = with_stack_tags(record.type, old, old_tags)
            shall = with_stack_tags(record.type, record.properties, record.stack_tags)
            context = self._context(record, "UPDATE_IN_PROGRESS")
            made = _provider(record).update(context, record.physical_id, was, shall)
            record.attributes = made

        return _problem(change, record)

    def fail(self, record: ResourceRecord, problem: Problem) -> bool:
        """Note that a resource cannot be updated, before anything was done to it."""
        self._stack.note_resource(record, "UPDATE_IN_PROGRESS")
        return self._note(record, "UPDATE", problem, "")

    def note(self, record: ResourceRecord, status: str) -> None:
        """Note a resource's status."""
        self._stack.note_resource(record, status)

    def problem(self, record: ResourceRecord, work: Callable[[], None]) -> Problem | None:
        """Do work on a resource that is no provider's, without an event."""
        return _problem(work, record)

    def delete(self, record: ResourceRecord) -> Problem | None:
        """Delete a resource; the failure is not noted yet. One that is gone is no failure."""
        problem = None
        if record.physical_id:
            if record.status != "DELETE_IN_PROGRESS":  # else it is tried again
                self._stack.note_resource(record, "DELETE_IN_PROGRESS")
            context = self._context(record, "DELETE_IN_PROGRESS")
            problem = _problem(
                lambda: _provider(record).delete(context, record.physical_id, record.properties),
                record,
                tolerates=failures.is_gone,
            )
        if problem is None:
            self._stack.note_resource(record, DELETED)
        return problem

    def _note(
        self, record: ResourceRecord, kind: str, problem: Problem | None, cancelled: str
    ) -> bool:
        if problem is None and self._cancelled():
            problem = Problem(cancelled)
        status = f"{kind}_FAILED" if problem else f"{kind}_COMPLETE"
        self._stack.note_resource(record, status, problem.reason if problem else None)
        return problem is None

    def _context(self, record: ResourceRecord, status: str) -> Context:
        stack = self._stack

        def exists(physical_id: str) -> None:
            record.physical_id = physical_id
            stack.note_resource(record, status, _INITIATED)

        own = {
            "aws:cloudformation:stack-name": stack.name,
            "aws:cloudformation:stack-id": stack.id,
            "aws:cloudformation:logical-id": record.logical_id,
        }
        return Context(
            client=lambda service: self._outer(service, stack.region),
            stack_name=stack.name,
            logical_id=record.logical_id,
            region=stack.region,
            tags=record.stack_tags,
            system_tags=own if schemas()[record.type].system_tags else {},
            exists=exists,
            nested=self.nested,
        )


def with_stack_tags(kind: str, properties: Properties, stack_tags: Mapping[str, str]) -> Properties:
    """Return properties whose `Tags` hold the stack's, too, for a type that takes tags."""
    if not schemas()[kind].taggable or not (stack_tags or "Tags" in properties):
        return properties
    own = properties.get("Tags", [])
    if isinstance(own, dict):
        return {**properties, "Tags": {**stack_tags, **own}}
    merged = {**stack_tags, **{tag["Key"]: tag["Value"] for tag in own}}
    if _takes_a_mapping(kind):
        return {**properties, "Tags": merged}
    return {**properties, "Tags": [{"Key": key, "Value": merged[key]} for key in merged]}


def _takes_a_mapping(kind: str) -> bool:
    return schemas()[kind].properties.get("properties", {}).get("Tags", {}).get("type") == "object"


def _provider(record: ResourceRecord) -> Provider:
    return PROVIDERS[record.type]


def _problem(
    work: Callable[[], None],
    record: ResourceRecord,
    tolerates: Callable[[Failure], bool] = lambda _: False,
) -> Problem | None:
    """Do a provider's work on a resource; return why it failed, if it did."""
    try:
        work()
    except FAILURES as failure:
        if tolerates(failure):
            return None
        service = failures.service_name(record.type)
        return Problem(failures.reason(failure, service), failures.is_in_use(failure))
    except Exception:
        log.exception("The provider of %s", record.type)
        return Problem(INTERNAL)
    return None
