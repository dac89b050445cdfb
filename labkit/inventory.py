"""What a stack of the lab holds, asked of AWS, and whether each thing is still there."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

import boto3
from botocore.exceptions import ClientError

from labkit import second_subnet, stacks
from labkit.stacks import Stack

# type: (operation of EC2, key of its answer, name of its filter)
BY_FILTER = {
    "AWS::EC2::VPC": ("describe_vpcs", "Vpcs", "vpc-id"),
    "AWS::EC2::Subnet": ("describe_subnets", "Subnets", "subnet-id"),
    "AWS::EC2::RouteTable": ("describe_route_tables", "RouteTables", "route-table-id"),
    "AWS::EC2::SecurityGroup": ("describe_security_groups", "SecurityGroups", "group-id"),
    "AWS::EC2::VPCEndpoint": ("describe_vpc_endpoints", "VpcEndpoints", "vpc-endpoint-id"),
    "AWS::EC2::NetworkInterface": (
        "describe_network_interfaces",
        "NetworkInterfaces",
        "network-interface-id",
    ),
}
ClientOf = Callable[[str], Any]
MISSING = {
    "404", "InvalidNetworkAclID.NotFound", "NoSuchBucket", "NoSuchEntity",
    "ResourceNotFoundException",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Resource:
    """One thing of a stack; `status` is CloudFormation's word for it."""

    logical_id: str
    type: str
    physical_id: str
    status: str


@dataclass(frozen=True, slots=True)
class Foreign:
    """Something in the VPC that the stack did not make, so that its deletion will not take it."""

    kind: str
    id: str
    description: str

    def __str__(self) -> str:
        return f"{self.kind} {self.id} ({self.description})"


@dataclass(frozen=True, slots=True)
class Inventory:
    """What there was of a stack when it was asked for; empty if there is no such stack.

    Attributes:
        prefix: The stack's name.
        stack: The stack, in whatever state.
        resources: What it holds, and what its add-ons do.
        flow_log_ids: Every flow log in its VPC, the learner's own too.
        foreign: What else is in its VPC.
        add_ons: The stacks that stand in its VPC and have to go first.
    """

    prefix: str
    stack: Stack | None
    resources: tuple[Resource, ...]
    flow_log_ids: tuple[str, ...]
    foreign: tuple[Foreign, ...]
    add_ons: tuple[Stack, ...] = ()

    def ids(self, type_: str) -> tuple[str, ...]:
        """Return the physical ids of all resources of a type, e.g. "AWS::EC2::VPC"."""
        return tuple(one.physical_id for one in self.resources if one.type == type_)

    @property
    def bucket(self) -> str | None:
        """The bucket with the records."""
        return next(iter(self.ids("AWS::S3::Bucket")), None)

    @property
    def vpc_id(self) -> str | None:
        """The VPC."""
        return next(iter(self.ids("AWS::EC2::VPC")), None)

    def __str__(self) -> str:
        if self.stack is None:
            return f"There is no stack {self.prefix}: nothing to remove."
        lines = [f"{one.name}: {one.status}" for one in (self.stack, *self.add_ons)]
        lines += [f"{one.logical_id}: {one.type} {one.physical_id}" for one in self.resources]
        return "\n".join([*lines, *map(str, self.foreign)])

    def _repr_html_(self) -> str:
        if self.stack is None:
            return f"<p>{html.escape(str(self))}</p>"
        rows = [(one.logical_id, one.type, one.physical_id) for one in self.resources]
        rows += [("not of the stack", one.kind, one.id) for one in self.foreign]
        return table(("name in the template", "type", "id"), rows)


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return an HTML table of texts."""
    lines = ["".join(f"<th style='text-align:left'>{html.escape(text)}</th>" for text in head)]
    lines += [
        "".join(f"<td style='text-align:left'>{html.escape(text)}</td>" for text in row)
        for row in rows
    ]
    return f"<table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def take(aws: boto3.Session, prefix: str) -> Inventory:
    """Return what the stack of that name holds; whose it is has not been looked at."""
    cloudformation = aws.client("cloudformation")
    stack = stacks.describe(cloudformation, prefix)
    if stack is None or stack.status == "DELETE_COMPLETE":
        return Inventory(prefix, None, (), (), ())
    add_ons = tuple(second_subnet.add_ons(cloudformation, stack.name))
    resources = tuple(
        resource for one in (stack, *add_ons) for resource in _resources(cloudformation, one)
    )
    found = Inventory(prefix, stack, resources, (), (), add_ons)
    ec2 = aws.client("ec2")
    interfaces = _interfaces(ec2, found.vpc_id)
    return replace(
        found, flow_log_ids=_flow_logs(ec2, found, interfaces), foreign=foreign(ec2, found)
    )


def _resources(cloudformation: Any, stack: Stack) -> list[Resource]:
    answers = cloudformation.describe_stack_resources(StackName=stack.id)["StackResources"]
    return [
        Resource(
            one["LogicalResourceId"],
            one["ResourceType"],
            one["PhysicalResourceId"],
            one["ResourceStatus"],
        )
        for one in answers
        if one.get("PhysicalResourceId") and one["ResourceStatus"] != "DELETE_COMPLETE"
    ]


def foreign(ec2: Any, inventory: Inventory) -> tuple[Foreign, ...]:
    """Return the interfaces, endpoints and security groups in the VPC that are not the stack's.

    GuardDuty Runtime Monitoring, for one, puts an endpoint and a security group into every VPC
    with instances. Source: docs.aws.amazon.com/guardduty/latest/ug/runtime-monitoring.html
    """
    if inventory.vpc_id is None:
        return ()
    in_vpc = [{"Name": "vpc-id", "Values": [inventory.vpc_id]}]
    ours = {one.physical_id for one in inventory.resources}
    groups = [
        Foreign("security group", one["GroupId"], one["GroupName"])
        for one in ec2.describe_security_groups(Filters=in_vpc)["SecurityGroups"]
        if one["GroupId"] not in ours and one["GroupName"] != "default"
    ]
    endpoints = ec2.describe_vpc_endpoints(Filters=in_vpc)["VpcEndpoints"]
    endpoints = [one for one in endpoints if one.get("State", "").lower() != "deleted"]
    through_endpoint = {
        interface_id for one in endpoints for interface_id in one.get("NetworkInterfaceIds", ())
    }
    strange_endpoints = [
        Foreign("endpoint", one["VpcEndpointId"], one["ServiceName"])
        for one in endpoints
        if one["VpcEndpointId"] not in ours
    ]
    interfaces = [
        Foreign("network interface", one["NetworkInterfaceId"], one.get("Description") or "-")
        for one in _interfaces(ec2, inventory.vpc_id)
        if one["NetworkInterfaceId"] not in ours | through_endpoint
        and one.get("Attachment", {}).get("InstanceId") not in ours
    ]
    return (*strange_endpoints, *interfaces, *groups)


def is_there(client: ClientOf, resource: Resource) -> bool | None:
    """Ask the service itself whether a resource is there.

    Args:
        client: Gives the client of a service, e.g. "ec2".
        resource: What to ask for.

    Returns:
        None if there is no way to ask for a thing of that type.
    """
    if resource.type in BY_FILTER:
        operation, key, name = BY_FILTER[resource.type]
        filters = [{"Name": name, "Values": [resource.physical_id]}]
        found = getattr(client("ec2"), operation)(Filters=filters)[key]
        return any(one.get("State") not in {"deleted", "Deleted"} for one in found)
    ask = BY_NAME.get(resource.type)
    return ask(client, resource.physical_id) if ask else None


def _interfaces(ec2: Any, vpc_id: str | None) -> list[dict[str, Any]]:
    if vpc_id is None:
        return []
    filters = [{"Name": "vpc-id", "Values": [vpc_id]}]
    return ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]


def _flow_logs(ec2: Any, inventory: Inventory, interfaces: list[dict[str, Any]]) -> tuple[str, ...]:
    """Return the ids of the flow logs on the VPC, its subnets and its network interfaces."""
    watched = [*inventory.ids("AWS::EC2::VPC"), *inventory.ids("AWS::EC2::Subnet")]
    watched += [one["NetworkInterfaceId"] for one in interfaces]
    ids = set(existing_flow_logs(ec2, "flow-log-id", inventory.ids("AWS::EC2::FlowLog")))
    return tuple(sorted(ids | set(existing_flow_logs(ec2, "resource-id", watched))))


def existing_flow_logs(ec2: Any, name: str, values: Iterable[str]) -> list[str]:
    """Return the ids of the flow logs that match a filter: "flow-log-id" or "resource-id"."""
    wanted = list(values)
    if not wanted:
        return []
    answer = ec2.describe_flow_logs(Filter=[{"Name": name, "Values": wanted}])
    return [one["FlowLogId"] for one in answer["FlowLogs"]]


def _instance(client: ClientOf, instance_id: str) -> bool:
    filters = [{"Name": "instance-id", "Values": [instance_id]}]
    answer = client("ec2").describe_instances(Filters=filters)
    instances = [one for reservation in answer["Reservations"] for one in reservation["Instances"]]
    return any(one["State"]["Name"] != "terminated" for one in instances)


def _log_group(client: ClientOf, name: str) -> bool:
    answer = client("logs").describe_log_groups(logGroupNamePrefix=name)
    return any(one["logGroupName"] == name for one in answer["logGroups"])


def _exists(ask: Callable[[], object]) -> bool:
    try:
        ask()
    except ClientError as error:
        if error.response["Error"]["Code"] in MISSING:
            return False
        raise
    return True


BY_NAME: dict[str, Callable[[ClientOf, str], bool]] = {
    "AWS::EC2::FlowLog": lambda client, id_: bool(
        existing_flow_logs(client("ec2"), "flow-log-id", [id_])
    ),
    "AWS::EC2::Instance": _instance,
    "AWS::EC2::NetworkAcl": lambda client, id_: _exists(
        lambda: client("ec2").describe_network_acls(NetworkAclIds=[id_])
    ),
    "AWS::Logs::LogGroup": _log_group,
    "AWS::S3::Bucket": lambda client, name: _exists(lambda: client("s3").head_bucket(Bucket=name)),
    "AWS::IAM::Role": lambda client, name: _exists(lambda: client("iam").get_role(RoleName=name)),
    "AWS::IAM::InstanceProfile": lambda client, name: _exists(
        lambda: client("iam").get_instance_profile(InstanceProfileName=name)
    ),
}
