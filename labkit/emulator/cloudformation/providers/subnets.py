"""Subnets, and which route table a subnet has."""

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


class Subnet(Provider):
    type = "AWS::EC2::Subnet"
    honors = ("AvailabilityZone", "CidrBlock", "MapPublicIpOnLaunch", "Tags", "VpcId")
    attributes = ("SubnetId", "AvailabilityZone", "CidrBlock", "VpcId", "NetworkAclAssociationId")
    in_place = frozenset({"MapPublicIpOnLaunch", "Tags"})

    def create(self, context: Context, properties: Properties) -> Attributes:
        ec2 = context.client("ec2")
        subnet = ec2.create_subnet(
            **picked(properties, "VpcId", "CidrBlock", "AvailabilityZone"),
            TagSpecifications=context.tag_specifications("subnet", properties),
        )["Subnet"]
        context.exists(subnet["SubnetId"])
        if properties.get("MapPublicIpOnLaunch"):  # a new subnet does not
            _set_public(ec2, subnet["SubnetId"], True)
        return _attributes(ec2, subnet)

    def update(
        self, context: Context, physical_id: str, old: Properties, new: Properties
    ) -> Attributes:
        ec2 = context.client("ec2")
        _set_public(ec2, physical_id, new.get("MapPublicIpOnLaunch", False))
        retag(ec2, physical_id, old, new)
        return _attributes(ec2, ec2.describe_subnets(SubnetIds=[physical_id])["Subnets"][0])

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("ec2").delete_subnet(SubnetId=physical_id)


def _set_public(ec2: Any, subnet_id: str, value: bool) -> None:
    ec2.modify_subnet_attribute(SubnetId=subnet_id, MapPublicIpOnLaunch={"Value": value})


def _attributes(ec2: Any, subnet: Properties) -> Attributes:
    return {
        **picked(subnet, "SubnetId", "AvailabilityZone", "CidrBlock", "VpcId"),
        "NetworkAclAssociationId": lambda: acl_association(ec2, subnet["SubnetId"]),
    }


def acl_association(ec2: Any, subnet_id: str) -> str:
    """Return the id of the association between a subnet and its network ACL."""
    of_subnet = [{"Name": "association.subnet-id", "Values": [subnet_id]}]
    return next(
        association["NetworkAclAssociationId"]
        for acl in ec2.describe_network_acls(Filters=of_subnet)["NetworkAcls"]
        for association in acl["Associations"]
        if association["SubnetId"] == subnet_id
    )


class SubnetRouteTableAssociation(Provider):
    type = "AWS::EC2::SubnetRouteTableAssociation"
    honors = ("RouteTableId", "SubnetId")
    attributes = ("Id",)

    def create(self, context: Context, properties: Properties) -> Attributes:
        """Give the subnet a route table, in the place of the one that it may have already.

        The new association of a replacement is made before the old one is deleted.
        """
        ec2 = context.client("ec2")
        wanted, present = properties["RouteTableId"], _association(ec2, properties["SubnetId"])
        if present is None:
            association_id = ec2.associate_route_table(**properties)["AssociationId"]
        else:
            association_id = ec2.replace_route_table_association(
                AssociationId=present, RouteTableId=wanted
            )["NewAssociationId"]
        context.exists(association_id)
        return {"Id": association_id}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("ec2").disassociate_route_table(AssociationId=physical_id)


def _association(ec2: Any, subnet_id: str) -> str | None:
    """Return the id of the association of a subnet with a route table of its own, if it has one."""
    of_subnet = [{"Name": "association.subnet-id", "Values": [subnet_id]}]
    for table in ec2.describe_route_tables(Filters=of_subnet)["RouteTables"]:
        for association in table["Associations"]:
            if association.get("SubnetId") == subnet_id:
                return association["RouteTableAssociationId"]
    return None
