"""Security groups."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from labkit.emulator.cloudformation.providers.provider import (
    Attributes,
    Context,
    HandlerError,
    Properties,
    Provider,
)
from labkit.emulator.cloudformation.providers.security_group_rules import permission
from labkit.emulator.cloudformation.providers.tags import retag
from labkit.emulator.cloudformation.providers.vpc import default_vpc

_EVERYTHING = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
"""The outbound rule of a group for which nothing else is said."""

Rules = list[dict[str, Any]]


class SecurityGroup(Provider):
    type = "AWS::EC2::SecurityGroup"
    honors = (
        "GroupDescription",
        "GroupName",
        "SecurityGroupEgress",
        "SecurityGroupIngress",
        "Tags",
        "VpcId",
    )
    attributes = ("GroupId", "Id", "VpcId")
    in_place = frozenset({"SecurityGroupEgress", "SecurityGroupIngress", "Tags"})

    def create(self, context: Context, properties: Properties) -> Attributes:
        ec2 = context.client("ec2")
        ingress, egress = _ingress(properties), _egress(properties)
        vpc_id = properties.get("VpcId") or default_vpc(ec2)
        if vpc_id is None:
            raise HandlerError("No default VPC for this user", "InvalidRequest")
        group_id = ec2.create_security_group(
            GroupName=properties.get("GroupName") or context.name(255),
            Description=properties["GroupDescription"],
            VpcId=vpc_id,
            TagSpecifications=context.tag_specifications("security-group", properties),
        )["GroupId"]
        context.exists(group_id)
        if ingress:
            ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=ingress)
        if egress != [_EVERYTHING]:  # which a new group has
            ec2.revoke_security_group_egress(GroupId=group_id, IpPermissions=[_EVERYTHING])
            ec2.authorize_security_group_egress(GroupId=group_id, IpPermissions=egress)
        return _attributes(group_id, vpc_id)

    def update(
        self, context: Context, physical_id: str, old: Properties, new: Properties
    ) -> Attributes:
        ec2 = context.client("ec2")
        _change(ec2, "ingress", physical_id, _ingress(old), _ingress(new))
        _change(ec2, "egress", physical_id, _egress(old), _egress(new))
        retag(ec2, physical_id, old, new)
        groups = ec2.describe_security_groups(GroupIds=[physical_id])["SecurityGroups"]
        return _attributes(physical_id, groups[0]["VpcId"])

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("ec2").delete_security_group(GroupId=physical_id)


def _attributes(group_id: str, vpc_id: str) -> Attributes:
    return {"GroupId": group_id, "Id": group_id, "VpcId": vpc_id}


def _ingress(properties: Properties) -> Rules:
    return [permission(rule) for rule in properties.get("SecurityGroupIngress", [])]


def _egress(properties: Properties) -> Rules:
    rules = [permission(rule) for rule in properties.get("SecurityGroupEgress", [])]
    return rules or [_EVERYTHING]


def _change(ec2: Any, direction: str, group_id: str, old: Rules, new: Rules) -> None:
    """Take off the rules that are no longer wanted, then add those that are new.

    Asked to take back a change that failed, it may find some done already: those are passed over.
    """
    for verb, wanted, others, done in (
        ("revoke", old, new, "InvalidPermission.NotFound"),
        ("authorize", new, old, "InvalidPermission.Duplicate"),
    ):
        for rule in wanted:
            if rule not in others:
                _do(ec2, f"{verb}_security_group_{direction}", group_id, rule, done)


def _do(ec2: Any, operation: str, group_id: str, rule: dict[str, Any], done: str) -> None:
    try:
        getattr(ec2, operation)(GroupId=group_id, IpPermissions=[rule])
    except ClientError as error:
        if error.response["Error"]["Code"] != done:
            raise
