"""Which stacks there are, by Region and name or id, and which request made them."""

from __future__ import annotations

import threading
from collections.abc import Callable

from labkit.emulator.cloudformation.records import DELETED, StackRecord
from labkit.emulator.cloudformation.validation import ValidationError
from labkit.emulator.operations import Call
from labkit.emulator.refusal import ServiceError


class Registry:
    """All stacks, deleted ones too; `lock` is held while one is added or begins to change."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._stacks: dict[str, StackRecord] = {}
        self._tokens: dict[tuple[str, str], tuple[tuple[str, str], StackRecord]] = {}

    def add(self, stack: StackRecord) -> None:
        """Add a stack.

        Raises:
            ServiceError: AlreadyExistsException; a name is free again once its stack is deleted.
        """
        with self.lock:
            if self._named(stack.region, stack.name):
                raise ServiceError("AlreadyExistsException", f"Stack [{stack.name}] already exists")
            self._stacks[stack.id] = stack

    def by_id(self, stack_id: str) -> StackRecord | None:
        """Return the stack of that id, deleted or not."""
        return self._stacks.get(stack_id)

    def in_region(self, region: str) -> list[StackRecord]:
        """Return the stacks of a Region, deleted ones too, newest first."""
        with self.lock:
            stacks = list(self._stacks.values())
        return [stack for stack in reversed(stacks) if stack.region == region]

    def present(self, region: str) -> list[StackRecord]:
        """Return the stacks of a Region that are not deleted, newest first."""
        return [stack for stack in self.in_region(region) if stack.status != DELETED]

    def find(self, call: Call) -> StackRecord | None:
        """Return the stack that a call names: by name until it is deleted, by id always."""
        name = call.parameters.get("StackName", "")
        with self.lock:
            stack = self._stacks.get(name)
            if stack and stack.region == call.region:
                return stack
            return self._named(call.region, name)

    def existing(self, call: Call, missing: str = "Stack with id {} does not exist") -> StackRecord:
        """Return the stack that a call names.

        Raises:
            ValidationError: there is none.
        """
        name = call.parameters.get("StackName")
        if not name:
            raise ValidationError("StackName is required.")
        stack = self.find(call)
        if stack is None:
            raise ValidationError(missing.format(name))
        return stack

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
        named = call.parameters.get("StackName") or call.parameters.get("ChangeSetName", "")
        asked = (call.operation, named)
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

    def _named(self, region: str, name: str) -> StackRecord | None:
        for stack in self._stacks.values():
            if (stack.region, stack.name) == (region, name) and stack.status != DELETED:
                return stack
        return None
