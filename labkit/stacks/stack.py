"""A CloudFormation stack as AWS describes it: its outputs, its parameters, its resources.

The lab's stack is called as the notebooks' `prefix`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from botocore.exceptions import ClientError

from labkit.errors import StackMissing

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
            raise missing(cloudformation, stack_name) from None
        raise
    columns = ["LogicalResourceId", "ResourceType", "PhysicalResourceId", "ResourceStatus"]
    return pd.DataFrame(answer, columns=columns)


def missing(cloudformation: Any, stack_name: str) -> StackMissing:
    """Return the error that says so, with the lab's stacks that do exist."""
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
