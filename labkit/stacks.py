"""A CloudFormation stack: find it, follow its events, name the first cause, delete it.

The lab's stack is called as the notebooks' `prefix`. `create_stack` itself stays in sight, in the
notebook 01_deploy.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from botocore.exceptions import ClientError

from labkit.errors import StackFailed, StackMissing, StackNotOurs
from labkit.stack_events import Event, events, first_cause, what_stayed
from labkit.template import TEMPLATE, resource_text
from labkit.waiting import Watch, silent, until

__all__ = [
    "TEMPLATE", "Event", "Stack", "check_owner", "delete", "describe", "events", "every", "find",
    "first_cause", "follow", "lab_stacks", "look_for", "resource_text", "resources",
]  # fmt: skip

SUCCESS = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"}
USABLE = {*SUCCESS, "UPDATE_ROLLBACK_COMPLETE"}
GONE = "no longer known to CloudFormation"
LAB_PARAMETERS = {"Prefix", "Owner", "RunId", "AggregationInterval"}


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack as DescribeStacks tells it."""

    name: str
    id: str
    status: str
    outputs: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    reason: str = ""


def find(cloudformation: Any, stack_name: str) -> Stack:
    """Return a stack that is ready for use.

    Raises:
        StackMissing: There is none of that name; says which of the lab's stacks exist.
        StackFailed: It is there but of no use, e.g. ROLLBACK_COMPLETE; says what to do.
    """
    stack = describe(cloudformation, stack_name)
    if stack is None:
        raise _missing(cloudformation, stack_name)
    if stack.status in USABLE:
        return stack
    raise _unusable(cloudformation, stack)


def look_for(cloudformation: Any, stack_name: str, *, owner: str) -> Stack | None:
    """Return the stack of that name if it is ours and of use, or under way; None if there is none.

    Args:
        cloudformation: The client.
        stack_name: The name that is wanted for a stack.
        owner: Who wants it: the Arn of GetCallerIdentity.

    Raises:
        StackNotOurs: The name is taken by somebody else's stack.
        StackFailed: It is ours, but can only be deleted.
    """
    stack = describe(cloudformation, stack_name)
    if stack is None:
        return None
    check_owner(stack, owner)
    if stack.status in {*USABLE, "CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"}:
        return stack
    raise _unusable(cloudformation, stack)


def describe(cloudformation: Any, stack_name: str) -> Stack | None:
    """Return a stack in whatever state it is, by name or id; None if there is none."""
    try:
        answer = cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0]
    except ClientError as error:
        if _says_missing(error):
            return None
        raise
    return _stack(answer)


def every(cloudformation: Any) -> list[Stack]:
    """Return the stacks of this region, whoever made them."""
    pages = cloudformation.get_paginator("describe_stacks").paginate()
    return [_stack(answer) for page in pages for answer in page["Stacks"]]


def lab_stacks(cloudformation: Any) -> list[Stack]:
    """Return the stacks of this region that the lab's template made, whoever owns them."""
    return [one for one in every(cloudformation) if one.parameters.keys() >= LAB_PARAMETERS]


def check_owner(stack: Stack, arn: str) -> None:
    """Refuse a stack that is somebody else's, by its Owner tag.

    Args:
        stack: The stack to be used or deleted.
        arn: Who asks: the Arn of GetCallerIdentity.

    Raises:
        StackNotOurs: Another Owner, or none.
    """
    owner = stack.tags.get("Owner") or stack.parameters.get("Owner")
    if not owner:
        raise StackNotOurs(
            f"The stack {stack.name} has no Owner tag, so 01_deploy did not make it: choose "
            "another prefix, or delete that stack yourself if you know it to be yours."
        )
    if _person(owner) != _person(arn):
        raise StackNotOurs(
            f"The stack {stack.name} belongs to {owner}; you are {arn}. Choose another prefix."
        )


def follow(
    cloudformation: Any, stack_name: str, *, timeout_s: float = 1800, watch: Watch = silent
) -> Stack:
    """Return a stack once its creation or update succeeded; the watcher gets each event.

    May be called again on a stack that is under way or has settled.

    Raises:
        StackMissing: There is no such stack.
        StackFailed: It settled in another state; carries the first cause.
        WaitTimedOut: It did not settle in `timeout_s`.
    """
    begun = describe(cloudformation, stack_name)
    if begun is None:
        raise _missing(cloudformation, stack_name)
    stack = _settled(cloudformation, begun, None, timeout_s=timeout_s, watch=watch)
    if stack.status in SUCCESS:
        return stack
    raise _unusable(cloudformation, stack)


def delete(
    cloudformation: Any,
    stack_name: str,
    *,
    retain: Sequence[str] = (),
    timeout_s: float = 3600,
    watch: Watch = silent,
) -> None:
    """Delete a stack and wait until it is gone; no stack of that name is fine.

    Args:
        cloudformation: The client.
        stack_name: Its name or id.
        retain: Logical ids to leave alone; AWS allows that only for a stack in DELETE_FAILED.
        timeout_s: Seconds after which to give up.
        watch: Gets each event.

    Raises:
        StackFailed: DELETE_FAILED; names the resources that stayed, and why.
        WaitTimedOut: It was not gone in `timeout_s`.
    """
    stack = describe(cloudformation, stack_name)
    if stack is None or stack.status == "DELETE_COMPLETE":
        return
    known = events(cloudformation, stack.id)
    wish = {"RetainResources": list(retain)} if retain else {}
    cloudformation.delete_stack(StackName=stack.id, **wish)
    after = known[-1].id if known else None
    stack = _settled(cloudformation, stack, after, timeout_s=timeout_s, watch=watch)
    if stack.status != "DELETE_COMPLETE":
        raise _unusable(cloudformation, stack)


def resources(cloudformation: Any, stack_name: str) -> pd.DataFrame:
    """Return the resources of a stack, by AWS's names.

    Returns:
        Columns LogicalResourceId, ResourceType, PhysicalResourceId, ResourceStatus.

    Raises:
        StackMissing: There is no such stack.
    """
    try:
        answer = cloudformation.describe_stack_resources(StackName=stack_name)["StackResources"]
    except ClientError as error:
        if _says_missing(error):
            raise _missing(cloudformation, stack_name) from None
        raise
    columns = ["LogicalResourceId", "ResourceType", "PhysicalResourceId", "ResourceStatus"]
    return pd.DataFrame(answer, columns=columns)


def _settled(
    cloudformation: Any, stack: Stack, after: str | None, *, timeout_s: float, watch: Watch
) -> Stack:
    """Return the stack once no operation runs in it, telling the events that follow `after`."""
    known = after

    def look() -> Stack:
        nonlocal known
        # The state is read first: events that come between the two calls are told next time,
        # and none is missed at the end.
        now = describe(cloudformation, stack.id) or _gone(stack)
        if now.status == "DELETE_COMPLETE" and now.reason == GONE:
            return now
        for event in events(cloudformation, stack.id, after=known):
            known = event.id
            watch(event)
        return now

    def settled(now: Stack) -> bool:
        # Just after DeleteStack, DescribeStacks may still tell the state before it.
        fresh = known != after or now.status == "DELETE_COMPLETE"
        return fresh and not now.status.endswith("_IN_PROGRESS")

    return until(
        look,
        settled,
        what=f"the stack {stack.name} to settle",
        timeout_s=timeout_s,
        watch=watch,
        describe=lambda now: now.status,
    )


def _gone(stack: Stack) -> Stack:
    return Stack(stack.name, stack.id, "DELETE_COMPLETE", reason=GONE)


def _unusable(cloudformation: Any, stack: Stack) -> StackFailed:
    history = events(cloudformation, stack.id)
    cause = first_cause(history)
    why = f" First cause: {cause.logical_id} ({cause.type}): {cause.reason}" if cause else ""
    if stack.status == "DELETE_FAILED":
        why = f" What stayed: {what_stayed(history)}"
    message = f"The stack {stack.name} is in {stack.status}: {_advice(stack.status)}{why}"
    return StackFailed(message, stack_name=stack.name, status=stack.status, cause=cause)


def _advice(status: str) -> str:
    """Return what to do about a state.

    Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html
    """
    if status.endswith("_IN_PROGRESS"):
        return "wait until it has settled, then run this again."
    if status == "DELETE_FAILED":
        return "run 99_clean_up, which empties the bucket and tries again."
    if status == "DELETE_COMPLETE":
        return "it was deleted; run 01_deploy again."
    return "it can only be deleted; run 99_clean_up, then 01_deploy again."


def _missing(cloudformation: Any, stack_name: str) -> StackMissing:
    existing = tuple(stack.name for stack in lab_stacks(cloudformation))
    others = (
        f"The lab's stacks in this region are {', '.join(existing)}: is the prefix right?"
        if existing
        else "There is no stack of the lab in this region."
    )
    return StackMissing(
        f"There is no stack {stack_name}: run 01_deploy first. {others}",
        stack_name=stack_name,
        existing=existing,
    )


def _says_missing(error: ClientError) -> bool:
    answer = error.response["Error"]
    return answer["Code"] == "ValidationError" and "does not exist" in answer["Message"]


def _person(arn: str) -> str:
    """Return what stays the same of a caller's ARN from one sign-in to the next.

    The SDKs make up a session name from the clock, e.g. botocore-session-1760000000; a name of
    the identity provider's, e.g. an e-mail address, tells the people of one role apart.
    """
    return re.sub(r"(:assumed-role/.+)/[^/]*\d{9,}$", r"\1", arn)


def _stack(answer: dict[str, Any]) -> Stack:
    return Stack(
        name=answer["StackName"],
        id=answer["StackId"],
        status=answer["StackStatus"],
        outputs={one["OutputKey"]: one["OutputValue"] for one in answer.get("Outputs", [])},
        parameters={
            one["ParameterKey"]: one.get("ResolvedValue", one.get("ParameterValue", ""))
            for one in answer.get("Parameters", [])
        },
        tags={one["Key"]: one["Value"] for one in answer.get("Tags", [])},
        reason=answer.get("StackStatusReason", ""),
    )
