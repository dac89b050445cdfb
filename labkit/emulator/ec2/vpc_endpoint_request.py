"""What a CreateVpcEndpoint request must hold to, and what it means where it says nothing."""

from __future__ import annotations

from typing import Any

from labkit.emulator.ec2.vpc_endpoint_services import no_such_service, service_names
from labkit.emulator.refusal import ServiceError, not_emulated

HONORED = frozenset(
    {
        "ClientToken",
        "DryRun",
        "IpAddressType",
        "PolicyDocument",
        "PrivateDnsEnabled",
        "SecurityGroupIds",
        "ServiceName",
        "SubnetIds",
        "TagSpecifications",
        "VpcEndpointType",
        "VpcId",
    }
)


def check(asked: dict[str, Any], region: str) -> None:
    """Refuse what is not emulated, and services that do not exist.

    Raises:
        ServiceError: a parameter, kind or service that cannot be had.
    """
    for name in sorted(set(asked) - HONORED):
        raise not_emulated("ec2", f"CreateVpcEndpoint with {name}")
    kind = asked.get("VpcEndpointType", "Gateway")
    if kind != "Interface":
        raise not_emulated("ec2", f"CreateVpcEndpoint with VpcEndpointType {kind}")
    if asked.get("IpAddressType", "ipv4") != "ipv4":
        raise not_emulated("ec2", f"CreateVpcEndpoint for {asked['IpAddressType']}")
    if asked["ServiceName"] not in service_names(region):
        raise no_such_service(asked["ServiceName"], region)


def check_dns_attributes(ec2: Any, vpc_id: str) -> None:
    """Refuse private DNS where the VPC's DNS attributes are off.

    Source: docs.aws.amazon.com/vpc/latest/privatelink/privatelink-access-aws-services.html
    """
    for name, key in (
        ("enableDnsSupport", "EnableDnsSupport"),
        ("enableDnsHostnames", "EnableDnsHostnames"),
    ):
        if not ec2.describe_vpc_attribute(VpcId=vpc_id, Attribute=name)[key]["Value"]:
            raise ServiceError(
                "InvalidParameter",
                "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames "
                f"VPC attributes set to true for {vpc_id}",
            )


def subnets(ec2: Any, vpc_id: str, ids: Any) -> tuple[str, ...]:
    """Check the subnets: of this VPC, and one in each zone at most."""
    if not ids:
        return ()
    zones: set[str] = set()
    for subnet in ec2.describe_subnets(SubnetIds=list(ids))["Subnets"]:
        if subnet["VpcId"] != vpc_id:
            raise ServiceError(
                "InvalidParameter", f"Subnet {subnet['SubnetId']} does not belong to {vpc_id}"
            )
        if subnet["AvailabilityZone"] in zones:
            raise ServiceError(
                "DuplicateSubnetsInSameZone",
                "Found another VPC endpoint subnet in the availability zone of "
                f"{subnet['SubnetId']}",
            )
        zones.add(subnet["AvailabilityZone"])
    return tuple(ids)


def default_group(ec2: Any, vpc_id: str) -> tuple[str, ...]:
    filters = [
        {"Name": "vpc-id", "Values": [vpc_id]},
        {"Name": "group-name", "Values": ["default"]},
    ]
    found = ec2.describe_security_groups(Filters=filters)["SecurityGroups"]
    return tuple(group["GroupId"] for group in found)


def tags(specifications: Any) -> list[dict[str, str]]:
    return [tag for item in specifications for tag in item.get("Tags", ())]
