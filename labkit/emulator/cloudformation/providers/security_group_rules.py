"""Rules of security groups, as templates write them and as the API takes them."""

from __future__ import annotations

from typing import Any

from labkit.emulator.cloudformation.providers.provider import (
    Attributes,
    Context,
    HandlerError,
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


def permission(rule: Properties) -> dict[str, Any]:
    """Return a rule of a template as the API takes it.

    Raises:
        HandlerError: it has a property that is not honored.
    """
    foreign = sorted(rule.keys() - {*_RULE, *_PEERS})
    if foreign:
        raise HandlerError(f"The emulator does not honor {foreign} of a rule.", "InvalidRequest")
    result = {name: rule[name] for name in ("IpProtocol", "FromPort", "ToPort") if name in rule}
    result["IpProtocol"] = str(result["IpProtocol"])
    described = {"Description": rule["Description"]} if "Description" in rule else {}
    for name, (kind, key) in _PEERS.items():
        if name in rule:
            result[kind] = [{key: rule[name], **described}]
    return result


class _RuleOfItsOwn(Provider):
    """A rule that is a resource; `direction` is the end of the API's operations."""

    attributes = ("Id",)
    in_place = frozenset({"Description"})
    direction: str

    def create(self, context: Context, properties: Properties) -> Attributes:
        authorize = getattr(context.client("ec2"), f"authorize_security_group_{self.direction}")
        rules = authorize(GroupId=properties["GroupId"], IpPermissions=[permission(properties)])[
            "SecurityGroupRules"
        ]
        context.exists(rules[0]["SecurityGroupRuleId"])
        return {"Id": rules[0]["SecurityGroupRuleId"]}

    def update(
        self, context: Context, physical_id: str, old: Properties, new: Properties
    ) -> Attributes:
        describe = getattr(
            context.client("ec2"), f"update_security_group_rule_descriptions_{self.direction}"
        )
        described = {"Description": "", **new}  # none takes the old one away
        describe(GroupId=new["GroupId"], IpPermissions=[permission(described)])
        return {"Id": physical_id}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        revoke = getattr(context.client("ec2"), f"revoke_security_group_{self.direction}")
        revoke(GroupId=properties["GroupId"], IpPermissions=[permission(properties)])


class SecurityGroupIngress(_RuleOfItsOwn):
    type = "AWS::EC2::SecurityGroupIngress"
    honors = (*_RULE, "SourcePrefixListId", "SourceSecurityGroupId")
    direction = "ingress"


class SecurityGroupEgress(_RuleOfItsOwn):
    type = "AWS::EC2::SecurityGroupEgress"
    honors = (*_RULE, "DestinationPrefixListId", "DestinationSecurityGroupId")
    direction = "egress"
