"""The operations of CloudFormation: stacks by Region, each with a thread while it changes."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from labkit.emulator.cloudformation import descriptions, parameters, requests
from labkit.emulator.cloudformation.engine import CREATING, Engine
from labkit.emulator.cloudformation.intrinsics import NO_VALUE
from labkit.emulator.cloudformation.records import DELETED, Clock, StackRecord
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
        self._lock = threading.Lock()
        self._engines: dict[str, Engine] = {}
        self._tokens: dict[tuple[str, str], tuple[str, StackRecord]] = {}

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
        asked = call.parameters
        name, token = asked["StackName"], asked.get("ClientRequestToken")
        requests.check_name(name)
        options = requests.options_of(asked)
        template = requests.template_of(asked)
        requests.check_capabilities(template, asked.get("Capabilities", []))
        stack = StackRecord(
            arn=self._arn(call, name),
            name=name,
            region=call.region,
            template=template,
            parameters=parameters.read(
                template.parameters, asked.get("Parameters", []), self._fetcher(call.region)
            ),
            options=options,
            token=token,
            clock=self._clock,
        )
        engine = Engine(stack, self._outer, self._pseudo(call, stack))
        with self._lock:
            repeated = self._repeated(call)
            if repeated and repeated.name == name:
                return {"StackId": repeated.id}
            if self._named(call.region, name):
                raise ServiceError("AlreadyExistsException", f"Stack [{name}] already exists")
            self._engines[stack.id] = engine
            self._remember(call, stack)
            stack.note(CREATING, "User Initiated")
            _start(stack, engine.create)
        return {"StackId": stack.id}

    def _delete_stack(self, call: Call) -> dict[str, Any]:
        """Begin to delete; a stack that does not exist, or goes already, is no error."""
        asked = call.parameters
        engine = self._find(call.region, asked["StackName"])
        if engine is None or engine.stack.status in {DELETING, DELETED}:
            return {}
        stack = engine.stack
        if stack.options.termination_protection:
            raise ValidationError(
                f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled"
            )
        retain, force = _deletion_mode(asked, stack)
        with self._lock:
            self._repeated(call)
            self._remember(call, stack)
            previous = stack.worker
            if stack.status == "ROLLBACK_IN_PROGRESS" and previous:
                previous.join()
            stack.token = asked.get("ClientRequestToken")
            stack.note(DELETING, "User Initiated")
            _start(stack, lambda: engine.delete(retain, force=force), after=previous)
        return {}

    def _describe_stacks(self, call: Call) -> dict[str, Any]:
        name = call.parameters.get("StackName")
        if name:
            return {"Stacks": [descriptions.stack(self._existing(call).stack)]}
        records = [record for record in self._in(call.region) if record.status != DELETED]
        return {"Stacks": [descriptions.stack(record) for record in records]}

    def _list_stacks(self, call: Call) -> dict[str, Any]:
        wanted = call.parameters.get("StackStatusFilter")
        records = self._in(call.region)
        return {
            "StackSummaries": [
                descriptions.summary(record)
                for record in records
                if not wanted or record.status in wanted
            ]
        }

    def _describe_stack_events(self, call: Call) -> dict[str, Any]:
        """Return a page, newest first. The token is how many older events are left."""
        stack = self._existing(call, missing="Stack [{}] does not exist").stack
        events = stack.events
        end = int(call.parameters.get("NextToken") or len(events))
        start = max(0, end - EVENTS_PER_PAGE)
        page = [descriptions.event(stack, event) for event in reversed(events[start:end])]
        return {"StackEvents": page, **({"NextToken": str(start)} if start else {})}

    def _describe_stack_resources(self, call: Call) -> dict[str, Any]:
        asked = call.parameters
        stack = self._existing(call).stack if asked.get("StackName") else self._owner(call)
        names = {asked["LogicalResourceId"]} if asked.get("LogicalResourceId") else None
        return {
            "StackResources": [
                descriptions.resource(stack, record)
                for record in stack.resource_list()
                if names is None or record.logical_id in names
            ]
        }

    def _describe_stack_resource(self, call: Call) -> dict[str, Any]:
        stack = self._existing(call).stack
        name = call.parameters["LogicalResourceId"]
        record = stack.resources.get(name)
        if record is None:
            raise ValidationError(f"Resource {name} does not exist for stack {stack.name}")
        return {"StackResourceDetail": descriptions.resource_detail(stack, record)}

    def _list_stack_resources(self, call: Call) -> dict[str, Any]:
        records = self._existing(call).stack.resource_list()
        return {"StackResourceSummaries": [descriptions.resource_summary(one) for one in records]}

    def _get_template(self, call: Call) -> dict[str, Any]:
        body = self._existing(call).stack.template.body
        return {"TemplateBody": body, "StagesAvailable": ["Original", "Processed"]}

    def _validate_template(self, call: Call) -> dict[str, Any]:
        return descriptions.template(requests.template_of(call.parameters))

    def _update_termination_protection(self, call: Call) -> dict[str, Any]:
        stack = self._existing(call).stack
        stack.options.termination_protection = call.parameters["EnableTerminationProtection"]
        return {"StackId": stack.id}

    def _in(self, region: str) -> list[StackRecord]:
        """Return the stacks of a Region, deleted ones too, newest first."""
        with self._lock:
            engines = list(self._engines.values())
        return [engine.stack for engine in reversed(engines) if engine.stack.region == region]

    def _named(self, region: str, name: str) -> Engine | None:
        for engine in list(self._engines.values()):
            stack = engine.stack
            if (stack.region, stack.name) == (region, name) and stack.status != DELETED:
                return engine
        return None

    def _find(self, region: str, name_or_id: str) -> Engine | None:
        """Return a stack by its name, as long as it is not deleted, or by its id, always."""
        return self._engines.get(name_or_id) or self._named(region, name_or_id)

    def _existing(self, call: Call, missing: str = "Stack with id {} does not exist") -> Engine:
        name = call.parameters.get("StackName")
        if not name:
            raise ValidationError("1 validation error detected: StackName must not be null")
        engine = self._find(call.region, name)
        if engine is None:
            raise ValidationError(missing.format(name))
        return engine

    def _owner(self, call: Call) -> StackRecord:
        """Return the stack that a physical id belongs to."""
        physical_id = call.parameters.get("PhysicalResourceId")
        for stack in self._in(call.region):
            if physical_id in {record.physical_id for record in stack.resource_list()}:
                return stack
        raise ValidationError(f"Stack for {physical_id} does not exist")

    def _repeated(self, call: Call) -> StackRecord | None:
        """Return the stack of an earlier call of this operation with the same token."""
        token = call.parameters.get("ClientRequestToken")
        operation, stack = (
            self._tokens.get((call.region, token), (None, None)) if token else (None, None)
        )
        if operation not in {None, call.operation}:
            raise ServiceError(
                "TokenAlreadyExistsException", f"Token {token} was used for {operation}"
            )
        return stack

    def _remember(self, call: Call, stack: StackRecord) -> None:
        token = call.parameters.get("ClientRequestToken")
        if token:
            self._tokens[call.region, token] = (call.operation, stack)

    def _arn(self, call: Call, name: str) -> str:
        partition = self._outer("ec2", call.region).meta.partition
        place = f"arn:{partition}:cloudformation:{call.region}:{call.account_id}"
        return f"{place}:stack/{name}/{uuid.uuid4()}"

    def _pseudo(self, call: Call, stack: StackRecord) -> dict[str, Any]:
        """Return the pseudo parameters.

        Source: .../AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html
        """
        partition = stack.id.split(":")[1]
        return {
            "AWS::AccountId": call.account_id,
            "AWS::NoValue": NO_VALUE,
            "AWS::NotificationARNs": [],
            "AWS::Partition": partition,
            "AWS::Region": call.region,
            "AWS::StackId": stack.id,
            "AWS::StackName": stack.name,
            "AWS::URLSuffix": "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com",
        }

    def _fetcher(self, region: str) -> Callable[[str], str]:
        def fetch(name: str) -> str:
            try:
                answer = self._outer("ssm", region).get_parameter(Name=name)
            except ClientError as error:
                raise ValidationError(
                    f"Unable to fetch parameters [{name}] from parameter store for this account."
                ) from error
            return answer["Parameter"]["Value"]

        return fetch


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


def _deletion_mode(asked: dict[str, Any], stack: StackRecord) -> tuple[list[str], bool]:
    """Return the resources to retain, and whether to force; both need an earlier failure.

    Source: docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteStack.html
    """
    retain = asked.get("RetainResources") or []
    force = asked.get("DeletionMode") == "FORCE_DELETE_STACK"
    if (retain or force) and stack.status != "DELETE_FAILED":
        raise ValidationError(
            f"Invalid operation on stack [{stack.id}]. Stack must be in DELETE_FAILED state to "
            "specify resources to retain or to force the deletion"
        )
    unknown = [name for name in retain if name not in stack.resources]
    if unknown:
        raise ValidationError(
            f"The specified resources to retain do not belong to stack [{stack.name}]: {unknown}"
        )
    return retain, force


def _refuse(call: Call) -> dict[str, Any]:
    raise ServiceError(
        "UnsupportedOperation",
        f"The emulator does not emulate cloudformation:{call.operation}. "
        f"{_REFUSED[call.operation]}",
    )
