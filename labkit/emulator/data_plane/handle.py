"""The control process' handle on the data process."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import suppress

from labkit.emulator.aggregation import Capture, FlowRecord
from labkit.emulator.data_plane.channel import Channel
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
from labkit.errors import EmulatorError
from labkit.home import home
from labkit.network.resources import Vpc

HOST_KINDS = ("auto", "kernel", "in-process")
_START_TIMEOUT_S = 20.0
_SET_VPC_TIMEOUT_S = 30.0
_STOP_TIMEOUT_S = 5.0


OnAgent = Callable[[str, Mapping[str, float | None]], None]


class DataPlane:
    """The running data process. Make one with ``start``; every method may be called on any thread.

    host_kind is "kernel" or "in-process"; host_kind_reason says why it is not "kernel", else None.
    """

    host_kind: str
    host_kind_reason: str | None

    def __init__(
        self,
        *,
        on_records: Callable[[list[FlowRecord]], None],
        on_started: Callable[[str, str, float], None],
        on_finished: Callable[[CommandOutcome], None],
        on_died: Callable[[str], None],
        on_agent: OnAgent,
    ) -> None:
        self._on_agent = on_agent
        self._on_records, self._on_started = on_records, on_started
        self._on_finished, self._on_died = on_finished, on_died
        self._lock = threading.Lock()
        self._acknowledgements: dict[int, Future[str | None]] = {}
        self._last_number = 0
        self._is_stopping = False
        self._death: str | None = None
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "labkit.emulator.data_plane", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        self._channel = Channel.of_objects(ours)
        self._reader = threading.Thread(target=self._read, name="data-plane", daemon=True)

    @classmethod
    def start(
        cls,
        *,
        pace: str,
        host_kind: str = "auto",
        on_records: Callable[[list[FlowRecord]], None],
        on_started: Callable[[str, str, float], None],
        on_finished: Callable[[CommandOutcome], None],
        on_died: Callable[[str], None],
        on_agent: OnAgent = lambda instance_id, heard_at: None,
    ) -> "DataPlane":
        """Start the data process and wait until it can make hosts.

        All callbacks come on one thread of ours; they must be quick, and must not call ``set_vpc``.

        Args:
            pace: "lab" or "aws".
            host_kind: "auto" takes kernel hosts where they work; LABKIT_HOSTS overrides it then.
            on_records: is given flow records as their windows close.
            on_started: is given a command's id, its instance's, and the time (epoch seconds).
            on_finished: is given a command's outcome, after on_started.
            on_died: is given a sentence when the data process ends without ``stop``.
            on_agent: is given an instance's id and, by service, when its agent was last heard.

        Raises:
            EmulatorError: it cannot start, or kernel hosts were asked for and are impossible.
        """
        kind = os.environ.get("LABKIT_HOSTS", "auto") if host_kind == "auto" else host_kind
        if kind not in HOST_KINDS:
            raise EmulatorError(f"unknown kind of host {kind!r}: one of {', '.join(HOST_KINDS)}")
        data_plane = cls(
            on_records=on_records,
            on_started=on_started,
            on_finished=on_finished,
            on_died=on_died,
            on_agent=on_agent,
        )
        data_plane._greet(Settings(pace=pace, host_kind=kind, hidden=(str(home()),)))
        return data_plane

    def set_vpc(
        self, vpc_id: str, vpc: Vpc | None, captures: Mapping[str, tuple[Capture, ...]]
    ) -> None:
        """Put a VPC's rules in force and its hosts in place; None removes it.

        Returns when both are done.

        Raises:
            EmulatorError: a host cannot be made, or the data process is gone.
        """
        if threading.current_thread() is self._reader:
            raise RuntimeError("set_vpc would wait for the thread that it is called on")
        done: Future[str | None] = Future()
        with self._lock:
            self._last_number += 1
            number = self._last_number
            self._acknowledgements[number] = done
        self._send(SetVpc(number, vpc_id, vpc, dict(captures)))
        try:
            problem = done.result(_SET_VPC_TIMEOUT_S)
        except FutureTimeoutError:
            problem = f"{vpc_id} was not ready after {_SET_VPC_TIMEOUT_S:.0f} s"
        if problem:
            raise EmulatorError(problem)

    def run(self, command: CommandSpec) -> None:
        """Start a command; on_started and on_finished tell how it goes."""
        self._send(Run(command))

    def cancel(self, command_id: str, instance_id: str) -> None:
        """End a running command as Cancelled; one that is over or unknown is left alone."""
        self._send(Cancel(command_id, instance_id))

    def stop(self) -> None:
        """End the data process and all hosts. May be called twice."""
        self._is_stopping = True
        with suppress(EmulatorError):  # it is gone already
            self._send(Stop())
        try:
            self._process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._reader.is_alive() and threading.current_thread() is not self._reader:
            self._reader.join()
        self._channel.close()

    def _greet(self, settings: Settings) -> None:
        self._channel.socket.settimeout(_START_TIMEOUT_S)
        try:
            self._channel.send(settings)
            answer = self._channel.receive()
        except (OSError, EOFError) as error:
            self._give_up()
            raise EmulatorError(f"the emulator's data process did not start: {error}") from None
        if isinstance(answer, Refused):
            self._give_up()
            raise EmulatorError(f"kernel hosts are impossible here: {answer.reason}")
        assert isinstance(answer, Ready)
        self.host_kind, self.host_kind_reason = answer.host_kind, answer.host_kind_reason
        self._channel.socket.settimeout(None)
        self._reader.start()

    def _give_up(self) -> None:
        self._process.kill()
        self._process.wait()
        self._channel.close()

    def _send(self, message: object) -> None:
        with self._lock:
            if self._death:
                raise EmulatorError(self._death)
            try:
                self._channel.send(message)
            except OSError as error:
                raise EmulatorError(f"the emulator's data process is gone: {error}") from None

    def _read(self) -> None:
        while True:
            try:
                message = self._channel.receive()
            except (EOFError, OSError):
                break
            self._heard(message)
        self._died()

    def _heard(self, message: object) -> None:
        match message:
            case VpcSet(number, problem):
                with self._lock:
                    done = self._acknowledgements.pop(number)
                done.set_result(problem)
            case Started(command_id, instance_id, at):
                self._on_started(command_id, instance_id, at)
            case Finished(outcome):
                self._on_finished(outcome)
            case AgentSeen(instance_id, heard_at):
                self._on_agent(instance_id, heard_at)
            case Records(records):
                self._on_records(list(records))

    def _died(self) -> None:
        code = self._process.wait()
        death = f"the emulator's data process ended (exit code {code}): see emulator.log"
        with self._lock:
            self._death = death
            waiting = list(self._acknowledgements.values())
            self._acknowledgements.clear()
        for done in waiting:
            done.set_result(death)
        if not self._is_stopping:
            self._on_died(death)
