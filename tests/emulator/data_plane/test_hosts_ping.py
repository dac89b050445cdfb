"""The same ping on both kinds of host: its text, its exit codes, its records.

What is recorded: docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html
"""

import re
import time

import pytest
from data_plane_lab import FIRST, FIRST_IP, SECOND, SECOND_IP, lab_vpc
from wire_lab import acl_entry

PINGED = rf"""PING {SECOND_IP} \({SECOND_IP}\) 56\(84\) bytes of data\.
64 bytes from {SECOND_IP}: icmp_seq=1 ttl=127 time=\d+(\.\d+)? ms
64 bytes from {SECOND_IP}: icmp_seq=2 ttl=127 time=\d+(\.\d+)? ms

--- {SECOND_IP} ping statistics ---
2 packets transmitted, 2 received, 0% packet loss, time \d+ms
rtt min/avg/max/mdev = \d+\.\d{{3}}/\d+\.\d{{3}}/\d+\.\d{{3}}/\d+\.\d{{3}} ms
"""
QUIET = re.sub(r"64 bytes.*\n", "", PINGED)
NO_REPLY = f"""\
PING {SECOND_IP} ({SECOND_IP}) 56(84) bytes of data.

--- {SECOND_IP} ping statistics ---
1 packets transmitted, 0 received, 100% packet loss, time 0ms

"""


def sums(records):
    return sorted((r.interface_id, r.srcaddr, r.action, r.packets, r.bytes) for r in records)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        pytest.param("-c 2 -i 0.2", PINGED, id="as Amazon Linux 2023 prints it"),
        pytest.param("-c 2 -i 0.2 -q", QUIET, id="quiet"),
        pytest.param("-n -c2 -W 2 -i .2", PINGED, id="options glued to their values"),
        pytest.param("-w 1 -c 2 -i 0.2", PINGED, id="with a deadline it does not need"),
    ],
)
def test_ping_prints(lab, options, text):
    outcome = lab.run(FIRST, f"ping {options} {SECOND_IP}")
    assert re.fullmatch(text, outcome.stdout)
    assert (outcome.status, outcome.exit_code, outcome.stderr) == ("Success", 0, "")


def test_a_ping_without_reply_fails_with_its_text_complete(lab):
    lab.set_vpc(lab_vpc(ingress={"eni-2": []}))
    outcome = lab.run(FIRST, f"ping -c 1 -W 0.2 {SECOND_IP}")
    assert (outcome.status, outcome.status_details, outcome.exit_code) == ("Failed", "Failed", 1)
    assert outcome.stdout == NO_REPLY
    assert outcome.stderr == "failed to run commands: exit status 1"


@pytest.mark.parametrize(
    ("arguments", "exit_code", "complaint"),
    [
        ("-Z 10.0.1.25", 2, "ping: invalid option -- 'Z'\n"),
        ("-c", 2, "ping: option requires an argument -- 'c'\n"),
        ("", 1, "ping: usage error: Destination address required\n"),
        ("-c x 10.0.1.25", 1, "ping: invalid argument: 'x'\n"),
        (
            "-c 0 10.0.1.25",
            1,
            f"ping: invalid argument: '0': out of range: 1 <= value <= {2**63 - 1}\n",
        ),
        ("-c 1 nohost", 2, "ping: nohost: Name or service not known\n"),
    ],
)
def test_ping_refuses_with_iputils_words(lab, arguments, exit_code, complaint):
    outcome = lab.run(FIRST, f"ping {arguments}")
    assert (outcome.status, outcome.exit_code) == ("Failed", exit_code)
    assert outcome.stderr.startswith(complaint)
    assert outcome.stderr.endswith(f"failed to run commands: exit status {exit_code}")


def test_each_interface_records_requests_and_replies_to_the_byte(lab):
    lab.run(FIRST, f"ping -c 3 -i 0.2 {SECOND_IP}")
    records = lab.records_when(lambda records: len(records) == 4)
    assert sums(records) == [
        ("eni-1", FIRST_IP, "ACCEPT", 3, 252),
        ("eni-1", SECOND_IP, "ACCEPT", 3, 252),
        ("eni-2", FIRST_IP, "ACCEPT", 3, 252),
        ("eni-2", SECOND_IP, "ACCEPT", 3, 252),
    ]


def test_records_wait_for_the_command_and_come_soon_after(lab):
    outcome = lab.run(FIRST, f"ping -c 2 -i 0.6 {SECOND_IP}; sleep 0.5")
    assert not lab.records
    lab.records_when(lambda records: len(records) == 4)
    assert [record.packets for record in lab.records] == [2] * 4
    assert all(record.closed_at - outcome.ended_at < 0.4 for record in lab.records)


def test_a_request_rejected_at_the_other_end(lab):
    lab.set_vpc(lab_vpc(ingress={"eni-2": []}))
    lab.run(FIRST, f"ping -c 2 -i 0.2 -W 0.2 {SECOND_IP}")
    assert sums(lab.records_when(lambda records: len(records) == 2)) == [
        ("eni-1", FIRST_IP, "ACCEPT", 2, 168),
        ("eni-2", FIRST_IP, "REJECT", 2, 168),
    ]


OTHER_SUBNET_IP = "10.0.2.25"
THERE_AT_1, BACK_AT_1 = ("eni-1", FIRST_IP), ("eni-1", OTHER_SUBNET_IP)
THERE_AT_2, BACK_AT_2 = ("eni-2", FIRST_IP), ("eni-2", OTHER_SUBNET_IP)


def deny_icmp(*, egress):
    return [
        acl_entry(90, "deny", egress=egress, Protocol="1"),
        acl_entry(100, "allow", egress=False),
        acl_entry(100, "allow", egress=True),
    ]


@pytest.mark.parametrize(
    ("rules", "accepted", "rejected"),
    [
        pytest.param({}, [THERE_AT_1, BACK_AT_1, THERE_AT_2, BACK_AT_2], [], id="all allowed"),
        pytest.param(
            {"ingress": {"eni-2": []}}, [THERE_AT_1], [THERE_AT_2], id="B's group denies inbound"
        ),
        pytest.param(
            {"acls": {"subnet-2": deny_icmp(egress=False)}},
            [THERE_AT_1],
            [THERE_AT_2],
            id="the ACL of B's subnet denies inbound",
        ),
        pytest.param({"egress": {"eni-1": []}}, [], [THERE_AT_1], id="A's group denies outbound"),
        pytest.param(
            {"acls": {"subnet-1": deny_icmp(egress=True)}},
            [],
            [THERE_AT_1],
            id="the ACL of A's subnet denies outbound",
        ),
        pytest.param(
            {"acls": {"subnet-2": deny_icmp(egress=True)}},
            [THERE_AT_1, THERE_AT_2],
            [BACK_AT_2],
            id="the ACL of B's subnet denies the reply",
        ),
        pytest.param(
            {"acls": {"subnet-1": deny_icmp(egress=False)}},
            [THERE_AT_1, THERE_AT_2, BACK_AT_2],
            [BACK_AT_1],
            id="the ACL of A's subnet denies the reply",
        ),
    ],
)
def test_what_each_interface_records_of_a_ping_to_the_byte(lab, rules, accepted, rejected):
    """Two pings; who denies, and who says so.

    docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html, security group and
    network ACL rules
    """
    lab.set_vpc(lab_vpc(instances={FIRST: FIRST_IP, SECOND: OTHER_SUBNET_IP}, **rules))
    outcome = lab.run(FIRST, f"ping -c 2 -i 0.2 -W 0.2 {OTHER_SUBNET_IP}")
    assert outcome.exit_code == bool(rejected)
    expected = [(*at, "ACCEPT", 2, 168) for at in accepted]
    expected += [(*at, "REJECT", 2, 168) for at in rejected]
    # A window's edge may fall between the two: records are summed, never counted.
    records = lab.records_when(lambda records: sums(records) == sorted(expected))
    assert sums(records) == sorted(expected)


@pytest.mark.parametrize(
    ("options", "packets", "size_bytes"),
    [
        pytest.param("-s 0 -c 1", 1, 28, id="no data"),
        pytest.param("-s 1000 -c 2 -i 0.2", 2, 2056, id="a thousand bytes"),
        pytest.param("-s 8973 -c 1", 1, 9001, id="as large as the MTU"),
        pytest.param("-f -q -c 500", 500, 42000, id="a flood"),
    ],
)
def test_sizes_and_floods_add_up(lab, options, packets, size_bytes):
    assert lab.run(FIRST, f"ping {options} {SECOND_IP}").exit_code == 0
    records = lab.records_when(lambda records: len(records) == 4)
    assert {(record.packets, record.bytes) for record in records} == {(packets, size_bytes)}


def test_a_rule_taken_away_leaves_the_running_ping_alone_and_stops_the_next(lab):
    running = lab.begin(FIRST, f"ping -q -c 5 -i 0.2 {SECOND_IP}")
    time.sleep(0.3)
    lab.set_vpc(lab_vpc(ingress={"eni-2": []}))
    assert "5 received, 0% packet loss" in lab.outcome(running).stdout
    assert lab.run(FIRST, f"ping -c 1 -W 0.2 {SECOND_IP}").exit_code == 1


def test_a_network_acl_cuts_the_running_ping(lab):
    instances = {FIRST: FIRST_IP, SECOND: "10.0.2.25"}
    lab.set_vpc(lab_vpc(instances=instances))
    running = lab.begin(FIRST, "ping -q -c 5 -i 0.2 -W 0.2 10.0.2.25")
    time.sleep(0.3)
    deny = [acl_entry(100, "deny", egress=False), acl_entry(100, "allow", egress=True)]
    lab.set_vpc(lab_vpc(instances=instances, acls={"subnet-2": deny}))
    assert re.search("5 packets transmitted, [12] received", lab.outcome(running).stdout)


def test_vpcs_with_the_same_addresses_keep_apart(lab):
    twins = {"i-3": FIRST_IP, "i-4": SECOND_IP}
    lab.set_vpc(lab_vpc("vpc-2", instances=twins, ingress={"eni-4": []}))
    assert lab.run(FIRST, f"ping -c 1 {SECOND_IP}").exit_code == 0
    assert lab.run("i-3", f"ping -c 1 -W 0.2 {SECOND_IP}").exit_code == 1
    records = lab.records_when(lambda records: len(records) == 6)
    lab.data_plane.set_vpc("vpc-2", None, {})
    assert {r.interface_id for r in records if r.vpc_id == "vpc-2"} == {"eni-3", "eni-4"}
    assert {r.interface_id for r in records if r.vpc_id == "vpc-1"} == {"eni-1", "eni-2"}


def test_a_ping_without_count_runs_until_its_time_is_over(lab):
    outcome = lab.run(FIRST, f"ping -i 0.2 {SECOND_IP}", timeout_s=0.5)
    assert (outcome.status, outcome.status_details) == ("TimedOut", "ExecutionTimedOut")
    assert outcome.exit_code == 137
    assert "icmp_seq=2" in outcome.stdout
    assert "statistics" not in outcome.stdout


def test_a_ping_can_be_cancelled(lab):
    running = lab.begin(FIRST, f"ping {SECOND_IP}")
    time.sleep(0.2)
    lab.data_plane.cancel(running, FIRST)
    outcome = lab.outcome(running, wait_s=2)
    assert (outcome.status, outcome.status_details) == ("Cancelled", "Cancelled")


def test_started_is_told_before_finished(lab):
    outcome = lab.run(SECOND, f"ping -c 1 {FIRST_IP}")
    assert (outcome.command_id, SECOND, outcome.started_at) in lab.started
    assert outcome.started_at <= outcome.ended_at


def test_an_instance_that_goes_takes_its_command_with_it(lab):
    running = lab.begin(FIRST, f"ping {SECOND_IP}")
    time.sleep(0.2)
    lab.set_vpc(lab_vpc(states={FIRST: "stopped"}))
    assert lab.outcome(running, wait_s=2).status == "Failed"
    assert lab.run(FIRST, "ping -c 1 10.0.1.25").stderr == f"{FIRST} is not running"


def test_a_changed_address_makes_the_host_anew(lab):
    lab.set_vpc(lab_vpc(instances={FIRST: FIRST_IP, SECOND: "10.0.1.77"}))
    assert lab.run(FIRST, "ping -c 1 10.0.1.77").exit_code == 0
    assert lab.run(FIRST, f"ping -c 1 -W 0.2 {SECOND_IP}").exit_code == 1


def test_an_instance_answers_at_its_secondary_address_and_pings_itself(lab):
    lab.set_vpc(lab_vpc(instances={FIRST: FIRST_IP, SECOND: (SECOND_IP, "10.0.1.30")}))
    assert lab.run(FIRST, "ping -c 1 10.0.1.30").exit_code == 0
    assert lab.run(FIRST, f"ping -c 1 {FIRST_IP}").exit_code == 0


@pytest.mark.parametrize(
    ("lines", "stdout", "exit_code"),
    [
        pytest.param(["#!/bin/bash", "", "# why", "echo hi"], "hi\n", 0, id="comments"),
        pytest.param(["false && echo no; echo $?"], "1\n", 0, id="and, then the exit code"),
        pytest.param(["false || echo yes", "exit 3"], "yes\n", 3, id="or, then exit"),
        pytest.param(["true", "false"], "", 1, id="the last command's code counts"),
        pytest.param(['echo "a  b" c'], "a  b c\n", 0, id="quotation marks"),
    ],
)
def test_little_scripts(lab, lines, stdout, exit_code):
    outcome = lab.run(FIRST, *lines)
    assert (outcome.stdout, outcome.exit_code) == (stdout, exit_code)
