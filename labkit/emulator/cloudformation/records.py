"""A stack as it stands: its status, its resources, and every event that led there."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from labkit.emulator.cloudformation.known_types import STACK
from labkit.emulator.cloudformation.parameters import Parameter
from labkit.emulator.cloudformation.template import Template

DELETED = "DELETE_COMPLETE"
REVIEWED = "REVIEW_IN_PROGRESS"
"""Waits for a change set to be executed: nothing is in progress, whatever the name says."""

Clock = Callable[[], float]


@dataclass(slots=True)
class ResourceRecord:
    """One resource of a stack.

    Attributes:
        properties: resolved, once it is being made.
        stack_tags: the tags of the stack that it was given.
        needs: the resources that had to be there before it, and go after it.
    """

    logical_id: str
    type: str
    deletion_policy: str = "Delete"
    update_replace_policy: str = "Delete"
    status: str = ""
    reason: str | None = None
    physical_id: str = ""
    updated_at: datetime | None = None
    properties: dict[str, Any] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    stack_tags: Mapping[str, str] = field(default_factory=dict)
    needs: frozenset[str] = frozenset()

    @property
    def is_there(self) -> bool:
        """Whether the stack still has to delete it."""
        return self.status not in {"", DELETED, "DELETE_SKIPPED"}


@dataclass(frozen=True, slots=True)
class Event:
    """One line of a stack's history."""

    id: str
    at: datetime
    logical_id: str
    type: str
    physical_id: str
    status: str
    reason: str | None
    token: str | None
    operation_id: str
    properties: dict[str, Any] | None = None


@dataclass(slots=True)
class Options:
    """What CreateStack was asked beside template and parameters."""

    on_failure: str = "ROLLBACK"
    capabilities: tuple[str, ...] = ()
    termination_protection: bool = False
    tags: dict[str, str] = field(default_factory=dict)
    retain_except_on_create: bool = False


class StackRecord:
    """The state of one stack; safe to read while its thread works on it."""

    def __init__(
        self,
        *,
        arn: str,
        name: str,
        region: str,
        template: Template,
        parameters: dict[str, Parameter],
        options: Options,
        token: str | None,
        clock: Clock,
        parent: StackRecord | None = None,
    ):
        self.id = arn
        self.name = name
        self.region = region
        self.template = template
        self.parameters = parameters
        self.options = options
        self.parent = parent
        self.status = ""
        self.reason: str | None = None
        self.updated_at: datetime | None = None
        self.deleted_at: datetime | None = None
        self.change_set_id: str | None = None
        self.outputs: list[dict[str, Any]] = []
        self.imports: set[str] = set()
        self.resources: dict[str, ResourceRecord] = {}
        self.leftovers: list[ResourceRecord] = []
        self.token = token
        self.operation_id = str(uuid.uuid4())
        self.worker: threading.Thread | None = None
        self.lock = threading.RLock()
        self._settled = threading.Condition(self.lock)
        self._clock = clock
        self._events: list[Event] = []
        self._latest = datetime.fromtimestamp(0, UTC)
        self.created_at = self._tick()

    @property
    def root(self) -> StackRecord:
        """The stack at the top; for one that is not nested, itself."""
        return self.parent.root if self.parent else self

    @property
    def events(self) -> list[Event]:
        """All events, oldest first."""
        with self.lock:
            return list(self._events)

    @property
    def is_busy(self) -> bool:
        """Whether an operation is under way."""
        return self.status.endswith("_IN_PROGRESS") and self.status != REVIEWED

    def wait_until_settled(self, timeout_s: float) -> bool:
        """Return whether the stack settled in time."""
        with self._settled:
            return self._settled.wait_for(lambda: not self.is_busy, timeout_s)

    def begin(self, status: str, token: str | None, reason: str | None = None) -> str:
        """Begin an operation; return its id, which all its events carry."""
        with self.lock:
            self.token, self.operation_id = token, str(uuid.uuid4())
            self.note(status, reason)
            return self.operation_id

    def resource_list(self) -> list[ResourceRecord]:
        """Return all resources that were begun, in the order of their beginning."""
        with self.lock:
            return list(self.resources.values())

    def track(self, resource: ResourceRecord) -> None:
        """Add a resource to the stack."""
        with self.lock:
            self.resources[resource.logical_id] = resource

    def forget(self, logical_id: str) -> None:
        """Let go of a resource that the stack no longer has."""
        with self.lock:
            self.resources.pop(logical_id, None)

    def note(
        self, status: str, reason: str | None = None, *, coming_from: str | None = None
    ) -> bool:
        """Set the stack's own status, with an event; not when it comes from another status."""
        with self.lock:
            if coming_from is not None and self.status != coming_from:
                return False
            self.status, self.reason = status, reason
            now = self._tick()
            if status == DELETED:
                self.deleted_at = now
            if status == "UPDATE_IN_PROGRESS":
                self.updated_at = now
            self._events.append(
                Event(
                    id=str(uuid.uuid4()),
                    at=now,
                    logical_id=self.name,
                    type=STACK,
                    physical_id=self.id,
                    status=status,
                    reason=reason,
                    token=self.token,
                    operation_id=self.operation_id,
                )
            )
            self._settled.notify_all()
            return True

    def note_resource(
        self, resource: ResourceRecord, status: str, reason: str | None = None
    ) -> None:
        """Set a resource's status, with an event."""
        with self.lock:
            now = self._tick()
            resource.status, resource.reason, resource.updated_at = status, reason, now
            stamp = now.isoformat(timespec="milliseconds").removesuffix("+00:00")
            self._events.append(
                Event(
                    id=f"{resource.logical_id}-{status}-{stamp}Z",
                    at=now,
                    logical_id=resource.logical_id,
                    type=resource.type,
                    physical_id=resource.physical_id,
                    status=status,
                    reason=reason,
                    token=self.token,
                    operation_id=self.operation_id,
                    properties=resource.properties,
                )
            )

    def _tick(self) -> datetime:
        """Return the time now, in whole milliseconds, later than any before: events have an order.

        Two changes of a resource would else have the same event id, as ids hold milliseconds.
        """
        now = datetime.fromtimestamp(int(self._clock() * 1000) / 1000, UTC)
        self._latest = max(now, self._latest + timedelta(milliseconds=1))
        return self._latest
