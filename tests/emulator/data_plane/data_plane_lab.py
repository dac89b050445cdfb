"""A running data plane with instances in it, for tests."""

import itertools
import threading
import time
from dataclasses import replace

from wire_lab import build_vpc

from labkit.emulator.aggregation import Capture
from labkit.emulator.data_plane.handle import DataPlane
from labkit.emulator.data_plane.messages import CommandSpec
from labkit.network.resources import Instance

WINDOW_S, ROOM_S = 60, 4
FIRST, SECOND = "i-1", "i-2"
FIRST_IP, SECOND_IP = "10.0.1.22", "10.0.1.25"


def lab_vpc(vpc_id="vpc-1", *, instances=None, states=None, **rules):
    """Build a VPC of instances: id -> address; the interface of i-1 is eni-1."""
    instances = instances or {FIRST: FIRST_IP, SECOND: SECOND_IP}
    interface_of = {id_: "eni-" + id_.removeprefix("i-") for id_ in instances}
    vpc = build_vpc(
        {interface_of[id_]: ips for id_, ips in instances.items()}, vpc_id=vpc_id, **rules
    )
    interfaces = {
        interface_id: replace(vpc.interfaces[interface_id], instance_id=id_)
        for id_, interface_id in interface_of.items()
    }
    running = {
        id_: Instance(
            id=id_,
            vpc_id=vpc_id,
            state=(states or {}).get(id_, "running"),
            interface_ids=(interface_of[id_],),
        )
        for id_ in instances
    }
    return replace(vpc, interfaces=interfaces, instances=running)


def watch_all(vpc, flow_log_id="fl-1"):
    return {interface_id: (Capture(flow_log_id, "ALL", 60),) for interface_id in vpc.interfaces}


class Lab:
    """A data plane, and what it told."""

    def __init__(self, host_kind, pace="lab"):
        self.flow_log_id = "fl-1"
        self.all_records, self.started, self.deaths = [], [], []
        self._outcomes, self._events = {}, {}
        self.agents, self.agent_words = {}, []
        self._numbers = itertools.count(1)
        self.data_plane = DataPlane.start(
            pace=pace,
            host_kind=host_kind,
            on_records=self.all_records.extend,
            on_started=lambda *what: self.started.append(what),
            on_finished=self._finished,
            on_died=self.deaths.append,
            on_agent=self._agent_seen,
        )

    def set_vpc(self, vpc):
        self.data_plane.set_vpc(vpc.id, vpc, watch_all(vpc, self.flow_log_id))

    def begin(self, instance_id, *lines, timeout_s=30.0, directory=None, **environment):
        self._keep_from_the_edge()
        command_id = f"command-{next(self._numbers)}"
        self._events[command_id] = threading.Event()
        self.data_plane.run(
            CommandSpec(command_id, instance_id, lines, directory, timeout_s, environment)
        )
        return command_id

    def _keep_from_the_edge(self):
        """Wait until no capture window ends soon: ending within a command it halves the records."""
        left_s = WINDOW_S - time.time() % WINDOW_S
        if left_s < ROOM_S:
            time.sleep(left_s + 0.1)

    def outcome(self, command_id, wait_s=30.0):
        assert self._events[command_id].wait(wait_s), f"{command_id} did not finish"
        return self._outcomes[command_id]

    def run(self, instance_id, *lines, **more):
        return self.outcome(self.begin(instance_id, *lines, **more))

    @property
    def records(self):
        """Those of this test's flow log: an earlier test's last ones may come late."""
        return [record for record in self.all_records if record.flow_log_id == self.flow_log_id]

    def records_when(self, is_enough, wait_s=5.0):
        """Return the records as soon as they are enough, or when it is too late."""
        deadline = time.monotonic() + wait_s
        while not is_enough(self.records) and time.monotonic() < deadline:
            time.sleep(0.01)
        return self.records

    def _agent_seen(self, instance_id, heard_at):
        self.agents[instance_id] = heard_at
        self.agent_words.append((time.time(), instance_id, heard_at))

    def _finished(self, outcome):
        self._outcomes[outcome.command_id] = outcome
        self._events[outcome.command_id].set()
