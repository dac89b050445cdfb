"""Network interfaces as AWS shows and keeps them: those of endpoints are not the user's."""

from __future__ import annotations

from typing import Any

from labkit.emulator.ec2.vpc_endpoints import VpcEndpoints
from labkit.emulator.operations import Call, Operations
from labkit.emulator.refusal import ServiceError
from labkit.emulator.upstream import Clients

Items = list[dict[str, Any]]
OURS = ("interface-type", "requester-managed", "requester-id")


class Interfaces:
    """The operations of network interfaces that are ours."""

    def __init__(self, inner: Clients, endpoints: VpcEndpoints):
        self._inner = inner
        self._endpoints = endpoints

    def operations(self) -> Operations:
        return {
            ("ec2", "DescribeNetworkInterfaces"): self.describe,
            ("ec2", "DeleteNetworkInterface"): self.delete,
            ("ec2", "ModifyNetworkInterfaceAttribute"): self.modify,
        }

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
        return {}

    def modify(self, call: Call) -> dict[str, Any]:
        """Refuse to change an endpoint's interface: only ModifyVpcEndpoint may."""
        interface_id = call.parameters["NetworkInterfaceId"]
        if self._endpoints.of_interface(interface_id):
            raise ServiceError(
                "OperationNotPermitted",
                f"You do not have permission to access the specified resource {interface_id}.",
            )
        self._inner("ec2", call.region).modify_network_interface_attribute(**call.parameters)
        return {}


def _told(interface: dict[str, Any], name: str) -> str:
    key = {
        "interface-type": "InterfaceType",
        "requester-managed": "RequesterManaged",
        "requester-id": "RequesterId",
    }[name]
    value = interface.get(key, False if name == "requester-managed" else "")
    return str(value).lower() if isinstance(value, bool) else str(value)
