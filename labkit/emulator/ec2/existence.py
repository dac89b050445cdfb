"""Does what a call names exist? In EC2's words where it does not.

Source: docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from labkit.emulator.refusal import ServiceError


@dataclass(frozen=True, slots=True)
class Kind:
    """How to look for one kind of resource, and what EC2 says where there is none.

    parameter is that of the operation which takes ids, or "filter " and the name of a filter.
    """

    operation: str
    parameter: str
    key: str
    code: str
    message: str


KINDS = {
    "vpc": Kind("describe_vpcs", "VpcIds", "Vpcs", "VpcID", "vpc ID '{}'"),
    "subnet": Kind("describe_subnets", "SubnetIds", "Subnets", "SubnetID", "subnet ID '{}'"),
    "rtb": Kind(
        "describe_route_tables",
        "RouteTableIds",
        "RouteTables",
        "RouteTableID",
        "routeTable ID '{}'",
    ),
    "sg": Kind(
        "describe_security_groups", "GroupIds", "SecurityGroups", "Group", "security group '{}'"
    ),
    "sg-name": Kind(
        "describe_security_groups", "GroupNames", "SecurityGroups", "Group", "security group '{}'"
    ),
    "sgr": Kind(
        "describe_security_group_rules",
        "SecurityGroupRuleIds",
        "SecurityGroupRules",
        "SecurityGroupRuleId",
        "security group rule ID '{}'",
    ),
    "acl": Kind(
        "describe_network_acls",
        "NetworkAclIds",
        "NetworkAcls",
        "NetworkAclID",
        "networkAcl ID '{}'",
    ),
    "eni": Kind(
        "describe_network_interfaces",
        "NetworkInterfaceIds",
        "NetworkInterfaces",
        "NetworkInterfaceID",
        "networkInterface ID '{}'",
    ),
    "i": Kind(
        "describe_instances", "InstanceIds", "Reservations", "InstanceID", "instance ID '{}'"
    ),
    "vol": Kind("describe_volumes", "VolumeIds", "Volumes", "Volume", "volume '{}'"),
    "key": Kind(
        "describe_key_pairs", "filter key-pair-id", "KeyPairs", "KeyPair", "key pair ID '{}'"
    ),
    "key-name": Kind("describe_key_pairs", "KeyNames", "KeyPairs", "KeyPair", "key pair '{}'"),
    "iip-assoc": Kind(
        "describe_iam_instance_profile_associations",
        "AssociationIds",
        "IamInstanceProfileAssociations",
        "AssociationID",
        "association ID '{}'",
    ),
    "pl": Kind(
        "describe_managed_prefix_lists",
        "PrefixListIds",
        "PrefixLists",
        "PrefixListID",
        "prefix list ID '{}'",
    ),
    "ami": Kind("describe_images", "ImageIds", "Images", "AMIID", "image id '[{}]'"),
    "vpce": Kind(
        "describe_vpc_endpoints",
        "VpcEndpointIds",
        "VpcEndpoints",
        "VpcEndpointId",
        "Vpc Endpoint Id '{}'",
    ),
    "igw": Kind(
        "describe_internet_gateways",
        "InternetGatewayIds",
        "InternetGateways",
        "InternetGatewayID",
        "internetGateway ID '{}'",
    ),
    "fl": Kind("describe_flow_logs", "FlowLogIds", "FlowLogs", "FlowLogId", "flow log ID '{}'"),
}
"""By the letters before an id's hyphen, or by what else names one.

Error codes stand without Invalid and .NotFound.
"""


def check(ec2: Any, ids: Iterable[str], kind: str | None = None) -> None:
    """Refuse ids that name nothing.

    Args:
        ec2: a client that knows the resources asked for; one through the gateway knows all.
        ids: of resources, or of one kind only.
        kind: a key of KINDS, where the operation says what its ids name.

    Raises:
        ServiceError: of the first id that there is not.
    """
    for id_ in ids:
        found = KINDS.get(kind or id_.partition("-")[0])
        if found is None:
            raise ServiceError("InvalidID", f"The ID '{id_}' is not valid")
        if not _is_there(ec2, found, id_):
            message = f"The {found.message.format(id_)} does not exist"
            raise ServiceError(f"Invalid{found.code}.NotFound", message)


def _is_there(ec2: Any, kind: Kind, id_: str) -> bool:
    try:
        found = getattr(ec2, kind.operation)(**_asked(kind, id_))[kind.key]
        # moto goes on describing a prefix list for a while after its deletion
        return any(one.get("State") != "delete-complete" for one in found)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code", "").endswith(".NotFound"):
            return False
        raise


def _asked(kind: Kind, id_: str) -> dict[str, Any]:
    by, _, name = kind.parameter.partition(" ")
    return {"Filters": [{"Name": name, "Values": [id_]}]} if by == "filter" else {by: [id_]}
