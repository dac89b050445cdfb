"""Who sees a packet, what each says of it, and who receives it.

The border of a subnet: docs.aws.amazon.com/vpc/latest/userguide/nacl-basics.html
What is tracked: docs.aws.amazon.com/AWSEC2/latest/UserGuide/security-group-connection-tracking.html
"""

from dataclasses import replace

import pytest
from vpc_builder import ADDRESSES, OPEN_ACL, build_vpc, entry, rule

from labkit.network.connections import Connections
from labkit.network.drops import Drop
from labkit.network.packets import ACK, ICMP, RST, TCP, UDP, Packet, echo_request, reply_to, syn
from labkit.network.path import Paths, Reason, round_trip, trace
from labkit.network.topology import NetworkInterface, Route

A, B, C = ADDRESSES.values()
PING_C = echo_request(A, C)
ALL_RULES = [rule(f"sg-{x}", way) for x in "abc" for way in ("ingress", "egress")]


NARROW_RULES = [replace(open_rule, cidr="10.0.0.0/16") for open_rule in ALL_RULES]


def without(group_id, direction):
    return [r for r in ALL_RULES if (r.group_id, r.is_egress) != (group_id, direction == "egress")]


def denying(direction):
    return [entry(90, "deny", direction), *OPEN_ACL]


def views(paths):
    """Return what each interface says of request (>) and reply (<)."""
    seen = {"eni-a": [], "eni-c": []}
    for arrow, path in zip("><", paths, strict=False):
        for hop in path.hops:
            seen[hop.interface_id].append(f"{arrow}{hop.action}")
    return tuple(" ".join(said) for said in seen.values())


@pytest.mark.parametrize(
    ("given", "at_a", "at_c"),
    [
        pytest.param({}, ">ACCEPT <ACCEPT", ">ACCEPT <ACCEPT", id="all allowed"),
        pytest.param(
            {"rules": without("sg-c", "ingress")},
            ">ACCEPT",
            ">REJECT",
            id="B's group denies inbound",
        ),
        pytest.param(
            {"acls": {"acl-2": denying("ingress")}},
            ">ACCEPT",
            ">REJECT",
            id="B's ACL denies inbound",
        ),
        pytest.param(
            {"rules": without("sg-a", "egress")}, ">REJECT", "", id="A's group denies outbound"
        ),
        pytest.param(
            {"acls": {"acl-1": denying("egress")}}, ">REJECT", "", id="A's ACL denies outbound"
        ),
        pytest.param(
            {"acls": {"acl-2": denying("egress")}},
            ">ACCEPT",
            ">ACCEPT <REJECT",
            id="B's ACL denies the reply",
        ),
        pytest.param(
            {"acls": {"acl-1": denying("ingress")}},
            ">ACCEPT <REJECT",
            ">ACCEPT <ACCEPT",
            id="A's ACL denies the reply",
        ),
        pytest.param(
            {"rules": without("sg-c", "egress")},
            ">ACCEPT <ACCEPT",
            ">ACCEPT <ACCEPT",
            id="B's group denies outbound, but a reply is no request",
        ),
        pytest.param(
            {"rules": without("sg-a", "ingress")},
            ">ACCEPT <ACCEPT",
            ">ACCEPT <ACCEPT",
            id="A's group denies inbound, but a reply is no request",
        ),
    ],
)
@pytest.mark.parametrize("packet", [PING_C, syn(A, C, dstport=80), Packet(A, C, UDP, 40000, 53)])
def test_a_request_and_its_reply(given, at_a, at_c, packet):
    """The table of what each interface records, from the pages on groups, ACLs and flow logs.

    docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html
    """
    assert views(round_trip(build_vpc(**given), packet, "eni-a")) == (at_a, at_c)


def test_a_network_acl_acts_at_the_border_only():
    """docs.aws.amazon.com/vpc/latest/userguide/infrastructure-security.html"""
    vpc = build_vpc(acls={"acl-1": [], "acl-2": []})
    inside, across = trace(vpc, echo_request(A, B), "eni-a"), trace(vpc, PING_C, "eni-a")
    assert inside.receiver_id == "eni-b"
    assert [hop.acl for hop in inside.hops] == [None, None]
    assert across.receiver_id is None
    assert across.hops[0].reason is Reason.ACL_DEFAULT


DENY_OUT, DENY_IN = entry(90, "deny", "egress"), entry(90, "deny")


@pytest.mark.parametrize(
    ("given", "reason", "behind"),
    [
        pytest.param({"rules": []}, Reason.NO_RULE, None, id="no rule"),
        pytest.param({"acls": {"acl-1": [DENY_OUT]}}, Reason.ACL_ENTRY, DENY_OUT, id="an entry"),
        pytest.param({"acls": {"acl-1": []}}, Reason.ACL_DEFAULT, None, id="no entry"),
        pytest.param(
            {"acls": {"acl-2": [DENY_IN]}}, Reason.ACL_ENTRY, DENY_IN, id="an entry over there"
        ),
        pytest.param(
            {"rules": [], "acls": {"acl-1": [DENY_OUT]}},
            Reason.NO_RULE,
            None,
            id="on the way out the group comes first",
        ),
        pytest.param(
            {"rules": without("sg-c", "ingress"), "acls": {"acl-2": [DENY_IN]}},
            Reason.ACL_ENTRY,
            DENY_IN,
            id="on the way in the ACL comes first",
        ),
        pytest.param({}, Reason.RULE, rule("sg-c"), id="the rule that allows"),
    ],
)
def test_the_last_hop_names_what_decided(given, reason, behind):
    hop = trace(build_vpc(**given), PING_C, "eni-a").hops[-1]
    assert (hop.reason, hop.rule) == (reason, behind)


def test_a_reply_names_tracking_and_no_rule():
    reply = round_trip(build_vpc(), PING_C, "eni-a")[1]
    assert [(hop.reason, hop.rule) for hop in reply.hops] == [(Reason.TRACKED, None)] * 2


class Wire:
    """Packets one after another, with rules that change while connections are remembered."""

    def __init__(self, **given):
        self.connections = Connections()
        self.change(**given)

    def change(self, **given):
        self.paths = Paths(build_vpc(**given))

    def says(self, packet, interface_id, now=0.0):
        path = self.paths.trace(packet, interface_id, self.connections, now)
        return " ".join(f"{hop.action}" for hop in path.hops)


def test_a_tracked_ping_outlives_the_rule_but_not_its_silence():
    """docs.aws.amazon.com/AWSEC2/latest/UserGuide/security-group-connection-tracking.html"""
    wire = Wire()
    assert wire.says(PING_C, "eni-a", 0.0) == "ACCEPT ACCEPT"
    wire.change(rules=without("sg-c", "ingress"))
    assert wire.says(PING_C, "eni-a", 29.0) == "ACCEPT ACCEPT"
    assert wire.says(echo_request(A, C, identifier=2), "eni-a", 29.0) == "ACCEPT REJECT"
    assert wire.says(PING_C, "eni-a", 59.0) == "ACCEPT REJECT"


def test_a_network_acl_cuts_a_tracked_ping_at_once():
    wire = Wire()
    assert wire.says(PING_C, "eni-a", 0.0) == "ACCEPT ACCEPT"
    wire.change(acls={"acl-2": denying("ingress")})
    assert wire.says(PING_C, "eni-a", 1.0) == "ACCEPT REJECT"
    wire.change()
    assert wire.says(PING_C, "eni-a", 2.0) == "ACCEPT ACCEPT"


HTTP = Packet(A, C, TCP, 40000, 80, tcp_flags=ACK)


@pytest.mark.parametrize(
    ("cidr", "after"),
    [
        pytest.param("10.0.0.0/16", "ACCEPT ACCEPT", id="tracked: a narrow rule allowed it"),
        pytest.param("0.0.0.0/0", "ACCEPT REJECT", id="untracked: open to everywhere, both ways"),
    ],
)
def test_an_open_tcp_connection_when_its_rule_goes(cidr, after):
    """docs.aws.amazon.com/AWSEC2/latest/UserGuide/security-group-connection-tracking.html"""
    to_80 = rule("sg-c", protocol=TCP, ports=(80, 80), cidr=cidr)
    others = without("sg-c", "ingress")
    wire = Wire(rules=[*others, to_80])
    for packet, sender in [(syn(A, C, dstport=80, srcport=40000), "eni-a"), (HTTP, "eni-a")]:
        assert wire.says(packet, sender) == "ACCEPT ACCEPT"
        assert wire.says(reply_to(packet), "eni-c") == "ACCEPT ACCEPT"
    wire.change(rules=others)
    assert wire.says(HTTP, "eni-a", 1.0) == after


def test_what_comes_after_the_connection_was_closed_is_rejected():
    """docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html, action"""
    wire = Wire(rules=NARROW_RULES)
    hello = syn(A, C, dstport=80, srcport=40000)
    wire.says(hello, "eni-a")
    wire.says(reply_to(hello), "eni-c")
    reset = Packet(A, C, TCP, 40000, 80, tcp_flags=RST)
    assert wire.says(reset, "eni-a") == "ACCEPT ACCEPT"
    late = wire.paths.trace(reply_to(HTTP), "eni-c", wire.connections, 1.0)
    assert [(hop.action, hop.reason) for hop in late.hops] == [("REJECT", Reason.CLOSED)]
    assert wire.says(reply_to(hello), "eni-c", 1.0) == "REJECT"
    assert wire.says(hello, "eni-a", 2.0) == "ACCEPT ACCEPT"


def test_an_untracked_flow_knows_no_closing():
    wire = Wire()
    wire.says(Packet(A, C, TCP, 40000, 80, tcp_flags=RST), "eni-a")
    assert len(wire.connections) == 0
    assert wire.says(HTTP, "eni-a", 1.0) == "ACCEPT ACCEPT"


def test_what_a_filter_rejects_is_not_tracked():
    wire = Wire(acls={"acl-1": []})
    assert wire.says(PING_C, "eni-a") == "REJECT"
    assert len(wire.connections) == 0


def test_an_icmp_error_comes_back_to_a_tracked_flow_without_a_rule():
    only_udp_out = [rule("sg-a", "egress", UDP, (0, 65535)), rule("sg-c", "ingress", UDP, (53, 53))]
    wire = Wire(rules=only_udp_out)
    query = Packet(A, C, UDP, 40000, 53)
    error = Packet(C, A, ICMP, icmp_type=3, icmp_code=3, cause=query)
    assert wire.says(error, "eni-c") == "REJECT"
    assert wire.says(query, "eni-a") == "ACCEPT ACCEPT"
    assert wire.says(error, "eni-c") == "ACCEPT ACCEPT"
    assert len(wire.connections) == 2


MIDDLEBOX = NetworkInterface(
    "eni-m", "vpc-1", "subnet-1", ("10.0.1.50",), ("sg-a",), None, "interface", False
)


@pytest.mark.parametrize(
    ("address", "given", "drop", "seen"),
    [
        pytest.param("8.8.8.8", {}, Drop.NO_ROUTE, 1, id="no route"),
        pytest.param(
            "8.8.8.8",
            {"routes": [Route("rtb-1", "0.0.0.0/0", "igw-1")]},
            Drop.GATEWAY,
            1,
            id="an internet gateway is beyond us",
        ),
        pytest.param(
            "8.8.8.8",
            {"routes": [Route("rtb-1", "0.0.0.0/0", "nat-1", "blackhole")]},
            Drop.BLACKHOLE,
            1,
            id="a blackhole",
        ),
        pytest.param(
            C,
            {"routes": [Route("rtb-1", "10.0.2.0/24", "eni-m")]},
            Drop.GATEWAY,
            1,
            id="a route narrower than the local one",
        ),
        pytest.param("10.0.2.77", {}, Drop.NOBODY, 1, id="nobody over there"),
        pytest.param("10.0.1.77", {}, Drop.NOBODY, 1, id="nobody in the same subnet"),
        pytest.param(C, {"states": {"i-c": "stopped"}}, Drop.STOPPED, 1, id="a stopped instance"),
        pytest.param("169.254.169.254", {}, Drop.METADATA, 0, id="instance metadata"),
        pytest.param("169.254.169.123", {}, Drop.TIME, 0, id="time"),
        pytest.param("169.254.169.253", {}, Drop.DNS, 0, id="DNS by its link-local address"),
        pytest.param("169.254.169.250", {}, Drop.LICENSE, 0, id="Windows licenses"),
        pytest.param("10.0.0.2", {}, Drop.DNS, 0, id="DNS at the VPC's base plus two"),
        pytest.param("10.0.1.1", {}, Drop.ROUTER, 0, id="the subnet's router"),
        pytest.param("10.0.2.1", {}, Drop.ROUTER, 0, id="another subnet's router"),
        pytest.param("224.0.0.251", {}, Drop.MULTICAST, 0, id="multicast"),
        pytest.param("255.255.255.255", {}, Drop.MULTICAST, 0, id="broadcast"),
    ],
)
def test_a_packet_that_reaches_nobody(address, given, drop, seen):
    """docs.aws.amazon.com/vpc/latest/userguide/flow-logs-limitations.html"""
    path = trace(build_vpc(**given), Packet(A, address, TCP, 40000, 80), "eni-a")
    assert (path.drop, len(path.hops), path.receiver_id) == (drop, seen, None)


def test_inside_a_subnet_no_route_is_asked():
    """docs.aws.amazon.com/vpc/latest/userguide/VPC_Route_Tables.html"""
    vpc = build_vpc(routes=[Route("rtb-1", "10.0.1.0/24", "eni-m")])
    assert trace(vpc, echo_request(A, B), "eni-a").receiver_id == "eni-b"


def test_a_network_acl_judges_what_leaves_the_vpc():
    vpc = build_vpc(acls={"acl-1": denying("egress")})
    assert trace(vpc, echo_request(A, "8.8.8.8"), "eni-a").hops[0].reason is Reason.ACL_ENTRY
    assert trace(vpc, echo_request(A, "10.0.1.77"), "eni-a").hops[0].reason is Reason.RULE


def test_dhcp_is_not_logged():
    """docs.aws.amazon.com/vpc/latest/userguide/flow-logs-limitations.html."""
    path = trace(build_vpc(), Packet(A, "10.0.1.1", UDP, srcport=68, dstport=67), "eni-a")
    assert path.drop is Drop.DHCP


def test_a_foreign_source_address_does_not_get_out():
    """docs.aws.amazon.com/vpc/latest/userguide/work-with-nat-instances.html"""
    vpc = build_vpc(interfaces=[MIDDLEBOX])
    forged = echo_request("10.0.1.99", C)
    assert trace(vpc, forged, "eni-a").drop is Drop.SOURCE
    assert trace(vpc, forged, "eni-a").hops == ()
    assert trace(vpc, forged, "eni-m").receiver_id == "eni-c"


def test_a_secondary_address_is_the_interfaces_own():
    """docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html."""
    two = NetworkInterface("eni-t", "vpc-1", "subnet-1", ("10.0.1.60", "10.0.1.61"), ("sg-a",))
    vpc = build_vpc(interfaces=[two])
    assert trace(vpc, echo_request("10.0.1.61", C), "eni-t").receiver_id == "eni-c"
    assert trace(vpc, echo_request(A, "10.0.1.61"), "eni-a").receiver_id == "eni-t"


def test_a_subnet_without_acl_or_route_table_lets_nothing_across():
    vpc = build_vpc()
    vpc.network_acls.pop("acl-1")
    assert trace(vpc, PING_C, "eni-a").hops[0].reason is Reason.ACL_DEFAULT
    vpc.route_tables.pop("rtb-1")
    assert trace(vpc, PING_C, "eni-a").drop is Drop.NO_ROUTE


def test_an_icmp_error_keeps_nothing_alive_and_opens_nothing():
    query = Packet(A, C, UDP, 40000, 53)
    error = Packet(C, A, ICMP, icmp_type=3, icmp_code=3, cause=query)
    wire = Wire(rules=[rule("sg-a", "egress"), rule("sg-c"), rule("sg-c", "egress")])
    wire.says(query, "eni-a", 0.0)
    assert wire.says(error, "eni-c", 29.0) == "ACCEPT ACCEPT"
    assert wire.says(error, "eni-c", 31.0) == "ACCEPT REJECT"
    wire.change()
    tracked = len(wire.connections)
    assert wire.says(error, "eni-c", 90.0) == "ACCEPT ACCEPT"
    assert len(wire.connections) == tracked


def test_types_of_icmp_are_judged_apart():
    wire = Wire(rules=[rule("sg-a", "egress"), rule("sg-c", "ingress", ICMP, (8, -1))])
    unasked = Packet(A, C, ICMP, icmp_type=0, icmp_identifier=9)
    assert wire.says(PING_C, "eni-a") == "ACCEPT ACCEPT"
    assert wire.says(unasked, "eni-a") == "ACCEPT REJECT"


def test_the_same_packet_from_another_interface_is_judged_apart():
    """A middlebox beside C, without source check, sends as A: no border, and its own group."""
    beside_c = replace(MIDDLEBOX, subnet_id="subnet-2", private_ips=("10.0.2.50",))
    closed = replace(beside_c, id="eni-n", private_ips=("10.0.2.51",), group_ids=("sg-0",))
    wire = Wire(interfaces=[beside_c, closed], acls={"acl-2": []})
    assert wire.says(PING_C, "eni-a") == "ACCEPT REJECT"
    assert wire.says(PING_C, "eni-m") == "ACCEPT ACCEPT"
    assert wire.says(echo_request(A, C, identifier=2), "eni-n") == "REJECT"


def test_an_interface_that_sends_to_itself_judges_twice():
    two = NetworkInterface("eni-t", "vpc-1", "subnet-1", ("10.0.1.60", "10.0.1.61"), ("sg-b",))
    wire = Wire(interfaces=[two], rules=[rule("sg-b", "egress", UDP, (0, 65535))])
    packet = Packet("10.0.1.60", "10.0.1.61", TCP, 40000, 80)
    assert wire.says(packet, "eni-t") == "REJECT"
    wire.change(interfaces=[two], rules=[rule("sg-b", "egress", TCP, (80, 80))])
    path = wire.paths.trace(packet, "eni-t", wire.connections, 0.0)
    assert [hop.action for hop in path.hops] == ["ACCEPT", "REJECT"]
