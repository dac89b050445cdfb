"""A host without the kernel's help: a small IP stack on the wire, and a closed list of commands."""

import ipaddress
import itertools
import secrets
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial

from labkit.emulator.data_plane import icmp
from labkit.emulator.data_plane.hosts import HostSpec, InterfaceSpec, Ready, Reporter
from labkit.emulator.data_plane.in_process_programs import (
    KNOWN,
    Program,
    Terminal,
    clock,
    run_program,
)
from labkit.emulator.data_plane.loop import Loop, Timer
from labkit.emulator.data_plane.messages import CommandOutcome, CommandSpec
from labkit.emulator.data_plane.outcome import HOST_ENDED, lost, outcome
from labkit.emulator.data_plane.output import KEPT_BYTES
from labkit.emulator.data_plane.ping_session import Send
from labkit.emulator.data_plane.shell_lines import NotKnown, read_script, run_commands
from labkit.emulator.data_plane.wire import Wire

_REFUSAL = (
    "{what}: not known here. This instance is an in-process host, which knows only "
    + f"{', '.join([*KNOWN, 'exit'])} and sequences of them with ; && ||. "
    "Kernel hosts run any command: they need Linux with user namespaces and /dev/net/tun "
    "(`labkit emulator status` says what is missing here).\n"
)


class InProcessHost:
    """One instance, in the data process itself."""

    def __init__(self, spec: HostSpec, loop: Loop, wire: Wire, reporter: Reporter) -> None:
        self.spec = spec
        self._loop, self._wire, self._reporter = loop, wire, reporter
        self._numbers = itertools.count(secrets.randbelow(1 << 16))
        self._scripts: dict[str, _Script] = {}

    def start(self, ready: Ready) -> None:
        for interface in self.spec.interfaces:
            self._wire.plug(interface.id, partial(self._receive, interface))
        ready(None)

    def run(self, command: CommandSpec) -> None:
        script = self._scripts[command.command_id] = _Script(
            command, self._loop, self._pinger, self._finished
        )
        self._reporter.started(command.command_id, self.spec.instance_id, script.started_at)
        script.start()

    def cancel(self, command_id: str) -> None:
        if script := self._scripts.get(command_id):
            script.stop("Cancelled")

    def close(self) -> None:
        for interface in self.spec.interfaces:
            self._wire.unplug(interface.id)
        for script in list(self._scripts.values()):
            script.lose()

    def _finished(self, ended: CommandOutcome) -> None:
        del self._scripts[ended.command_id]
        self._reporter.finished(ended)

    def _pinger(self, identifier: int, address: str) -> Send:
        def send(sequence: int, data: bytes) -> None:
            message = icmp.echo(icmp.ECHO_REQUEST, identifier, sequence, data)
            # Not at once: what answers may only be heard when the sender is done.
            self._loop.call_later(0, partial(self._send, address, message))

        return send

    def _send(self, address: str, message: bytes) -> None:
        interface = self._interface_to(address)
        data = icmp.packet(interface.addresses[0], address, message, next(self._numbers))
        if self._is_own(address):
            self._receive(interface, data)
        else:
            self._wire.put(interface.id, data)

    def _receive(self, interface: InterfaceSpec, data: bytes) -> None:
        message = icmp.parse(data)
        if message is None or not self._is_own(message.dstaddr):
            return
        if message.type == icmp.ECHO_REQUEST:
            self._reply(interface, message)
        else:
            for script in list(self._scripts.values()):
                script.take(message)

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


class _Script:
    """A running script: driven by the loop's timers and by the packets that come for it."""

    def __init__(
        self,
        command: CommandSpec,
        loop: Loop,
        pinger: Callable[[int, str], Send],
        finished: Callable[[CommandOutcome], None],
    ) -> None:
        self.started_at = time.time()
        self._command, self._loop, self._finished = command, loop, finished
        self._identifier = secrets.randbelow(1 << 16)
        self._texts: dict[str, str] = {"stdout": "", "stderr": ""}
        terminal = Terminal(
            out=partial(self._write, "stdout"),
            err=partial(self._write, "stderr"),
            pinger=partial(pinger, self._identifier),
        )
        self._program = self._run(terminal)
        self._is_over = False
        self._timer: Timer | None = None
        self._limit = loop.call_later(command.execution_timeout_s, lambda: self.stop("TimedOut"))

    def start(self) -> None:
        self._loop.call_later(0, lambda: self._go_on(None))

    def take(self, message: icmp.Message) -> None:
        if message.identifier == self._identifier:
            self._go_on(message)

    def stop(self, status: str) -> None:
        self.end(-1, stopped_as=status)

    def lose(self) -> None:
        """End because the host ends."""
        self._halt()
        self._finished(lost(self._command, self.started_at, HOST_ENDED))

    def end(self, code: int, *, stopped_as: str | None = None) -> None:
        self._halt()
        fields = outcome(
            asdict(self._command),
            exit_code=code,
            stopped_as=stopped_as,
            started_at=self.started_at,
            stdout=self._texts["stdout"],
            stderr=self._texts["stderr"],
        )
        self._finished(CommandOutcome(**fields))

    def _halt(self) -> None:
        self._is_over = True
        self._program.close()
        self._limit.cancel()
        if self._timer:
            self._timer.cancel()

    def _run(self, terminal: Terminal) -> Program:
        try:
            commands = read_script(self._command.lines, KNOWN)
        except NotKnown as error:
            terminal.err(_REFUSAL.format(what=error))
            return 127
        return (yield from run_commands(commands, lambda words: run_program(words, terminal)))

    def _go_on(self, message: icmp.Message | None) -> None:
        if self._is_over:
            return
        if self._timer:
            self._timer.cancel()
        try:
            until = self._program.send(message)
        except StopIteration as ended:
            self.end(ended.value)
            return
        if until is not None:
            wait_s = max(0.0, until - clock())
            self._timer = self._loop.call_later(wait_s, lambda: self._go_on(None))

    def _write(self, which: str, text: str) -> None:
        room = KEPT_BYTES - len(self._texts[which])
        self._texts[which] += text[:room]
