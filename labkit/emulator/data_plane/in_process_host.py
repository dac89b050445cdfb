"""A host without the kernel's help: a small IP stack on the wire, and a closed list of commands."""

import ipaddress
import itertools
import secrets
import socket
from functools import partial

from labkit.emulator.data_plane import icmp
from labkit.emulator.data_plane.agent import Addresses, Agent
from labkit.emulator.data_plane.hosts import HostSpec, InterfaceSpec, Ready, Reporter
from labkit.emulator.data_plane.in_process_script import Process, Script
from labkit.emulator.data_plane.loop import Loop
from labkit.emulator.data_plane.messages import CommandOutcome, CommandSpec
from labkit.emulator.data_plane.ping_session import Send
from labkit.emulator.data_plane.tcp_connection import Events, TcpConnection
from labkit.emulator.data_plane.tcp_stack import Accept, TcpStack
from labkit.emulator.data_plane.wire import Wire


class InProcessHost:
    """One instance, in the data process itself."""

    def __init__(self, spec: HostSpec, loop: Loop, wire: Wire, reporter: Reporter) -> None:
        self.spec = spec
        self._loop, self._wire, self._reporter = loop, wire, reporter
        self._numbers = itertools.count(secrets.randbelow(1 << 16))
        self._tcp = TcpStack(loop, self._route, mtu=spec.interfaces[0].mtu)
        self._scripts: dict[str, Script] = {}
        self._processes: set[Process] = set()
        self._agent = Agent(loop, self.connect, partial(reporter.agent_seen, spec.instance_id))

    def start(self, ready: Ready) -> None:
        for interface in self.spec.interfaces:
            self._wire.plug(interface.id, partial(self._receive, interface))
        ready(None)

    def run(self, command: CommandSpec) -> None:
        script = self._scripts[command.command_id] = Script(
            command,
            loop=self._loop,
            machine=self,
            pinger=self._pinger,
            processes=self._processes,
            finished=self._finished,
        )
        self._reporter.started(command.command_id, self.spec.instance_id, script.started_at)
        script.start()

    def cancel(self, command_id: str) -> None:
        if script := self._scripts.get(command_id):
            script.stop("Cancelled")

    def reach(self, addresses: Addresses) -> None:
        self._agent.reach(addresses)

    def close(self) -> None:
        self._agent.close()
        self._reporter.agent_seen(self.spec.instance_id, {})
        self._tcp.close()
        for interface in self.spec.interfaces:
            self._wire.unplug(interface.id)
        for script in list(self._scripts.values()):
            script.lose()
        for process in list(self._processes):
            process.kill()

    def connect(self, far: tuple[str, int], events: Events) -> TcpConnection:
        """Open a TCP connection for a program."""
        near = far[0] if self._is_own(far[0]) else self._interface_to(far[0]).addresses[0]
        return self._tcp.connect(near, far, events)

    def listen(self, port: int, accept: Accept) -> None:
        self._tcp.listen(port, accept)

    def stop_listening(self, port: int) -> None:
        self._tcp.stop_listening(port)

    def _finished(self, ended: CommandOutcome) -> None:
        del self._scripts[ended.command_id]
        self._reporter.finished(ended)

    def _pinger(self, identifier: int, address: str) -> Send:
        def send(sequence: int, data: bytes) -> None:
            message = icmp.echo(icmp.ECHO_REQUEST, identifier, sequence, data)
            source = self._interface_to(address).addresses[0]
            packet = icmp.packet(source, address, message, next(self._numbers))
            # Not at once: what answers may only be heard when the sender is done.
            self._loop.call_later(0, partial(self._route, source, address, packet))

        return send

    def _route(self, srcaddr: str, dstaddr: str, data: bytes) -> None:
        interface = self._interface_to(dstaddr)
        if self._is_own(dstaddr):
            self._receive(interface, data)
        else:
            self._wire.put(interface.id, data)

    def _receive(self, interface: InterfaceSpec, data: bytes) -> None:
        if not self._is_own(socket.inet_ntoa(data[16:20])):
            return
        if data[9] == socket.IPPROTO_TCP:
            self._tcp.receive(data)
        elif message := icmp.parse(data):
            self._take(interface, message)

    def _take(self, interface: InterfaceSpec, message: icmp.Message) -> None:
        if message.type == icmp.ECHO_REQUEST:
            self._reply(interface, message)
        else:
            for process in list(self._processes):
                process.take(message)

    def _reply(self, interface: InterfaceSpec, request: icmp.Message) -> None:
        reply = icmp.echo(icmp.ECHO_REPLY, request.identifier, request.sequence, request.data)
        data = icmp.packet(request.dstaddr, request.srcaddr, reply, next(self._numbers))
        if self._is_own(request.srcaddr):
            self._receive(interface, data)
        else:
            self._wire.put(interface.id, data)

    def _is_own(self, address: str) -> bool:
        return address.startswith("127.") or any(
            address in interface.addresses for interface in self.spec.interfaces
        )

    def _interface_to(self, address: str) -> InterfaceSpec:
        """Return the interface in the address's subnet, else the primary one."""
        for interface in self.spec.interfaces:
            cidr = f"{interface.addresses[0]}/{interface.prefix_length}"
            if ipaddress.ip_address(address) in ipaddress.ip_network(cidr, strict=False):
                return interface
        return self.spec.interfaces[0]
