"""Deletions that AWS refuses while something depends on what is to go, and moto does not."""

from __future__ import annotations

from typing import Any

from botocore import xform_name

from labkit.emulator.ec2.guards import require_one_of
from labkit.emulator.ec2.internet_gateways import attached
from labkit.emulator.operations import Call, Operation, Operations
from labkit.emulator.refusal import ServiceError
from labkit.emulator.upstream import Clients


class Dependencies:
    """DeleteSubnet, DeleteSecurityGroup and DeleteVpc with AWS's DependencyViolation."""

    def __init__(self, inner: Clients):
        self._inner = inner

    def operations(self) -> Operations:
        return {
            ("ec2", "DeleteSubnet"): self._guarded(_hold_subnet),
            ("ec2", "DeleteSecurityGroup"): self._guarded(_hold_security_group),
            ("ec2", "DeleteVpc"): self._guarded(_hold_vpc),
        }

    def _guarded(self, hold: Any) -> Operation:
        def delete(call: Call) -> dict[str, Any]:
            ec2 = self._inner("ec2", call.region)
            hold(ec2, call.parameters)
            answer = getattr(ec2, xform_name(call.operation))(**call.parameters)
            answer.pop("ResponseMetadata")
            return answer

        return delete


def _interfaces(ec2: Any, name: str, value: str) -> list[dict[str, Any]]:
    filters = [{"Name": name, "Values": [value]}]
    return ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]


def _hold_subnet(ec2: Any, asked: dict[str, Any]) -> None:
    if _interfaces(ec2, "subnet-id", asked["SubnetId"]):
        raise ServiceError(
            "DependencyViolation",
            f"The subnet '{asked['SubnetId']}' has dependencies and cannot be deleted.",
        )


def _hold_security_group(ec2: Any, asked: dict[str, Any]) -> None:
    require_one_of(asked, ("GroupId", "GroupName"))
    group_id = asked.get("GroupId")
    if group_id is None:
        return  # by name: the default VPC's groups, which moto finds
    used = _interfaces(ec2, "group-id", group_id) or [
        group
        for group in ec2.describe_security_groups()["SecurityGroups"]
        if group["GroupId"] != group_id and group_id in _referenced(group)
    ]
    if used:
        raise ServiceError("DependencyViolation", f"resource {group_id} has a dependent object")


def _referenced(group: dict[str, Any]) -> set[str]:
    permissions = [*group["IpPermissions"], *group["IpPermissionsEgress"]]
    return {pair["GroupId"] for item in permissions for pair in item["UserIdGroupPairs"]}


def _hold_vpc(ec2: Any, asked: dict[str, Any]) -> None:
    filters = [{"Name": "vpc-id", "Values": [asked["VpcId"]]}]
    groups = ec2.describe_security_groups(Filters=filters)["SecurityGroups"]
    acls = ec2.describe_network_acls(Filters=filters)["NetworkAcls"]
    if (
        [group for group in groups if group["GroupName"] != "default"]
        or [acl for acl in acls if not acl["IsDefault"]]
        or attached(ec2, asked["VpcId"])
    ):
        raise ServiceError(
            "DependencyViolation",
            f"The vpc '{asked['VpcId']}' has dependencies and cannot be deleted.",
        )
