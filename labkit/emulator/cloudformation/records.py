"""A stack as it stands: its status, its resources, and every event that led there."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from labkit.emulator.cloudformation.parameters import Parameter
from labkit.emulator.cloudformation.template import Template

DELETED = "DELETE_COMPLETE"
Clock = Callable[[], float]


@dataclass(slots=True)
class ResourceRecord:
    """One resource of a stack; `properties` are resolved once it is being made."""

    logical_id: str
    type: str
    deletion_policy: str
    status: str = ""
    reason: str | None = None
    physical_id: str = ""
    updated_at: datetime | None = None
    properties: dict[str, Any] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)

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
    properties: dict[str, Any] | None = None


@dataclass(slots=True)
class Options:
    """What CreateStack was asked beside template and parameters."""

    on_failure: str = "ROLLBACK"
    capabilities: tuple[str, ...] = ()
    termination_protection: bool = False
    tags: dict[str, str] = field(default_factory=dict)


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
    ):
        self.id = arn
        self.name = name
        self.region = region
        self.template = template
        self.parameters = parameters
        self.options = options
        self.status = ""
        self.reason: str | None = None
        self.deleted_at: datetime | None = None
        self.outputs: list[dict[str, Any]] = []
        self.resources: dict[str, ResourceRecord] = {}
        self.token = token
        self.worker: threading.Thread | None = None
        self.lock = threading.RLock()
        self._clock = clock
        self._events: list[Event] = []
        self._latest = datetime.fromtimestamp(0, UTC)
        self.created_at = self._tick()

    @property
    def events(self) -> list[Event]:
        """All events, oldest first."""
        with self.lock:
            return list(self._events)

    def resource_list(self) -> list[ResourceRecord]:
        """Return all resources that were begun, in the order of their beginning."""
        with self.lock:
            return list(self.resources.values())

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
            self._events.append(
                Event(
                    id=str(uuid.uuid4()),
                    at=now,
                    logical_id=self.name,
                    type="AWS::CloudFormation::Stack",
                    physical_id=self.id,
                    status=status,
                    reason=reason,
                    token=self.token,
                )
            )
            return True

    def note_resource(
        self, resource: ResourceRecord, status: str, reason: str | None = None
    ) -> None:
        """Set a resource's status, with an event."""
        with self.lock:
            now = self._tick()
            resource.status, resource.reason, resource.updated_at = status, reason, now
            self.resources[resource.logical_id] = resource
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
