"""What a template can ask of the place where its stack is made."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError, ParamValidationError

from labkit.emulator.cloudformation.intrinsics import NO_VALUE
from labkit.emulator.cloudformation.validation import ValidationError
from labkit.emulator.operations import Call
from labkit.emulator.upstream import Clients


def stack_id(call: Call, name: str, partition: str) -> str:
    """Return a fresh id for a stack of that name: an ARN."""
    place = f"arn:{partition}:cloudformation:{call.region}:{call.account_id}"
    return f"{place}:stack/{name}/{uuid.uuid4()}"


def nested_stack_id(parent: str, name: str) -> str:
    """Return a fresh id for a stack below the one with the id `parent`."""
    return f"{parent.partition(':stack/')[0]}:stack/{name}/{uuid.uuid4()}"


def pseudo_parameters(arn: str) -> dict[str, Any]:
    """Return the pseudo parameters of the stack with this id.

    Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/ (pseudo-parameter-reference)
    """
    _, partition, _, region, account_id, path = arn.split(":", 5)
    return {
        "AWS::AccountId": account_id,
        "AWS::NoValue": NO_VALUE,
        "AWS::NotificationARNs": [],
        "AWS::Partition": partition,
        "AWS::Region": region,
        "AWS::StackId": arn,
        "AWS::StackName": path.split("/")[1],
        "AWS::URLSuffix": "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com",
    }


def parameter_store(outer: Clients, region: str) -> Callable[[str], str]:
    """Return what fetches the values for parameters of the type AWS::SSM::Parameter::Value.

    Dynamic references are fetched by it, too: by `name` or `name:version`.
    """

    def fetch(name: str) -> str:
        try:
            found = outer("ssm", region).get_parameter(Name=name)["Parameter"]
        except (ClientError, ParamValidationError) as error:
            raise ValidationError(
                f"Unable to fetch parameters [{name}] from parameter store for this account."
            ) from error
        if found["Type"] == "SecureString":
            raise ValidationError(
                f"Parameters [{name}] referenced by template have types not supported by "
                "CloudFormation."
            )
        return found["Value"]

    return fetch


def zones(outer: Clients, region: str) -> list[str]:
    """Return the names of the Availability Zones of a Region."""
    available = [{"Name": "state", "Values": ["available"]}]
    found = outer("ec2", region).describe_availability_zones(Filters=available)
    return sorted(zone["ZoneName"] for zone in found["AvailabilityZones"])


def change_set_id(stack_arn: str, name: str) -> str:
    """Return a fresh id for a change set of that name: an ARN beside the stack's."""
    return f"{stack_arn.partition(':stack/')[0]}:changeSet/{name}/{uuid.uuid4()}"
