"""What there is in the account and Region, as parameters and rules ask for it.

Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/
cloudformation-supplied-parameter-types.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from labkit.emulator.cloudformation.validation import format_error
from labkit.emulator.upstream import Clients


@dataclass(frozen=True, slots=True)
class _Kind:
    """How one type is looked up: an operation of EC2, where its answer is, and the filter."""

    operation: str
    items: str
    key: str
    filter: str


_KINDS = {
    "AWS::EC2::AvailabilityZone::Name": _Kind(
        "describe_availability_zones", "AvailabilityZones", "ZoneName", "zone-name"
    ),
    "AWS::EC2::Image::Id": _Kind("describe_images", "Images", "ImageId", "image-id"),
    "AWS::EC2::Instance::Id": _Kind(
        "describe_instances", "Reservations", "InstanceId", "instance-id"
    ),
    "AWS::EC2::KeyPair::KeyName": _Kind("describe_key_pairs", "KeyPairs", "KeyName", "key-name"),
    "AWS::EC2::SecurityGroup::GroupName": _Kind(
        "describe_security_groups", "SecurityGroups", "GroupName", "group-name"
    ),
    "AWS::EC2::SecurityGroup::Id": _Kind(
        "describe_security_groups", "SecurityGroups", "GroupId", "group-id"
    ),
    "AWS::EC2::Subnet::Id": _Kind("describe_subnets", "Subnets", "SubnetId", "subnet-id"),
    "AWS::EC2::VPC::Id": _Kind("describe_vpcs", "Vpcs", "VpcId", "vpc-id"),
    "AWS::EC2::Volume::Id": _Kind("describe_volumes", "Volumes", "VolumeId", "volume-id"),
}


class Account:
    """Looks things up by the ordinary API.

    Args:
        outer: clients through the gateway.
        region: where to look.
    """

    def __init__(self, outer: Clients, region: str):
        self._outer = outer
        self._region = region

    def exists(self, kind: str, value: str) -> bool:
        """Return whether there is a thing of a parameter type, by its value."""
        return bool(value) and bool(self._find(kind, value))

    def every(self, kind: str) -> list[str]:
        """Return all things of a parameter type."""
        return [item[_kind(kind).key] for item in self._find(kind)]

    def attribute(self, kind: str, value: str, name: str) -> str:
        """Return what a thing has under a name, such as VpcId or Tags.Department; else nothing.

        Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/
        intrinsic-function-reference-rules.html (Supported attributes)
        """
        found = self._find(kind, value)
        if not found:
            return ""
        if name.startswith("Tags."):
            tags = {tag["Key"]: tag["Value"] for tag in found[0].get("Tags", [])}
            return tags.get(name.removeprefix("Tags."), "")
        if name in ("DefaultNetworkAcl", "DefaultSecurityGroup"):
            return self._default_of_vpc(value, name)
        if name not in ("AvailabilityZone", "VpcId"):
            raise format_error(f"The emulator does not emulate the attribute {name} in Rules.")
        return found[0].get(name, "")

    def _default_of_vpc(self, vpc_id: str, name: str) -> str:
        ec2 = self._outer("ec2", self._region)
        of_vpc = {"Name": "vpc-id", "Values": [vpc_id]}
        if name == "DefaultNetworkAcl":
            filters = [of_vpc, {"Name": "default", "Values": ["true"]}]
            return ec2.describe_network_acls(Filters=filters)["NetworkAcls"][0]["NetworkAclId"]
        filters = [of_vpc, {"Name": "group-name", "Values": ["default"]}]
        return ec2.describe_security_groups(Filters=filters)["SecurityGroups"][0]["GroupId"]

    def _find(self, kind: str, value: str | None = None) -> list[dict[str, Any]]:
        how = _kind(kind)
        filters = [] if value is None else [{"Name": how.filter, "Values": [value]}]
        try:
            look = getattr(self._outer("ec2", self._region), how.operation)
            answer = look(**({"Filters": filters} if filters else {}))
        except ClientError as error:
            if error.response["Error"]["Code"].endswith((".NotFound", ".Malformed")):
                return []
            raise
        items = answer[how.items]
        if how.items == "Reservations":
            return [instance for item in items for instance in item["Instances"]]
        return items


def _kind(name: str) -> _Kind:
    if name not in _KINDS:
        raise format_error(f"{name} is not a type whose values can be looked up.")
    return _KINDS[name]
