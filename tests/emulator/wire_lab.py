"""Packets as bytes, and VPCs from describe_* answers, for tests of the wire."""

import struct
from collections.abc import Mapping
from ipaddress import IPv4Address
from typing import Any

from labkit.network.topology import Vpc, read_vpcs

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
ALLOW_ALL = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}


def ipv4(
    srcaddr: str, dstaddr: str, protocol: int, payload: bytes, *, identifier=1, fragment=0
) -> bytes:
    size = 20 + len(payload)
    head = struct.pack("!BBHHHBBH", 0x45, 0, size, identifier, fragment, 127, protocol, 0)
    return head + IPv4Address(srcaddr).packed + IPv4Address(dstaddr).packed + payload


def ping(srcaddr: str, dstaddr: str, *, identifier: int = 1, data: int = 56) -> bytes:
    return ipv4(srcaddr, dstaddr, 1, struct.pack("!BBHHH", 8, 0, 0, identifier, 1) + bytes(data))


def pong(srcaddr: str, dstaddr: str, *, identifier: int = 1, data: int = 56) -> bytes:
    return ipv4(srcaddr, dstaddr, 1, struct.pack("!BBHHH", 0, 0, 0, identifier, 1) + bytes(data))


def tcp(
    srcaddr: str,
    dstaddr: str,
    ports: tuple[int, int],
    flags: int,
    *,
    seq: int = 1,
    ack: int = 1,
    data: int = 0,
) -> bytes:
    header = struct.pack("!HHIIBBHHH", *ports, seq, ack, 0x50, flags, 0, 0, 0)
    return ipv4(srcaddr, dstaddr, 6, header + bytes(data))


def udp(srcaddr: str, dstaddr: str, ports: tuple[int, int], *, data: int = 0) -> bytes:
    return ipv4(srcaddr, dstaddr, 17, struct.pack("!HHHH", *ports, 8 + data, 0) + bytes(data))


def unreachable(srcaddr: str, dstaddr: str, cause: bytes) -> bytes:
    """Build "port unreachable", quoting the packet that caused it."""
    return ipv4(srcaddr, dstaddr, 1, struct.pack("!BBHI", 3, 3, 0, 0) + cause[:28])


def acl_entry(number: int, action: str, *, egress: bool, **more: Any) -> dict[str, Any]:
    return {
        "RuleNumber": number,
        "RuleAction": action,
        "Egress": egress,
        "Protocol": "-1",
        "CidrBlock": "0.0.0.0/0",
        **more,
    }


OPEN_ACL = [acl_entry(100, "allow", egress=False), acl_entry(100, "allow", egress=True)]


def build_vpc(
    hosts: Mapping[str, str | tuple[str, ...]],
    *,
    vpc_id: str = "vpc-1",
    subnets: Mapping[str, str] | None = None,
    ingress: Mapping[str, list[dict[str, Any]]] | None = None,
    egress: Mapping[str, list[dict[str, Any]]] | None = None,
    acls: Mapping[str, list[dict[str, Any]]] | None = None,
) -> Vpc:
    """Build a VPC of hosts: interface id -> address (or addresses, primary first).

    Each interface has a security group of its own, named like it, that allows everything unless
    ingress or egress says otherwise. subnets: id -> range, 10.0.1.0/24 and 10.0.2.0/24 by default,
    each with a network ACL named like it that allows everything unless acls says otherwise.
    """
    subnets = subnets or {"subnet-1": "10.0.1.0/24", "subnet-2": "10.0.2.0/24"}
    listed = {id_: (ips,) if isinstance(ips, str) else ips for id_, ips in hosts.items()}
    ranges = ["10.0.0.0/16", "172.31.0.0/16", "203.0.113.0/24"]
    local = [{"DestinationCidrBlock": cidr, "GatewayId": "local"} for cidr in ranges]
    answers = {
        "Vpcs": [{"VpcId": vpc_id, "CidrBlock": ranges[0]}],
        "Subnets": [
            {"SubnetId": id_, "VpcId": vpc_id, "CidrBlock": cidr} for id_, cidr in subnets.items()
        ],
        "NetworkInterfaces": [
            {
                "NetworkInterfaceId": id_,
                "VpcId": vpc_id,
                "SubnetId": next(s for s, cidr in subnets.items() if ips[0][:7] == cidr[:7]),
                "PrivateIpAddress": ips[0],
                "PrivateIpAddresses": [{"PrivateIpAddress": ip} for ip in ips],
                "Groups": [{"GroupId": f"sg-{id_}"}],
            }
            for id_, ips in listed.items()
        ],
        "SecurityGroups": [
            {
                "GroupId": f"sg-{id_}",
                "GroupName": id_,
                "VpcId": vpc_id,
                "IpPermissions": (ingress or {}).get(id_, [ALLOW_ALL]),
                "IpPermissionsEgress": (egress or {}).get(id_, [ALLOW_ALL]),
            }
            for id_ in listed
        ],
        "NetworkAcls": [
            {
                "NetworkAclId": f"acl-{id_}",
                "VpcId": vpc_id,
                "Entries": (acls or {}).get(id_, OPEN_ACL),
                "Associations": [{"SubnetId": id_}],
            }
            for id_ in subnets
        ],
        "RouteTables": [
            {
                "RouteTableId": "rtb-1",
                "VpcId": vpc_id,
                "Associations": [{"Main": True}],
                "Routes": local,
            }
        ],
        "Instances": [],
    }
    return read_vpcs(answers)[vpc_id]
