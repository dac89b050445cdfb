"""docs.aws.amazon.com/vpc/latest/userguide/nacl-rules.html"""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from vpc_builder import entry

from labkit.network.network_acls import decide
from labkit.network.packets import ICMP, TCP, UDP, Action, Direction, Packet, echo_request

ALLOW_ALL = entry(100)
DENY_SSH = entry(90, "deny", protocol=TCP, ports=(22, 22))


def to_port(port: int, protocol: int = TCP) -> Packet:
    return Packet("10.0.2.10", "10.0.1.10", protocol, srcport=40000, dstport=port)


@pytest.mark.parametrize(
    ("entries", "port", "action"),
    [
        pytest.param([DENY_SSH, ALLOW_ALL], 22, "REJECT", id="the lowest number decides"),
        pytest.param([ALLOW_ALL, DENY_SSH], 22, "REJECT", id="the order of the list is irrelevant"),
        pytest.param([DENY_SSH, ALLOW_ALL], 23, "ACCEPT", id="another port is another matter"),
        pytest.param([entry(110, "deny"), ALLOW_ALL], 22, "ACCEPT", id="a higher number is late"),
        pytest.param([], 80, "REJECT", id="no entry means reject"),
        pytest.param([entry(100, direction="egress")], 80, "REJECT", id="egress is no ingress"),
        pytest.param([entry(1, protocol=UDP)], 80, "REJECT", id="UDP is not TCP"),
        pytest.param([entry(1, protocol=TCP, ports=(80, 90))], 90, "ACCEPT", id="ranges end late"),
        pytest.param([entry(1, protocol=TCP, ports=(80, 90))], 91, "REJECT", id="beyond the range"),
        pytest.param([entry(1, cidr="10.0.2.0/24")], 80, "ACCEPT", id="the source is in the range"),
        pytest.param([entry(1, cidr="10.0.1.0/24")], 80, "REJECT", id="the source is not"),
        pytest.param([entry(1, cidr="10.0.2.10/32")], 80, "ACCEPT", id="a single address"),
    ],
)
def test_ingress_tcp(entries, port, action):
    assert decide(entries, to_port(port), Direction.INGRESS).action == action


@pytest.mark.parametrize(
    ("icmp", "action"),
    [
        pytest.param((-1, -1), "ACCEPT", id="all types, all codes"),
        pytest.param((8, -1), "ACCEPT", id="echo request, all codes"),
        pytest.param((8, 0), "ACCEPT", id="echo request, its code"),
        pytest.param((0, -1), "REJECT", id="echo reply is another type"),
        pytest.param((8, 1), "REJECT", id="another code"),
    ],
)
def test_icmp_type_and_code(icmp, action):
    packet = echo_request("10.0.2.10", "10.0.1.10")
    assert decide([entry(1, protocol=ICMP, icmp=icmp)], packet, Direction.INGRESS).action == action


def test_an_egress_entry_is_about_the_destination():
    entries = [entry(100, direction="egress", cidr="10.0.1.0/24")]
    assert decide(entries, to_port(80), Direction.EGRESS).action == "ACCEPT"
    entries = [entry(100, direction="egress", cidr="10.0.2.0/24")]
    assert decide(entries, to_port(80), Direction.EGRESS).action == "REJECT"


def test_an_entry_about_ipv6_is_not_about_ipv4():
    entries = [replace(entry(90, "deny"), cidr=None, cidr_ipv6="::/0"), ALLOW_ALL]
    assert decide(entries, to_port(80), Direction.INGRESS).entry is ALLOW_ALL


def test_the_verdict_names_the_entry():
    assert decide([ALLOW_ALL, DENY_SSH], to_port(22), Direction.INGRESS).entry is DENY_SSH
    assert decide([], to_port(22), Direction.INGRESS).entry is None


def test_another_protocol_has_no_ports():
    assert decide([entry(1, protocol=47)], to_port(0, 47), Direction.INGRESS).action == "ACCEPT"


entries = st.builds(
    entry,
    st.integers(1, 32766),
    st.sampled_from(["allow", "deny"]),
    protocol=st.sampled_from([-1, ICMP, TCP, UDP]),
    ports=st.sampled_from([(0, 65535), (22, 22), (1024, 65535)]),
    cidr=st.sampled_from(["0.0.0.0/0", "10.0.2.0/24", "10.0.9.0/24"]),
)


@settings(deadline=None)
@given(st.lists(entries, unique_by=lambda e: e.rule_number), st.randoms(), st.integers(0, 65535))
def test_any_order_of_the_entries_gives_the_same_verdict(listed, random, port):
    shuffled = random.sample(listed, len(listed))
    packet = to_port(port)
    assert decide(listed, packet, Direction.INGRESS) == decide(shuffled, packet, Direction.INGRESS)


@settings(deadline=None)
@given(st.lists(entries))
def test_accepted_only_by_an_entry_that_allows(listed):
    verdict = decide(listed, to_port(22), Direction.INGRESS)
    allowed = verdict.entry is not None and verdict.entry.rule_action == "allow"
    assert (verdict.action is Action.ACCEPT) == allowed
