"""Network ACLs, their entries, and which subnet has which."""

from __future__ import annotations

from typing import Any

from labkit.emulator.cloudformation.providers.provider import (
    Attributes,
    Context,
    Properties,
    Provider,
    picked,
)
from labkit.emulator.cloudformation.providers.subnets import acl_association
from labkit.emulator.cloudformation.providers.tags import retag
from labkit.emulator.cloudformation.providers.vpc import default_acl


class NetworkAcl(Provider):
    type = "AWS::EC2::NetworkAcl"
    honors = ("Tags", "VpcId")
    attributes = ("Id",)
    in_place = frozenset({"Tags"})

    def create(self, context: Context, properties: Properties) -> Attributes:
        acl_id = context.client("ec2").create_network_acl(
            VpcId=properties["VpcId"],
            TagSpecifications=context.tag_specifications("network-acl", properties),
        )["NetworkAcl"]["NetworkAclId"]
        context.exists(acl_id)
        return {"Id": acl_id}

    def update(
        self, context: Context, physical_id: str, old: Properties, new: Properties
    ) -> Attributes:
        retag(context.client("ec2"), physical_id, old, new)
        return {"Id": physical_id}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("ec2").delete_network_acl(NetworkAclId=physical_id)


class NetworkAclEntry(Provider):
    type = "AWS::EC2::NetworkAclEntry"
    honors = (
        "CidrBlock",
        "Egress",
        "Icmp",
        "Ipv6CidrBlock",
        "NetworkAclId",
        "PortRange",
        "Protocol",
        "RuleAction",
        "RuleNumber",
    )
    attributes = ("Id",)
    in_place = frozenset(
        {"CidrBlock", "Icmp", "Ipv6CidrBlock", "PortRange", "Protocol", "RuleAction"}
    )

    def create(self, context: Context, properties: Properties) -> Attributes:
        context.client("ec2").create_network_acl_entry(**_entry(properties))
        name = context.name(255)
        context.exists(name)
        return {"Id": name}

    def update(
        self, context: Context, physical_id: str, old: Properties, new: Properties
    ) -> Attributes:
        context.client("ec2").replace_network_acl_entry(**_entry(new))
        return {"Id": physical_id}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        key = picked(properties, "NetworkAclId", "RuleNumber")
        context.client("ec2").delete_network_acl_entry(
            **key, Egress=properties.get("Egress", False)
        )


def _entry(properties: Properties) -> dict[str, Any]:
    """Return an entry as the API takes it."""
    entry = {"Egress": False, **properties, "Protocol": str(properties["Protocol"])}
    if "Icmp" in entry:
        entry["IcmpTypeCode"] = entry.pop("Icmp")
    return entry


class SubnetNetworkAclAssociation(Provider):
    type = "AWS::EC2::SubnetNetworkAclAssociation"
    honors = ("NetworkAclId", "SubnetId")
    attributes = ("AssociationId",)

    def create(self, context: Context, properties: Properties) -> Attributes:
        ec2 = context.client("ec2")
        association_id = _replace(ec2, properties["SubnetId"], properties["NetworkAclId"])
        context.exists(association_id)
        return {"AssociationId": association_id}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        """Give the subnet its VPC's default network ACL back: a subnet always has one.

        Unless it has another already: a replacement comes before what it replaces is deleted.
        """
        ec2, subnet_id = context.client("ec2"), properties["SubnetId"]
        subnets = ec2.describe_subnets(SubnetIds=[subnet_id])["Subnets"]
        if acl_association(ec2, subnet_id) == physical_id:
            _replace(ec2, subnet_id, default_acl(ec2, subnets[0]["VpcId"]))


def _replace(ec2: Any, subnet_id: str, acl_id: str) -> str:
    return ec2.replace_network_acl_association(
        AssociationId=acl_association(ec2, subnet_id), NetworkAclId=acl_id
    )["NewAssociationId"]
