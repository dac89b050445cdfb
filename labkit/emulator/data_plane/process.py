"""The data process: hosts, the wire and the records, in one thread around one event loop.

It imports neither moto nor boto3: it must stay small to fork hosts, and quick to carry packets.
"""

import gc
import socket
import sys
import time
from collections.abc import Mapping

from labkit.emulator.data_plane.channel import Channel
from labkit.emulator.data_plane.endpoints import (
    Endpoints,
    agent_addresses,
    agent_surroundings,
)
from labkit.emulator.data_plane.hosts import Host, Hosts, HostSpec
from labkit.emulator.data_plane.in_process_host import InProcessHost
from labkit.emulator.data_plane.kernel_host import KernelHost, Surroundings, adopt_hosts, probe
from labkit.emulator.data_plane.look import file_system
from labkit.emulator.data_plane.loop import Loop, Timer
from labkit.emulator.data_plane.messages import (
    AgentSeen,
    Cancel,
    CommandOutcome,
    CommandSpec,
    Finished,
    Ready,
    Records,
    Refused,
    Run,
    Settings,
    SetVpc,
    Started,
    Stop,
    VpcSet,
)
from labkit.emulator.data_plane.outcome import lost
from labkit.emulator.data_plane.wire import Wire
from labkit.emulator.switch import Switch
from labkit.network.resources import Vpc

_CLOSE_SOON_S = 0.1
# A scan of ports leaves hundreds of thousands of objects, none of them in a circle: looking
# through them for circles over and over would hold up the wire.
_COLLECT_SELDOM = (50_000, 20, 100)
_CLOSE_AT_MOST_EVERY_S = 0.05
# Of records that the control process has not read yet; then they wait in their windows, where
# there is a limit, and SKIPDATA for what is beyond it.
_MOST_WAITING_BYTES = 1 << 20


class DataProcess:
    """Serves one control process over a channel, until that says Stop or is gone."""

    def __init__(self, channel: Channel, settings: Settings) -> None:
        self._channel = channel
        self._settings = settings
        self._loop = Loop()
        self._switch = Switch(settings.pace)
        self._wire = Wire(self._loop, self._switch, self._expect_records)
        self._hosts = Hosts(self._make_host, self._reach)
        self._endpoints = Endpoints(self._loop, self._wire)
        self._vpcs: dict[str, Vpc] = {}
        self._around: Surroundings | None = None  # None: hosts are in-process
        self._vpcs_of_commands: dict[tuple[str, str], str] = {}
        self._look: Timer | None = None  # for complete records
        self._looks_soon = False

    def run(self) -> None:
        """Serve; return when the control process is done with us."""
        problem = self._choose_kind()
        if problem and self._settings.host_kind == "kernel":
            self._channel.send(Refused(problem))
            return
        self._channel.send(Ready("in-process" if problem else "kernel", problem))
        self._channel.socket.setblocking(False)
        self._loop.watch(self._channel.fileno(), self._listen)
        self._loop.run()
        self._hosts.close()

    def _choose_kind(self) -> str | None:
        """Try to make a kernel host; return why there are none."""
        if self._settings.host_kind == "in-process":
            return "in-process hosts were asked for"
        if sys.platform != "linux":
            return f"kernel hosts need Linux, this is {sys.platform}"
        adopt_hosts()
        around = Surroundings(self._loop, self._wire, file_system(self._settings.hidden), self)
        problem = probe(around)
        if problem is None:
            self._around = around
        return problem

    def _make_host(self, spec: HostSpec) -> Host:
        if self._around is None:
            return InProcessHost(spec, self._loop, self._wire, self)
        return KernelHost(spec, self._around, lambda: self._hosts.restart(spec.instance_id))

    # Messages from the control process

    def _listen(self) -> None:
        try:
            messages = self._channel.arrived()
        except EOFError:
            self._loop.stop()
            return
        for message in messages:
            self._obey(message)

    def _obey(self, message: object) -> None:
        match message:
            case SetVpc():
                self._set_vpc(message)
            case Run(command):
                self._run(command)
            case Cancel(command_id, instance_id):
                if host := self._hosts.host(instance_id):
                    host.cancel(command_id)
            case Stop():
                self._stop()

    def _set_vpc(self, message: SetVpc) -> None:
        self._switch.set_vpc(message.vpc_id, message.vpc, message.captures)
        self._expect_records()
        self._endpoints.reconcile(message.vpc_id, message.vpc)
        before = self._vpcs.pop(message.vpc_id, None)
        if message.vpc:
            self._vpcs[message.vpc_id] = message.vpc
            self._reach_anew(before, message.vpc)
        self._hosts.reconcile(
            message.vpc_id,
            message.vpc,
            lambda problem: self._tell(VpcSet(message.number, problem)),
        )

    def _reach_anew(self, before: Vpc | None, vpc: Vpc) -> None:
        """Have the agents of a VPC try their endpoints where something about that has changed."""
        for instance in vpc.instances.values():
            host = self._hosts.host(instance.id)
            old = before.instances.get(instance.id) if before else None
            if host and before and old and self._hosts.is_up(instance.id):
                surroundings = agent_surroundings(before, old)
                if surroundings != agent_surroundings(vpc, instance):
                    host.reach(agent_addresses(vpc, instance))

    def _reach(self, host: Host) -> None:
        """Let the agent of a host that is up begin."""
        vpc = self._vpcs[host.spec.vpc_id]
        instance = vpc.instances.get(host.spec.instance_id)
        if instance and (addresses := agent_addresses(vpc, instance)):
            # Told before VpcSet: from now on it is known that an agent begins.
            self.agent_seen(instance.id, dict.fromkeys(addresses))
            host.reach(addresses)

    def _run(self, command: CommandSpec) -> None:
        host = self._hosts.host(command.instance_id)
        if host is None:
            reason = f"{command.instance_id} is not running"
            self._tell(Finished(lost(command, time.time(), reason)))
            return
        self._vpcs_of_commands[command.command_id, command.instance_id] = host.spec.vpc_id
        host.run(command)

    def _stop(self) -> None:
        self._hosts.close()
        if records := self._switch.close_all(time.time()):
            self._tell(Records(tuple(records)))
        self._channel.socket.setblocking(True)
        self._channel.flush()
        self._loop.stop()

    # What hosts report

    def started(self, command_id: str, instance_id: str, at: float) -> None:
        self._tell(Started(command_id, instance_id, at))

    def finished(self, ended: CommandOutcome) -> None:
        self._vpcs_of_commands.pop((ended.command_id, ended.instance_id), None)
        self._tell(Finished(ended))
        self._expect_records()

    def agent_seen(self, instance_id: str, heard_at: Mapping[str, float | None]) -> None:
        self._tell(AgentSeen(instance_id, dict(heard_at)))

    # Records

    def _expect_records(self) -> None:
        """Look for complete records soon, whenever the next look was due."""
        if not self._looks_soon:
            self._looks_soon = True
            self._look_later(_CLOSE_SOON_S)

    def _look_later(self, delay_s: float) -> None:
        if self._look:
            self._look.cancel()
        self._look = self._loop.call_later(delay_s, self._close_windows)

    def _close_windows(self) -> None:
        self._looks_soon = False
        self._wire.note_drops()
        if self._channel.waiting_bytes > _MOST_WAITING_BYTES:
            self._look_later(_CLOSE_SOON_S)
            return
        now, busy = time.time(), frozenset(self._vpcs_of_commands.values())
        if records := self._switch.close(now, busy):
            self._tell(Records(tuple(records)))
        next_close = self._switch.next_close(now, busy)
        if next_close is not None:
            self._look_later(max(_CLOSE_AT_MOST_EVERY_S, next_close - now))

    def _tell(self, message: object) -> None:
        self._channel.queue(message)
        self._flush()

    def _flush(self) -> None:
        can_write = self._flush if self._channel.flush() else None
        self._loop.watch(self._channel.fileno(), self._listen, can_write)


def serve(fd: int) -> None:
    """Be the data process: fd is our end of the channel, whose first message is the Settings."""
    gc.freeze()
    gc.set_threshold(*_COLLECT_SELDOM)
    channel = Channel.of_objects(socket.socket(fileno=fd))
    try:
        DataProcess(channel, channel.receive()).run()
    except (EOFError, BrokenPipeError):  # the control process is gone, and with us go the hosts
        return
