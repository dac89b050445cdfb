"""The whole way, by AWS's API alone: Run Command, a real ping, both destinations.

Source: docs.aws.amazon.com/vpc/latest/userguide/flow-logs-basics.html
"""

from collections import Counter

import pytest
from real_network import Network, within


def sums(lines):
    """Packets and bytes by interface, addresses and action."""
    found = Counter()
    for line in lines:
        _, _, eni, source, target, _, _, protocol, packets, size, _, _, action, _ = line.split()
        if protocol == "1":
            found[eni, source, target, action] += int(packets)
            assert int(size) == 84 * int(packets)
    return found


@pytest.fixture(scope="module")
def network(session):
    return Network(session, "end-to-end")


def test_a_ping_is_recorded_at_both_interfaces_in_both_destinations(network):
    one, two = (instance["PrivateIpAddress"] for instance in network.instances)
    near, far = (item["NetworkInterfaces"][0]["NetworkInterfaceId"] for item in network.instances)

    invocation = network.ping(3)
    assert "3 packets transmitted, 3 received" in invocation["StandardOutputContent"]
    expected = {
        (eni, source, target, "ACCEPT"): 3
        for eni in (near, far)
        for source, target in ((one, two), (two, one))
    }
    for lines in (network.lines_in_s3, network.lines_in_logs):
        assert within(20, lambda read=lines: sums(read()) == expected)

    # docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html
    permissions = network.ec2.describe_security_groups(GroupIds=[network.nodes_group])
    network.ec2.revoke_security_group_ingress(
        GroupId=network.nodes_group,
        IpPermissions=permissions["SecurityGroups"][0]["IpPermissions"],
    )
    invocation = network.ping(2)
    assert invocation["ResponseCode"] == 1
    assert "failed to run commands: exit status 1" in invocation["StandardErrorContent"]
    expected[near, one, two, "ACCEPT"] += 2
    expected[far, one, two, "REJECT"] = 2
    for lines in (network.lines_in_s3, network.lines_in_logs):
        assert within(20, lambda read=lines: sums(read()) == expected)
    rejected = network.logs.filter_log_events(
        logGroupName=network.group, filterPattern='[..., action="REJECT", status]'
    )["events"]
    assert {event["logStreamName"] for event in rejected} == {f"{far}-all"}
