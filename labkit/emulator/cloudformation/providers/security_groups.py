"""Security groups, and their rules where a template writes them as resources of their own."""

from __future__ import annotations

from typing import Any

from labkit.emulator.cloudformation.providers.provider import (
    Attributes,
    Context,
    Properties,
    Provider,
)

_PEERS = {
    "CidrIp": ("IpRanges", "CidrIp"),
    "CidrIpv6": ("Ipv6Ranges", "CidrIpv6"),
    "SourcePrefixListId": ("PrefixListIds", "PrefixListId"),
    "DestinationPrefixListId": ("PrefixListIds", "PrefixListId"),
    "SourceSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
    "DestinationSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
}
"""The property that names the other side -> where an IpPermission of the API has it."""

_RULE = ("CidrIp", "CidrIpv6", "Description", "FromPort", "GroupId", "IpProtocol", "ToPort")
_EVERYTHING = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}


def permission(rule: Properties) -> dict[str, Any]:
    """Return a rule of a template as the API takes it."""
    result = {name: rule[name] for name in ("IpProtocol", "FromPort", "ToPort") if name in rule}
    described = {"Description": rule["Description"]} if "Description" in rule else {}
    for name, (kind, key) in _PEERS.items():
        if name in rule:
            result[kind] = [{key: rule[name], **described}]
    return result


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

    def create(self, context: Context, properties: Properties) -> Attributes:
        ec2 = context.client("ec2")
        group_id = ec2.create_security_group(
            GroupName=properties.get("GroupName") or context.name(255),
            Description=properties["GroupDescription"],
            VpcId=properties["VpcId"],
            TagSpecifications=context.tag_specifications("security-group", properties),
        )["GroupId"]
        context.exists(group_id)
        ingress = [permission(rule) for rule in properties.get("SecurityGroupIngress", [])]
        egress = [permission(rule) for rule in properties.get("SecurityGroupEgress", [])]
        if ingress:
            ec2.authorize_security_group_ingress(GroupId=group_id, IpPermissions=ingress)
        if egress:  # they stand instead of the rule that a new group has
            ec2.revoke_security_group_egress(GroupId=group_id, IpPermissions=[_EVERYTHING])
            ec2.authorize_security_group_egress(GroupId=group_id, IpPermissions=egress)
        return {"GroupId": group_id, "Id": group_id, "VpcId": properties["VpcId"]}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("ec2").delete_security_group(GroupId=physical_id)


class SecurityGroupIngress(Provider):
    type = "AWS::EC2::SecurityGroupIngress"
    honors = (*_RULE, "SourcePrefixListId", "SourceSecurityGroupId")
    attributes = ("Id",)

    def create(self, context: Context, properties: Properties) -> Attributes:
        rules = context.client("ec2").authorize_security_group_ingress(
            GroupId=properties["GroupId"], IpPermissions=[permission(properties)]
        )["SecurityGroupRules"]
        context.exists(rules[0]["SecurityGroupRuleId"])
        return {"Id": rules[0]["SecurityGroupRuleId"]}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("ec2").revoke_security_group_ingress(
            GroupId=properties["GroupId"], IpPermissions=[permission(properties)]
        )


class SecurityGroupEgress(Provider):
    type = "AWS::EC2::SecurityGroupEgress"
    honors = (*_RULE, "DestinationPrefixListId", "DestinationSecurityGroupId")
    attributes = ("Id",)

    def create(self, context: Context, properties: Properties) -> Attributes:
        rules = context.client("ec2").authorize_security_group_egress(
            GroupId=properties["GroupId"], IpPermissions=[permission(properties)]
        )["SecurityGroupRules"]
        context.exists(rules[0]["SecurityGroupRuleId"])
        return {"Id": rules[0]["SecurityGroupRuleId"]}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("ec2").revoke_security_group_egress(
            GroupId=properties["GroupId"], IpPermissions=[permission(properties)]
        )
