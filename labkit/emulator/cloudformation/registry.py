"""Which stacks there are, by Region and name or id, and which request made them."""

from __future__ import annotations

import threading
from collections.abc import Callable

from labkit.emulator.cloudformation.engine import Engine
from labkit.emulator.cloudformation.records import DELETED, StackRecord
from labkit.emulator.cloudformation.validation import ValidationError
from labkit.emulator.operations import Call
from labkit.emulator.refusal import ServiceError


class Registry:
    """All stacks, deleted ones too; `lock` is held while one is added or begins to go."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._engines: dict[str, Engine] = {}
        self._tokens: dict[tuple[str, str], tuple[tuple[str, str], StackRecord]] = {}

    def add(self, engine: Engine) -> None:
        """Add a stack.

        Raises:
            ServiceError: AlreadyExistsException; a name is free again once its stack is deleted.
        """
        with self.lock:
            stack = engine.stack
            if self._named(stack.region, stack.name):
                raise ServiceError("AlreadyExistsException", f"Stack [{stack.name}] already exists")
            self._engines[stack.id] = engine

    def in_region(self, region: str) -> list[StackRecord]:
        """Return the stacks of a Region, deleted ones too, newest first."""
        with self.lock:
            engines = list(self._engines.values())
        return [engine.stack for engine in reversed(engines) if engine.stack.region == region]

    def find(self, call: Call) -> Engine | None:
        """Return the stack that a call names: by name until it is deleted, by id always."""
        name = call.parameters.get("StackName", "")
        with self.lock:
            engine = self._engines.get(name)
            if engine and engine.stack.region == call.region:
                return engine
            return self._named(call.region, name)

    def existing(self, call: Call, missing: str = "Stack with id {} does not exist") -> Engine:
        """Return the stack that a call names.

        Raises:
            ValidationError: there is none.
        """
        name = call.parameters.get("StackName")
        if not name:
            raise ValidationError("StackName is required.")
        engine = self.find(call)
        if engine is None:
            raise ValidationError(missing.format(name))
        return engine

    def owner_of(self, region: str, physical_id: str | None) -> StackRecord:
        """Return the stack that a resource belongs to.

        Raises:
            ValidationError: it belongs to none.
        """
        for stack in self.in_region(region):
            if physical_id in {record.physical_id for record in stack.resource_list()}:
                return stack
        if physical_id is None:
            raise ValidationError("Either StackName or PhysicalResourceId must be specified.")
        raise ValidationError(f"Stack for {physical_id} does not exist")

    def once(self, call: Call, work: Callable[[], StackRecord]) -> StackRecord:
        """Do a call's work, unless a call with the same ClientRequestToken did it already.

        Source: docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html

        Raises:
            ServiceError: TokenAlreadyExistsException, when the token was another request's.
        """
        token = call.parameters.get("ClientRequestToken")
        asked = (call.operation, call.parameters["StackName"])
        with self.lock:
            if token is None:
                return work()
            if (call.region, token) not in self._tokens:
                self._tokens[call.region, token] = (asked, work())
            first, stack = self._tokens[call.region, token]
        if first != asked:
            raise ServiceError(
                "TokenAlreadyExistsException", f"Token {token} was used for {' of '.join(first)}"
            )
        return stack

    def _named(self, region: str, name: str) -> Engine | None:
        for engine in self._engines.values():
            stack = engine.stack
            if (stack.region, stack.name) == (region, name) and stack.status != DELETED:
                return engine
        return None
