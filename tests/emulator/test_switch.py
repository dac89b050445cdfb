"""Packets in, receivers and records out.

What is recorded and what is not: docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html,
docs.aws.amazon.com/vpc/latest/userguide/flow-logs-limitations.html
"""

import gc
from collections import Counter as Tally

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire_lab import (
    ACK,
    FIN,
    OPEN_ACL,
    PSH,
    RST,
    SYN,
    acl_entry,
    build_vpc,
    ipv4,
    ping,
    pong,
    tcp,
    udp,
    unreachable,
)

from labkit.emulator.aggregation import Capture
from labkit.emulator.switch import Switch
from labkit.network.connections import Connections

T = 1_700_000_040.0
A, B, C = "10.0.1.10", "10.0.1.11", "10.0.2.10"
HOSTS = {"eni-a": A, "eni-b": B, "eni-c": C}
FROM_SUBNET = [
    {"IpProtocol": "icmp", "FromPort": 8, "ToPort": -1, "IpRanges": [{"CidrIp": "10.0.0.0/16"}]}
]
ALL_TCP = [
    {"IpProtocol": "tcp", "FromPort": 0, "ToPort": 65535, "IpRanges": [{"CidrIp": "10.0.0.0/16"}]}
]
ALL_UDP = [
    {"IpProtocol": "udp", "FromPort": 0, "ToPort": 65535, "IpRanges": [{"CidrIp": "10.0.0.0/16"}]}
]


HTTP_ONLY = [{**ALL_TCP[0], "FromPort": 80, "ToPort": 80, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]


def watching(hosts=HOSTS, *captures):
    captures = captures or (Capture("fl-1", "ALL", 60),)
    return dict.fromkeys(hosts, captures)


def lab(vpc=None, *, pace="lab"):
    switch = Switch(pace)
    switch.set_vpc("vpc-1", vpc or build_vpc(HOSTS), watching())
    return switch


def sums(records):
    """Add up packets by interface, direction and action."""
    total = Tally()
    for record in records:
        total[record.interface_id, record.direction, record.action] += record.packets
    return total


def converse(switch, n, *, a="eni-a", c="eni-c", start=T):
    for i in range(n):
        assert switch.send(a, ping(A, C), start + i / 10) == c
        assert switch.send(c, pong(C, A), start + i / 10) == a


def test_a_ping_and_its_four_records():
    switch = lab()
    converse(switch, 5)
    records = switch.close(T + 1, ())
    assert sums(records) == {
        ("eni-a", "egress", "ACCEPT"): 5,
        ("eni-a", "ingress", "ACCEPT"): 5,
        ("eni-c", "egress", "ACCEPT"): 5,
        ("eni-c", "ingress", "ACCEPT"): 5,
    }
    assert {record.bytes for record in records} == {420}
    assert len(records) == 4


def test_the_ping_of_the_documentation():
    """docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html, "Security group and
    network ACL rules": the group allows ICMP in only, the ACL denies it out.
    """
    home, server = "203.0.113.12", "172.31.16.139"
    hosts = {"eni-home": home, "eni-1235b8ca123456789": server}
    subnets = {"subnet-1": "203.0.113.0/24", "subnet-2": "172.31.16.0/20"}
    allow_icmp = [
        {"IpProtocol": "icmp", "FromPort": -1, "ToPort": -1, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ]
    vpc = build_vpc(
        hosts,
        subnets=subnets,
        ingress={"eni-1235b8ca123456789": allow_icmp},
        egress={"eni-1235b8ca123456789": []},
        acls={"subnet-2": [OPEN_ACL[0], acl_entry(100, "deny", egress=True, Protocol="1")]},
    )
    switch = Switch("aws")
    switch.set_vpc("vpc-1", vpc, {"eni-1235b8ca123456789": (Capture("fl-1", "ALL", 600),)})
    for request_at, reply_at in [(27, 94), (60, 100), (100, 120), (142, 142)]:
        assert switch.send("eni-home", ping(home, server), 1432917000 + request_at)
        assert not switch.send("eni-1235b8ca123456789", pong(server, home), 1432917000 + reply_at)
    lines = [
        f"2 123456789010 {r.interface_id} {r.srcaddr} {r.dstaddr} {r.srcport} {r.dstport} "
        f"{r.protocol} {r.packets} {r.bytes} {r.start} {r.end} {r.action} {r.log_status}"
        for r in switch.close(1432917600, ())
    ]
    assert lines == [
        "2 123456789010 eni-1235b8ca123456789 203.0.113.12 172.31.16.139 0 0 1 4 336 "
        "1432917027 1432917142 ACCEPT OK",
        "2 123456789010 eni-1235b8ca123456789 172.31.16.139 203.0.113.12 0 0 1 4 336 "
        "1432917094 1432917142 REJECT OK",
    ]


def test_the_ssh_record_of_the_documentation():
    """docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html, SSH."""
    hosts = {"eni-1235b8ca123456789": "172.31.16.139", "eni-2": "172.31.16.21"}
    switch = Switch("aws")
    vpc = build_vpc(hosts, subnets={"subnet-1": "172.31.16.0/20"})
    switch.set_vpc("vpc-1", vpc, {"eni-1235b8ca123456789": (Capture("fl-1", "ALL", 600),)})
    for n in range(20):
        segment = tcp(
            "172.31.16.139", "172.31.16.21", (20641, 22), ACK, data=172 + (9 if n == 0 else 0)
        )
        now = 1418530010 + (60 if n == 19 else n)
        assert switch.send("eni-1235b8ca123456789", segment, now) == "eni-2"
    (r,) = switch.close(1418530200, ())
    assert (r.srcaddr, r.dstaddr, r.srcport, r.dstport) == (
        "172.31.16.139",
        "172.31.16.21",
        20641,
        22,
    )
    assert (r.protocol, r.packets, r.bytes) == (6, 20, 4249)
    assert (r.start, r.end, r.action, r.log_status) == (1418530010, 1418530070, "ACCEPT", "OK")


def conversation():
    """One HTTP request: who sends which segment. Addresses a and c, ports 40000 and 80."""
    return [
        ("eni-a", tcp(A, C, (40000, 80), SYN, seq=100, ack=0)),
        ("eni-c", tcp(C, A, (80, 40000), SYN | ACK, seq=500, ack=101)),
        ("eni-a", tcp(A, C, (40000, 80), ACK, seq=101, ack=501)),
        ("eni-a", tcp(A, C, (40000, 80), PSH | ACK, seq=101, ack=501, data=10)),
        ("eni-c", tcp(C, A, (80, 40000), PSH | ACK, seq=501, ack=111, data=20)),
        ("eni-a", tcp(A, C, (40000, 80), FIN | ACK, seq=111, ack=521)),
        ("eni-c", tcp(C, A, (80, 40000), FIN | ACK, seq=521, ack=112)),
        ("eni-a", tcp(A, C, (40000, 80), ACK, seq=112, ack=522)),
    ]


@pytest.mark.parametrize(
    ("pauses", "flags"),
    [
        pytest.param([0] * 8, {("egress", 3), ("ingress", 19)}, id="short: 3 and 19"),
        pytest.param(
            [0] * 5 + [60] * 3,
            {("egress", 2), ("ingress", 18), ("egress", 1), ("ingress", 1)},
            id="long: 2 and 18, then 1 and 1",
        ),
    ],
)
@pytest.mark.parametrize("ingress", [None, {"eni-c": ALL_TCP}], ids=["untracked", "tracked"])
def test_tcp_flags_of_the_documentation(pauses, flags, ingress):
    """docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html, TCP."""
    switch = lab(build_vpc(HOSTS, ingress=ingress), pace="aws")
    for pause_s, (sender, segment) in zip(pauses, conversation(), strict=True):
        assert switch.send(sender, segment, T + pause_s)
    seen = [r for r in switch.close(T + 600, ()) if r.interface_id == "eni-a"]
    assert {(r.direction, r.tcp_flags) for r in seen} == flags
    assert sum(r.packets for r in seen) == 8


def test_a_segment_after_the_end_is_rejected_where_the_group_tracks():
    """docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html, action."""
    switch = lab(build_vpc(HOSTS, ingress={"eni-c": ALL_TCP, "eni-a": []}))
    for sender, segment in conversation():
        switch.send(sender, segment, T)
    assert switch.send("eni-c", tcp(C, A, (80, 40000), ACK, seq=522, ack=112), T + 1) is None
    assert sums(switch.close(T + 2, ()))["eni-c", "egress", "REJECT"] == 1
    assert switch.send("eni-a", tcp(A, C, (40000, 80), SYN), T + 3) == "eni-c"


def test_data_after_a_reset_does_not_take_the_shortcut():
    switch = lab(build_vpc(HOSTS, ingress={"eni-c": ALL_TCP, "eni-a": []}))
    for sender, segment in conversation()[:5]:
        switch.send(sender, segment, T)
    data = tcp(A, C, (40000, 80), ACK, seq=111, ack=521)
    assert switch.send("eni-a", data, T) == "eni-c"
    assert switch.send("eni-a", data, T) == "eni-c"
    assert switch.send("eni-c", tcp(C, A, (80, 40000), RST, seq=521), T) == "eni-a"
    assert switch.send("eni-a", data, T) is None


def test_an_interface_that_can_track_no_more_drops_and_says_so(monkeypatch):
    """The packet that cannot be tracked is dropped, and SKIPDATA stands for it.

    docs.aws.amazon.com/AWSEC2/latest/UserGuide/security-group-connection-tracking.html
    """
    monkeypatch.setattr("labkit.emulator.switch.Connections", lambda: Connections(1))
    switch = lab(build_vpc(HOSTS, ingress={"eni-c": ALL_TCP}))
    first, second = (tcp(A, C, (port, 80), SYN) for port in (40000, 40001))
    assert switch.send("eni-a", first, T) == "eni-c"
    assert [switch.send("eni-a", second, T) for _ in range(3)] == [None] * 3
    assert switch.send("eni-a", tcp(A, C, (40000, 80), ACK), T) == "eni-c"
    told = {(r.interface_id, r.log_status, r.action) for r in switch.close(T + 1, ())}
    assert told == {("eni-a", "OK", "ACCEPT"), ("eni-c", "OK", "ACCEPT"), ("eni-c", "SKIPDATA", "")}


def test_every_packet_keeps_a_tracked_ping_alive():
    switch = lab(build_vpc(HOSTS, ingress={"eni-c": FROM_SUBNET}))
    converse(switch, 1)
    switch.set_vpc("vpc-1", build_vpc(HOSTS, ingress={"eni-c": []}), watching())
    for second in (20, 40, 59):
        assert switch.send("eni-a", ping(A, C), T + second) == "eni-c"


def test_a_ping_that_goes_on_after_its_records_were_closed_is_counted_on():
    switch = lab()
    converse(switch, 3)
    records = switch.close(T + 1, ())
    converse(switch, 2, start=T + 2)
    assert set(sums([*records, *switch.close(T + 3, ())]).values()) == {5}


DENY_ICMP_IN = [acl_entry(90, "deny", egress=False, Protocol="1"), *OPEN_ACL]


def test_a_running_ping_outlives_its_rule_and_a_new_one_does_not():
    switch = lab(build_vpc(HOSTS, ingress={"eni-c": FROM_SUBNET}))
    converse(switch, 3)
    switch.set_vpc("vpc-1", build_vpc(HOSTS, ingress={"eni-c": []}), watching())
    converse(switch, 3, start=T + 1)
    assert switch.send("eni-a", ping(A, C, identifier=2), T + 2) is None
    assert switch.send("eni-a", ping(A, C), T + 25) == "eni-c"
    assert switch.send("eni-a", ping(A, C), T + 56) is None


def test_a_network_acl_cuts_a_running_ping_on_the_next_packet():
    switch = lab()
    converse(switch, 3)
    switch.set_vpc("vpc-1", build_vpc(HOSTS, acls={"subnet-2": DENY_ICMP_IN}), watching())
    assert switch.send("eni-a", ping(A, C), T + 1) is None
    switch.set_vpc("vpc-1", build_vpc(HOSTS), watching())
    assert switch.send("eni-a", ping(A, C), T + 1) == "eni-c"


def test_a_rejected_flow_gets_through_once_the_other_side_has_opened():
    """A rejection that is remembered must not outlive what made it one."""
    switch = lab(build_vpc(HOSTS, ingress={"eni-c": [], "eni-a": ALL_UDP}))
    knock, call = udp(A, C, (5000, 6000)), udp(C, A, (6000, 5000))
    for _ in range(3):
        assert switch.send("eni-a", knock, T) is None
    assert switch.send("eni-c", call, T) == "eni-a"
    assert switch.send("eni-a", knock, T) == "eni-c"


def test_a_udp_stream_lives_longer_than_a_single_answer():
    switch = lab(build_vpc(HOSTS, ingress={"eni-c": ALL_UDP, "eni-a": []}))
    query, answer = udp(A, C, (5000, 53)), udp(C, A, (53, 5000))
    for _ in range(4):
        switch.send("eni-a", query, T)
    switch.send("eni-c", answer, T)
    assert switch.send("eni-c", answer, T + 29) == "eni-a"
    assert switch.send("eni-c", answer, T + 29 + 179) == "eni-a"
    assert switch.send("eni-c", answer, T + 29 + 179 + 181) is None


def test_rejected_packets_are_counted_each_time():
    switch = lab(build_vpc(HOSTS, ingress={"eni-c": []}))
    for n in range(50):
        assert switch.send("eni-a", ping(A, C), T + n / 1000) is None
    assert sums(switch.close(T + 1, ())) == {
        ("eni-a", "egress", "ACCEPT"): 50,
        ("eni-c", "ingress", "REJECT"): 50,
    }


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(ping(A, "169.254.169.254"), id="instance metadata"),
        pytest.param(udp(A, "10.0.0.2", (5000, 53)), id="the Amazon DNS server"),
        pytest.param(ping("10.0.1.99", C), id="a forged source"),
        pytest.param(b"\x60" + bytes(60), id="IPv6"),
        pytest.param(b"\x45\x00", id="half a packet"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_what_no_flow_log_sees(data):
    """docs.aws.amazon.com/vpc/latest/userguide/flow-logs-limitations.html"""
    switch = lab()
    for _ in range(3):
        assert switch.send("eni-a", data, T) is None
    assert switch.close_all(T + 1) == []


def test_a_packet_to_nobody_leaves_its_sender():
    switch = lab()
    for _ in range(3):
        assert switch.send("eni-a", ping(A, "8.8.8.8"), T) is None
    assert sums(switch.close_all(T)) == {("eni-a", "egress", "ACCEPT"): 3}


def test_an_interface_in_no_vpc_sends_nowhere():
    switch = lab()
    assert switch.send("eni-unknown", ping(A, C), T) is None
    switch.set_vpc("vpc-1", None, {})
    assert switch.send("eni-a", ping(A, C), T) is None


def test_a_removed_vpc_takes_its_tracked_connections_along():
    switch = lab()
    converse(switch, 1)
    switch.set_vpc("vpc-1", None, {})
    switch.set_vpc("vpc-1", build_vpc(HOSTS, ingress={"eni-c": []}), watching())
    assert switch.send("eni-a", ping(A, C), T + 1) is None


def test_a_closed_connection_is_forgotten_in_time():
    switch = Switch("lab")
    switch.set_vpc("vpc-1", build_vpc(HOSTS, ingress={"eni-c": ALL_TCP}), {})
    for sender, segment in conversation()[:2]:
        switch.send(sender, segment, T)
    switch.send("eni-a", tcp(A, C, (40000, 80), RST, seq=101), T)
    data = tcp(A, C, (40000, 80), ACK, seq=101, ack=501)
    assert [switch.send("eni-a", data, T + second) for second in (1, 2)] == [None, None]
    assert switch.send("eni-a", data, T + 61) == "eni-c"


ONLY_DNS = [{**ALL_UDP[0], "FromPort": 53, "ToPort": 53}]


@pytest.mark.parametrize(
    ("known", "stranger"),
    [
        pytest.param(udp(A, C, (5000, 53)), udp(A, C, (5000, 54)), id="UDP to another port"),
        pytest.param(udp(A, C, (5000, 53)), udp(A, B, (5000, 54)), id="UDP to another host"),
        pytest.param(
            udp(A, C, (5000, 53)),
            ipv4(A, C, 17, udp(A, C, (5000, 53))[20:], fragment=185),
            id="a later fragment without its first",
        ),
        pytest.param(
            tcp(A, C, (40000, 80), ACK),
            tcp(A, C, (40000, 80), ACK)[:32] + b"\x40" + tcp(A, C, (40000, 80), ACK)[33:],
            id="a TCP header that is too short",
        ),
        pytest.param(
            tcp(A, C, (40000, 80), ACK),
            tcp(A, C, (40000, 80), ACK)[:32] + b"\xf0" + tcp(A, C, (40000, 80), ACK)[33:],
            id="a TCP header that is too long",
        ),
        pytest.param(ping(A, C), ping(A, C)[:-1], id="half a ping"),
        pytest.param(ping(A, C), pong(A, C), id="an echo reply nobody asked for"),
    ],
)
def test_what_looks_like_a_known_flow_is_judged_apart(known, stranger):
    rules = {"eni-c": ONLY_DNS + FROM_SUBNET + HTTP_ONLY, "eni-b": []}
    switch = lab(build_vpc(HOSTS, ingress=rules))
    for _ in range(4):
        assert switch.send("eni-a", known, T) == "eni-c"
    assert switch.send("eni-a", stranger, T) is None


def test_an_icmp_error_counts_for_its_own_cause_only():
    switch = lab(build_vpc(HOSTS, ingress={"eni-c": ALL_UDP, "eni-a": []}))
    query, other = udp(A, C, (5000, 53)), udp(A, C, (5001, 53))
    for _ in range(3):
        assert switch.send("eni-a", query, T) == "eni-c"
        assert switch.send("eni-c", udp(C, A, (53, 5000)), T) == "eni-a"
    for _ in range(3):
        assert switch.send("eni-c", unreachable(C, A, query), T) == "eni-a"
    assert switch.send("eni-c", unreachable(C, A, other), T) is None


def test_bytes_are_the_ip_total_length_whatever_follows_it():
    switch = lab()
    for packet in (ping(A, C), ping(A, C) + b"\x00\x00", ping(A, C)):
        assert switch.send("eni-a", packet, T) == "eni-c"
    assert {record.bytes for record in switch.close_all(T)} == {252}


def test_secondary_addresses_stand_in_the_packet_fields():
    """docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html, pkt-srcaddr"""
    switch = lab(build_vpc({"eni-a": (A, "10.0.1.20"), "eni-c": (C, "10.0.2.20")}))
    assert switch.send("eni-a", ping("10.0.1.20", "10.0.2.20"), T) == "eni-c"
    seen = {
        r.interface_id: (r.srcaddr, r.dstaddr, r.pkt_srcaddr, r.pkt_dstaddr)
        for r in switch.close_all(T)
    }
    assert seen == {
        "eni-a": (A, "10.0.2.20", "10.0.1.20", "10.0.2.20"),
        "eni-c": ("10.0.1.20", C, "10.0.1.20", "10.0.2.20"),
    }


def test_a_vpc_that_nobody_watches_carries_packets_and_records_nothing():
    switch = Switch("lab")
    switch.set_vpc("vpc-1", build_vpc(HOSTS), {})
    converse(switch, 1)
    assert switch.close(T + 1, ()) == []
    converse(switch, 1)
    assert switch.send("eni-a", udp(A, C, (5000, 53)), T + 2) == "eni-c"
    switch.set_vpc("vpc-1", build_vpc(HOSTS), watching())
    converse(switch, 1)
    assert set(sums(switch.close(T + 3, ())).values()) == {1}


def test_two_vpcs_with_the_same_addresses_know_nothing_of_each_other():
    other = {"eni-x": A, "eni-z": C}
    switch = lab()
    switch.set_vpc("vpc-2", build_vpc(other, vpc_id="vpc-2"), watching(other))
    converse(switch, 3)
    converse(switch, 2, a="eni-x", c="eni-z")
    records = switch.close_all(T + 1)
    assert {(r.vpc_id, r.interface_id, r.packets) for r in records} == {
        ("vpc-1", "eni-a", 3),
        ("vpc-1", "eni-c", 3),
        ("vpc-2", "eni-x", 2),
        ("vpc-2", "eni-z", 2),
    }


def test_changing_one_vpc_leaves_the_other_alone():
    """Neither its tracked connections nor its open windows."""
    other = {"eni-x": A, "eni-z": C}
    switch = lab(build_vpc(HOSTS, ingress={"eni-c": FROM_SUBNET, "eni-a": []}))
    switch.set_vpc("vpc-2", build_vpc(other, vpc_id="vpc-2"), watching(other))
    converse(switch, 1)
    switch.set_vpc("vpc-2", None, {})
    converse(switch, 1)
    assert sums(switch.close(T + 1, ()))["eni-a", "ingress", "ACCEPT"] == 2
    assert switch.send("eni-x", ping(A, C), T) is None


def test_a_second_flow_log_does_not_split_the_records_of_the_first():
    switch = lab()
    converse(switch, 3)
    both = (Capture("fl-1", "ALL", 60), Capture("fl-2", "ALL", 60))
    switch.set_vpc("vpc-1", build_vpc(HOSTS), watching(HOSTS, *both))
    converse(switch, 2)
    counted = {(r.flow_log_id, r.packets) for r in switch.close(T + 1, ())}
    assert counted == {("fl-1", 5), ("fl-2", 2)}


def test_a_ping_across_a_windows_edge_adds_up():
    switch = lab()
    converse(switch, 20, start=T + 59)
    records = switch.close(T + 61.1, {"vpc-1"})
    assert [r.packets for r in records] == [10] * 4
    records += switch.close(T + 61.3, ())
    assert set(sums(records).values()) == {20}


def test_a_busy_vpc_keeps_its_windows_and_a_quiet_one_does_not():
    other = {"eni-x": A, "eni-z": C}
    switch = lab()
    switch.set_vpc("vpc-2", build_vpc(other, vpc_id="vpc-2"), watching(other))
    converse(switch, 1)
    converse(switch, 1, a="eni-x", c="eni-z")
    assert {r.vpc_id for r in switch.close(T + 1, {"vpc-1"})} == {"vpc-2"}
    assert {r.vpc_id for r in switch.close(T + 1, ())} == {"vpc-1"}


def test_next_close_never_asks_to_spin():
    switch = lab()
    assert switch.next_close(T) is None
    switch.send("eni-a", ping(A, C), T)
    assert switch.next_close(T) == pytest.approx(T + 0.2, abs=0.001)
    assert switch.next_close(T + 5) == pytest.approx(T + 5.05, abs=0.001)
    assert switch.next_close(T + 5, {"vpc-1"}) == T + 60


FRAGMENTED = ping(A, C, data=1480 + 100)[20:]


def test_the_fragments_of_a_packet_are_one_flow():
    switch = lab(build_vpc(HOSTS, ingress={"eni-c": FROM_SUBNET}))
    first = ipv4(A, C, 1, FRAGMENTED[:1480], identifier=77, fragment=0x2000)
    last = ipv4(A, C, 1, FRAGMENTED[1480:], identifier=77, fragment=185)
    assert switch.send("eni-a", last, T) is None
    assert switch.send("eni-a", first, T) == "eni-c"
    assert switch.send("eni-a", last, T) == "eni-c"
    records = switch.close_all(T)
    assert {(r.packets, r.bytes) for r in records if r.log_status == "OK"} == {(2, 1500 + 128)}


def test_a_fragment_that_cannot_be_judged_is_told_as_skipdata():
    """docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html, log-status"""
    switch = lab()
    assert switch.send("eni-a", ipv4(A, C, 1, bytes(100), identifier=9, fragment=185), T) is None
    told = [(r.interface_id, r.log_status) for r in switch.close_all(T)]
    assert told == [("eni-a", "SKIPDATA")]


def test_thousands_of_flows_leave_nothing_behind():
    switch = lab(build_vpc(HOSTS, ingress={"eni-c": ALL_TCP + ALL_UDP}))

    def scan(start):
        for n in range(500):
            switch.send("eni-a", tcp(A, C, (1024 + n, 80), SYN), start)
            switch.send("eni-a", udp(A, C, (1024 + n, 53)), start)
            switch.send("eni-a", ping(A, C, identifier=n), start)
        switch.close(start + 1, ())
        switch.close(start + 700, ())
        gc.collect()
        return len(gc.get_objects())

    scan(T)
    once = scan(T + 1000)
    assert scan(T + 2000) < once + 300
    assert len(switch._networks["vpc-1"].connections) == 0


def test_what_the_switch_remembers_is_bounded():
    switch = lab()
    for n in range(5000):
        switch.send("eni-a", ping(A, C, identifier=n), T)
        switch.send("eni-a", ipv4(A, C, 1, FRAGMENTED[:1480], identifier=n, fragment=0x2000), T)
    assert len(switch._ports["eni-a"].shortcuts) <= 4096
    assert len(switch._networks["vpc-1"].fragmented) <= 1024


steps = st.lists(
    st.tuples(
        st.sampled_from(["a>c", "c>a", "a>b", "close", "rules", "captures"]),
        st.floats(0, 40),
        st.integers(0, 2),
    ),
    max_size=40,
)
WORLDS = [
    {},
    {"ingress": {"eni-c": FROM_SUBNET}},
    {"acls": {"subnet-2": DENY_ICMP_IN}},
]


@settings(max_examples=60, deadline=None)
@given(steps)
def test_shortcuts_change_nothing(script):
    """The same script with and without what the switch remembers gives the same records."""
    quick, slow, now = lab(), lab(), T
    totals = Tally(), Tally()
    world = {}
    for what, pause_s, n in script:
        now += pause_s
        for port in slow._ports.values():
            port.shortcuts.clear()
        if what == "close":
            for switch, total in zip((quick, slow), totals, strict=True):
                total.update(sums(switch.close(now, ["vpc-1"] * (n % 2))))
        elif what == "rules":
            world = WORLDS[n]
            for switch in (quick, slow):
                switch.set_vpc("vpc-1", build_vpc(HOSTS, **world), watching())
        elif what == "captures":
            for switch in (quick, slow):
                captures = (Capture("fl-1", ["ALL", "ACCEPT", "REJECT"][n], 60),)
                switch.set_vpc("vpc-1", build_vpc(HOSTS, **world), watching(HOSTS, *captures))
        else:
            sender, packet = {
                "a>c": ("eni-a", ping(A, C, identifier=n)),
                "c>a": ("eni-c", pong(C, A, identifier=n)),
                "a>b": ("eni-a", udp(A, B, (5000, 53 + n))),
            }[what]
            assert quick.send(sender, packet, now) == slow.send(sender, packet, now)
    for switch, total in zip((quick, slow), totals, strict=True):
        total.update(sums(switch.close_all(now)))
    assert totals[0] == totals[1]


def test_a_packet_that_the_wire_lost_is_told():
    """docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html, log-status"""
    switch = lab()
    assert switch.send("eni-a", ping(A, B), T) == "eni-b"
    switch.skip("eni-b", T)
    switch.skip("eni-none", T)
    records = switch.close(T + 60, {"vpc-1"})
    assert {(r.interface_id, r.log_status) for r in records} == {
        ("eni-a", "OK"),
        ("eni-b", "OK"),
        ("eni-b", "SKIPDATA"),
    }


def test_a_flow_that_goes_on_leaves_no_window_without_data():
    """Not even for a flow log of rejected traffic, which counts none of it."""
    switch = Switch("aws")
    reject = Capture("fl-1", "REJECT", 60)
    switch.set_vpc("vpc-1", build_vpc(HOSTS), watching(HOSTS, reject))
    switch.close(T, ())
    for second in range(0, 180, 10):
        switch.send("eni-a", ping(A, B), T + second)
        switch.send("eni-b", pong(B, A), T + second)
    records = switch.close(T + 180, ())
    assert {(r.interface_id, r.log_status) for r in records} == {("eni-c", "NODATA")}
    assert len(records) == 3
