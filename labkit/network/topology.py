"""From describe_* answers to VPCs: AWS's and moto's answers alike, without asking anybody."""

from collections.abc import Iterable, Mapping
from typing import Any

from labkit.network.read_rules import read_acl, read_group, read_route_table, rule_ids
from labkit.network.resources import (
    ALL,
    AclEntry,
    Instance,
    NetworkAcl,
    NetworkInterface,
    Route,
    RouteTable,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
    Vpc,
    VpcEndpoint,
)

__all__ = [
    "ALL",
    "AclEntry",
    "Instance",
    "NetworkAcl",
    "NetworkInterface",
    "Route",
    "RouteTable",
    "SecurityGroup",
    "SecurityGroupRule",
    "Subnet",
    "Vpc",
    "VpcEndpoint",
    "read_vpcs",
]


def read_vpcs(answers: Mapping[str, Any]) -> dict[str, Vpc]:
    """Build the VPCs that boto3's describe_* answers tell of, by VPC id.

    Args:
        answers: the answers' lists under AWS's own keys: Vpcs, Subnets, NetworkInterfaces,
            SecurityGroups, NetworkAcls, RouteTables and Instances (the reservations flattened).
            Optional: PrefixLists, a dict from prefix list id to its ranges; SecurityGroupRules,
            which gives the rules their ids; VpcEndpoints, of which only interface endpoints count.
            What belongs to a VPC that is not in Vpcs is left out, and so are terminated instances,
            which belong to no VPC.
    """
    return {vpc["VpcId"]: _read_vpc(vpc, answers) for vpc in answers["Vpcs"]}


def _read_vpc(vpc: Mapping[str, Any], answers: Mapping[str, Any]) -> Vpc:
    def of_this_vpc(key: str) -> list[Mapping[str, Any]]:
        return [item for item in answers[key] if item.get("VpcId") == vpc["VpcId"]]

    ids_of_rules = rule_ids(answers.get("SecurityGroupRules", ()))
    acls, tables = of_this_vpc("NetworkAcls"), of_this_vpc("RouteTables")
    acl_of, table_of = _acl_by_subnet(acls), _route_table_by_subnet(tables)
    return Vpc(
        id=vpc["VpcId"],
        cidr_blocks=_cidr_blocks(vpc),
        subnets=_by_id(_read_subnet(item, acl_of, table_of) for item in of_this_vpc("Subnets")),
        interfaces=_by_id(map(_read_interface, of_this_vpc("NetworkInterfaces"))),
        instances=_by_id(map(_read_instance, of_this_vpc("Instances"))),
        security_groups=_by_id(
            read_group(item, ids_of_rules) for item in of_this_vpc("SecurityGroups")
        ),
        network_acls=_by_id(map(read_acl, acls)),
        route_tables=_by_id(map(read_route_table, tables)),
        prefix_lists={id_: tuple(cidrs) for id_, cidrs in answers.get("PrefixLists", {}).items()},
        endpoints=_by_id(
            _read_endpoint(item)
            for item in answers.get("VpcEndpoints", ())
            if item["VpcId"] == vpc["VpcId"] and item["VpcEndpointType"] == "Interface"
        ),
    )


def _by_id(items: Iterable[Any]) -> dict[str, Any]:
    return {item.id: item for item in items}


def _cidr_blocks(vpc: Mapping[str, Any]) -> tuple[str, ...]:
    associated = [
        block["CidrBlock"]
        for block in vpc.get("CidrBlockAssociationSet", ())
        if block["CidrBlockState"]["State"] in ("associated", "associating")
    ]
    return tuple(dict.fromkeys([vpc["CidrBlock"], *associated]))


def _acl_by_subnet(acls: Iterable[Mapping[str, Any]]) -> dict[str | None, str]:
    """Map subnet ids to network ACL ids; None stands for the subnets not named."""
    found: dict[str | None, str] = {}
    for acl in acls:
        if acl.get("IsDefault"):
            found[None] = acl["NetworkAclId"]
        for association in acl.get("Associations", ()):
            found[association["SubnetId"]] = acl["NetworkAclId"]
    return found


def _route_table_by_subnet(tables: Iterable[Mapping[str, Any]]) -> dict[str | None, str]:
    """Map subnet ids to route table ids; None stands for the subnets not named."""
    return {
        None if association.get("Main") else association.get("SubnetId"): table["RouteTableId"]
        for table in tables
        for association in table.get("Associations", ())
        if association.get("Main") or association.get("SubnetId")
    }


def _read_subnet(
    subnet: Mapping[str, Any], acl_of: Mapping[str | None, str], table_of: Mapping[str | None, str]
) -> Subnet:
    id_ = subnet["SubnetId"]
    return Subnet(
        id=id_,
        vpc_id=subnet["VpcId"],
        cidr_block=subnet["CidrBlock"],
        network_acl_id=acl_of.get(id_, acl_of.get(None)),
        route_table_id=table_of.get(id_, table_of.get(None)),
        availability_zone=subnet.get("AvailabilityZone", ""),
        availability_zone_id=subnet.get("AvailabilityZoneId", ""),
    )


def _read_interface(interface: Mapping[str, Any]) -> NetworkInterface:
    secondary = [item["PrivateIpAddress"] for item in interface.get("PrivateIpAddresses", ())]
    return NetworkInterface(
        id=interface["NetworkInterfaceId"],
        vpc_id=interface["VpcId"],
        subnet_id=interface["SubnetId"],
        private_ips=tuple(dict.fromkeys([interface["PrivateIpAddress"], *secondary])),
        group_ids=tuple(group["GroupId"] for group in interface.get("Groups", ())),
        instance_id=interface.get("Attachment", {}).get("InstanceId"),
        interface_type=interface.get("InterfaceType", "interface"),
        source_dest_check=interface.get("SourceDestCheck", True),
        requester_managed=interface.get("RequesterManaged", False),
        owner_id=interface.get("OwnerId", ""),
    )


def _read_instance(instance: Mapping[str, Any]) -> Instance:
    interfaces = sorted(
        instance.get("NetworkInterfaces", ()), key=lambda item: item["Attachment"]["DeviceIndex"]
    )
    return Instance(
        id=instance["InstanceId"],
        vpc_id=instance["VpcId"],
        state=instance["State"]["Name"],
        interface_ids=tuple(item["NetworkInterfaceId"] for item in interfaces),
        profile_arn=instance.get("IamInstanceProfile", {}).get("Arn"),
        private_dns_name=instance.get("PrivateDnsName", ""),
    )


def _read_endpoint(endpoint: Mapping[str, Any]) -> VpcEndpoint:
    return VpcEndpoint(
        id=endpoint["VpcEndpointId"],
        vpc_id=endpoint["VpcId"],
        service_name=endpoint["ServiceName"],
        interface_ids=tuple(endpoint.get("NetworkInterfaceIds", ())),
        private_dns=endpoint.get("PrivateDnsEnabled", False),
    )
