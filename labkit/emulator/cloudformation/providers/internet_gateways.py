"""Internet gateways, and which VPC has one. Packets that would leave by it are dropped."""

from __future__ import annotations

from labkit.emulator.cloudformation.providers.provider import (
    Attributes,
    Context,
    HandlerError,
    Properties,
    Provider,
)
from labkit.emulator.cloudformation.providers.tags import retag

_KIND = "IGW"


class InternetGateway(Provider):
    type = "AWS::EC2::InternetGateway"
    honors = ("Tags",)
    attributes = ("InternetGatewayId",)
    in_place = frozenset({"Tags"})

    def create(self, context: Context, properties: Properties) -> Attributes:
        gateway_id = context.client("ec2").create_internet_gateway(
            TagSpecifications=context.tag_specifications("internet-gateway", properties),
        )["InternetGateway"]["InternetGatewayId"]
        context.exists(gateway_id)
        return {"InternetGatewayId": gateway_id}

    def update(
        self, context: Context, physical_id: str, old: Properties, new: Properties
    ) -> Attributes:
        retag(context.client("ec2"), physical_id, old, new)
        return {"InternetGatewayId": physical_id}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("ec2").delete_internet_gateway(InternetGatewayId=physical_id)


class VpcGatewayAttachment(Provider):
    type = "AWS::EC2::VPCGatewayAttachment"
    honors = ("InternetGatewayId", "VpcId")
    attributes = ("AttachmentType",)
    in_place = frozenset({"InternetGatewayId"})

    def create(self, context: Context, properties: Properties) -> Attributes:
        if "InternetGatewayId" not in properties:
            raise HandlerError("An attachment needs an InternetGatewayId.", "InvalidRequest")
        context.client("ec2").attach_internet_gateway(**properties)
        context.exists(f"{_KIND}|{properties['VpcId']}")
        return {"AttachmentType": _KIND}

    def update(
        self, context: Context, physical_id: str, old: Properties, new: Properties
    ) -> Attributes:
        """Put another gateway in the place of one: a VPC has one at most."""
        ec2 = context.client("ec2")
        attached = [{"Name": "attachment.vpc-id", "Values": [new["VpcId"]]}]
        for gateway in ec2.describe_internet_gateways(Filters=attached)["InternetGateways"]:
            if gateway["InternetGatewayId"] == old["InternetGatewayId"]:
                ec2.detach_internet_gateway(**old)
        ec2.attach_internet_gateway(**new)
        return {"AttachmentType": _KIND}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("ec2").detach_internet_gateway(**properties)
