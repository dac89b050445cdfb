"""What the values of a request to EC2 must be: checked before anybody answers it.

moto takes these and keeps them. A rule that cannot be read would make its whole VPC unreadable.
Source: docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html, and the pages of the
operations
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from labkit.emulator.operations import Call
from labkit.emulator.refusal import ServiceError
from labkit.network.read_rules import PROTOCOL_NUMBERS

Asked = Mapping[str, Any]

_DESCRIPTION = re.compile(r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{0,255}")
_PORTS = range(65536)
_BOUNDED = ("tcp", "udp", "6", "17")
_ROUTE_TARGETS = (
    "GatewayId",
    "NatGatewayId",
    "NetworkInterfaceId",
    "VpcPeeringConnectionId",
    "EgressOnlyInternetGatewayId",
    "TransitGatewayId",
    "LocalGatewayId",
    "InstanceId",
    "VpcEndpointId",
    "CarrierGatewayId",
    "CoreNetworkArn",
    "OdbNetworkArn",
    "LocalTarget",
)


def check(call: Call) -> None:
    """Refuse values that EC2 would not take.

    Raises:
        ServiceError: in EC2's words where they are known.
    """
    if call.service != "ec2":
        return
    for check_one in _CHECKS.get(call.operation, ()):
        check_one(call.parameters)


def check_tags(call: Call) -> None:
    """Refuse a learner's tags that begin as AWS's own, which CloudFormation may set.

    Source: docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html

    Raises:
        ServiceError: in EC2's words.
    """
    if call.service != "ec2":
        return
    for tag in _tags(call.operation, call.parameters):
        if tag.get("Key", "").lower().startswith("aws:"):
            raise _invalid("Tag keys starting with 'aws:' are reserved for internal use")


def _check_group(asked: Asked) -> None:
    """docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html."""
    name = asked.get("GroupName", "")
    if name.startswith("sg-"):
        raise _invalid(
            f"Value ({name}) for parameter GroupName is invalid. Group names may not be in the "
            "format sg-*."
        )
    _check_description(asked.get("Description", ""), "security group")


def _check_description(text: str, of: str) -> None:
    if not _DESCRIPTION.fullmatch(text):
        raise _invalid(
            f"Invalid {of} description. Valid descriptions are strings less than 256 characters "
            "from the following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*"
        )


def _check_permissions(asked: Asked) -> None:
    """docs.aws.amazon.com/AWSEC2/latest/APIReference/API_IpPermission.html."""
    for permission in (*asked.get("IpPermissions", ()), asked):
        if "IpProtocol" in permission:
            _check_protocol(permission["IpProtocol"])
            _check_ports(permission)
        ranges = (*permission.get("IpRanges", ()), permission)
        for cidr in (item["CidrIp"] for item in ranges if "CidrIp" in item):
            _check_cidr(cidr, ipaddress.IPv4Network)
        for item in permission.get("Ipv6Ranges", ()):
            _check_cidr(item.get("CidrIpv6", ""), ipaddress.IPv6Network)
        for members in ("IpRanges", "Ipv6Ranges", "UserIdGroupPairs", "PrefixListIds"):
            for item in permission.get(members, ()):
                _check_description(item.get("Description", ""), "rule")


def _check_modified_rules(asked: Asked) -> None:
    for item in asked.get("SecurityGroupRules", ()):
        rule = item.get("SecurityGroupRule", {})
        if "IpProtocol" in rule:
            _check_protocol(rule["IpProtocol"])
            _check_ports(rule)
        if "CidrIpv4" in rule:
            _check_cidr(rule["CidrIpv4"], ipaddress.IPv4Network)
        if "CidrIpv6" in rule:
            _check_cidr(rule["CidrIpv6"], ipaddress.IPv6Network)
        _check_description(rule.get("Description", ""), "rule")


def _check_protocol(text: str) -> None:
    is_number = re.fullmatch(r"-1|\d{1,3}", text, re.ASCII) and int(text) < 256
    if text not in PROTOCOL_NUMBERS and not is_number:
        raise _invalid(f"Invalid value '{text}' for IP protocol. Unknown protocol.")


def _check_ports(permission: Asked) -> None:
    if permission["IpProtocol"] not in _BOUNDED:
        return
    first, last = permission.get("FromPort"), permission.get("ToPort")
    if first is None or last is None:
        raise _invalid(
            "Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange."
        )
    for name, port in (("from", first), ("to", last)):
        if port not in _PORTS:
            raise _invalid(f"TCP/UDP ({name}) port ({port}) out of range")
    if first > last:
        raise _invalid(f"Invalid TCP/UDP port range ({first}:{last})")


def _check_entry(asked: Asked) -> None:
    """docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNetworkAclEntry.html."""
    _check_protocol(asked["Protocol"])
    if not asked.keys() & {"CidrBlock", "Ipv6CidrBlock"}:
        raise _missing("The request must contain the parameter cidrBlock or ipv6CidrBlock")
    if "CidrBlock" in asked:
        _check_cidr(asked["CidrBlock"], ipaddress.IPv4Network)
    if "Ipv6CidrBlock" in asked:
        _check_cidr(asked["Ipv6CidrBlock"], ipaddress.IPv6Network)
    if asked.get("RuleAction") not in ("allow", "deny"):
        raise _invalid(
            f"Invalid value '{asked.get('RuleAction')}' for parameter ruleAction: it is allow or "
            "deny"
        )
    ports = asked.get("PortRange", {})
    if ports and asked["Protocol"] in _BOUNDED:
        given = {"FromPort": ports.get("From"), "ToPort": ports.get("To")}
        _check_ports({"IpProtocol": asked["Protocol"], **given})


def _check_route(asked: Asked) -> None:
    """docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateRoute.html."""
    targets = [name for name in _ROUTE_TARGETS if asked.get(name)]
    if len(targets) != 1:
        code = "InvalidParameterCombination" if targets else "MissingParameter"
        names = ", ".join(name[:1].lower() + name[1:] for name in _ROUTE_TARGETS[:7])
        raise ServiceError(code, f"The request must contain exactly one of {names} or instanceId")
    _check_destination(asked)


def _check_destination(asked: Asked) -> None:
    names = ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")
    if len([name for name in names if asked.get(name)]) != 1:
        raise _missing(
            "The request must contain exactly one of destinationCidrBlock, "
            "destinationIpv6CidrBlock, destinationPrefixListId"
        )
    if block := asked.get("DestinationCidrBlock"):
        try:
            ipaddress.IPv4Network(block, strict=False)
        except ValueError:
            raise _not_a_block(block, "destinationCidrBlock") from None


def _check_subnet(asked: Asked) -> None:
    """docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html."""
    try:
        size = ipaddress.IPv4Network(asked.get("CidrBlock", ""), strict=False).prefixlen
    except ValueError:
        return  # said by moto, in EC2's words
    if not 16 <= size <= 28:
        raise ServiceError("InvalidSubnet.Range", f"The CIDR '{asked['CidrBlock']}' is invalid.")


def _check_vpc(asked: Asked) -> None:
    if "CidrBlock" not in asked:
        raise _missing("The request must contain the parameter cidrBlock")


def _check_association(asked: Asked) -> None:
    if not asked.keys() & {"SubnetId", "GatewayId"}:
        raise _missing("The request must contain the parameter subnetId or gatewayId")


def _check_counts(asked: Asked) -> None:
    """docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html."""
    least, most = asked.get("MinCount", 1), asked.get("MaxCount", 1)
    if not 1 <= least <= most:
        raise ServiceError(
            "InvalidParameterCombination",
            f"minCount ({least}) must be at least 1 and at most maxCount ({most})",
        )


def _check_cidr(text: str, kind: Callable[..., Any]) -> None:
    try:
        kind(text, strict=False)
    except ValueError:
        raise _invalid(f"CIDR block {text} is malformed") from None


def _tags(operation: str, asked: Asked) -> Iterator[Asked]:
    if operation == "CreateTags":
        yield from asked.get("Tags", ())
    for specification in asked.get("TagSpecifications", ()):
        yield from specification.get("Tags", ())


def _invalid(message: str) -> ServiceError:
    return ServiceError("InvalidParameterValue", message)


def _missing(message: str) -> ServiceError:
    return ServiceError("MissingParameter", message)


def _not_a_block(text: str, parameter: str) -> ServiceError:
    return _invalid(
        f"Value ({text}) for parameter {parameter} is invalid. This is not a valid CIDR block."
    )


_CHECKS: dict[str, tuple[Callable[[Asked], None], ...]] = {
    "AssociateRouteTable": (_check_association,),
    "AuthorizeSecurityGroupEgress": (_check_permissions,),
    "AuthorizeSecurityGroupIngress": (_check_permissions,),
    "CreateNetworkAclEntry": (_check_entry,),
    "CreateRoute": (_check_route,),
    "CreateSecurityGroup": (_check_group,),
    "CreateSubnet": (_check_subnet,),
    "CreateVpc": (_check_vpc,),
    "DeleteRoute": (_check_destination,),
    "ModifySecurityGroupRules": (_check_modified_rules,),
    "ReplaceNetworkAclEntry": (_check_entry,),
    "ReplaceRoute": (_check_route,),
    "RunInstances": (_check_counts,),
}
