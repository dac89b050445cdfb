"""Hosts follow the topology."""

from dataclasses import replace

import pytest
from data_plane_lab import FIRST, FIRST_IP, SECOND, lab_vpc

from labkit.emulator.data_plane.hosts import Hosts, host_specs


class FakeHost:
    """Comes up when told to, and takes note of its end."""

    def __init__(self, spec):
        self.spec, self.ready, self.is_closed = spec, None, False

    def start(self, ready):
        self.ready = ready

    def close(self):
        self.is_closed = True


class World:
    def __init__(self):
        self.made, self.answers = [], []
        self.hosts = Hosts(self._make)

    def _make(self, spec):
        self.made.append(FakeHost(spec))
        return self.made[-1]

    def reconcile(self, vpc, vpc_id="vpc-1"):
        self.hosts.reconcile(vpc_id, vpc, self.answers.append)

    def all_up(self, problem=None):
        for host in self.made:
            ready, host.ready = host.ready, None
            if ready:
                ready(problem)


@pytest.fixture
def world():
    return World()


def test_ready_when_the_last_host_is_up(world):
    world.reconcile(lab_vpc())
    world.made[0].ready(None)
    assert world.answers == []
    world.made[1].ready(None)
    assert world.answers == [None]


def test_a_second_change_waits_for_the_same_hosts(world):
    world.reconcile(lab_vpc())
    world.reconcile(lab_vpc())
    assert len(world.made) == 2
    world.all_up()
    assert world.answers == [None, None]


def test_a_host_that_cannot_be_made_is_told_and_tried_again(world):
    world.reconcile(lab_vpc(instances={FIRST: FIRST_IP}))
    world.all_up("no room")
    assert world.answers == [f"the host of {FIRST} cannot be made: no room"]
    assert world.hosts.host(FIRST) is None
    world.reconcile(lab_vpc(instances={FIRST: FIRST_IP}))
    assert len(world.made) == 2


@pytest.mark.parametrize(
    ("later", "made", "closed"),
    [
        pytest.param(lab_vpc(), 2, 0, id="nothing changed: the hosts stay"),
        pytest.param(lab_vpc(ingress={"eni-1": []}), 2, 0, id="rules changed: the hosts stay"),
        pytest.param(None, 2, 2, id="the VPC is gone"),
        pytest.param(lab_vpc(states={FIRST: "stopped"}), 2, 1, id="an instance stopped"),
        pytest.param(lab_vpc(instances={FIRST: FIRST_IP}), 2, 1, id="an instance is gone"),
        pytest.param(
            lab_vpc(instances={FIRST: FIRST_IP, SECOND: "10.0.1.77"}), 3, 1, id="another address"
        ),
        pytest.param(
            lab_vpc(subnets={"subnet-1": "10.0.1.0/25"}), 4, 2, id="another subnet: another mask"
        ),
    ],
)
def test_a_change(world, later, made, closed):
    world.reconcile(lab_vpc())
    world.all_up()
    world.reconcile(later)
    world.all_up()
    assert len(world.made) == made
    assert sum(host.is_closed for host in world.made) == closed
    assert world.answers == [None, None]


def test_other_vpcs_are_left_alone(world):
    world.reconcile(lab_vpc())
    world.all_up()
    world.reconcile(None, "vpc-2")
    assert not any(host.is_closed for host in world.made)


def test_what_a_host_is_made_from():
    spec = host_specs(lab_vpc(instances={FIRST: (FIRST_IP, "10.0.1.30")}))[FIRST]
    interface = spec.interfaces[0]
    assert (spec.hostname, interface.id, interface.name) == ("ip-10-0-1-22", "eni-1", "ens5")
    assert interface.addresses == (FIRST_IP, "10.0.1.30")
    assert (interface.prefix_length, interface.router, interface.mtu) == (24, "10.0.1.1", 9001)


def test_an_instance_whose_interface_is_not_known_yet_waits_for_the_next_reading():
    vpc = lab_vpc()
    half_read = replace(vpc, interfaces={"eni-1": vpc.interfaces["eni-1"]})
    assert host_specs(half_read).keys() == {FIRST}
    assert host_specs(vpc).keys() == {FIRST, SECOND}
