"""The parameters that moto takes and does not look at, found by reading its operations.

What would change the answer is refused by name; the pages of a description are cut here. Not
listed is what changes nothing here: Force of an instance that stops at once, ClientToken of what is
made once, deprecated images of which there are none.
"""

from __future__ import annotations

from typing import Any

from labkit.emulator.operations import Call, Operation
from labkit.emulator.paging import page
from labkit.emulator.refusal import not_emulated

REFUSED: dict[tuple[str, str], tuple[str, ...]] = {
    ("ec2", "AssociateRouteTable"): ("PublicIpv4Pool",),
    ("ec2", "CreateKeyPair"): ("KeyFormat",),
    ("ec2", "CreateRoute"): ("LocalGatewayId", "CoreNetworkArn", "OdbNetworkArn"),
    ("ec2", "CreateSubnet"): ("OutpostArn", "Ipv4NetmaskLength", "Ipv6NetmaskLength"),
    ("ec2", "CreateVpc"): (
        "Ipv6Pool",
        "Ipv6CidrBlock",
        "Ipv4IpamPoolId",
        "Ipv4NetmaskLength",
        "Ipv6IpamPoolId",
        "Ipv6NetmaskLength",
        "VpcEncryptionControl",
    ),
    ("ec2", "DescribeInstanceTypes"): ("IncludeUnsupportedInRegion",),
    ("ec2", "DescribeRegions"): ("AllRegions", "Filters"),
    ("ec2", "ModifyManagedPrefixList"): ("MaxEntries", "IpamPrefixListResolverSyncEnabled"),
    ("ec2", "ModifySubnetAttribute"): (
        "MapCustomerOwnedIpOnLaunch",
        "CustomerOwnedIpv4Pool",
        "EnableDns64",
        "PrivateDnsHostnameTypeOnLaunch",
        "EnableResourceNameDnsAAAARecordOnLaunch",
        "EnableLniAtDeviceIndex",
        "DisableLniAtDeviceIndex",
    ),
    ("ec2", "ReplaceRoute"): (
        "VpcEndpointId",
        "LocalTarget",
        "LocalGatewayId",
        "CarrierGatewayId",
        "CoreNetworkArn",
        "OdbNetworkArn",
    ),
    ("ec2", "StopInstances"): ("Hibernate",),
    ("ec2", "UpdateSecurityGroupRuleDescriptionsEgress"): ("SecurityGroupRuleDescriptions",),
    ("ec2", "UpdateSecurityGroupRuleDescriptionsIngress"): ("SecurityGroupRuleDescriptions",),
    ("iam", "CreateUser"): ("PermissionsBoundary",),
    ("iam", "ListAccessKeys"): ("Marker", "MaxItems"),
    ("iam", "ListInstanceProfiles"): ("PathPrefix", "Marker", "MaxItems"),
    ("iam", "ListPolicies"): ("PolicyUsageFilter",),
    ("iam", "ListPolicyVersions"): ("Marker", "MaxItems"),
    ("iam", "ListRolePolicies"): ("Marker", "MaxItems"),
    ("logs", "CreateLogGroup"): ("logGroupClass", "deletionProtectionEnabled"),
    ("logs", "DeleteResourcePolicy"): ("expectedRevisionId",),
    ("logs", "DescribeResourcePolicies"): ("policyScope",),
    ("logs", "PutResourcePolicy"): ("expectedRevisionId",),
    ("logs", "DescribeLogGroups"): (
        "accountIdentifiers",
        "logGroupNamePattern",
        "includeLinkedAccounts",
        "logGroupClass",
        "logGroupIdentifiers",
    ),
    ("ssm", "DescribeParameters"): ("Shared",),
}
"""By operation."""

DEFAULTS = {"KeyFormat": "pem", "logGroupClass": "STANDARD", "policyScope": "ACCOUNT"}
"""A value that says what is so anyway; each flag may be false, too."""

PAGED = {
    "DescribeIamInstanceProfileAssociations": "IamInstanceProfileAssociations",
    "DescribeImages": "Images",
    "DescribeInstanceStatus": "InstanceStatuses",
    "DescribeInstanceTypeOfferings": "InstanceTypeOfferings",
    "DescribeInstanceTypes": "InstanceTypes",
    "DescribeManagedPrefixLists": "PrefixLists",
    "DescribePrefixLists": "PrefixLists",
    "DescribeRouteTables": "RouteTables",
    "DescribeSecurityGroupRules": "SecurityGroupRules",
    "DescribeSecurityGroups": "SecurityGroups",
    "DescribeSubnets": "Subnets",
    "DescribeVolumes": "Volumes",
    "DescribeVpcs": "Vpcs",
    "GetManagedPrefixListEntries": "Entries",
}
"""EC2's operations whose MaxResults and NextToken moto does not look at; where the items are."""


def check(call: Call) -> None:
    """Refuse a call with a parameter that would be ignored and matters.

    Raises:
        ServiceError: that names the operation and the parameter.
    """
    for name in REFUSED.get((call.service, call.operation), ()):
        value = call.parameters.get(name)
        is_set = value is not None and value is not False and value != {"Value": False}
        if is_set and value != DEFAULTS.get(name):
            raise not_emulated(call.service, f"{call.operation} with {name}")


def in_pages(call: Call, operation: Operation) -> dict[str, Any]:
    """Answer a call, and cut the page that it asks for."""
    key = PAGED.get(call.operation) if call.service == "ec2" else None
    answer = operation(call)
    if key is None or not {"MaxResults", "NextToken"} & set(call.parameters):
        return answer
    size, token = call.parameters.get("MaxResults"), call.parameters.get("NextToken")
    items, more = page(answer.get(key, []), size, token, invalid="InvalidNextToken")
    rest = {name: value for name, value in answer.items() if name != "NextToken"}
    return {**rest, key: items, **({"NextToken": more} if more else {})}
