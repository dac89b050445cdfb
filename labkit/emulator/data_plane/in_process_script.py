"""Scripts on in-process hosts: programs driven by the loop's timers and by what the wire brings."""

import secrets
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial

from labkit.emulator.data_plane import icmp
from labkit.emulator.data_plane.in_process_machine import Machine, Program, Terminal, clock
from labkit.emulator.data_plane.in_process_programs import SUMMARY, check, run_script
from labkit.emulator.data_plane.loop import Loop, Timer
from labkit.emulator.data_plane.messages import CommandOutcome, CommandSpec
from labkit.emulator.data_plane.outcome import HOST_ENDED, lost, outcome
from labkit.emulator.data_plane.output import KEPT_BYTES
from labkit.emulator.data_plane.ping_session import Send
from labkit.emulator.data_plane.shell_lines import NotKnown, read_script

_REFUSAL = (
    "{what}: not known here. This instance is an in-process host, which knows only "
    + f"{SUMMARY} and sequences of them with ; && || and &. "
    "Kernel hosts run any command: they need Linux with user namespaces and /dev/net/tun "
    "(`labkit emulator status` says what is missing here).\n"
)

Pinger = Callable[[int, str], Send]
"""Takes an ICMP identifier and an address; gives what sends echo requests."""


class Process:
    """A program that runs. ended gets its exit code, unless it is killed."""

    def __init__(self, loop: Loop, ended: Callable[["Process", int], None]) -> None:
        self.identifier = secrets.randbelow(1 << 16)  # of its echo requests
        self._loop, self._ended = loop, ended
        self._program: Program
        self._is_over = self._is_woken = False
        self._timer: Timer | None = None

    def start(self, program: Program) -> None:
        self._program = program
        self.wake()

    def wake(self) -> None:
        """Let the program go on, but not at once: it may be what calls this."""
        if not self._is_woken:
            self._is_woken = True
            self._loop.call_later(0, self._woken)

    def take(self, message: icmp.Message) -> None:
        if message.identifier == self.identifier:
            self._go_on(message)

    def kill(self) -> None:
        self._is_over = True
        if self._timer:
            self._timer.cancel()
        self._program.close()

    def _woken(self) -> None:
        self._is_woken = False
        self._go_on(None)

    def _go_on(self, message: icmp.Message | None) -> None:
        if self._is_over:
            return
        if self._timer:
            self._timer.cancel()
        try:
            until = self._program.send(message)
        except StopIteration as ended:
            self._is_over = True
            self._ended(self, ended.value)
            return
        if until is not None and until != float("inf"):
            wait_s = max(0.0, until - clock())
            self._timer = self._loop.call_later(wait_s, lambda: self._go_on(None))


class Script:
    """A running script: a process, and those that it runs in the background.

    processes are the host's; what runs in the background stays there when the script is over.
    """

    def __init__(
        self,
        command: CommandSpec,
        *,
        loop: Loop,
        machine: Machine,
        pinger: Pinger,
        processes: set[Process],
        finished: Callable[[CommandOutcome], None],
    ) -> None:
        self.started_at = time.time()
        self._command, self._loop, self._finished = command, loop, finished
        self._machine, self._pinger = machine, pinger
        self._all = processes
        self._own: set[Process] = set()
        self._texts: dict[str, str] = {"stdout": "", "stderr": ""}
        self._limit = loop.call_later(command.execution_timeout_s, lambda: self.stop("TimedOut"))

    def start(self) -> None:
        self._spawn(self._run, self._main_ended)

    def stop(self, status: str) -> None:
        """End it with all it has started."""
        self._kill_all()
        self._report(-1, stopped_as=status)

    def lose(self) -> None:
        """End because the host ends."""
        self._kill_all()
        self._limit.cancel()
        self._finished(lost(self._command, self.started_at, HOST_ENDED))

    def _spawn(
        self, make: Callable[[Terminal], Program], ended: Callable[[Process, int], None]
    ) -> None:
        process = Process(self._loop, ended)
        terminal = Terminal(
            out=partial(self._write, "stdout"),
            err=partial(self._write, "stderr"),
            pinger=partial(self._pinger, process.identifier),
            machine=self._machine,
            wake=process.wake,
            spawn=lambda make: self._spawn(make, lambda process, code: self._gone(process)),
        )
        self._own.add(process)
        self._all.add(process)
        process.start(make(terminal))

    def _main_ended(self, process: Process, code: int) -> None:
        self._gone(process)
        self._report(code)

    def _gone(self, process: Process) -> None:
        self._own.discard(process)
        self._all.discard(process)

    def _kill_all(self) -> None:
        for process in list(self._own):
            process.kill()
            self._gone(process)

    def _report(self, code: int, *, stopped_as: str | None = None) -> None:
        self._limit.cancel()
        fields = outcome(
            asdict(self._command),
            exit_code=code,
            stopped_as=stopped_as,
            started_at=self.started_at,
            stdout=self._texts["stdout"],
            stderr=self._texts["stderr"],
        )
        self._finished(CommandOutcome(**fields))

    def _run(self, terminal: Terminal) -> Program:
        try:
            commands = read_script(self._command.lines, check)
        except NotKnown as error:
            terminal.err(_REFUSAL.format(what=error))
            return 127
        return (yield from run_script(commands, terminal))

    def _write(self, which: str, text: str) -> None:
        room = KEPT_BYTES - len(self._texts[which])
        self._texts[which] += text[:room]
