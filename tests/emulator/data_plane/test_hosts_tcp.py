"""TCP between hosts of both kinds: the same five-tuples, actions and flags in the records.

Numbers of packets and bytes are left out: Linux opens with more options, and waits otherwise.

What is recorded: docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html#flow-logs-fields
"""

import re
import time

import pytest
from data_plane_lab import FIRST, FIRST_IP, SECOND, SECOND_IP, lab_vpc
from wire_lab import acl_entry

FIN, SYN, RST, SYN_ACK = 1, 2, 4, 18
KNOCK = "timeout 2 bash -c '</dev/tcp/{ip}/{port}'"
SERVE = "python3 -m http.server {port} >/dev/null 2>&1 &"


def serve(lab, instance_id=SECOND, port=80, ip=SECOND_IP):
    """Start a server and wait until it listens; what that knocking leaves is not looked at."""
    assert lab.run(instance_id, SERVE.format(port=port)).status == "Success"
    deadline = time.monotonic() + 10
    while lab.run(instance_id, KNOCK.format(ip=ip, port=port)).exit_code:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def flows(records):
    """Return interface, direction, addresses, the server's port, action and flags."""
    return sorted(
        (
            r.interface_id,
            r.direction,
            r.srcaddr,
            r.dstaddr,
            min(r.srcport, r.dstport),
            r.action,
            r.tcp_flags,
        )
        for r in records
    )


def two_way(port, out_flags, back_flags):
    """Return the four records of a connection from the first to the second instance."""
    there, back = (FIRST_IP, SECOND_IP, port), (SECOND_IP, FIRST_IP, port)
    return [
        ("eni-1", "egress", *there, "ACCEPT", out_flags),
        ("eni-1", "ingress", *back, "ACCEPT", back_flags),
        ("eni-2", "egress", *back, "ACCEPT", back_flags),
        ("eni-2", "ingress", *there, "ACCEPT", out_flags),
    ]


def test_a_short_connection_to_an_open_port(lab):
    """SYN and FIN out make 3, SYN-ACK and FIN back 19, as in AWS's example.

    Source: docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html
    """
    serve(lab)
    outcome = lab.run(FIRST, KNOCK.format(ip=SECOND_IP, port=80))
    assert (outcome.exit_code, outcome.stdout, outcome.stderr) == (0, "", "")
    records = lab.records_when(lambda records: len(records) == 4)
    assert flows(records) == two_way(80, SYN | FIN, SYN_ACK | FIN)
    assert len({frozenset((r.srcport, r.dstport)) for r in records}) == 1
    assert all(r.protocol == 6 for r in records)


def test_a_closed_port_answers_with_rst(lab):
    outcome = lab.run(FIRST, KNOCK.format(ip=SECOND_IP, port=22))
    assert outcome.exit_code == 1
    assert "Connection refused" in outcome.stderr
    assert f"/dev/tcp/{SECOND_IP}/22: Connection refused" in outcome.stderr
    records = lab.records_when(lambda records: len(records) == 4)
    assert flows(records) == two_way(22, SYN, RST)
    assert {r.packets for r in records} == {1}


def test_a_security_group_that_rejects_is_knocked_at_again(lab):
    """A security group drops without an answer: the SYN is repeated until the time is over.

    Source: docs.aws.amazon.com/vpc/latest/userguide/infrastructure-security.html
    """
    lab.set_vpc(lab_vpc(ingress={"eni-2": []}))
    outcome = lab.run(FIRST, KNOCK.format(ip=SECOND_IP, port=22))
    assert (outcome.exit_code, outcome.stdout) == (124, "")
    records = lab.records_when(lambda records: len(records) == 2)
    there = (FIRST_IP, SECOND_IP, 22)
    assert flows(records) == [
        ("eni-1", "egress", *there, "ACCEPT", SYN),
        ("eni-2", "ingress", *there, "REJECT", SYN),
    ]
    assert {r.packets for r in records} == {2}  # at once and after a second


def test_a_security_group_that_lets_nothing_out(lab):
    """docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html"""
    lab.set_vpc(lab_vpc(egress={"eni-1": []}))
    assert lab.run(FIRST, KNOCK.format(ip=SECOND_IP, port=22)).exit_code == 124
    records = lab.records_when(bool)
    assert flows(records) == [("eni-1", "egress", FIRST_IP, SECOND_IP, 22, "REJECT", SYN)]


def deny_tcp(number, *, egress, **ports):
    return acl_entry(number, "deny", egress=egress, Protocol="6", **ports)


OPEN = [acl_entry(100, "allow", egress=False), acl_entry(100, "allow", egress=True)]
OTHER_SUBNET_IP = "10.0.2.25"
THERE, BACK = (FIRST_IP, OTHER_SUBNET_IP, 22), (OTHER_SUBNET_IP, FIRST_IP, 22)


@pytest.mark.parametrize(
    ("acls", "expected"),
    [
        pytest.param(
            {"subnet-2": [deny_tcp(90, egress=False), *OPEN]},
            [
                ("eni-1", "egress", *THERE, "ACCEPT", SYN),
                ("eni-2", "ingress", *THERE, "REJECT", SYN),
            ],
            id="on the way in",
        ),
        pytest.param(
            {"subnet-1": [deny_tcp(90, egress=True), *OPEN]},
            [("eni-1", "egress", *THERE, "REJECT", SYN)],
            id="on the way out",
        ),
        pytest.param(
            {"subnet-2": [deny_tcp(90, egress=True), *OPEN]},
            [
                ("eni-1", "egress", *THERE, "ACCEPT", SYN),
                ("eni-2", "egress", *BACK, "REJECT", RST),
                ("eni-2", "ingress", *THERE, "ACCEPT", SYN),
            ],
            id="the answer on its way out",
        ),
        pytest.param(
            {"subnet-1": [deny_tcp(90, egress=False), *OPEN]},
            [
                ("eni-1", "egress", *THERE, "ACCEPT", SYN),
                ("eni-1", "ingress", *BACK, "REJECT", RST),
                ("eni-2", "egress", *BACK, "ACCEPT", RST),
                ("eni-2", "ingress", *THERE, "ACCEPT", SYN),
            ],
            id="the answer on its way in",
        ),
    ],
)
def test_a_network_acl_that_rejects(lab, acls, expected):
    """A network ACL is stateless: an answer is judged like any other packet.

    Source: docs.aws.amazon.com/vpc/latest/userguide/nacl-basics.html
    """
    lab.set_vpc(lab_vpc(instances={FIRST: FIRST_IP, SECOND: OTHER_SUBNET_IP}, acls=acls))
    assert lab.run(FIRST, KNOCK.format(ip=OTHER_SUBNET_IP, port=22)).exit_code == 124
    records = lab.records_when(lambda records: len(records) == len(expected))
    assert flows(records) == expected


FROM_VPC = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "10.0.0.0/16"}]}
FROM_ANYWHERE = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}


@pytest.mark.parametrize(
    ("ingress", "rejected"),
    [
        pytest.param(FROM_VPC, SYN, id="a tracked one goes on, a new one is rejected"),
        pytest.param(FROM_ANYWHERE, FIN, id="0.0.0.0/0 in and out is not tracked"),
    ],
)
def test_what_a_removed_rule_does_to_an_open_connection(lab, ingress, rejected):
    """Tracked connections outlive the rule; those that all rules allow both ways are not tracked.

    Source: docs.aws.amazon.com/AWSEC2/latest/UserGuide/security-group-connection-tracking.html
    """
    lab.set_vpc(lab_vpc(ingress={"eni-2": [ingress]}))
    serve(lab)
    running = lab.begin(FIRST, "#!/bin/bash", f"</dev/tcp/{SECOND_IP}/80 sleep 1")
    time.sleep(0.5)
    lab.set_vpc(lab_vpc(ingress={"eni-2": []}))
    assert lab.outcome(running).exit_code == 0
    if rejected == SYN:
        assert lab.run(FIRST, f"timeout 0.5 bash -c '</dev/tcp/{SECOND_IP}/80'").exit_code == 124
    records = lab.records_when(lambda records: any(r.action == "REJECT" for r in records))
    assert {r.tcp_flags for r in records if r.action == "REJECT"} == {rejected}


@pytest.mark.parametrize(
    ("line", "exit_code", "stdout", "stderr"),
    [
        pytest.param("curl -s -o /dev/null -w '%{http_code}' URL", 0, "200", "", id="a code"),
        pytest.param("curl -s URL", 0, ".*Directory listing for /.*", "", id="a page"),
        pytest.param("curl -sf URLnowhere", 22, "", "", id="a page that is not there"),
        pytest.param(
            "curl -sSf URLnowhere",
            22,
            "",
            r"curl: \(22\) The requested URL.*404\n",
            id="and says so",
        ),
        pytest.param(
            "curl -sS http://10.0.1.25:81/",
            7,
            "",
            r"curl: \(7\) Failed to connect to 10.0.1.25 port 81 after \d+ ms: .*\n",
            id="nobody listens",
        ),
        pytest.param(
            "curl -sS -m 0.5 http://10.0.1.99/",
            28,
            "",
            r"curl: \(28\) Connection timed out after \d+ milliseconds\n",
            id="nobody is there",
        ),
    ],
)
def test_curl(lab, line, exit_code, stdout, stderr):
    serve(lab)
    outcome = lab.run(FIRST, line.replace("URL", f"http://{SECOND_IP}/"))
    assert outcome.exit_code == exit_code
    assert re.fullmatch(stdout, outcome.stdout, re.DOTALL)
    said = outcome.stderr.removesuffix(f"failed to run commands: exit status {exit_code}")
    assert re.fullmatch(stderr, said)


def test_what_curl_leaves_in_the_records(lab):
    """docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html"""
    serve(lab)
    assert lab.run(FIRST, f"curl -s -o /dev/null http://{SECOND_IP}/").exit_code == 0
    records = lab.records_when(lambda records: len(records) == 4)
    assert flows(records) == two_way(80, SYN | FIN, SYN_ACK | FIN)


def test_a_second_server_on_one_port(lab):
    serve(lab)
    outcome = lab.run(SECOND, "python3 -m http.server 80")
    assert outcome.exit_code == 1
    assert "Address already in use" in outcome.stderr


def test_a_server_ends_with_its_timeout(lab):
    running = lab.begin(SECOND, "timeout 1 python3 -m http.server 80; echo $?")
    while lab.run(FIRST, f"curl -s -o /dev/null http://{SECOND_IP}/").exit_code:
        time.sleep(0.05)
    assert lab.outcome(running).stdout.endswith("124\n")
    assert lab.run(FIRST, KNOCK.format(ip=SECOND_IP, port=80)).exit_code == 1


def test_a_server_on_the_instance_itself(lab):
    """What stays in an instance never comes to its network interface: nothing is recorded."""
    serve(lab)
    for address in (SECOND_IP, "127.0.0.1"):
        assert lab.run(SECOND, f"curl -s -o /dev/null http://{address}/").exit_code == 0
    assert lab.run(SECOND, f"ping -c 1 {FIRST_IP}").exit_code == 0
    assert {r.protocol for r in lab.records_when(lambda records: len(records) == 4)} == {1}


@pytest.mark.parametrize(
    ("lines", "stdout"),
    [
        pytest.param(["hostname"], "ip-10-0-1-22\n", id="hostname"),
        pytest.param(["hostname -I"], "10.0.1.22 \n", id="hostname -I"),
        pytest.param(["ip addr"], r".*ens5.* mtu 9001 .*inet 10\.0\.1\.22/24 .*", id="ip addr"),
        pytest.param(["sleep 0.1 & echo first", "sleep 0.3"], "first\n", id="the background"),
        pytest.param(["(echo) 2>/dev/null || true"], None, id="a subshell is a real shell's"),
        pytest.param(["echo out; echo err >/dev/null"], "out\n", id="output to nowhere"),
        pytest.param(["timeout 0.1 sleep 5; echo $?"], "124\n", id="timeout"),
        pytest.param(["timeout 5 bash -c 'false || echo $?'"], "1\n", id="bash -c"),
        pytest.param(["echo '$?' \"$?\""], "$? 0\n", id="the last code, quoted"),
        pytest.param(["echo a 2>&1 >/dev/null; echo -n b"], "b", id="outputs in order"),
    ],
)
def test_lines_that_both_kinds_know(lab, host_kind, lines, stdout):
    outcome = lab.run(FIRST, *lines)
    if stdout is None:
        assert outcome.exit_code == (0 if host_kind == "kernel" else 127)
    else:
        assert re.fullmatch(stdout.replace("$", r"\$").replace("?", r"\?"), outcome.stdout, re.S)
        assert outcome.status == "Success"
