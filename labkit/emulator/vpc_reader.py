"""All that makes up one VPC, read by describe_* calls at one moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from labkit.emulator.upstream import Clients

Items = list[dict[str, Any]]

KINDS = {
    "Vpcs": "describe_vpcs",
    "Subnets": "describe_subnets",
    "NetworkInterfaces": "describe_network_interfaces",
    "SecurityGroups": "describe_security_groups",
    "NetworkAcls": "describe_network_acls",
    "RouteTables": "describe_route_tables",
    "Reservations": "describe_instances",
}
"""The key of each answer, and the operation that gives it."""


class VpcReader:
    """Reads a VPC by the public API, so that the rules see what a learner would be shown.

    Args:
        inner: clients straight to moto.
        amend: what moto does not know, added to the items of an answer: by the answer's key.
        endpoints: gives a VPC's endpoints, as DescribeVpcEndpoints describes them.
        hold: keeps EC2 as it is while its answers are gathered; else an instance could be among
            them and its interface not.
    """

    def __init__(
        self,
        inner: Clients,
        amend: Mapping[str, Callable[[Items], Items]] | None = None,
        endpoints: Callable[[str], Items] = lambda vpc_id: [],
        hold: Callable[[], AbstractContextManager[Any]] = nullcontext,
    ):
        self._inner = inner
        self._amend = amend or {}
        self._endpoints = endpoints
        self._hold = hold

    def __call__(self, region: str, vpc_id: str) -> dict[str, Any]:
        """Return the answers by their keys; empty lists when the VPC is gone."""
        ec2 = self._inner("ec2", region)
        with self._hold():
            answers = {key: _items(ec2, kind, key, vpc_id) for key, kind in KINDS.items()}
            prefix_lists = {id_: _ranges(ec2, id_) for id_ in _named_prefix_lists(answers)}
        for key, amend in self._amend.items():
            answers[key] = amend(answers[key])
        instances = [item for one in answers.pop("Reservations") for item in one["Instances"]]
        return {
            **answers,
            "SecurityGroupRules": [],
            "Instances": instances,
            "VpcEndpoints": self._endpoints(vpc_id),
            "PrefixLists": prefix_lists,
        }


def _items(ec2: Any, operation: str, key: str, vpc_id: str) -> Items:
    of_vpc = [{"Name": "vpc-id", "Values": [vpc_id]}]
    pages = ec2.get_paginator(operation).paginate(Filters=of_vpc)
    return [item for page in pages for item in page[key]]


def _named_prefix_lists(answers: Mapping[str, Any]) -> set[str]:
    """Return the ids of the prefix lists that the groups and route tables name."""
    return {
        member["PrefixListId"]
        for group in answers["SecurityGroups"]
        for key in ("IpPermissions", "IpPermissionsEgress")
        for permission in group.get(key, ())
        for member in permission.get("PrefixListIds", ())
    } | {
        route["DestinationPrefixListId"]
        for table in answers["RouteTables"]
        for route in table["Routes"]
        if route.get("DestinationPrefixListId")
    }


def _ranges(ec2: Any, prefix_list_id: str) -> list[str]:
    entries = ec2.get_managed_prefix_list_entries(PrefixListId=prefix_list_id)["Entries"]
    return [entry["Cidr"] for entry in entries]
