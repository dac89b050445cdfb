"""The rule that decided, for each line of AWS's own table of what two interfaces record.

Source: docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html
"""

from dataclasses import replace

import pandas as pd
import pytest
from vpc_builder import ADDRESSES, OPEN_ACL, build_vpc, entry, rule

from labkit import explain
from labkit.explain import Role
from labkit.flowlogs.records import parse
from labkit.network.packets import ICMP, TCP, UDP
from labkit.network.path import Reason

A, B, C = ADDRESSES.values()
ALL_RULES = [rule(f"sg-{x}", way) for x in "abc" for way in ("ingress", "egress")]
# What is open everywhere, both ways, is not tracked for TCP and UDP; the lab's rules are narrower.
NARROW = [replace(open_rule, cidr="10.0.0.0/16") for open_rule in ALL_RULES]
PORTS = {ICMP: (0, 0), TCP: (40000, 80), UDP: (40000, 53)}
PROTOCOLS = pytest.mark.parametrize("protocol", PORTS, ids=["ping", "TCP", "UDP"])


def record(interface_id, source, target, action, protocol=ICMP, ports=None):
    """One record of the default format, as the reader returns it."""
    srcport, dstport = ports or PORTS[protocol]
    line = (
        f"2 123456789012 {interface_id} {source} {target} {srcport} {dstport} {protocol} 5 420 "
        f"1764000000 1764000030 {action} OK"
    )
    return parse([line]).iloc[0]


def request(interface_id, action, protocol=ICMP):
    return record(interface_id, A, C, action, protocol)


def reply(interface_id, action, protocol=ICMP):
    return record(interface_id, C, A, action, protocol, PORTS[protocol][::-1])


def without(group_id, direction):
    return [r for r in NARROW if (r.group_id, r.is_egress) != (group_id, direction == "egress")]


def denying(direction):
    return [entry(90, "deny", direction), *OPEN_ACL]


OUT_A, IN_C = "sg-a sgr-sg-a-egress", "sg-c sgr-sg-c-ingress"
TRACKED = "connection tracking"


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        pytest.param(
            {},
            [(request, "eni-a", "ACCEPT", OUT_A), (reply, "eni-a", "ACCEPT", TRACKED),
             (request, "eni-c", "ACCEPT", IN_C), (reply, "eni-c", "ACCEPT", TRACKED)],
            id="all allowed",
        ),
        pytest.param(
            {"rules": without("sg-c", "ingress")},
            [(request, "eni-a", "ACCEPT", OUT_A), (request, "eni-c", "REJECT", "sg-c")],
            id="B's group denies inbound",
        ),
        pytest.param(
            {"acls": {"acl-2": denying("ingress")}},
            [(request, "eni-a", "ACCEPT", OUT_A), (request, "eni-c", "REJECT", "acl entry 90")],
            id="B's ACL denies inbound",
        ),
        pytest.param(
            {"rules": without("sg-a", "egress")},
            [(request, "eni-a", "REJECT", "sg-a")],
            id="A's group denies outbound",
        ),
        pytest.param(
            {"acls": {"acl-1": denying("egress")}},
            [(request, "eni-a", "REJECT", "acl entry 90")],
            id="A's ACL denies outbound",
        ),
        pytest.param(
            {"acls": {"acl-2": denying("egress")}},
            [(request, "eni-a", "ACCEPT", OUT_A), (request, "eni-c", "ACCEPT", IN_C),
             (reply, "eni-c", "REJECT", "acl entry 90")],
            id="B's ACL denies the reply",
        ),
        pytest.param(
            {"acls": {"acl-1": denying("ingress")}},
            [(request, "eni-a", "ACCEPT", OUT_A), (reply, "eni-a", "REJECT", "acl entry 90"),
             (request, "eni-c", "ACCEPT", IN_C), (reply, "eni-c", "ACCEPT", TRACKED)],
            id="A's ACL denies the reply",
        ),
    ],
)  # fmt: skip
@PROTOCOLS
def test_each_record_names_what_decided(given, seen, protocol):
    """A pings C in another subnet, or knocks at it: what each interface records, and by what.

    docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html
    docs.aws.amazon.com/vpc/latest/userguide/infrastructure-security.html
    """
    vpc = build_vpc(**{"rules": NARROW, **given})
    for make, interface_id, action, decided_by in seen:
        told = explain.explain(make(interface_id, action, protocol), vpc, opened_by=A)
        assert (told.action, told.decided_by) == (action, decided_by), told


def test_the_example_of_the_documentation():
    """Inbound ping allowed by the group; the ACL refuses the reply: ACCEPT, then REJECT.

    docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html
    """
    outside = "203.0.113.12"
    vpc = build_vpc(
        rules=[rule("sg-c", protocol=ICMP)],
        acls={"acl-2": [entry(100, protocol=ICMP), entry(100, "deny", "egress", protocol=ICMP)]},
    )
    came = explain.explain(record("eni-c", outside, C, "ACCEPT"), vpc, opened_by=outside)
    went = explain.explain(record("eni-c", C, outside, "REJECT"), vpc, opened_by=outside)
    assert came.decided_by == "sg-c sgr-sg-c-ingress"
    assert went.decided_by == "acl entry 100"
    assert went.because == "Entry 100 of acl denies ICMP to anywhere."


@pytest.mark.parametrize(
    ("given", "seen", "because"),
    [
        pytest.param(
            {"rules": [rule("sg-b", protocol=TCP, ports=(443, 443), referenced_group_id="sg-a")]},
            record("eni-b", A, B, "ACCEPT", TCP, (40000, 443)),
            "sgr-sg-b-ingress of sg-b allows TCP 443 from sg-a.",
            id="a rule that names a group, inside a subnet",
        ),
        pytest.param(
            {"rules": [rule("sg-c", protocol=ICMP, ports=(8, -1), cidr="10.0.1.0/24")]},
            request("eni-c", "ACCEPT"),
            "sgr-sg-c-ingress of sg-c allows ICMP echo request from 10.0.1.0/24; at the subnet's "
            "border entry 100 of acl allows everything from anywhere.",
            id="a rule and an entry, across the border",
        ),
        pytest.param(
            {"rules": [rule("sg-c", protocol=TCP, ports=(22, 22))]},
            record("eni-c", A, C, "REJECT", TCP, (40000, 23)),
            f"No rule of sg-c allows TCP 23 from {A}.",
            id="no rule",
        ),
        pytest.param(
            {"rules": NARROW, "acls": {"acl-2": [entry(90, "deny", protocol=TCP, ports=(20, 25))]}},
            record("eni-c", A, C, "REJECT", TCP, (40000, 23)),
            "Entry 90 of acl denies TCP 20 to 25 from anywhere.",
            id="an entry with a range of ports",
        ),
        pytest.param(
            {"rules": NARROW, "acls": {"acl-2": []}},
            request("eni-c", "REJECT", UDP),
            f"No entry of acl-2 allows UDP 53 from {A}.",
            id="no entry",
        ),
        pytest.param(
            {"rules": [], "acls": {"acl-2": denying("ingress")}},
            request("eni-c", "REJECT"),
            "Entry 90 of acl denies everything from anywhere (and no security group rule would, "
            "either).",
            id="both reject, the ACL first on the way in",
        ),
        pytest.param(
            {"rules": [], "acls": {"acl-1": denying("egress")}},
            request("eni-a", "REJECT"),
            f"No rule of sg-a allows ICMP echo request to {C} (and the network ACL would not, "
            "either).",
            id="both reject, the group first on the way out",
        ),
    ],
)
def test_the_sentence(given, seen, because):
    assert explain.explain(seen, build_vpc(**given), opened_by=A).because == because


@pytest.mark.parametrize(
    ("seen", "given", "said"),
    [
        pytest.param(
            request("eni-c", "REJECT"),
            {"rules": NARROW},
            "it would be ACCEPT: sgr-sg-c-ingress of sg-c allows everything from 10.0.0.0/16; at "
            "the subnet's border entry 100 of acl allows everything from anywhere. So the rules "
            "have changed since.",
            id="a rule was added since",
        ),
        pytest.param(
            request("eni-c", "ACCEPT"),
            {"rules": without("sg-c", "ingress")},
            "Either the rules have changed since, or the flow was tracked before.",
            id="a rule was removed since, or while the flow was tracked",
        ),
        pytest.param(
            request("eni-c", "ACCEPT"),
            {"acls": {"acl-2": denying("ingress")}},
            "denies everything from anywhere. So the rules have changed since.",
            id="an entry was added since: a network ACL tracks nothing",
        ),
        pytest.param(
            request("eni-c", "REJECT", TCP),
            {"rules": NARROW},
            "Either the rules have changed since, or it came after its connection was closed.",
            id="TCP, and no rule rejects it",
        ),
    ],
)
def test_rules_that_do_not_fit_the_record_are_said_to_have_changed(seen, given, said):
    told = explain.explain(seen, build_vpc(**given), opened_by=A)
    assert said in told.because
    assert told.decided_by == ""


def test_a_ping_may_be_request_or_reply_if_nobody_knows_who_asked():
    vpc = build_vpc(rules=NARROW)
    told = explain.explain(request("eni-c", "ACCEPT"), vpc)
    assert told.decided_by == f"{IN_C} or {TRACKED}"
    assert told.because.startswith("If this is a request: sgr-sg-c-ingress of sg-c allows")
    assert "If this is a reply: it answers what the security groups let through" in told.because
    assert [reading.role for reading in told.readings] == [Role.REQUEST, Role.REPLY]


def test_only_one_reading_is_told_if_only_one_fits():
    vpc = build_vpc(rules=without("sg-c", "ingress"))
    told = explain.explain(request("eni-c", "REJECT"), vpc)
    assert [reading.hop.reason for reading in told.readings] == [Reason.NO_RULE]


@pytest.mark.parametrize(
    ("flags", "ports", "role"),
    [
        pytest.param(2, (80, 40000), Role.REQUEST, id="SYN"),
        pytest.param(3, (80, 40000), Role.REQUEST, id="SYN and FIN, a short connection"),
        pytest.param(18, (40000, 80), Role.REPLY, id="SYN with ACK"),
        pytest.param(19, (40000, 80), Role.REPLY, id="SYN with ACK, and FIN"),
        pytest.param(1, (40000, 80), Role.REQUEST, id="FIN: the ports must do"),
        pytest.param(None, (40000, 80), Role.REQUEST, id="no flags: to a service"),
        pytest.param(None, (80, 40000), Role.REPLY, id="no flags: from a service"),
    ],
)
def test_who_opened_the_connection(flags, ports, role):
    """docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html, tcp-flags."""
    seen = {**record("eni-c", A, C, "ACCEPT", TCP, ports), "tcp_flags": flags}
    told = explain.explain(seen, build_vpc(rules=NARROW))
    assert [reading.role for reading in told.readings] == [role]
    is_guess = any(each.startswith("Who opened") for each in told.unknown)
    assert is_guess == (flags in (None, 1))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        pytest.param("2 1 eni-a - - - - - - - 1 59 - NODATA", "No packet passed", id="NODATA"),
        pytest.param("2 1 eni-a - - - - - - - 1 59 - SKIPDATA", "skipped", id="SKIPDATA"),
        pytest.param(
            f"2 1 eni-x {A} {C} 0 0 1 5 420 1 59 ACCEPT OK", "eni-x is not", id="an interface gone"
        ),
        pytest.param(
            f"2 1 eni-b {A} {C} 0 0 1 5 420 1 59 ACCEPT OK", "Neither address", id="not its own"
        ),
    ],
)
def test_what_cannot_be_explained(line, said):
    told = explain.explain(parse([line]).iloc[0], build_vpc())
    assert said in told.because
    assert told.decided_by == ""


@pytest.mark.parametrize(
    ("seen", "unknown"),
    [
        pytest.param(request("eni-c", "REJECT"), "reject-reason", id="REJECT: group or ACL"),
        pytest.param(request("eni-a", "ACCEPT"), "tracks", id="ACCEPT: was a rule asked"),
        pytest.param(request("eni-a", "ACCEPT"), "type and code", id="ICMP: which message"),
        pytest.param(request("eni-a", "ACCEPT", TCP), "rules that were read", id="which rules"),
    ],
)
def test_what_cannot_be_known_is_said(seen, unknown):
    vpc = build_vpc(rules=without("sg-c", "ingress"))
    told = explain.explain(seen, vpc, opened_by=A)
    assert any(unknown in each for each in told.unknown), told
    assert unknown in str(told) and unknown in told._repr_html_()


def test_why_is_a_column_with_the_logs_own_index():
    log = pd.DataFrame([request("eni-a", "ACCEPT"), request("eni-c", "REJECT")], index=[7, 9])
    told = explain.why(log, build_vpc(rules=without("sg-c", "ingress")), opened_by=A)
    assert list(told.index) == [7, 9]
    assert told[9] == f"No rule of sg-c allows ICMP echo request from {A}."
