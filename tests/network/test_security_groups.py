"""docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vpc_builder import build_vpc, rule

from labkit.network.packets import ICMP, TCP, UDP, Direction, Packet, echo_request
from labkit.network.security_groups import decide, is_tracked
from labkit.network.topology import NetworkInterface

PING = echo_request("10.0.1.10", "10.0.1.11")


def tcp(port: int, srcaddr: str = "10.0.1.10") -> Packet:
    return Packet(srcaddr, "10.0.1.11", TCP, srcport=40000, dstport=port)


def judge(rules, packet, direction=Direction.INGRESS, **more):
    vpc = build_vpc(rules, **more)
    return decide(vpc, vpc.interfaces["eni-b"], packet, direction)


@pytest.mark.parametrize(
    ("rules", "packet", "action"),
    [
        pytest.param([], PING, "REJECT", id="no rule means reject"),
        pytest.param([rule("sg-b")], PING, "ACCEPT", id="all traffic"),
        pytest.param([rule("sg-b", "egress")], PING, "REJECT", id="an egress rule lets none in"),
        pytest.param(
            [rule("sg-a")], PING, "REJECT", id="the sender's rules are not the receiver's"
        ),
        pytest.param(
            [rule("sg-b", protocol=TCP, ports=(22, 23))], tcp(23), "ACCEPT", id="in range"
        ),
        pytest.param([rule("sg-b", protocol=TCP, ports=(22, 23))], tcp(24), "REJECT", id="beyond"),
        pytest.param([rule("sg-b", protocol=UDP, ports=(22, 23))], tcp(22), "REJECT", id="not TCP"),
        pytest.param(
            [rule("sg-b", cidr="10.0.1.0/24")], PING, "ACCEPT", id="a source in the range"
        ),
        pytest.param([rule("sg-b", cidr="10.0.2.0/24")], PING, "REJECT", id="a source outside it"),
        pytest.param([rule("sg-b", cidr_ipv6="::/0")], PING, "REJECT", id="IPv6 is not IPv4"),
        pytest.param(
            [rule("sg-b", protocol=ICMP, ports=(8, -1))], PING, "ACCEPT", id="echo request"
        ),
        pytest.param(
            [rule("sg-b", protocol=ICMP, ports=(8, 0))], PING, "ACCEPT", id="and its code"
        ),
        pytest.param(
            [rule("sg-b", protocol=ICMP, ports=(8, 1))], PING, "REJECT", id="another code"
        ),
        pytest.param([rule("sg-b", protocol=ICMP, ports=(0, -1))], PING, "REJECT", id="echo reply"),
        pytest.param([rule("sg-b", protocol=ICMP)], PING, "ACCEPT", id="ICMP of all types"),
        pytest.param(
            [rule("sg-b", referenced_group_id="sg-a")], PING, "ACCEPT", id="the sender is a member"
        ),
        pytest.param(
            [rule("sg-b", referenced_group_id="sg-b")], PING, "REJECT", id="the sender is no member"
        ),
        pytest.param(
            [rule("sg-b", referenced_group_id="sg-a")],
            tcp(80, srcaddr="10.0.1.99"),
            "REJECT",
            id="an address of no interface is no member",
        ),
        pytest.param(
            [rule("sg-b", prefix_list_id="pl-1")], PING, "ACCEPT", id="the prefix list has it"
        ),
        pytest.param(
            [rule("sg-b", prefix_list_id="pl-9")], PING, "REJECT", id="an unknown prefix list"
        ),
    ],
)
def test_ingress(rules, packet, action):
    prefix_lists = {"pl-1": ("2001:db8::/32", "192.0.2.0/24", "10.0.1.0/28")}
    assert judge(rules, packet, prefix_lists=prefix_lists).action == action


def test_egress_is_about_the_destination():
    answer = Packet("10.0.1.11", "10.0.1.10", UDP, srcport=53, dstport=40000)
    toward_a = rule("sg-b", "egress", UDP, (1024, 65535), referenced_group_id="sg-a")
    assert judge([toward_a], answer, Direction.EGRESS).action == "ACCEPT"
    toward_b = rule("sg-b", "egress", UDP, (1024, 65535), referenced_group_id="sg-b")
    assert judge([toward_b], answer, Direction.EGRESS).action == "REJECT"


def test_the_verdict_names_the_rule():
    narrow = rule("sg-b", protocol=TCP, ports=(22, 22))
    assert judge([rule("sg-b", protocol=UDP, ports=(0, 65535)), narrow], tcp(22)).rule is narrow
    assert judge([narrow], tcp(23)).rule is None


def test_the_rules_of_all_groups_count_and_unknown_groups_allow_nothing():
    vpc = build_vpc([rule("sg-b", protocol=TCP, ports=(22, 22)), rule("sg-c", protocol=ICMP)])
    both = NetworkInterface("eni-x", "vpc-1", "subnet-1", ("10.0.1.11",), ("sg-0", "sg-b", "sg-c"))
    assert decide(vpc, both, PING, Direction.INGRESS).action == "ACCEPT"
    assert decide(vpc, both, tcp(22), Direction.INGRESS).action == "ACCEPT"
    assert decide(vpc, both, tcp(23), Direction.INGRESS).action == "REJECT"


# The example of "Connection states for traffic" on the page of connection tracking.
SSH = rule("sg-b", protocol=TCP, ports=(22, 22), cidr="10.0.1.10/32")
HTTP = rule("sg-b", protocol=TCP, ports=(80, 80))
ALL_ICMP = rule("sg-b", protocol=ICMP)
ALL_OUT = rule("sg-b", "egress")


@pytest.mark.parametrize(
    ("rules", "packet", "tracked"),
    [
        pytest.param([SSH, HTTP, ALL_ICMP, ALL_OUT], tcp(22), True, id="SSH from one address"),
        pytest.param([SSH, HTTP, ALL_ICMP, ALL_OUT], tcp(80), False, id="HTTP from everywhere"),
        pytest.param([SSH, HTTP, ALL_ICMP, ALL_OUT], PING, True, id="ICMP always"),
        pytest.param([SSH, HTTP, ALL_ICMP], tcp(80), True, id="HTTP without the outbound rule"),
        pytest.param(
            [HTTP, rule("sg-b", "egress", TCP, (0, 65535))],
            tcp(80),
            False,
            id="0-65535 is any port",
        ),
        pytest.param(
            [HTTP, rule("sg-b", "egress", TCP, (1024, 65535))], tcp(80), True, id="not any port"
        ),
        pytest.param(
            [HTTP, rule("sg-b", "egress", cidr="10.0.0.0/16")], tcp(80), True, id="not everywhere"
        ),
        pytest.param(
            [HTTP, rule("sg-b", "egress", UDP, (0, 65535))], tcp(80), True, id="not the protocol"
        ),
    ],
)
def test_tracked(rules, packet, tracked):
    """docs.aws.amazon.com/AWSEC2/latest/UserGuide/security-group-connection-tracking.html"""
    vpc = build_vpc(rules)
    assert is_tracked(vpc, vpc.interfaces["eni-b"], packet, Direction.INGRESS) is tracked


@pytest.mark.parametrize(
    ("dstport", "tracked"),
    [
        pytest.param(40000, False, id="the answer of an untracked server"),
        pytest.param(443, True, id="a request of its own, which the inbound rule cannot answer"),
    ],
)
def test_tracked_egress(dstport, tracked):
    """An answer that opened a connection of its own would outlive the rule."""
    vpc = build_vpc([HTTP, ALL_OUT])
    srcport = 80 if not tracked else 50000
    packet = Packet("10.0.1.11", "10.0.1.10", TCP, srcport=srcport, dstport=dstport)
    assert is_tracked(vpc, vpc.interfaces["eni-b"], packet, Direction.EGRESS) is tracked


def test_what_goes_through_an_interface_endpoint_is_tracked():
    """docs.aws.amazon.com/AWSEC2/latest/UserGuide/security-group-connection-tracking.html"""
    endpoint = NetworkInterface(
        "eni-e", "vpc-1", "subnet-1", ("10.0.1.50",), ("sg-c",), None, "vpc_endpoint"
    )
    vpc = build_vpc(interfaces=[endpoint])
    packet = Packet("10.0.1.11", "10.0.1.50", TCP, srcport=40000, dstport=443)
    assert is_tracked(vpc, vpc.interfaces["eni-b"], packet, Direction.EGRESS)
    assert is_tracked(vpc, endpoint, packet, Direction.INGRESS)
    to_a = Packet("10.0.1.11", "10.0.1.10", TCP, srcport=40000, dstport=443)
    assert not is_tracked(vpc, vpc.interfaces["eni-b"], to_a, Direction.EGRESS)


rules = st.builds(
    rule,
    st.just("sg-b"),
    protocol=st.sampled_from([-1, ICMP, TCP, UDP]),
    ports=st.sampled_from([(-1, -1), (0, 65535), (22, 22), (8, -1)]),
    cidr=st.sampled_from(["0.0.0.0/0", "10.0.1.0/24", "10.0.2.0/24"]),
)


@settings(deadline=None)
@given(st.lists(rules, max_size=8), st.randoms(), st.sampled_from([PING, tcp(22), tcp(80)]))
def test_the_order_of_the_rules_is_irrelevant(listed, random, packet):
    shuffled = random.sample(listed, len(listed))
    assert judge(listed, packet).action == judge(shuffled, packet).action


@settings(deadline=None)
@given(st.lists(rules, max_size=8), rules, st.sampled_from([PING, tcp(22), tcp(80)]))
def test_a_rule_more_never_allows_less(listed, another, packet):
    if judge(listed, packet).action == "ACCEPT":
        assert judge([another, *listed], packet).action == "ACCEPT"
