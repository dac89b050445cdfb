"""What a VPC is made of, with AWS's own ids and words: what topology.read_vpcs returns.

Addresses and address ranges stay the text that AWS writes (``"10.0.1.5"``, ``"10.0.1.0/24"``).
Everything here can be pickled and compared.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

ALL = -1  # AWS's wildcard: every protocol, every ICMP type, every ICMP code


@dataclass(frozen=True, slots=True)
class SecurityGroupRule:
    """One allowed source (ingress) or destination (egress) of one security group.

    Exactly one of cidr, cidr_ipv6, referenced_group_id and prefix_list_id is set. For ICMP,
    from_port is the type and to_port the code, -1 being all; with protocol -1 both are -1.
    """

    id: str | None  # sgr-...; None where only describe_security_groups was asked
    group_id: str
    is_egress: bool
    protocol: int
    from_port: int = ALL
    to_port: int = ALL
    cidr: str | None = None
    cidr_ipv6: str | None = None
    referenced_group_id: str | None = None
    prefix_list_id: str | None = None


@dataclass(frozen=True, slots=True)
class SecurityGroup:
    id: str
    vpc_id: str
    name: str
    ingress: tuple[SecurityGroupRule, ...] = ()
    egress: tuple[SecurityGroupRule, ...] = ()


@dataclass(frozen=True, slots=True)
class AclEntry:
    """One numbered entry of a network ACL; AWS knows it by ACL, direction and number."""

    network_acl_id: str
    rule_number: int
    is_egress: bool
    protocol: int
    rule_action: str  # "allow" or "deny"
    cidr: str | None = None
    cidr_ipv6: str | None = None
    from_port: int = 0
    to_port: int = 65535
    icmp_type: int = ALL
    icmp_code: int = ALL


@dataclass(frozen=True, slots=True)
class NetworkAcl:
    id: str
    vpc_id: str
    is_default: bool
    entries: tuple[AclEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """One route: destination is a range or a prefix list's id, target "local" or a gateway's id."""

    route_table_id: str
    destination: str
    target: str
    state: str = "active"  # or "blackhole"


@dataclass(frozen=True, slots=True)
class RouteTable:
    id: str
    vpc_id: str
    is_main: bool
    routes: tuple[Route, ...] = ()


@dataclass(frozen=True, slots=True)
class Subnet:
    """A subnet with the network ACL and route table that hold for it, default and main included."""

    id: str
    vpc_id: str
    cidr_block: str
    network_acl_id: str | None
    route_table_id: str | None
    availability_zone: str = ""
    availability_zone_id: str = ""


@dataclass(frozen=True, slots=True)
class NetworkInterface:
    id: str
    vpc_id: str
    subnet_id: str
    private_ips: tuple[str, ...]  # primary first
    group_ids: tuple[str, ...] = ()
    instance_id: str | None = None
    interface_type: str = "interface"
    source_dest_check: bool = True
    requester_managed: bool = False
    owner_id: str = ""
    mtu: int = 9001

    @property
    def primary_ip(self) -> str:
        return self.private_ips[0]


@dataclass(frozen=True, slots=True)
class Instance:
    id: str
    vpc_id: str
    state: str
    interface_ids: tuple[str, ...] = ()  # primary (device index 0) first
    profile_arn: str | None = None
    private_dns_name: str = ""


@dataclass(frozen=True, slots=True)
class VpcEndpoint:
    """An interface endpoint; with private_dns the service's own name leads to its interfaces."""

    id: str
    vpc_id: str
    service_name: str
    interface_ids: tuple[str, ...] = ()
    private_dns: bool = True


@dataclass(frozen=True, slots=True)
class Vpc:
    """All of one VPC that decides about packets; every dict is keyed by the id."""

    id: str
    cidr_blocks: tuple[str, ...]
    subnets: Mapping[str, Subnet]
    interfaces: Mapping[str, NetworkInterface]
    instances: Mapping[str, Instance]
    security_groups: Mapping[str, SecurityGroup]
    network_acls: Mapping[str, NetworkAcl]
    route_tables: Mapping[str, RouteTable]
    prefix_lists: Mapping[str, tuple[str, ...]]
    endpoints: Mapping[str, VpcEndpoint] = field(default_factory=dict)
