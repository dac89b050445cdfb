"""Deploy by a change set: first see what would change and what would be replaced, then do it.

Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/ (Update stacks using change sets)
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from labkit.errors import StackFailed
from labkit.stacks.events import events
from labkit.stacks.hints import hint
from labkit.stacks.operations import settled
from labkit.stacks.stack import Stack, describe
from labkit.stacks.states import SUCCESS, USABLE, unusable
from labkit.waiting import Watch, silent, until

NEW = "REVIEW_IN_PROGRESS"
PLAN_TIMEOUT_S = 300
_NO_CHANGES = ("didn't contain changes", "No updates are to be performed")


@dataclass(frozen=True, slots=True)
class Change:
    """What a change set would do to one resource.

    Attributes:
        action: "Add", "Modify" or "Remove".
        logical_id: The resource's name in the template.
        type: Its type.
        physical_id: Its id as it is now; "" for a new one.
        replacement: Of a Modify: "True", "False" or "Conditional".
        because_of: The properties (or Tags, Metadata, ...) that change.
    """

    action: str
    logical_id: str
    type: str
    physical_id: str = ""
    replacement: str = ""
    because_of: tuple[str, ...] = ()

    def __str__(self) -> str:
        reason = f", because of {', '.join(self.because_of)}" if self.because_of else ""
        fates = {"True": ", replaced by a new one", "Conditional": ", perhaps replaced"}
        fate = fates.get(self.replacement, "")
        return f"{self.action} {self.logical_id} {self.type}{fate}{reason}"


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """What a template would change in a stack; nothing is done before it is executed.

    Attributes:
        id: Its ARN.
        stack: The stack, in the state REVIEW_IN_PROGRESS if it would be new.
        changes: A change for each resource concerned, in CloudFormation's order; none if the
            stack is as the template wants it.
    """

    id: str
    stack: Stack
    changes: tuple[Change, ...]

    def __len__(self) -> int:
        return len(self.changes)

    def frame(self) -> pd.DataFrame:
        """Return a row for each change: action, resource, type, replacement, because_of."""
        columns = ["action", "resource", "type", "replacement", "because_of"]
        rows = [
            (one.action, one.logical_id, one.type, one.replacement, ", ".join(one.because_of))
            for one in self.changes
        ]
        return pd.DataFrame(rows, columns=columns)


def plan(
    cloudformation: Any,
    stack_name: str,
    template: str,
    *,
    parameters: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
    capabilities: Sequence[str] = (),
    watch: Watch = silent,
) -> ChangeSet:
    """Return what a template would change in a stack, or in none if there is none of that name.

    Args:
        cloudformation: The client.
        stack_name: The stack's name.
        template: The template's text.
        parameters: Values by name; one that is left out keeps its value in the stack, else it
            has its default.
        tags: Tags of the stack, and of all that it makes.
        capabilities: What is acknowledged, e.g. CAPABILITY_IAM.
        watch: Gets each look.

    Raises:
        StackFailed: The stack is in no state to be changed, or the change set cannot be made.
        WaitTimedOut: It was not made in five minutes.
        ClientError: The template, a parameter or the name is not accepted.
    """
    stack = describe(cloudformation, stack_name)
    is_new = stack is None or stack.status == NEW
    if stack and not is_new and stack.status not in {*USABLE, "UPDATE_FAILED"}:
        raise unusable(cloudformation, stack)
    keeps = {} if stack is None or is_new else stack.parameters
    created = cloudformation.create_change_set(
        StackName=stack_name,
        ChangeSetName=f"labkit-{uuid.uuid4().hex[:12]}",
        ChangeSetType="CREATE" if is_new else "UPDATE",
        TemplateBody=template,
        Parameters=_parameters(cloudformation, template, parameters or {}, keeps),
        Tags=[{"Key": key, "Value": value} for key, value in (tags or {}).items()],
        Capabilities=list(capabilities),
    )
    answer = _made(cloudformation, created["Id"], watch)
    reason = answer.get("StatusReason", "")
    if answer["Status"] == "FAILED" and not any(words in reason for words in _NO_CHANGES):
        _take_back(cloudformation, created, made_the_stack=stack is None)
        raise StackFailed(
            f"The change set for {stack_name} cannot be made: {reason}{_hint(reason)}",
            stack_name=stack_name,
            status=answer["ExecutionStatus"],
        )
    if answer["Status"] == "FAILED":
        _take_back(cloudformation, created, made_the_stack=False)
    planned = describe(cloudformation, created["StackId"])
    assert planned is not None, "a change set has a stack"
    return ChangeSet(created["Id"], planned, _changes(cloudformation, answer))


def execute(
    cloudformation: Any, change_set: ChangeSet, *, timeout_s: float = 1800, watch: Watch = silent
) -> Stack:
    """Do what a change set says and return the stack; one without changes changes nothing.

    Raises:
        StackFailed: It settled in another state than success; carries the first cause.
        WaitTimedOut: It did not settle in `timeout_s`.
    """
    if not change_set.changes and change_set.stack.status != NEW:
        return change_set.stack
    stack = change_set.stack
    known = events(cloudformation, stack.id)
    cloudformation.execute_change_set(ChangeSetName=change_set.id)
    after = known[-1] if known else None
    stack = settled(cloudformation, stack, after, timeout_s=timeout_s, watch=watch)
    if stack.status in SUCCESS:
        return stack
    raise unusable(cloudformation, stack)


def deploy(
    cloudformation: Any,
    stack_name: str,
    template: str,
    *,
    parameters: Mapping[str, str] | None = None,
    tags: Mapping[str, str] | None = None,
    capabilities: Sequence[str] = (),
    timeout_s: float = 1800,
    watch: Watch = silent,
) -> Stack:
    """Create or update a stack by a change set, and return it once that succeeded.

    The watcher gets each change before it is made, then each event. A stack that is as the
    template wants it stays as it is. Arguments and errors are those of `plan` and `execute`.
    """
    change_set = plan(
        cloudformation,
        stack_name,
        template,
        parameters=parameters,
        tags=tags,
        capabilities=capabilities,
    )
    for change in change_set.changes:
        watch(change)
    return execute(cloudformation, change_set, timeout_s=timeout_s, watch=watch)


def _parameters(
    cloudformation: Any, template: str, chosen: Mapping[str, str], keeps: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return the parameters of a change set: what is chosen, and else what the stack has."""
    given = [{"ParameterKey": key, "ParameterValue": value} for key, value in chosen.items()]
    left = keeps.keys() - chosen.keys()
    if not left:
        return given
    declared = cloudformation.validate_template(TemplateBody=template)["Parameters"]
    kept = [one["ParameterKey"] for one in declared if one["ParameterKey"] in left]
    return given + [{"ParameterKey": key, "UsePreviousValue": True} for key in kept]


def _made(cloudformation: Any, change_set_id: str, watch: Watch) -> dict[str, Any]:
    return until(
        lambda: cloudformation.describe_change_set(ChangeSetName=change_set_id),
        lambda answer: answer["Status"] not in {"CREATE_PENDING", "CREATE_IN_PROGRESS"},
        what="the change set",
        timeout_s=PLAN_TIMEOUT_S,
        watch=watch,
        describe=lambda answer: answer["Status"],
    )


def _changes(cloudformation: Any, answer: dict[str, Any]) -> tuple[Change, ...]:
    found = list(answer.get("Changes", []))
    while token := answer.get("NextToken"):
        answer = cloudformation.describe_change_set(
            ChangeSetName=answer["ChangeSetId"], NextToken=token
        )
        found += answer.get("Changes", [])
    return tuple(_change(one["ResourceChange"]) for one in found if "ResourceChange" in one)


def _change(answer: dict[str, Any]) -> Change:
    targets = [detail.get("Target", {}) for detail in answer.get("Details", [])]
    causes = [target.get("Name") or target.get("Attribute", "") for target in targets]
    return Change(
        action=answer["Action"],
        logical_id=answer["LogicalResourceId"],
        type=answer["ResourceType"],
        physical_id=answer.get("PhysicalResourceId", ""),
        replacement=answer.get("Replacement", ""),
        because_of=tuple(dict.fromkeys(filter(None, causes))),
    )


def _take_back(cloudformation: Any, created: dict[str, Any], *, made_the_stack: bool) -> None:
    """Delete a change set that is of no use, and the empty stack that it was made for."""
    if made_the_stack:
        cloudformation.delete_stack(StackName=created["StackId"])
    else:
        cloudformation.delete_change_set(ChangeSetName=created["Id"])


def _hint(reason: str) -> str:
    idea = hint(reason)
    return f" Hint: {idea}" if idea else ""
