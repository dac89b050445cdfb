"""Names for what records know by id or address only: asked of EC2."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def names(ec2: Any, outputs: Mapping[str, str]) -> dict[str, str]:
    """Return names by interface id, address and instance id, for all interfaces of the lab's VPC.

    An instance is called as in the stack's outputs (Instance1), else by its Name tag, and the
    interface of a VPC endpoint after the endpoint's service.

    Args:
        ec2: A boto3 client of EC2.
        outputs: The stack's outputs; VpcId and those that name instances are used.
    """
    in_vpc = [{"Name": "vpc-id", "Values": [outputs["VpcId"]]}]
    named = {value: name.removesuffix("Id") for name, value in outputs.items()}
    found: dict[str, str] = {}
    for instance in instances(ec2, in_vpc):
        instance_id = instance["InstanceId"]
        name = named.get(instance_id) or name_tag(instance) or instance_id
        found[instance_id] = name
        for interface in instance["NetworkInterfaces"]:
            found |= dict.fromkeys(_ids(interface), name)
    services = {
        interface_id: f"{service_name(endpoint)} endpoint"
        for endpoint in endpoints(ec2, in_vpc)
        for interface_id in endpoint.get("NetworkInterfaceIds", [])
    }
    pages = ec2.get_paginator("describe_network_interfaces").paginate(Filters=in_vpc)
    for interface in (each for page in pages for each in page["NetworkInterfaces"]):
        name = services.get(interface["NetworkInterfaceId"])
        if name:
            found |= dict.fromkeys(_ids(interface), name)
    return found


def instances(ec2: Any, filters: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield the instances that are not on their way out."""
    for page in ec2.get_paginator("describe_instances").paginate(Filters=filters):
        for reservation in page["Reservations"]:
            for instance in reservation["Instances"]:
                if instance["State"]["Name"] not in ("shutting-down", "terminated"):
                    yield instance


def endpoints(ec2: Any, filters: list[dict[str, Any]]) -> list[dict[str, Any]]:
    pages = ec2.get_paginator("describe_vpc_endpoints").paginate(Filters=filters)
    return [endpoint for page in pages for endpoint in page["VpcEndpoints"]]


def service_name(endpoint: Mapping[str, Any]) -> str:
    """Return the last part of a service's name: com.amazonaws.us-east-1.ssm is ssm."""
    return endpoint["ServiceName"].rpartition(".")[2]


def name_tag(resource: Mapping[str, Any]) -> str:
    return next((tag["Value"] for tag in resource.get("Tags", []) if tag["Key"] == "Name"), "")


def _ids(interface: Mapping[str, Any]) -> list[str]:
    addresses = [each["PrivateIpAddress"] for each in interface.get("PrivateIpAddresses", [])]
    return [interface["NetworkInterfaceId"], *addresses]
