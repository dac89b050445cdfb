"""One VPC as it is now: EC2's describe_* answers, read into labkit.network's own terms."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from labkit.errors import LabError
from labkit.network.topology import Vpc, read_vpcs


def read_vpc(ec2: Any, vpc_id: str) -> Vpc:
    """Return all of a VPC that decides about packets, as it is at this moment.

    Only describe_* operations are called (and GetManagedPrefixListEntries, if a rule names a
    prefix list), on AWS as on the emulator.

    Args:
        ec2: A boto3 client of EC2.
        vpc_id: The VPC.

    Raises:
        LabError: There is no such VPC.
    """
    of_vpc = [{"Name": "vpc-id", "Values": [vpc_id]}]

    def every(operation: str, key: str, filters: list[dict[str, Any]] = of_vpc) -> list[Any]:
        pages = ec2.get_paginator(operation).paginate(Filters=filters)
        return [item for page in pages for item in page[key]]

    vpcs = every("describe_vpcs", "Vpcs")
    if not vpcs:
        raise LabError(f"There is no VPC {vpc_id}: run 01_deploy first.")
    groups = every("describe_security_groups", "SecurityGroups")
    of_groups = [{"Name": "group-id", "Values": [group["GroupId"] for group in groups]}]
    answers: dict[str, Any] = {
        "Vpcs": vpcs,
        "Subnets": every("describe_subnets", "Subnets"),
        "NetworkInterfaces": every("describe_network_interfaces", "NetworkInterfaces"),
        "SecurityGroups": groups,
        "SecurityGroupRules": every(
            "describe_security_group_rules", "SecurityGroupRules", of_groups
        ),
        "NetworkAcls": every("describe_network_acls", "NetworkAcls"),
        "RouteTables": every("describe_route_tables", "RouteTables"),
        "Instances": [
            instance
            for reservation in every("describe_instances", "Reservations")
            for instance in reservation["Instances"]
        ],
        "VpcEndpoints": every("describe_vpc_endpoints", "VpcEndpoints"),
    }
    answers["PrefixLists"] = {
        id_: [
            entry["Cidr"]
            for entry in ec2.get_managed_prefix_list_entries(PrefixListId=id_)["Entries"]
        ]
        for id_ in set(_named_prefix_lists(answers))
    }
    return read_vpcs(answers)[vpc_id]


def _named_prefix_lists(answers: Mapping[str, Any]) -> Iterator[str]:
    for rule in answers["SecurityGroupRules"]:
        if "PrefixListId" in rule:
            yield rule["PrefixListId"]
    for table in answers["RouteTables"]:
        for route in table["Routes"]:
            if "DestinationPrefixListId" in route:
                yield route["DestinationPrefixListId"]
