"""VPCs, and what comes with one."""

from __future__ import annotations

from typing import Any

from labkit.emulator.cloudformation.providers.provider import (
    Attributes,
    Context,
    Properties,
    Provider,
    picked,
)
from labkit.emulator.cloudformation.providers.tags import retag

_DNS = {"EnableDnsSupport": True, "EnableDnsHostnames": False}
"""The attributes that a VPC has, in the order to set them, and how they are in a new one."""


class Vpc(Provider):
    type = "AWS::EC2::VPC"
    honors = ("CidrBlock", "EnableDnsHostnames", "EnableDnsSupport", "InstanceTenancy", "Tags")
    attributes = ("VpcId", "CidrBlock", "DefaultNetworkAcl", "DefaultSecurityGroup")
    in_place = frozenset({"EnableDnsHostnames", "EnableDnsSupport", "Tags"})

    def create(self, context: Context, properties: Properties) -> Attributes:
        ec2 = context.client("ec2")
        vpc_id = ec2.create_vpc(
            **picked(properties, "CidrBlock", "InstanceTenancy"),
            TagSpecifications=context.tag_specifications("vpc", properties),
        )["Vpc"]["VpcId"]
        context.exists(vpc_id)
        _set_dns(ec2, vpc_id, {name: properties[name] for name in _DNS if name in properties})
        return _attributes(ec2, vpc_id, properties)

    def update(
        self, context: Context, physical_id: str, old: Properties, new: Properties
    ) -> Attributes:
        ec2 = context.client("ec2")
        _set_dns(ec2, physical_id, {name: new.get(name, _DNS[name]) for name in _DNS})
        retag(ec2, physical_id, old, new)
        return _attributes(ec2, physical_id, new)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("ec2").delete_vpc(VpcId=physical_id)


def _set_dns(ec2: Any, vpc_id: str, values: dict[str, bool]) -> None:
    for name, value in values.items():  # one attribute a call
        ec2.modify_vpc_attribute(VpcId=vpc_id, **{name: {"Value": value}})


def _attributes(ec2: Any, vpc_id: str, properties: Properties) -> Attributes:
    return {
        "VpcId": vpc_id,
        "CidrBlock": properties["CidrBlock"],
        "DefaultNetworkAcl": lambda: default_acl(ec2, vpc_id),
        "DefaultSecurityGroup": lambda: default_group(ec2, vpc_id),
    }


def default_vpc(ec2: Any) -> str | None:
    """Return the id of the Region's default VPC, if it has one."""
    filters = [{"Name": "is-default", "Values": ["true"]}]
    found = ec2.describe_vpcs(Filters=filters)["Vpcs"]
    return found[0]["VpcId"] if found else None


def default_acl(ec2: Any, vpc_id: str) -> str:
    """Return the id of a VPC's default network ACL."""
    filters = _of_vpc(vpc_id, "default", "true")
    return ec2.describe_network_acls(Filters=filters)["NetworkAcls"][0]["NetworkAclId"]


def default_group(ec2: Any, vpc_id: str) -> str:
    """Return the id of a VPC's default security group."""
    filters = _of_vpc(vpc_id, "group-name", "default")
    return ec2.describe_security_groups(Filters=filters)["SecurityGroups"][0]["GroupId"]


def _of_vpc(vpc_id: str, name: str, value: str) -> list[dict[str, Any]]:
    return [{"Name": "vpc-id", "Values": [vpc_id]}, {"Name": name, "Values": [value]}]
