"""Route tables and routes."""

from __future__ import annotations

from labkit.emulator.cloudformation.providers.provider import (
    Attributes,
    Context,
    HandlerError,
    Properties,
    Provider,
    picked,
)
from labkit.emulator.cloudformation.providers.tags import retag

_DESTINATIONS = ("DestinationCidrBlock", "DestinationPrefixListId")
_TARGETS = (
    "GatewayId",
    "InstanceId",
    "NatGatewayId",
    "NetworkInterfaceId",
    "VpcPeeringConnectionId",
)


class RouteTable(Provider):
    type = "AWS::EC2::RouteTable"
    honors = ("Tags", "VpcId")
    attributes = ("RouteTableId",)
    in_place = frozenset({"Tags"})

    def create(self, context: Context, properties: Properties) -> Attributes:
        table_id = context.client("ec2").create_route_table(
            VpcId=properties["VpcId"],
            TagSpecifications=context.tag_specifications("route-table", properties),
        )["RouteTable"]["RouteTableId"]
        context.exists(table_id)
        return {"RouteTableId": table_id}

    def update(
        self, context: Context, physical_id: str, old: Properties, new: Properties
    ) -> Attributes:
        retag(context.client("ec2"), physical_id, old, new)
        return {"RouteTableId": physical_id}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("ec2").delete_route_table(RouteTableId=physical_id)


class Route(Provider):
    type = "AWS::EC2::Route"
    honors = ("RouteTableId", *_DESTINATIONS, *_TARGETS)
    attributes = ("CidrBlock",)
    in_place = frozenset(_TARGETS)

    def create(self, context: Context, properties: Properties) -> Attributes:
        if not picked(properties, *_TARGETS):
            raise HandlerError(f"A route needs one of {', '.join(_TARGETS)}.", "InvalidRequest")
        destination = _destination(properties)
        context.client("ec2").create_route(**properties)
        context.exists(f"{properties['RouteTableId']}|{destination}")
        return {"CidrBlock": destination}

    def update(
        self, context: Context, physical_id: str, old: Properties, new: Properties
    ) -> Attributes:
        context.client("ec2").replace_route(**new)
        return {"CidrBlock": _destination(new)}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        key = picked(properties, "RouteTableId", *_DESTINATIONS)
        context.client("ec2").delete_route(**key)


def _destination(properties: Properties) -> str:
    found = list(picked(properties, *_DESTINATIONS).values())
    if len(found) != 1:
        raise HandlerError(
            f"A route needs exactly one of {' and '.join(_DESTINATIONS)}.", "InvalidRequest"
        )
    return found[0]
