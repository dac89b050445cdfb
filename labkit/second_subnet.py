"""The add-on of notebook 06: a second subnet in the lab's VPC, as a stack of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from labkit import stacks
from labkit.errors import LabError
from labkit.stacks import Stack

TEMPLATE = Path(__file__).parent.parent / "cfn" / "second-subnet.yaml"
"""The add-on's template."""

ENDING = "-second-subnet"

LAB_STACK = "LabStackName"
"""The parameter by which an add-on says whose it is."""


def stack_name(lab_stack: str) -> str:
    """Return what the add-on of a stack is called."""
    return f"{lab_stack}{ENDING}"


def parameters(ec2: Any, lab: Stack) -> dict[str, str]:
    """Return the template's parameters, each found by asking EC2 about the lab's stack.

    Args:
        ec2: The client.
        lab: The stack that cfn/lab.yaml made.

    Raises:
        LabError: A part of that stack, whose like the add-on needs, was removed by hand.
    """
    outputs = lab.outputs
    subnet = ec2.describe_subnets(SubnetIds=[outputs["PrivateSubnetId"]])["Subnets"][0]
    found = ec2.describe_instances(InstanceIds=[outputs["Instance1Id"]])["Reservations"]
    endpoints = ec2.describe_vpc_endpoints(
        Filters=[{"Name": "vpc-id", "Values": [outputs["VpcId"]]}]
    )["VpcEndpoints"]
    ssm = next((one for one in endpoints if one["ServiceName"].endswith(".ssm")), None)
    if ssm is None:
        raise _removed(lab, "the ssm endpoint")
    to_s3, to_logs = (
        _flow_log(ec2, lab, name) for name in ("FlowLogToS3Id", "FlowLogToCloudWatchLogsId")
    )
    return {
        LAB_STACK: lab.name,
        "Owner": lab.parameters["Owner"],
        "RunId": lab.parameters["RunId"],
        "VpcId": outputs["VpcId"],
        "LabSubnetCidr": subnet["CidrBlock"],
        "AvailabilityZone": subnet["AvailabilityZone"],
        "EndpointSecurityGroupId": ssm["Groups"][0]["GroupId"],
        "InstanceProfileName": _profile_name(found[0]["Instances"][0]),
        "FlowLogBucketArn": to_s3["LogDestination"],
        "FlowLogGroupName": to_logs["LogGroupName"],
        "DeliverLogRoleArn": to_logs["DeliverLogsPermissionArn"],
        "MaxAggregationInterval": str(to_logs["MaxAggregationInterval"]),
    }


def add_ons(cloudformation: Any, lab_stack: str) -> list[Stack]:
    """Return the add-ons of a stack that are still there, in whatever state.

    One that only waits for its change set to be executed has no parameters yet, but its name.
    """
    return [
        stack
        for stack in stacks.every(cloudformation)
        if lab_stack in (stack.parameters.get(LAB_STACK), _lab_of(stack.name))
        and stack.status != "DELETE_COMPLETE"
    ]


def _lab_of(add_on: str) -> str | None:
    return add_on.removesuffix(ENDING) if add_on.endswith(ENDING) else None


def _flow_log(ec2: Any, lab: Stack, output: str) -> dict[str, Any]:
    wanted = [{"Name": "flow-log-id", "Values": [lab.outputs[output]]}]
    found = ec2.describe_flow_logs(Filters=wanted)["FlowLogs"]
    if not found:
        raise _removed(lab, f"the flow log {lab.outputs[output]} ({output.removesuffix('Id')})")
    return found[0]


def _removed(lab: Stack, what: str) -> LabError:
    return LabError(
        f"Of the stack {lab.name}, {what} is gone: run 99_clean_up, then 01_deploy again."
    )


def _profile_name(instance: dict[str, Any]) -> str:
    return instance["IamInstanceProfile"]["Arn"].rpartition("/")[2]
