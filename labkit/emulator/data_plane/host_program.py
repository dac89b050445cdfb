"""Pid 1 of a kernel host: runs the scripts it is told to run, and reaps what they leave behind."""

import os
import signal
import time
from functools import partial
from typing import Any

from labkit.emulator.data_plane import memory
from labkit.emulator.data_plane.agent import Agent
from labkit.emulator.data_plane.channel import Channel
from labkit.emulator.data_plane.file_system import FileSystem, cover
from labkit.emulator.data_plane.kernel_connection import KernelConnection
from labkit.emulator.data_plane.loop import Loop
from labkit.emulator.data_plane.outcome import outcome
from labkit.emulator.data_plane.script import Script, kill, sessions

_LEFTOVERS = 0.5  # of the processes a host may have
_KILLING_ROUNDS = 100  # what forks faster than that stays, and with it the limit


def run(channel: Channel, look: FileSystem, max_processes: int) -> None:
    """Serve the data process until it is gone: the namespaces and all in them end with us."""
    HostProgram(channel, max_processes).run()


class HostProgram:
    """The loop of one host.

    Down come {"run": CommandSpec's fields}, {"cancel": command id}, {"reach": addresses by service}
    and, alone or beside "run", {"cover": paths of the machine's sockets}. Up go {"started": command
    id, "at": epoch seconds}, {"finished": CommandOutcome's fields} and {"agent": when it was last
    heard, by service}.
    """

    def __init__(self, channel: Channel, max_processes: int) -> None:
        self._channel = channel
        self._max_processes = max_processes
        self._loop = Loop()
        self._scripts: dict[int, Script] = {}  # by process id
        self._pids: dict[str, int] = {}  # by command id
        self._looks_at_memory = False
        self._agent = Agent(
            self._loop,
            partial(KernelConnection, self._loop),
            lambda heard_at: self._tell({"agent": dict(heard_at)}),
        )

    def run(self) -> None:
        self._wake_for_children()
        self._channel.socket.setblocking(False)
        self._loop.watch(self._channel.fileno(), self._listen)
        self._loop.run()

    def _wake_for_children(self) -> None:
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        os.set_blocking(writer, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(writer, warn_on_full_buffer=False)

        def woken() -> None:
            os.read(reader, 4096)
            self._reap()

        self._loop.watch(reader, woken)

    def _listen(self) -> None:
        try:
            messages = self._channel.arrived()
        except EOFError:
            self._loop.stop()
            return
        for message in messages:
            if "cover" in message:
                cover(message["cover"])
            if "run" in message:
                self._start(message["run"])
            elif "reach" in message:
                self._agent.reach({name: tuple(ips) for name, ips in message["reach"].items()})
            elif message.get("cancel") in self._pids:
                self._scripts[self._pids[message["cancel"]]].stop("Cancelled")

    def _start(self, spec: dict[str, Any]) -> None:
        self._end_leftovers()
        try:
            script = Script(spec, self._loop, self._max_processes, self._finished)
        except OSError as error:
            self._cannot_start(spec, error)
            return
        self._scripts[script.pid] = script
        self._pids[spec["command_id"]] = script.pid
        self._tell({"started": spec["command_id"], "at": script.started_at})
        if not self._looks_at_memory:
            self._look_at_memory()

    def _look_at_memory(self) -> None:
        """Look on and on, as long as anything runs here."""
        pids = sessions().keys()
        memory.end_largest(pids)
        self._looks_at_memory = bool(pids)
        if pids:
            self._loop.call_later(memory.LOOK_EVERY_S, self._look_at_memory)

    def _cannot_start(self, spec: dict[str, Any], error: OSError) -> None:
        """Report a script that never ran: the host's disk is full, or its processes too many."""
        now = time.time()
        self._tell({"started": spec["command_id"], "at": now})
        ended = outcome(
            spec, exit_code=1, stopped_as=None, stdout="", stderr=str(error), started_at=now
        )
        self._tell({"finished": ended})

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            if script := self._scripts.pop(pid, None):
                script.ended(status)

    def _finished(self, ended: dict[str, Any]) -> None:
        del self._pids[ended["command_id"]]
        self._end_leftovers()
        self._tell({"finished": ended})

    def _end_leftovers(self) -> None:
        """Kill what ended scripts left running, if that is a fork bomb rather than a server."""
        for _ in range(_KILLING_ROUNDS):
            left = [pid for pid, leader in sessions().items() if leader not in self._scripts]
            if len(left) < self._max_processes * _LEFTOVERS:
                return
            for pid in left:
                kill(pid)

    def _tell(self, message: dict[str, Any]) -> None:
        self._channel.queue(message)
        self._flush()

    def _flush(self) -> None:
        is_left = self._channel.flush()
        self._loop.watch(self._channel.fileno(), self._listen, self._flush if is_left else None)
