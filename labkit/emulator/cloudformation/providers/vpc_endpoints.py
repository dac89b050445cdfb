"""Interface and gateway endpoints."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError

from labkit.emulator.cloudformation.providers.provider import (
    Attributes,
    Context,
    HandlerError,
    Properties,
    Provider,
    picked,
    wait,
)


class VpcEndpoint(Provider):
    type = "AWS::EC2::VPCEndpoint"
    honors = (
        "PolicyDocument",
        "PrivateDnsEnabled",
        "RouteTableIds",
        "SecurityGroupIds",
        "ServiceName",
        "SubnetIds",
        "Tags",
        "VpcEndpointType",
        "VpcId",
    )
    attributes = ("Id", "CreationTimestamp", "DnsEntries", "NetworkInterfaceIds")

    def create(self, context: Context, properties: Properties) -> Attributes:
        ec2 = context.client("ec2")
        wanted = {name: properties[name] for name in properties if name != "Tags"}
        if isinstance(wanted.get("PolicyDocument"), dict):
            wanted["PolicyDocument"] = json.dumps(wanted["PolicyDocument"])
        endpoint_id = ec2.create_vpc_endpoint(
            **wanted, TagSpecifications=context.tag_specifications("vpc-endpoint", properties)
        )["VpcEndpoint"]["VpcEndpointId"]
        context.exists(endpoint_id)
        endpoint = _wait(ec2, endpoint_id, until="available")
        return {
            "Id": endpoint_id,
            "CreationTimestamp": endpoint["CreationTimestamp"].isoformat(),
            "DnsEntries": [
                f"{entry.get('HostedZoneId', '')}:{entry['DnsName']}"
                for entry in endpoint.get("DnsEntries", [])
            ],
            **picked(endpoint, "NetworkInterfaceIds"),
        }

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        ec2 = context.client("ec2")
        failed = ec2.delete_vpc_endpoints(VpcEndpointIds=[physical_id]).get("Unsuccessful")
        if failed:
            raise HandlerError(failed[0]["Error"]["Message"])
        _wait(ec2, physical_id, until="deleted")


def _wait(ec2: Any, endpoint_id: str, *, until: str) -> dict[str, Any]:
    def look() -> dict[str, Any]:
        try:
            found = ec2.describe_vpc_endpoints(VpcEndpointIds=[endpoint_id])["VpcEndpoints"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "InvalidVpcEndpointId.NotFound":
                raise
            found = []
        return found[0] if found else {"State": "deleted"}

    return wait(look, lambda seen: seen["State"].lower(), until=until, what=endpoint_id)
