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
from labkit.emulator.cloudformation.providers.tags import retag
from labkit.emulator.cloudformation.providers.vpc import default_group


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
    in_place = frozenset({"PolicyDocument", "PrivateDnsEnabled", "SecurityGroupIds", "Tags"})

    def create(self, context: Context, properties: Properties) -> Attributes:
        ec2 = context.client("ec2")
        wanted = {name: properties[name] for name in properties if name != "Tags"}
        endpoint_id = ec2.create_vpc_endpoint(
            **{**wanted, **_policy(properties)},
            TagSpecifications=context.tag_specifications("vpc-endpoint", properties),
        )["VpcEndpoint"]["VpcEndpointId"]
        context.exists(endpoint_id)
        return _attributes(_wait(ec2, endpoint_id, until="available"))

    def update(
        self, context: Context, physical_id: str, old: Properties, new: Properties
    ) -> Attributes:
        ec2 = context.client("ec2")
        endpoint = _wait(ec2, physical_id, until="available")
        if change := _modification(ec2, endpoint, old, new):
            ec2.modify_vpc_endpoint(VpcEndpointId=physical_id, **change)
        retag(ec2, physical_id, old, new)
        return _attributes(_wait(ec2, physical_id, until="available"))

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        ec2 = context.client("ec2")
        failed = ec2.delete_vpc_endpoints(VpcEndpointIds=[physical_id]).get("Unsuccessful")
        if failed:
            raise HandlerError(failed[0]["Error"]["Message"])
        _wait(ec2, physical_id, until="deleted")


def _attributes(endpoint: Properties) -> Attributes:
    return {
        "Id": endpoint["VpcEndpointId"],
        "CreationTimestamp": endpoint["CreationTimestamp"].isoformat(),
        "DnsEntries": [
            f"{entry.get('HostedZoneId', '')}:{entry['DnsName']}"
            for entry in endpoint.get("DnsEntries", [])
        ],
        **picked(endpoint, "NetworkInterfaceIds"),
    }


def _policy(properties: Properties) -> dict[str, str]:
    """Return the policy as the API takes it: as a text."""
    document = properties.get("PolicyDocument")
    if document is None:
        return {}
    return {"PolicyDocument": document if isinstance(document, str) else json.dumps(document)}


def _modification(
    ec2: Any, endpoint: Properties, old: Properties, new: Properties
) -> dict[str, Any]:
    """Return what ModifyVpcEndpoint has to change."""
    change: dict[str, Any] = {}
    if _policy(old) != _policy(new):
        change.update(_policy(new) or {"ResetPolicy": True})
    if old.get("PrivateDnsEnabled") != new.get("PrivateDnsEnabled"):
        change["PrivateDnsEnabled"] = new.get("PrivateDnsEnabled", True)
    if old.get("SecurityGroupIds") != new.get("SecurityGroupIds"):
        groups = {group["GroupId"] for group in endpoint["Groups"]}
        wanted = set(new.get("SecurityGroupIds") or [default_group(ec2, endpoint["VpcId"])])
        changes = {
            "AddSecurityGroupIds": sorted(wanted - groups),
            "RemoveSecurityGroupIds": sorted(groups - wanted),
        }
        change.update({name: ids for name, ids in changes.items() if ids})
    return change


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
