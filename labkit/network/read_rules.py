"""From describe_* answers to rules: security groups, network ACLs, route tables."""

from collections.abc import Iterable, Mapping
from typing import Any

from labkit.network.resources import (
    ALL,
    AclEntry,
    NetworkAcl,
    Route,
    RouteTable,
    SecurityGroup,
    SecurityGroupRule,
)

PROTOCOL_NUMBERS = {"icmp": 1, "tcp": 6, "udp": 17, "icmpv6": 58}


def _protocol_number(text: str) -> int:
    return PROTOCOL_NUMBERS[text] if text in PROTOCOL_NUMBERS else int(text)


def rule_ids(rules: Iterable[Mapping[str, Any]]) -> dict[SecurityGroupRule, str]:
    """Map each rule without its id to its id."""
    return {
        SecurityGroupRule(
            id=None,
            group_id=rule["GroupId"],
            is_egress=rule["IsEgress"],
            protocol=_protocol_number(rule["IpProtocol"]),
            from_port=rule.get("FromPort", ALL),
            to_port=rule.get("ToPort", ALL),
            cidr=rule.get("CidrIpv4"),
            cidr_ipv6=rule.get("CidrIpv6"),
            referenced_group_id=rule.get("ReferencedGroupInfo", {}).get("GroupId"),
            prefix_list_id=rule.get("PrefixListId"),
        ): rule["SecurityGroupRuleId"]
        for rule in rules
    }


def read_group(
    group: Mapping[str, Any], rule_ids: Mapping[SecurityGroupRule, str]
) -> SecurityGroup:
    def rules(key: str, *, is_egress: bool) -> tuple[SecurityGroupRule, ...]:
        return tuple(
            rule
            for permission in group.get(key, ())
            for rule in _read_permission(permission, group["GroupId"], is_egress, rule_ids)
        )

    return SecurityGroup(
        id=group["GroupId"],
        vpc_id=group["VpcId"],
        name=group["GroupName"],
        ingress=rules("IpPermissions", is_egress=False),
        egress=rules("IpPermissionsEgress", is_egress=True),
    )


_PEERS = (
    # the permission's list, its members' key, the rule's field
    ("IpRanges", "CidrIp", "cidr"),
    ("Ipv6Ranges", "CidrIpv6", "cidr_ipv6"),
    ("UserIdGroupPairs", "GroupId", "referenced_group_id"),
    ("PrefixListIds", "PrefixListId", "prefix_list_id"),
)


def _read_permission(
    permission: Mapping[str, Any],
    group_id: str,
    is_egress: bool,
    rule_ids: Mapping[SecurityGroupRule, str],
) -> Iterable[SecurityGroupRule]:
    """Yield a rule for each peer of the permission: AWS counts and removes them one by one."""
    for members, key, field in _PEERS:
        for member in permission.get(members, ()):
            content: dict[str, Any] = {
                "group_id": group_id,
                "is_egress": is_egress,
                "protocol": _protocol_number(permission["IpProtocol"]),
                "from_port": permission.get("FromPort", ALL),
                "to_port": permission.get("ToPort", ALL),
                field: member[key],
            }
            rule_id = rule_ids.get(SecurityGroupRule(id=None, **content))
            yield SecurityGroupRule(id=rule_id, **content)


def read_acl(acl: Mapping[str, Any]) -> NetworkAcl:
    return NetworkAcl(
        id=acl["NetworkAclId"],
        vpc_id=acl["VpcId"],
        is_default=acl.get("IsDefault", False),
        entries=tuple(_read_entry(entry, acl["NetworkAclId"]) for entry in acl["Entries"]),
    )


def _read_entry(entry: Mapping[str, Any], acl_id: str) -> AclEntry:
    ports, icmp = entry.get("PortRange", {}), entry.get("IcmpTypeCode", {})
    return AclEntry(
        network_acl_id=acl_id,
        rule_number=entry["RuleNumber"],
        is_egress=entry["Egress"],
        protocol=_protocol_number(entry["Protocol"]),
        rule_action=entry["RuleAction"],
        cidr=entry.get("CidrBlock"),
        cidr_ipv6=entry.get("Ipv6CidrBlock"),
        from_port=ports.get("From", 0),
        to_port=ports.get("To", 65535),
        icmp_type=icmp.get("Type", ALL),
        icmp_code=icmp.get("Code", ALL),
    )


_ROUTE_TARGETS = (
    "GatewayId",
    "NatGatewayId",
    "TransitGatewayId",
    "VpcPeeringConnectionId",
    "NetworkInterfaceId",
    "InstanceId",
    "EgressOnlyInternetGatewayId",
    "LocalGatewayId",
    "CarrierGatewayId",
    "CoreNetworkArn",
)
_ROUTE_DESTINATIONS = (
    "DestinationCidrBlock",
    "DestinationPrefixListId",
    "DestinationIpv6CidrBlock",
)


def read_route_table(table: Mapping[str, Any]) -> RouteTable:
    return RouteTable(
        id=table["RouteTableId"],
        vpc_id=table["VpcId"],
        is_main=any(association.get("Main") for association in table.get("Associations", ())),
        routes=tuple(_read_route(route, table["RouteTableId"]) for route in table["Routes"]),
    )


def _read_route(route: Mapping[str, Any], table_id: str) -> Route:
    return Route(
        route_table_id=table_id,
        destination=next(route[key] for key in _ROUTE_DESTINATIONS if route.get(key)),
        target=next((route[key] for key in _ROUTE_TARGETS if route.get(key)), "unknown"),
        state=route.get("State", "active"),
    )
