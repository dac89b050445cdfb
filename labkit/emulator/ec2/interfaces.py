"""Network interfaces as AWS shows and keeps them: those of endpoints are not the user's."""

from __future__ import annotations

from typing import Any

from labkit.emulator.ec2.addresses import Addresses, check_groups
from labkit.emulator.ec2.vpc_endpoints import VpcEndpoints
from labkit.emulator.operations import Call, Operations
from labkit.emulator.refusal import ServiceError, not_emulated
from labkit.emulator.upstream import Clients

Items = list[dict[str, Any]]
HONORED = frozenset(
    {
        "ClientToken",
        "Description",
        "DryRun",
        "Groups",
        "PrivateIpAddress",
        "PrivateIpAddresses",
        "SecondaryPrivateIpAddressCount",
        "SubnetId",
        "TagSpecifications",
    }
)
OURS = ("interface-type", "requester-managed", "requester-id")


class Interfaces:
    """The operations of network interfaces that are ours."""

    def __init__(self, inner: Clients, endpoints: VpcEndpoints, addresses: Addresses):
        self._inner = inner
        self._addresses = addresses
        self._endpoints = endpoints

    def operations(self) -> Operations:
        return {
            ("ec2", "CreateNetworkInterface"): self.create,
            ("ec2", "DescribeNetworkInterfaces"): self.describe,
            ("ec2", "DeleteNetworkInterface"): self.delete,
            ("ec2", "ModifyNetworkInterfaceAttribute"): self.modify,
        }

    def create(self, call: Call) -> dict[str, Any]:
        """Make an interface with addresses that are free in its subnet, the primary one first."""
        asked = dict(call.parameters)
        for name in sorted(set(asked) - HONORED):
            raise not_emulated("ec2", f"CreateNetworkInterface with {name}")
        ec2, subnet_id = self._inner("ec2", call.region), asked["SubnetId"]
        vpc_id = ec2.describe_subnets(SubnetIds=[subnet_id])["Subnets"][0]["VpcId"]
        check_groups(ec2, vpc_id, asked.get("Groups", ()))
        named = asked.pop("PrivateIpAddresses", [])
        primary = [item["PrivateIpAddress"] for item in named if item.get("Primary")]
        first = asked.pop("PrivateIpAddress", None) or (primary[0] if primary else None)
        others = [item["PrivateIpAddress"] for item in named if not item.get("Primary")]
        wanted = [first, *others, *[None] * asked.pop("SecondaryPrivateIpAddressCount", 0)]
        taken = [self._addresses.take(call.region, subnet_id, address) for address in wanted]
        answer = ec2.create_network_interface(
            **asked,
            PrivateIpAddress=taken[0],
            PrivateIpAddresses=[
                {"PrivateIpAddress": address, "Primary": address == taken[0]} for address in taken
            ],
        )
        answer.pop("ResponseMetadata")
        return answer

    def describe(self, call: Call) -> dict[str, Any]:
        """Let moto describe; the filters on what moto does not know are applied after it."""
        filters = call.parameters.get("Filters", [])
        asked = dict(call.parameters)
        if filters:
            asked["Filters"] = [item for item in filters if item["Name"] not in OURS]
        answer = self._inner("ec2", call.region).describe_network_interfaces(**asked)
        answer.pop("ResponseMetadata")
        found = self.amended(answer["NetworkInterfaces"])
        for item in filters:
            if item["Name"] in OURS:
                found = [one for one in found if _told(one, item["Name"]) in item["Values"]]
        return {**answer, "NetworkInterfaces": found}

    def amended(self, interfaces: Items) -> Items:
        """Return interfaces of which those of VPC endpoints say that they are that."""
        return [self._amend(item) for item in interfaces]

    def _amend(self, interface: dict[str, Any]) -> dict[str, Any]:
        if self._endpoints.of_interface(interface["NetworkInterfaceId"]) is None:
            return interface
        attachment = {
            "AttachmentId": f"ela-attach-{interface['NetworkInterfaceId'].removeprefix('eni-')}",
            "InstanceOwnerId": "amazon-aws",
            "DeviceIndex": 1,
            "DeleteOnTermination": False,
            "Status": "attached",
        }
        return {
            **interface,
            "InterfaceType": "vpc_endpoint",
            "RequesterManaged": True,
            "RequesterId": "amazon-aws",
            "Status": "in-use",
            "Attachment": attachment,
        }

    def delete(self, call: Call) -> dict[str, Any]:
        """Refuse to delete an interface in use, as EC2 does and moto does not."""
        interface_id = call.parameters["NetworkInterfaceId"]
        ec2 = self._inner("ec2", call.region)
        found = ec2.describe_network_interfaces(NetworkInterfaceIds=[interface_id])
        interface = self._amend(found["NetworkInterfaces"][0])
        if interface.get("Attachment", {}).get("Status") == "attached":
            raise ServiceError(
                "InvalidParameterValue",
                f"Network interface '{interface_id}' is currently in use.",
            )
        ec2.delete_network_interface(**call.parameters)
        held = [item["PrivateIpAddress"] for item in interface["PrivateIpAddresses"]]
        self._addresses.free(call.region, interface["SubnetId"], held)
        return {}

    def modify(self, call: Call) -> dict[str, Any]:
        """Refuse to change an endpoint's interface: only ModifyVpcEndpoint may."""
        interface_id = call.parameters["NetworkInterfaceId"]
        if self._endpoints.of_interface(interface_id):
            raise ServiceError(
                "OperationNotPermitted",
                f"You do not have permission to access the specified resource {interface_id}.",
            )
        ec2 = self._inner("ec2", call.region)
        found = ec2.describe_network_interfaces(NetworkInterfaceIds=[interface_id])
        vpc_id = found["NetworkInterfaces"][0]["VpcId"]
        check_groups(ec2, vpc_id, call.parameters.get("Groups", ()))
        ec2.modify_network_interface_attribute(**call.parameters)
        return {}


def _told(interface: dict[str, Any], name: str) -> str:
    key = {
        "interface-type": "InterfaceType",
        "requester-managed": "RequesterManaged",
        "requester-id": "RequesterId",
    }[name]
    value = interface.get(key, False if name == "requester-managed" else "")
    return str(value).lower() if isinstance(value, bool) else str(value)
