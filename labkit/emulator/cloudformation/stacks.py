"""CloudFormation as a whole: its parts put together, and the operations that only show."""

from __future__ import annotations

import functools
import time
from typing import Any

from labkit.emulator import constraints
from labkit.emulator.cloudformation import descriptions
from labkit.emulator.cloudformation.change_set_operations import ChangeSetOperations
from labkit.emulator.cloudformation.change_sets import ChangeSets
from labkit.emulator.cloudformation.engine import Engine
from labkit.emulator.cloudformation.exports import Exports
from labkit.emulator.cloudformation.proposals import Proposals
from labkit.emulator.cloudformation.records import Clock
from labkit.emulator.cloudformation.registry import Registry
from labkit.emulator.cloudformation.stack_operations import StackOperations
from labkit.emulator.cloudformation.template_operations import TemplateOperations
from labkit.emulator.cloudformation.validation import ValidationError
from labkit.emulator.operations import Call, Operation, Operations
from labkit.emulator.refusal import ServiceError
from labkit.emulator.upstream import Clients

EVENTS_PER_PAGE = 100

_REFUSED = {
    "RollbackStack": "Delete the stack, or update it with DisableRollback.",
    "SetStackPolicy": "There are no stack policies.",
    "SignalResource": "Nothing waits for signals.",
}


class Stacks:
    """All stacks of the emulator.

    Args:
        outer: clients that go through the gateway: what the providers call.
        clock: seconds since 1970.
    """

    def __init__(self, outer: Clients, clock: Clock = time.time):
        self._registry = Registry()
        self._exports = Exports(self._registry)
        proposals = Proposals(outer, self._exports, clock)
        engine = Engine(outer, self._registry, self._exports, proposals)
        change_sets = ChangeSets(self._registry)
        self._parts = (
            StackOperations(engine, change_sets),
            ChangeSetOperations(engine, change_sets, clock),
            TemplateOperations(self._registry, proposals, change_sets),
        )

    def operations(self) -> Operations:
        """Return the operations by name, with those whose refusal names a way out."""
        ours: dict[str, Operation] = {
            "DescribeStackEvents": self._describe_stack_events,
            "DescribeStackResource": self._describe_stack_resource,
            "DescribeStackResources": self._describe_stack_resources,
            "DescribeStacks": self._describe_stacks,
            "ListExports": self._list_exports,
            "ListImports": self._list_imports,
            "ListStackResources": self._list_stack_resources,
            "ListStacks": self._list_stacks,
            **{name: work for part in self._parts for name, work in part.operations().items()},
        }
        checked = {name: _checked(operation) for name, operation in ours.items()}
        every = {**checked, **dict.fromkeys(_REFUSED, _refuse)}
        return {("cloudformation", name): operation for name, operation in every.items()}

    def _describe_stacks(self, call: Call) -> dict[str, Any]:
        name = call.parameters.get("StackName")
        if name:
            return {"Stacks": [descriptions.stack(self._registry.existing(call))]}
        return {"Stacks": [descriptions.stack(one) for one in self._registry.present(call.region)]}

    def _list_stacks(self, call: Call) -> dict[str, Any]:
        wanted = call.parameters.get("StackStatusFilter")
        records = self._registry.in_region(call.region)
        return {
            "StackSummaries": [
                descriptions.summary(record)
                for record in records
                if not wanted or record.status in wanted
            ]
        }

    def _describe_stack_events(self, call: Call) -> dict[str, Any]:
        """Return a page, newest first. The token is how many older events are left."""
        stack = self._registry.existing(call, missing="Stack [{}] does not exist")
        events = stack.events
        end = _number(call.parameters.get("NextToken"), len(events))
        start = max(0, end - EVENTS_PER_PAGE)
        page = [descriptions.event(stack, event) for event in reversed(events[start:end])]
        return {"StackEvents": page, **({"NextToken": str(start)} if start else {})}

    def _describe_stack_resources(self, call: Call) -> dict[str, Any]:
        asked = call.parameters
        stack = (
            self._registry.existing(call)
            if asked.get("StackName")
            else self._registry.owner_of(call.region, asked.get("PhysicalResourceId"))
        )
        names = {asked["LogicalResourceId"]} if asked.get("LogicalResourceId") else None
        return {
            "StackResources": [
                descriptions.resource(stack, record)
                for record in stack.resource_list()
                if names is None or record.logical_id in names
            ]
        }

    def _describe_stack_resource(self, call: Call) -> dict[str, Any]:
        stack = self._registry.existing(call)
        name = call.parameters["LogicalResourceId"]
        record = stack.resources.get(name)
        if record is None:
            raise ValidationError(f"Resource {name} does not exist for stack {stack.name}")
        return {"StackResourceDetail": descriptions.resource_detail(stack, record)}

    def _list_stack_resources(self, call: Call) -> dict[str, Any]:
        records = self._registry.existing(call).resource_list()
        return {"StackResourceSummaries": [descriptions.resource_summary(one) for one in records]}

    def _list_exports(self, call: Call) -> dict[str, Any]:
        found = self._exports.of_region(call.region)
        return {
            "Exports": [
                {"ExportingStackId": stack.id, "Name": name, "Value": value}
                for name, (stack, value) in sorted(found.items())
            ]
        }

    def _list_imports(self, call: Call) -> dict[str, Any]:
        name = call.parameters["ExportName"]
        importers = self._exports.importers(call.region, name)
        if not importers:
            raise ValidationError(f"Export '{name}' is not imported by any stack.")
        return {"Imports": importers}


def _number(token: str | None, otherwise: int) -> int:
    if token is None:
        return otherwise
    if not (token.isascii() and token.isdigit()):
        raise ValidationError("The specified NextToken is not valid.")
    return int(token)


_CHECKED_BY_US = frozenset({"StackName", "TemplateBody"})
"""Members whose constraints AWS words by the operation, not by the model."""


def _checked(operation: Operation) -> Operation:
    """Return an operation that refuses what breaks a constraint of the model first."""

    @functools.wraps(operation)
    def check(call: Call) -> dict[str, Any]:
        given = call.parameters
        try:
            constraints.check(
                "cloudformation",
                call.operation,
                {name: value for name, value in given.items() if name not in _CHECKED_BY_US},
            )
        except ServiceError as error:
            raise ValidationError(error.message) from None
        return operation(call)

    return check


def _refuse(call: Call) -> dict[str, Any]:
    raise ServiceError(
        "UnsupportedOperation",
        f"The emulator does not emulate cloudformation:{call.operation}. "
        f"{_REFUSED[call.operation]}",
    )
