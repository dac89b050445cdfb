"""The operations of CloudFormation: stacks by Region, each with a thread while it changes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from labkit.emulator.cloudformation import descriptions, inputs, requests, surroundings
from labkit.emulator.cloudformation.engine import CREATING, Engine
from labkit.emulator.cloudformation.records import DELETED, Clock, StackRecord
from labkit.emulator.cloudformation.registry import Registry
from labkit.emulator.cloudformation.validation import ValidationError
from labkit.emulator.operations import Call, Operation, Operations
from labkit.emulator.refusal import ServiceError
from labkit.emulator.upstream import Clients

EVENTS_PER_PAGE = 100
DELETING = "DELETE_IN_PROGRESS"

_REFUSED = {
    "CreateChangeSet": "`aws cloudformation deploy` needs change sets: use create-stack.",
    "UpdateStack": "Delete the stack and create it again.",
}


class Stacks:
    """All stacks of the emulator.

    Args:
        outer: clients that go through the gateway: what the providers call.
        clock: seconds since 1970.
    """

    def __init__(self, outer: Clients, clock: Clock = time.time):
        self._outer = outer
        self._clock = clock
        self._registry = Registry()

    def operations(self) -> Operations:
        """Return the operations by name, with those whose refusal names a way out."""
        ours: dict[str, Operation] = {
            "CreateStack": self._create_stack,
            "DeleteStack": self._delete_stack,
            "DescribeStackEvents": self._describe_stack_events,
            "DescribeStackResource": self._describe_stack_resource,
            "DescribeStackResources": self._describe_stack_resources,
            "DescribeStacks": self._describe_stacks,
            "GetTemplate": self._get_template,
            "ListStackResources": self._list_stack_resources,
            "ListStacks": self._list_stacks,
            "UpdateTerminationProtection": self._update_termination_protection,
            "ValidateTemplate": self._validate_template,
            **dict.fromkeys(_REFUSED, _refuse),
        }
        return {("cloudformation", name): operation for name, operation in ours.items()}

    def _create_stack(self, call: Call) -> dict[str, Any]:
        engine = self._engine(call)

        def begin() -> StackRecord:
            self._registry.add(engine)
            engine.stack.note(CREATING, "User Initiated")
            _start(engine.stack, engine.create)
            return engine.stack

        return {"StackId": self._registry.once(call, begin).id}

    def _engine(self, call: Call) -> Engine:
        """Return what would make the stack; nothing is made or kept yet."""
        asked, name = call.parameters, call.parameters["StackName"]
        requests.check_name(name)
        options = requests.options_of(asked)
        template = requests.template_of(asked)
        requests.check_capabilities(template, asked.get("Capabilities", []))
        partition = self._outer("ec2", call.region).meta.partition
        arn = surroundings.stack_id(call, name, partition)
        stack = StackRecord(
            arn=arn,
            name=name,
            region=call.region,
            template=template,
            parameters=inputs.read(
                template, asked.get("Parameters", []), arn=arn, outer=self._outer
            ),
            options=options,
            token=asked.get("ClientRequestToken"),
            clock=self._clock,
        )
        return Engine(stack, self._outer, surroundings.pseudo_parameters(stack.id))

    def _delete_stack(self, call: Call) -> dict[str, Any]:
        """Begin to delete; a stack that does not exist, or goes already, is no error."""
        engine = self._registry.find(call)
        if engine is None or engine.stack.status in {DELETING, DELETED}:
            return {}
        if engine.stack.options.termination_protection:
            raise ValidationError(
                f"Stack [{engine.stack.name}] cannot be deleted while TerminationProtection is "
                "enabled"
            )
        retain, force = requests.deletion_mode(call.parameters, engine.stack)

        def begin() -> StackRecord:
            stack, previous = engine.stack, engine.stack.worker
            if stack.status in {DELETING, DELETED}:  # another call came first
                return stack
            if stack.status == "ROLLBACK_IN_PROGRESS" and previous:
                previous.join()
            stack.token = call.parameters.get("ClientRequestToken")
            stack.note(DELETING, "User Initiated")
            _start(stack, lambda: engine.delete(retain, force=force), after=previous)
            return stack

        self._registry.once(call, begin)
        return {}

    def _describe_stacks(self, call: Call) -> dict[str, Any]:
        name = call.parameters.get("StackName")
        if name:
            return {"Stacks": [descriptions.stack(self._registry.existing(call).stack)]}
        records = [
            record for record in self._registry.in_region(call.region) if record.status != DELETED
        ]
        return {"Stacks": [descriptions.stack(record) for record in records]}

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
        stack = self._registry.existing(call, missing="Stack [{}] does not exist").stack
        events = stack.events
        end = int(call.parameters.get("NextToken") or len(events))
        start = max(0, end - EVENTS_PER_PAGE)
        page = [descriptions.event(stack, event) for event in reversed(events[start:end])]
        return {"StackEvents": page, **({"NextToken": str(start)} if start else {})}

    def _describe_stack_resources(self, call: Call) -> dict[str, Any]:
        asked = call.parameters
        stack = (
            self._registry.existing(call).stack
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
        stack = self._registry.existing(call).stack
        name = call.parameters["LogicalResourceId"]
        record = stack.resources.get(name)
        if record is None:
            raise ValidationError(f"Resource {name} does not exist for stack {stack.name}")
        return {"StackResourceDetail": descriptions.resource_detail(stack, record)}

    def _list_stack_resources(self, call: Call) -> dict[str, Any]:
        records = self._registry.existing(call).stack.resource_list()
        return {"StackResourceSummaries": [descriptions.resource_summary(one) for one in records]}

    def _get_template(self, call: Call) -> dict[str, Any]:
        body = self._registry.existing(call).stack.template.body
        return {"TemplateBody": body, "StagesAvailable": ["Original", "Processed"]}

    def _validate_template(self, call: Call) -> dict[str, Any]:
        return descriptions.template(requests.template_of(call.parameters))

    def _update_termination_protection(self, call: Call) -> dict[str, Any]:
        stack = self._registry.existing(call).stack
        stack.options.termination_protection = call.parameters["EnableTerminationProtection"]
        return {"StackId": stack.id}


def _start(
    stack: StackRecord, work: Callable[[], None], after: threading.Thread | None = None
) -> None:
    """Run work in the stack's thread, after that of the operation before."""

    def run() -> None:
        if after:
            after.join()
        work()

    stack.worker = threading.Thread(target=run, name=f"stack {stack.name}", daemon=True)
    stack.worker.start()


def _refuse(call: Call) -> dict[str, Any]:
    raise ServiceError(
        "UnsupportedOperation",
        f"The emulator does not emulate cloudformation:{call.operation}. "
        f"{_REFUSED[call.operation]}",
    )
