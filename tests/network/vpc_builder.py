"""A VPC to judge packets in: two subnets, hosts a, b (same subnet) and c (the other subnet)."""

from collections.abc import Iterable, Mapping

from labkit.network.topology import (
    AclEntry,
    Instance,
    NetworkAcl,
    NetworkInterface,
    Route,
    RouteTable,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
    Vpc,
)

ADDRESSES = {"eni-a": "10.0.1.10", "eni-b": "10.0.1.11", "eni-c": "10.0.2.10"}


def rule(
    group_id: str,
    direction: str = "ingress",
    protocol: int = -1,
    ports: tuple[int, int] = (-1, -1),
    **peer: str,
) -> SecurityGroupRule:
    peer = peer or {"cidr": "0.0.0.0/0"}
    return SecurityGroupRule(
        f"sgr-{group_id}-{direction}", group_id, direction == "egress", protocol, *ports, **peer
    )


def entry(
    number: int,
    rule_action: str = "allow",
    direction: str = "ingress",
    protocol: int = -1,
    ports: tuple[int, int] = (0, 65535),
    icmp: tuple[int, int] = (-1, -1),
    cidr: str = "0.0.0.0/0",
) -> AclEntry:
    return AclEntry(
        "acl", number, direction == "egress", protocol, rule_action, cidr, None, *ports, *icmp
    )


OPEN_ACL = (entry(100), entry(100, direction="egress"))


def build_vpc(
    rules: Iterable[SecurityGroupRule] | None = None,
    acls: Mapping[str, Iterable[AclEntry]] | None = None,
    routes: Iterable[Route] = (),
    prefix_lists: Mapping[str, tuple[str, ...]] | None = None,
    interfaces: Iterable[NetworkInterface] = (),
    states: Mapping[str, str] | None = None,
) -> Vpc:
    """Interface eni-x has group sg-x; without rules everything is allowed everywhere."""
    if rules is None:
        rules = [rule(f"sg-{x}", way) for x in "abc" for way in ("ingress", "egress")]
    rules = list(rules)
    acls = {"acl-1": OPEN_ACL, "acl-2": OPEN_ACL, **(acls or {})}
    made = [
        NetworkInterface(
            f"eni-{x}", "vpc-1", f"subnet-{n}", (ADDRESSES[f"eni-{x}"],), (f"sg-{x}",), f"i-{x}"
        )
        for x, n in (("a", 1), ("b", 1), ("c", 2))
    ]
    local = Route("rtb-1", "10.0.0.0/16", "local")
    return Vpc(
        id="vpc-1",
        cidr_blocks=("10.0.0.0/16",),
        subnets={
            f"subnet-{n}": Subnet(f"subnet-{n}", "vpc-1", f"10.0.{n}.0/24", f"acl-{n}", "rtb-1")
            for n in (1, 2)
        },
        interfaces={made.id: made for made in [*made, *interfaces]},
        instances={
            f"i-{x}": Instance(f"i-{x}", "vpc-1", (states or {}).get(f"i-{x}", "running"))
            for x in "abc"
        },
        security_groups={
            f"sg-{x}": SecurityGroup(
                f"sg-{x}",
                "vpc-1",
                x,
                tuple(r for r in rules if r.group_id == f"sg-{x}" and not r.is_egress),
                tuple(r for r in rules if r.group_id == f"sg-{x}" and r.is_egress),
            )
            for x in "abc"
        },
        network_acls={
            id_: NetworkAcl(id_, "vpc-1", False, tuple(entries)) for id_, entries in acls.items()
        },
        route_tables={"rtb-1": RouteTable("rtb-1", "vpc-1", True, (local, *routes))},
        prefix_lists=prefix_lists or {},
    )
