"""Operations that are moto's, once we know that what they name is there.

moto answers some of them with success where there is nothing to act on, and fails in others.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from botocore import xform_name

from labkit.emulator.ec2 import existence
from labkit.emulator.operations import Call, Operations
from labkit.emulator.refusal import ServiceError, not_emulated
from labkit.emulator.upstream import Clients

NAMED = {
    "ModifyVpcAttribute": {"VpcId": "vpc"},
    "ModifySubnetAttribute": {"SubnetId": "subnet"},
    "RevokeSecurityGroupIngress": {"GroupId": "sg"},
    "RevokeSecurityGroupEgress": {"GroupId": "sg"},
    "AuthorizeSecurityGroupIngress": {"GroupId": "sg"},
    "AuthorizeSecurityGroupEgress": {"GroupId": "sg"},
    "ModifySecurityGroupRules": {"GroupId": "sg"},
    "GetManagedPrefixListEntries": {"PrefixListId": "pl"},
    "ModifyManagedPrefixList": {"PrefixListId": "pl"},
    "DeleteManagedPrefixList": {"PrefixListId": "pl"},
    "ReplaceNetworkAclAssociation": {"NetworkAclId": "acl"},
    "CreateSecurityGroup": {"VpcId": "vpc"},
    "CreateSubnet": {"VpcId": "vpc"},
    "DeleteRoute": {"RouteTableId": "rtb"},
    "DescribeAvailabilityZones": {},
    "UpdateSecurityGroupRuleDescriptionsEgress": {"GroupId": "sg"},
    "UpdateSecurityGroupRuleDescriptionsIngress": {"GroupId": "sg"},
    "CreateTags": {},
    "DeleteKeyPair": {},
    "CreateManagedPrefixList": {},
    "DescribeVpcs": {"VpcIds": "vpc"},
    "DescribeVpcAttribute": {"VpcId": "vpc"},
    "DescribeSecurityGroups": {"GroupIds": "sg", "GroupNames": "sg-name"},
    "DescribeVolumes": {"VolumeIds": "vol"},
    "DescribeKeyPairs": {"KeyPairIds": "key", "KeyNames": "key-name"},
    "DescribeManagedPrefixLists": {"PrefixListIds": "pl"},
    "DescribePrefixLists": {"PrefixListIds": "pl"},
    "DescribeIamInstanceProfileAssociations": {"AssociationIds": "iip-assoc"},
}
"""By operation: the parameters that name a resource or several, and the kind."""

ONE_OF = {
    "RevokeSecurityGroupIngress": ("GroupId", "GroupName"),
    "AuthorizeSecurityGroupIngress": ("GroupId", "GroupName"),
    "DeleteKeyPair": ("KeyName", "KeyPairId"),
}
"""By operation: the parameters of which one must be there."""


class Guards:
    """The guarded operations.

    Args:
        inner: clients straight to moto, which answers.
        outer: clients through the gateway, which know the resources that are ours, too.
    """

    def __init__(self, inner: Clients, outer: Clients):
        self._inner = inner
        self._outer = outer

    def operations(self) -> Operations:
        return {("ec2", name): partial(self._guarded, NAMED[name]) for name in NAMED}

    def _guarded(self, named: dict[str, str], call: Call) -> dict[str, Any]:
        asked, ec2 = call.parameters, self._inner("ec2", call.region)
        require_one_of(asked, ONE_OF.get(call.operation, ()))
        for parameter, kind in named.items():
            named_here = asked.get(parameter, ())
            ids = [named_here] if isinstance(named_here, str) else named_here
            existence.check(ec2, ids, kind)
        if ids := call.operation == "DescribeKeyPairs" and asked.get("KeyPairIds"):
            asked = _by_filter(asked, ids)
        if more := MORE.get(call.operation):
            more(self._outer("ec2", call.region), asked)
        answer = getattr(ec2, xform_name(call.operation))(**asked)
        answer.pop("ResponseMetadata")
        return answer


def _by_filter(asked: dict[str, Any], key_pair_ids: list[str]) -> dict[str, Any]:
    """Ask for key pairs by a filter: moto does not look at their ids."""
    rest = {name: value for name, value in asked.items() if name != "KeyPairIds"}
    by_id = {"Name": "key-pair-id", "Values": key_pair_ids}
    return {**rest, "Filters": [*asked.get("Filters", ()), by_id]}


def require_one_of(asked: dict[str, Any], names: tuple[str, ...]) -> None:
    """Refuse a request that has none of these parameters, in EC2's words."""
    if names and not asked.keys() & set(names):
        wanted = " or ".join(name[:1].lower() + name[1:] for name in names)
        raise ServiceError("MissingParameter", f"The request must contain the parameter {wanted}")


def _check_tagged(ec2: Any, asked: dict[str, Any]) -> None:
    if any(id_.startswith("lt-") for id_ in asked["Resources"]):
        raise not_emulated("ec2", "CreateTags of launch templates")
    existence.check(ec2, asked["Resources"])
    if any("Key" not in tag for tag in asked["Tags"]):
        raise ServiceError("MissingParameter", "The request must contain the parameter Tag.Key")


def _check_rules(ec2: Any, asked: dict[str, Any]) -> None:
    rules = asked["SecurityGroupRules"]
    existence.check(ec2, [item["SecurityGroupRuleId"] for item in rules], "sgr")


def _check_association(ec2: Any, asked: dict[str, Any]) -> None:
    id_ = asked["AssociationId"]
    filters = [{"Name": "association.association-id", "Values": [id_]}]
    if not ec2.describe_network_acls(Filters=filters)["NetworkAcls"]:
        raise ServiceError(
            "InvalidAssociationID.NotFound", f"The association ID '{id_}' does not exist"
        )


def _check_peers(ec2: Any, asked: dict[str, Any]) -> None:
    """Refuse permissions that name what there is not; moto looks at groups only."""
    permissions = asked.get("IpPermissions", ())
    lists = [item for one in permissions for item in one.get("PrefixListIds", ())]
    existence.check(ec2, [item["PrefixListId"] for item in lists], "pl")


def _check_local_route(ec2: Any, asked: dict[str, Any]) -> None:
    """Refuse to take a VPC's own route from a table.

    Source: docs.aws.amazon.com/vpc/latest/userguide/RouteTables.html
    """
    table_id, destination = asked["RouteTableId"], asked.get("DestinationCidrBlock")
    (table,) = ec2.describe_route_tables(RouteTableIds=[table_id])["RouteTables"]
    for route in table["Routes"]:
        if route.get("GatewayId") == "local" and route.get("DestinationCidrBlock") == destination:
            message = f"cannot remove local route {destination} in route table {table_id}"
            raise ServiceError("InvalidParameterValue", message)


def _check_version(ec2: Any, asked: dict[str, Any]) -> None:
    """Refuse a change of another version than the list has.

    Source: docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyManagedPrefixList.html
    """
    found = ec2.describe_managed_prefix_lists(PrefixListIds=[asked["PrefixListId"]])["PrefixLists"]
    if asked.get("CurrentVersion", found[0]["Version"]) != found[0]["Version"]:
        message = "The prefix list has the incorrect version number"
        raise ServiceError("PrefixListVersionMismatch", message)


def _check_zone_names(ec2: Any, asked: dict[str, Any]) -> None:
    if not asked.get("ZoneNames"):
        return
    known = {zone["ZoneName"] for zone in ec2.describe_availability_zones()["AvailabilityZones"]}
    for name in asked.get("ZoneNames", ()):
        if name not in known:
            raise ServiceError("InvalidParameterValue", f"Invalid availability zone: [{name}]")


def _check_zone(ec2: Any, asked: dict[str, Any]) -> None:
    """Refuse a zone that is none; moto then names those of another Region."""
    zones = [zone["ZoneName"] for zone in ec2.describe_availability_zones()["AvailabilityZones"]]
    zone = asked.get("AvailabilityZone")
    if zone is not None and zone not in zones:
        raise ServiceError(
            "InvalidParameterValue",
            f"Value ({zone}) for parameter availabilityZone is invalid. Subnets can currently only "
            f"be created in the following availability zones: {', '.join(zones)}.",
        )


def _check_address_family(ec2: Any, asked: dict[str, Any]) -> None:
    if asked["AddressFamily"] not in ("IPv4", "IPv6"):
        message = f"Value ({asked['AddressFamily']}) for parameter AddressFamily is invalid."
        raise ServiceError("InvalidParameterValue", message)


MORE = {
    "AuthorizeSecurityGroupEgress": _check_peers,
    "AuthorizeSecurityGroupIngress": _check_peers,
    "CreateSubnet": _check_zone,
    "DeleteRoute": _check_local_route,
    "DescribeAvailabilityZones": _check_zone_names,
    "ModifyManagedPrefixList": _check_version,
    "CreateTags": _check_tagged,
    "ModifySecurityGroupRules": _check_rules,
    "ReplaceNetworkAclAssociation": _check_association,
    "CreateManagedPrefixList": _check_address_family,
}
