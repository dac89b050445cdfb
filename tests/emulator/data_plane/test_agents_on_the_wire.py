"""The agents' own connections: real TCP to the endpoints, through the rules, on both kinds.

Source: docs.aws.amazon.com/systems-manager/latest/userguide/setup-create-vpc.html
"""

import time
from dataclasses import replace

import pytest
from data_plane_lab import FIRST, FIRST_IP, SECOND, SECOND_IP, lab_vpc, watch_all
from wire_lab import acl_entry, build_vpc

from labkit.emulator.data_plane.agent import HELLO, WELCOME
from labkit.network.resources import VpcEndpoint

SSM_IP, MESSAGES_IP = "10.0.2.100", "10.0.2.101"
PROFILE = "arn:aws:iam::123456789012:instance-profile/lab"
FROM_VPC = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
HTTPS_IN = [{**FROM_VPC, "IpRanges": [{"CidrIp": "10.0.0.0/16"}]}]
ENDPOINTS = {"eni-ssm": ("ssm", SSM_IP), "eni-msg": ("ssmmessages", MESSAGES_IP)}
FIN, SYN, SYN_ACK = 1, 2, 18


def vpc_with_agents(
    *, missing=(), private_dns=True, profile=PROFILE, ingress=HTTPS_IN, states=None, **rules
):
    """Build the two instances in subnet-1, the endpoints of both services in subnet-2."""
    base = lab_vpc(states=states)
    endpoints = {id_: what for id_, what in ENDPOINTS.items() if what[0] not in missing}
    addresses = {id_: vpc_ip for id_, (_, vpc_ip) in endpoints.items()}
    built = build_vpc(
        {"eni-1": FIRST_IP, "eni-2": SECOND_IP, **addresses},
        ingress=dict.fromkeys(addresses, ingress),
        **rules,
    )
    interfaces = {
        id_: replace(interface, instance_id=base.interfaces[id_].instance_id)
        if id_ in base.interfaces
        else interface
        for id_, interface in built.interfaces.items()
    }
    return replace(
        built,
        interfaces=interfaces,
        instances={id_: replace(i, profile_arn=profile) for id_, i in base.instances.items()},
        endpoints={
            f"vpce-{service}": VpcEndpoint(
                f"vpce-{service}",
                "vpc-1",
                f"com.amazonaws.us-east-1.{service}",
                (id_,),
                private_dns,
            )
            for id_, (service, _) in endpoints.items()
        },
    )


def up(lab, instance_id=FIRST):
    """Return the services that are reached, or None where there is no agent."""
    heard_at = lab.agents.get(instance_id)
    return heard_at and {service for service, at in heard_at.items() if at}


def wait_for(lab, services, wait_s=8.0, instance_id=FIRST):
    deadline = time.monotonic() + wait_s
    while up(lab, instance_id) != services and time.monotonic() < deadline:
        time.sleep(0.01)
    assert up(lab, instance_id) == services


BOTH = {"ssm", "ssmmessages"}


@pytest.fixture
def agents(lab):
    """The lab with agents whose connections stand."""
    lab.set_vpc(vpc_with_agents())
    for instance_id in (FIRST, SECOND):
        wait_for(lab, BOTH, instance_id=instance_id)
    return lab


def test_agents_connect_when_their_host_is_up(agents):
    assert up(agents) == BOTH
    assert all(time.time() - at < 30 for at in agents.agents[FIRST].values())


def test_each_connection_is_in_the_records_like_any_other(agents):
    """Out of the instance, into the endpoint, and the answers back: nothing is invented."""
    records = agents.records_when(lambda records: len(records) >= 16)
    flows = {
        (r.interface_id, r.direction, r.srcaddr, r.dstaddr, r.tcp_flags)
        for r in records
        if FIRST_IP in (r.srcaddr, r.dstaddr)
    }
    assert flows == {
        flow
        for eni, (_, ip) in ENDPOINTS.items()
        for flow in (
            ("eni-1", "egress", FIRST_IP, ip, SYN),
            ("eni-1", "ingress", ip, FIRST_IP, SYN_ACK),
            (eni, "ingress", FIRST_IP, ip, SYN),
            (eni, "egress", ip, FIRST_IP, SYN_ACK),
        )
    }
    assert {min(r.srcport, r.dstport) for r in records} == {443}
    assert {r.action for r in records} == {"ACCEPT"}
    sent = {r.bytes - 40 * r.packets for r in records if r.dstaddr == SSM_IP}
    assert all(len(HELLO) <= size <= len(HELLO) + 60 for size in sent)  # Linux's TCP options


DENY_443 = [
    acl_entry(90, "deny", egress=False, Protocol="6", PortRange={"From": 443, "To": 443}),
    acl_entry(100, "allow", egress=False),
    acl_entry(100, "allow", egress=True),
]
NO_WAY_BACK = [acl_entry(100, "allow", egress=False)]


@pytest.mark.parametrize(
    ("change", "left"),
    [
        pytest.param({"ingress": []}, set(), id="the endpoints' group lets nobody in"),
        pytest.param({"egress": {"eni-1": []}}, set(), id="the instance's group lets nothing out"),
        pytest.param({"acls": {"subnet-2": DENY_443}}, set(), id="a network ACL denies the way in"),
        pytest.param(
            {"acls": {"subnet-2": NO_WAY_BACK}}, set(), id="a network ACL denies the answer"
        ),
        pytest.param({"missing": ("ssmmessages",)}, {"ssm"}, id="an endpoint is deleted"),
        pytest.param({"private_dns": False}, set(), id="the endpoints lose their private names"),
        pytest.param({"profile": None}, {}, id="the instance loses its profile"),
    ],
)
def test_what_takes_the_connection_away(agents, change, left):
    """The agent needs a path on 443 to both endpoints, found by private DNS.

    Source: docs.aws.amazon.com/systems-manager/latest/userguide/setup-create-vpc.html
    """
    agents.set_vpc(vpc_with_agents(**change))
    wait_for(agents, left)
    agents.set_vpc(vpc_with_agents())
    wait_for(agents, BOTH)


def test_a_lost_rule_shows_as_repeated_syns_that_are_rejected(agents):
    agents.set_vpc(vpc_with_agents(ingress=[]))
    wait_for(agents, set())
    records = agents.records_when(
        lambda records: any(r.action == "REJECT" and r.srcaddr == FIRST_IP for r in records)
    )
    rejected = [r for r in records if r.action == "REJECT" and r.srcaddr == FIRST_IP]
    assert {r.interface_id for r in rejected} <= set(ENDPOINTS)
    assert {(r.dstport, r.tcp_flags) for r in rejected} == {(443, SYN)}


def test_the_connection_stands_until_the_new_one_fails(agents):
    """ConnectionLost comes with a delay, as on AWS, where it takes missed heartbeats."""
    changed_at = time.time()
    agents.set_vpc(vpc_with_agents(ingress=[]))
    wait_for(agents, set())
    lost_at = max(at for at, id_, heard in agents.agent_words if id_ == FIRST)
    assert 2.5 < lost_at - changed_at < 6


def test_a_change_that_is_none_for_the_agent_leaves_it_alone(agents):
    agents.records_when(lambda records: len(records) >= 16)
    words = len(agents.agent_words)
    vpc = vpc_with_agents()
    agents.data_plane.set_vpc("vpc-1", vpc, watch_all(vpc, "fl-other"))
    time.sleep(0.5)
    assert len(agents.agent_words) == words


def test_without_endpoints_or_profile_nothing_is_sent(lab):
    lab.set_vpc(vpc_with_agents(profile=None))
    time.sleep(0.5)
    assert not lab.records
    assert not lab.agents.get(FIRST)


def test_a_stopped_instance_has_no_agent(agents):
    agents.set_vpc(vpc_with_agents(states={FIRST: "stopped"}))
    wait_for(agents, {})
    agents.set_vpc(vpc_with_agents())
    wait_for(agents, BOTH)


def test_an_endpoint_answers_heartbeats_and_nothing_else(agents):
    knock = "timeout 2 bash -c '</dev/tcp/{}/{}'; echo $?"
    assert agents.run(FIRST, knock.format(SSM_IP, 443)).stdout == "0\n"
    assert agents.run(FIRST, f"ping -c 1 -W 0.3 {SSM_IP}").exit_code == 1
    assert agents.run(FIRST, f"curl -s -m 3 http://{SSM_IP}:443/").exit_code in (52, 56)


def test_a_ping_is_recorded_as_if_there_were_no_agents(agents):
    agents.run(FIRST, f"ping -c 3 -i 0.2 {SECOND_IP}")

    def pinged(records):
        return [r for r in records if r.protocol == 1]

    records = agents.records_when(lambda records: len(pinged(records)) == 4)
    assert [(r.packets, r.bytes) for r in pinged(records)] == [(3, 252)] * 4


@pytest.mark.kernel_host
def test_on_a_kernel_host_the_connection_is_the_kernels(kernel_lab):
    kernel_lab.set_vpc(vpc_with_agents())
    wait_for(kernel_lab, BOTH)
    text = kernel_lab.run(FIRST, "cat /proc/net/tcp").stdout
    assert text.count(":01BB 01 ") == 2  # port 443, ESTABLISHED
    assert WELCOME != HELLO
