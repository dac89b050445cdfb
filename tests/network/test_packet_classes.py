"""Packets of one class are judged alike: what is remembered of one holds for the others.

What a rule tells apart: docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html,
docs.aws.amazon.com/vpc/latest/userguide/nacl-rules.html
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vpc_builder import ADDRESSES, build_vpc, entry, rule

from labkit.network.connections import Connections
from labkit.network.packet_classes import PacketClasses
from labkit.network.packets import ICMP, TCP, UDP, Packet, echo_request
from labkit.network.path import Paths, trace
from labkit.network.topology import NetworkInterface, Route

A, B, C = ADDRESSES.values()

# Addresses and ports close to the ends of the ranges below.
ADDRESSES_ASKED = [
    *(A, B, C, "10.0.1.50", "10.0.1.51", "10.0.1.9", "10.0.1.12", "10.0.1.1", "10.0.0.2"),
    *("10.0.1.15", "10.0.1.16", "10.0.2.255", "10.0.3.0", "10.0.9.9", "192.0.2.1", "8.8.8.8"),
    *("169.254.169.253", "169.254.169.252", "223.255.255.255", "224.0.0.1", "255.255.255.255"),
]
PORTS_ASKED = [0, 1, 22, 23, 66, 67, 68, 69, 79, 80, 90, 91, 1023, 1024, 40000, 65535]
CIDRS = ["0.0.0.0/0", "10.0.1.0/28", "10.0.1.10/32", "10.0.2.0/24", "10.0.0.0/16", "10.0.1.12/32"]
PORT_RANGES = [(0, 65535), (22, 22), (80, 90), (1024, 65535), (67, 67)]
PROTOCOLS = st.sampled_from([-1, ICMP, TCP, UDP, 47])

rules = st.builds(
    rule,
    st.sampled_from(["sg-a", "sg-b", "sg-c"]),
    st.sampled_from(["ingress", "egress"]),
    st.sampled_from([TCP, UDP]),
    st.sampled_from(PORT_RANGES),
    cidr=st.sampled_from(CIDRS),
) | st.builds(
    lambda group, way, protocol, icmp, peer: rule(group, way, protocol, icmp, **peer),
    st.sampled_from(["sg-a", "sg-b", "sg-c"]),
    st.sampled_from(["ingress", "egress"]),
    st.sampled_from([-1, ICMP]),
    st.sampled_from([(-1, -1), (8, -1), (8, 0)]),
    st.sampled_from([{"referenced_group_id": "sg-a"}, {"prefix_list_id": "pl-1"}, {"cidr": A}]),
)
entries = st.builds(
    entry,
    st.integers(1, 200),
    st.sampled_from(["allow", "deny"]),
    st.sampled_from(["ingress", "egress"]),
    PROTOCOLS,
    st.sampled_from(PORT_RANGES),
    st.sampled_from([(-1, -1), (8, -1), (0, 0)]),
    st.sampled_from(CIDRS),
)
routes = st.sampled_from(
    [
        Route("rtb-1", "0.0.0.0/0", "igw-1"),
        Route("rtb-1", "10.0.2.0/28", "eni-x"),
        Route("rtb-1", "pl-1", "vgw-1", "blackhole"),
        Route("rtb-1", "::/0", "eigw-1"),
    ]
)
vpcs = st.builds(
    lambda rules, at_1, at_2, routes, prefix_list, checks: build_vpc(
        rules,
        acls={"acl-1": at_1, "acl-2": at_2},
        routes=routes,
        prefix_lists={"pl-1": prefix_list},
        interfaces=[
            NetworkInterface(
                "eni-m", "vpc-1", "subnet-1", ("10.0.1.50", "10.0.1.51"), ("sg-a",), None,
                "vpc_endpoint", checks,
            )
        ],
    ),
    st.lists(rules, max_size=8),
    st.lists(entries, max_size=5),
    st.lists(entries, max_size=5),
    st.lists(routes, max_size=2),
    st.lists(st.sampled_from([*CIDRS, "2001:db8::/32"]), max_size=2).map(tuple),
    st.booleans(),
)  # fmt: skip
packets = st.builds(
    Packet,
    st.sampled_from(ADDRESSES_ASKED),
    st.sampled_from(ADDRESSES_ASKED),
    st.sampled_from([ICMP, TCP, UDP, 47]),
    st.sampled_from(PORTS_ASKED),
    st.sampled_from(PORTS_ASKED),
    st.sampled_from([0, 3, 8]),
    st.sampled_from([0, 1]),
)


@settings(deadline=None, max_examples=300)
@given(vpcs, st.lists(packets, min_size=2, max_size=12), st.sampled_from(["eni-a", "eni-m"]))
def test_what_is_remembered_of_other_packets_changes_no_verdict(vpc, sent, interface_id):
    paths = Paths(vpc)
    for packet in sent:
        remembered = paths.trace(packet, interface_id, Connections(), 0.0)
        alone = trace(vpc, packet, interface_id)
        assert remembered[:5] == alone[:5]
        assert list(map(bool, remembered.connections)) == list(map(bool, alone.connections))


def to(address: str) -> Packet:
    return Packet(A, address, TCP, 40000, 80)


def ports(srcport: int, dstport: int, protocol: int = TCP) -> Packet:
    return Packet(A, C, protocol, srcport, dstport)


def icmp(icmp_type: int, icmp_code: int) -> Packet:
    return Packet(A, C, ICMP, icmp_type=icmp_type, icmp_code=icmp_code)


OUT = rule("sg-a", "egress")
OPEN_IN, OPEN_OUT = entry(100), entry(100, direction="egress")
TWO = NetworkInterface("eni-t", "vpc-1", "subnet-2", ("10.0.2.60", "10.0.2.80"), ("sg-c",))


def acl(*entries):
    return {"acls": {"acl-1": [*entries, OPEN_IN, OPEN_OUT]}}


@pytest.mark.parametrize(
    ("given", "one", "other"),
    [
        pytest.param({}, to("169.254.169.252"), to("169.254.169.253"), id="an address of AWS"),
        pytest.param({}, to("223.255.255.255"), to("224.0.0.0"), id="multicast"),
        pytest.param({}, to("10.0.2.2"), to("10.0.2.1"), id="a router"),
        pytest.param(
            acl(entry(1, "deny", "egress")), to("10.0.1.200"), to("10.0.2.0"), id="a subnet's end"
        ),
        pytest.param({}, to("10.0.2.9"), to(C), id="an interface"),
        pytest.param({}, to(C), to(C)._replace(srcaddr="10.0.1.99"), id="a forged source"),
        pytest.param(
            {"interfaces": [TWO]}, to("10.0.2.79"), to("10.0.2.80"), id="a secondary address"
        ),
        pytest.param(
            {"routes": [Route("rtb-1", "10.0.2.64/27", "eni-x")]},
            to("10.0.2.95"),
            to("10.0.2.96"),
            id="a route's end",
        ),
        pytest.param(
            {"routes": [Route("rtb-1", "pl-1", "eni-x")], "prefix_lists": {"pl-1": ("8.0.0.0/8",)}},
            to("9.0.0.0"),
            to("8.255.255.255"),
            id="a prefix list's end",
        ),
        pytest.param(
            {"rules": [rule("sg-a", "egress", cidr="10.0.2.64/27")]},
            to("10.0.2.64"),
            to("10.0.2.63"),
            id="a rule's range of addresses",
        ),
        pytest.param(
            acl(entry(1, "deny", "egress", cidr="10.0.2.64/27")),
            to("10.0.2.64"),
            to("10.0.2.63"),
            id="an entry's range of addresses",
        ),
        pytest.param(
            {"rules": [rule("sg-a", "egress", TCP, (22, 23))]},
            ports(40000, 23),
            ports(40000, 24),
            id="a rule's range of ports",
        ),
        pytest.param(
            acl(entry(1, "deny", "egress", TCP, (22, 23))),
            ports(40000, 21),
            ports(40000, 22),
            id="an entry's range of ports",
        ),
        pytest.param({}, ports(68, 67, UDP), ports(69, 67, UDP), id="DHCP's source port"),
        pytest.param({}, ports(68, 66, UDP), ports(68, 67, UDP), id="DHCP's destination port"),
        pytest.param(
            {"rules": [OUT, rule("sg-a", protocol=TCP, ports=(80, 80)), rule("sg-c")]},
            ports(80, 40000),
            ports(81, 40000),
            id="a port that an answer would come to: tracked or not",
        ),
        pytest.param(
            {"rules": [rule("sg-a", "egress", TCP, (0, 65535))]},
            ports(40000, 80),
            ports(40000, 80, UDP),
            id="protocols",
        ),
        pytest.param(
            {"rules": [rule("sg-a", "egress", ICMP, (8, -1))]}, icmp(8, 0), icmp(13, 0), id="types"
        ),
        pytest.param(
            {"rules": [rule("sg-a", "egress", ICMP, (8, 0))]}, icmp(8, 0), icmp(8, 1), id="codes"
        ),
    ],
)
def test_what_a_rule_tells_apart_is_judged_apart(given, one, other):
    paths = Paths(build_vpc(**given))

    def judged(packet: Packet):
        path = paths.trace(packet, "eni-a", Connections(), 0.0)
        return path[1:5], list(map(bool, path.connections))

    assert judged(one) != judged(other)


def classes(**given):
    return PacketClasses(build_vpc(**given))


ONE = Packet(A, C, TCP, 40000, 22)


@pytest.mark.parametrize(
    ("other", "alike"),
    [
        pytest.param(ONE._replace(srcport=50000), True, id="ports that no rule names"),
        pytest.param(ONE._replace(dstport=23), True, id="ports of one range"),
        pytest.param(ONE._replace(dstport=24), False, id="the next port is out of the range"),
        pytest.param(ONE._replace(dstaddr="10.0.9.9"), False, id="another interface's address"),
        pytest.param(ONE._replace(protocol=UDP), False, id="another protocol"),
        pytest.param(ONE._replace(length=9001, tcp_flags=2), True, id="what no rule looks at"),
    ],
)
def test_which_packets_are_alike(other, alike):
    sorted_by = classes(rules=[rule("sg-a", protocol=TCP, ports=(22, 23))])
    assert (sorted_by.of(ONE) == sorted_by.of(other)) is alike


def test_addresses_that_nothing_names_are_alike():
    sorted_by = classes()
    one, other = (sorted_by.of(echo_request(A, f"10.0.2.{n}")) for n in (100, 200))
    assert one == other
    narrow = classes(rules=[rule("sg-a", "egress", cidr="10.0.2.128/25")])
    one, other = (narrow.of(echo_request(A, f"10.0.2.{n}")) for n in (100, 200))
    assert one != other


def test_a_scan_asks_the_rules_once_for_each_range():
    paths = Paths(build_vpc(rules=[rule("sg-a", "egress", TCP, (22, 23))]))
    for port in range(1, 2000):
        paths.trace(ONE._replace(dstport=port), "eni-a", Connections(), 0.0)
    assert len(paths._ways) < 10
