"""Network interfaces."""

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
from labkit.emulator.cloudformation.providers.vpc import default_group


class NetworkInterface(Provider):
    type = "AWS::EC2::NetworkInterface"
    honors = (
        "Description",
        "GroupSet",
        "PrivateIpAddress",
        "PrivateIpAddresses",
        "SecondaryPrivateIpAddressCount",
        "SourceDestCheck",
        "SubnetId",
        "Tags",
    )
    attributes = ("Id", "PrimaryPrivateIpAddress", "SecondaryPrivateIpAddresses", "VpcId")
    in_place = frozenset({"Description", "GroupSet", "SourceDestCheck", "Tags"})

    def create(self, context: Context, properties: Properties) -> Attributes:
        ec2 = context.client("ec2")
        wanted = picked(
            properties,
            "Description",
            "PrivateIpAddress",
            "PrivateIpAddresses",
            "SecondaryPrivateIpAddressCount",
            "SubnetId",
        )
        if "GroupSet" in properties:
            wanted["Groups"] = properties["GroupSet"]
        interface = ec2.create_network_interface(
            **wanted, TagSpecifications=context.tag_specifications("network-interface", properties)
        )["NetworkInterface"]
        context.exists(interface["NetworkInterfaceId"])
        if not properties.get("SourceDestCheck", True):
            _modify(ec2, interface["NetworkInterfaceId"], SourceDestCheck={"Value": False})
        return _attributes(interface)

    def update(
        self, context: Context, physical_id: str, old: Properties, new: Properties
    ) -> Attributes:
        ec2 = context.client("ec2")
        [interface] = ec2.describe_network_interfaces(NetworkInterfaceIds=[physical_id])[
            "NetworkInterfaces"
        ]
        if old.get("GroupSet") != new.get("GroupSet"):
            groups = new.get("GroupSet") or [default_group(ec2, interface["VpcId"])]
            _modify(ec2, physical_id, Groups=groups)
        if old.get("Description") != new.get("Description"):
            _modify(ec2, physical_id, Description={"Value": new.get("Description", "")})
        if old.get("SourceDestCheck", True) != new.get("SourceDestCheck", True):
            check = new.get("SourceDestCheck", True)
            _modify(ec2, physical_id, SourceDestCheck={"Value": check})
        retag(ec2, physical_id, old, new)
        return _attributes(interface)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("ec2").delete_network_interface(NetworkInterfaceId=physical_id)


def _modify(ec2: Any, interface_id: str, **change: Any) -> None:
    """Change one attribute: EC2 takes one a call."""
    ec2.modify_network_interface_attribute(NetworkInterfaceId=interface_id, **change)


def _attributes(interface: Properties) -> Attributes:
    return {
        "Id": interface["NetworkInterfaceId"],
        "PrimaryPrivateIpAddress": interface["PrivateIpAddress"],
        "SecondaryPrivateIpAddresses": [
            item["PrivateIpAddress"]
            for item in interface["PrivateIpAddresses"]
            if not item.get("Primary")
        ],
        "VpcId": interface["VpcId"],
    }
