"""VPCs, subnets, route tables and routes."""

from __future__ import annotations

from typing import Any

from labkit.emulator.cloudformation.providers.provider import (
    Attributes,
    Context,
    Properties,
    Provider,
    picked,
)


class Vpc(Provider):
    type = "AWS::EC2::VPC"
    honors = ("CidrBlock", "EnableDnsHostnames", "EnableDnsSupport", "InstanceTenancy", "Tags")
    attributes = ("VpcId", "CidrBlock", "DefaultNetworkAcl", "DefaultSecurityGroup")

    def create(self, context: Context, properties: Properties) -> Attributes:
        ec2 = context.client("ec2")
        vpc_id = ec2.create_vpc(
            **picked(properties, "CidrBlock", "InstanceTenancy"),
            TagSpecifications=context.tag_specifications("vpc", properties),
        )["Vpc"]["VpcId"]
        context.exists(vpc_id)
        for name in ("EnableDnsSupport", "EnableDnsHostnames"):  # one attribute a call, in order
            if name in properties:
                ec2.modify_vpc_attribute(VpcId=vpc_id, **{name: {"Value": properties[name]}})
        return {
            "VpcId": vpc_id,
            "CidrBlock": properties["CidrBlock"],
            "DefaultNetworkAcl": lambda: default_acl(ec2, vpc_id),
            "DefaultSecurityGroup": lambda: _default_group(ec2, vpc_id),
        }

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("ec2").delete_vpc(VpcId=physical_id)


class Subnet(Provider):
    type = "AWS::EC2::Subnet"
    honors = ("AvailabilityZone", "CidrBlock", "MapPublicIpOnLaunch", "Tags", "VpcId")
    attributes = ("SubnetId", "AvailabilityZone", "CidrBlock", "VpcId", "NetworkAclAssociationId")

    def create(self, context: Context, properties: Properties) -> Attributes:
        ec2 = context.client("ec2")
        subnet = ec2.create_subnet(
            **picked(properties, "VpcId", "CidrBlock", "AvailabilityZone"),
            TagSpecifications=context.tag_specifications("subnet", properties),
        )["Subnet"]
        subnet_id = subnet["SubnetId"]
        context.exists(subnet_id)
        if properties.get("MapPublicIpOnLaunch"):  # a new subnet does not
            ec2.modify_subnet_attribute(SubnetId=subnet_id, MapPublicIpOnLaunch={"Value": True})
        return {
            **picked(subnet, "SubnetId", "AvailabilityZone", "CidrBlock", "VpcId"),
            "NetworkAclAssociationId": lambda: acl_association(ec2, subnet_id),
        }

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("ec2").delete_subnet(SubnetId=physical_id)


def default_acl(ec2: Any, vpc_id: str) -> str:
    """Return the id of a VPC's default network ACL."""
    filters = _of_vpc(vpc_id, "default", "true")
    return ec2.describe_network_acls(Filters=filters)["NetworkAcls"][0]["NetworkAclId"]


def _default_group(ec2: Any, vpc_id: str) -> str:
    filters = _of_vpc(vpc_id, "group-name", "default")
    return ec2.describe_security_groups(Filters=filters)["SecurityGroups"][0]["GroupId"]


def _of_vpc(vpc_id: str, name: str, value: str) -> list[dict[str, Any]]:
    return [{"Name": "vpc-id", "Values": [vpc_id]}, {"Name": name, "Values": [value]}]


def acl_association(ec2: Any, subnet_id: str) -> str:
    """Return the id of the association between a subnet and its network ACL."""
    of_subnet = [{"Name": "association.subnet-id", "Values": [subnet_id]}]
    return next(
        association["NetworkAclAssociationId"]
        for acl in ec2.describe_network_acls(Filters=of_subnet)["NetworkAcls"]
        for association in acl["Associations"]
        if association["SubnetId"] == subnet_id
    )


class RouteTable(Provider):
    type = "AWS::EC2::RouteTable"
    honors = ("Tags", "VpcId")
    attributes = ("RouteTableId",)

    def create(self, context: Context, properties: Properties) -> Attributes:
        table_id = context.client("ec2").create_route_table(
            VpcId=properties["VpcId"],
            TagSpecifications=context.tag_specifications("route-table", properties),
        )["RouteTable"]["RouteTableId"]
        context.exists(table_id)
        return {"RouteTableId": table_id}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("ec2").delete_route_table(RouteTableId=physical_id)


class Route(Provider):
    type = "AWS::EC2::Route"
    honors = (
        "DestinationCidrBlock",
        "GatewayId",
        "InstanceId",
        "NatGatewayId",
        "NetworkInterfaceId",
        "RouteTableId",
        "VpcPeeringConnectionId",
    )
    attributes = ("CidrBlock",)

    def create(self, context: Context, properties: Properties) -> Attributes:
        context.client("ec2").create_route(**properties)
        destination = properties["DestinationCidrBlock"]
        context.exists(f"{properties['RouteTableId']}|{destination}")
        return {"CidrBlock": destination}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        key = picked(properties, "RouteTableId", "DestinationCidrBlock")
        context.client("ec2").delete_route(**key)


class SubnetRouteTableAssociation(Provider):
    type = "AWS::EC2::SubnetRouteTableAssociation"
    honors = ("RouteTableId", "SubnetId")
    attributes = ("Id",)

    def create(self, context: Context, properties: Properties) -> Attributes:
        answer = context.client("ec2").associate_route_table(**properties)
        context.exists(answer["AssociationId"])
        return {"Id": answer["AssociationId"]}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("ec2").disassociate_route_table(AssociationId=physical_id)
