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


def _check_address_family(ec2: Any, asked: dict[str, Any]) -> None:
    if asked["AddressFamily"] not in ("IPv4", "IPv6"):
        message = f"Value ({asked['AddressFamily']}) for parameter AddressFamily is invalid."
        raise ServiceError("InvalidParameterValue", message)


MORE = {
    "CreateTags": _check_tagged,
    "ModifySecurityGroupRules": _check_rules,
    "ReplaceNetworkAclAssociation": _check_association,
    "CreateManagedPrefixList": _check_address_family,
}
