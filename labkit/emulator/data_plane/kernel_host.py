"""A host of the kernel's own making: namespaces, TUN devices, the machine's programs."""

import os
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from labkit.emulator.data_plane import linux, namespaces
from labkit.emulator.data_plane.agent import Addresses
from labkit.emulator.data_plane.channel import Channel
from labkit.emulator.data_plane.file_system import FileSystem, sockets_of_the_machine
from labkit.emulator.data_plane.hosts import HostSpec, InterfaceSpec, Ready, Reporter
from labkit.emulator.data_plane.loop import Loop
from labkit.emulator.data_plane.messages import CommandOutcome, CommandSpec
from labkit.emulator.data_plane.outcome import HOST_ENDED, lost
from labkit.emulator.data_plane.wire import Wire

NOBODY = 65534
_MAX_PROCESSES = 512
_PROBE_TIMEOUT_S = 5.0
_LOOK_FOR_SOCKETS_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every kernel host of this process is made with."""

    loop: Loop
    wire: Wire
    look: FileSystem
    reporter: Reporter


class KernelHost:
    """One instance. on_lost is called if its pid 1 ends without our doing."""

    def __init__(self, spec: HostSpec, around: Surroundings, on_lost: Callable[[], None]) -> None:
        self.spec = spec
        self._around = around
        self._on_lost = on_lost
        self._channel: Channel
        self._child = 0
        self._pid = 0  # of pid 1, as seen from here
        self._has_agent = False
        self._watches_sockets = False
        self._ready: Ready | None = None
        self._commands: dict[str, tuple[CommandSpec, float]] = {}

    def start(self, ready: Ready) -> None:
        ours, theirs = socket.socketpair()
        self._child = os.fork()
        if not self._child:
            namespaces.become_host(
                theirs, asdict(self.spec), self._around.look, max_processes_per_host()
            )
        theirs.close()
        ours.setblocking(False)
        self._ready = ready
        self._channel = Channel.of_json(ours)
        self._around.loop.watch(ours.fileno(), self._listen)

    def run(self, command: CommandSpec) -> None:
        self._commands[command.command_id] = command, time.time()
        sockets = sockets_of_the_machine(self._around.look)
        self._tell({"cover": sockets, "run": asdict(command)})
        if not self._watches_sockets:
            self._watches_sockets = True
            self._around.loop.call_later(_LOOK_FOR_SOCKETS_EVERY_S, self._cover_sockets)

    def _cover_sockets(self) -> None:
        """Cover what sockets the machine has got, on and on while a command runs.

        There is no word from the kernel about new ones; a command's first look at one is not
        likely to come before ours.
        """
        self._watches_sockets = bool(self._commands)
        if self._watches_sockets:
            with suppress(BrokenPipeError):  # it has just ended: the channel will say so
                self._tell({"cover": sockets_of_the_machine(self._around.look)})
            self._around.loop.call_later(_LOOK_FOR_SOCKETS_EVERY_S, self._cover_sockets)

    def cancel(self, command_id: str) -> None:
        if command_id in self._commands:
            self._tell({"cancel": command_id})

    def reach(self, addresses: Addresses) -> None:
        self._has_agent = True
        self._tell({"reach": dict(addresses)})

    def close(self) -> None:
        for interface in self.spec.interfaces:
            self._around.wire.unplug(interface.id)
        self._around.loop.unwatch(self._channel.fileno())
        self._channel.close()
        for pid in filter(None, (self._child, self._pid)):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        self._child = self._pid = 0
        if self._has_agent:
            self._around.reporter.agent_seen(self.spec.instance_id, {})
        for command, started_at in list(self._commands.values()):
            self._around.reporter.finished(lost(command, started_at, HOST_ENDED))
        self._commands.clear()

    def _listen(self) -> None:
        try:
            messages = self._channel.arrived()
        except EOFError:
            self._lost("its first process ended")
            return
        for message in messages:
            self._heard(message)

    def _heard(self, message: dict[str, Any]) -> None:
        match message:
            case {"unshared": True}:
                _map_ids(self._child)
                self._tell({"mapped": True})
            case {"init": int(pid)}:
                self._adopt(pid)
                self._tell({"adopted": True})
            case {"ready": True}:
                self._plug()
                self._is_ready(None)
            case {"started": str(command_id), "at": float(at)}:
                self._around.reporter.started(command_id, self.spec.instance_id, at)
            case {"finished": dict(fields)}:
                if self._commands.pop(fields["command_id"], None):
                    self._around.reporter.finished(CommandOutcome(**fields))
            case {"agent": dict(heard_at)}:
                self._around.reporter.agent_seen(self.spec.instance_id, heard_at)
            case {"problem": str(problem)}:
                self._lost(problem)

    def _adopt(self, pid: int) -> None:
        """Wait for the child that made pid 1 and ends now, which makes us pid 1's parent."""
        self._pid = pid
        os.waitpid(self._child, 0)
        self._child = 0

    def _plug(self) -> None:
        for interface in self.spec.interfaces:
            count_drops = partial(_packets_dropped, self._pid, interface.name)
            self._around.wire.plug_tun(interface.id, self._channel.fds.pop(0), count_drops)

    def _lost(self, problem: str) -> None:
        self._around.loop.unwatch(self._channel.fileno())
        if self._ready:
            self._is_ready(problem)
        else:
            self._on_lost()

    def _is_ready(self, problem: str | None) -> None:
        ready, self._ready = self._ready, None
        if ready:
            ready(problem)

    def _tell(self, message: dict[str, Any]) -> None:
        self._channel.queue(message)
        self._flush()

    def _flush(self) -> None:
        can_write = self._flush if self._channel.flush() else None
        self._around.loop.watch(self._channel.fileno(), self._listen, can_write)


def probe(around: Surroundings) -> str | None:
    """Make a host and end it; return None, or why it cannot be."""
    interface = InterfaceSpec("eni-probe", "ens5", ("192.0.2.4",), 24, "192.0.2.1", 9001)
    spec = HostSpec("i-probe", "vpc-probe", "ip-192-0-2-4", (interface,))
    answers: list[str | None] = []
    host = KernelHost(spec, around, lambda: answers.append("it ended at once"))
    host.start(answers.append)
    deadline = time.monotonic() + _PROBE_TIMEOUT_S
    while not answers and time.monotonic() < deadline:
        around.loop.step(deadline - time.monotonic())
    host.close()
    return answers[0] if answers else f"it was not ready after {_PROBE_TIMEOUT_S:.0f} s"


def adopt_hosts() -> None:
    """Let pid 1 of each host be our child; call once, before the first host."""
    linux.adopt_orphans()


def max_processes_per_host() -> int:
    """Return RLIMIT_NPROC for scripts.

    Since Linux 5.14 a user namespace counts its own processes; before, all of the user's count.
    """
    release = tuple(int(part) for part in os.uname().release.split(".")[:2] if part.isdigit())
    if release >= (5, 14):
        return _MAX_PROCESSES
    ours = sum(1 for folder in Path("/proc").iterdir() if folder.name.isdigit())
    return ours + _MAX_PROCESSES


def _packets_dropped(pid: int, interface_name: str) -> int:
    """Return how many packets an interface in a process' network had no room for on their way out.

    Source: the kernel's Documentation/filesystems/proc.rst, /proc/net/dev
    """
    for line in Path(f"/proc/{pid}/net/dev").read_text().splitlines():
        name, _, counts = line.partition(":")
        if name.strip() == interface_name:
            return int(counts.split()[11])
    return 0


def _map_ids(pid: int) -> None:
    """Make us root in the namespace; when we are root outside, make nobody root in it.

    Else limits, which do not hold for the machine's root, would not hold in the host either.
    """
    is_root = os.getuid() == 0 and _is_mapped(NOBODY)
    uid, gid = (NOBODY, NOBODY) if is_root else (os.getuid(), os.getgid())
    folder = Path(f"/proc/{pid}")
    (folder / "setgroups").write_text("deny")
    (folder / "uid_map").write_text(f"0 {uid} 1")
    (folder / "gid_map").write_text(f"0 {gid} 1")


def _is_mapped(uid: int) -> bool:
    lines = Path("/proc/self/uid_map").read_text().splitlines()
    ranges = [tuple(map(int, line.split())) for line in lines]
    return any(first <= uid < first + count for first, _, count in ranges)
