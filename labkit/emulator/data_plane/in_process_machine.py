"""What the programs of in-process hosts see of their host, and of the shell that runs them."""

import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Protocol

from labkit.emulator.data_plane import icmp
from labkit.emulator.data_plane.hosts import HostSpec
from labkit.emulator.data_plane.ping_session import Send
from labkit.emulator.data_plane.tcp_connection import Events, TcpConnection
from labkit.emulator.data_plane.tcp_stack import Accept

Program = Generator[float | None, icmp.Message | None, int]
"""Yields until when it waits (on ``clock``; None: until it is woken), ends with its exit code.

Takes the ICMP message that came, or None: the time is over, or ``Terminal.wake`` was called.
"""

clock = time.perf_counter


class Machine(Protocol):
    """A host's network, and its names."""

    spec: HostSpec

    def connect(self, far: tuple[str, int], events: Events) -> TcpConnection: ...

    def listen(self, port: int, accept: Accept) -> None: ...

    def stop_listening(self, port: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Terminal:
    """Where a program's text goes, and what it can do.

    pinger gives what sends echo requests to an address; wake lets the program go on soon; spawn
    runs a program in the background.
    """

    out: Callable[[str], None]
    err: Callable[[str], None]
    pinger: Callable[[str], Send]
    machine: Machine
    wake: Callable[[], None]
    spawn: Callable[[Callable[["Terminal"], Program]], None]


class Client:
    """One connection of a program that waits for what it brings."""

    def __init__(self, far: tuple[str, int], terminal: Terminal) -> None:
        self.data = bytearray()
        self.is_connected = self.is_finished = False
        self.problem: str | None = None
        self._wake = terminal.wake
        self.connection = terminal.machine.connect(far, self)

    @property
    def is_over(self) -> bool:
        return self.is_finished or self.problem is not None

    def connected(self) -> None:
        self.is_connected = True
        self._wake()

    def received(self, data: bytes) -> None:
        self.data += data
        self._wake()

    def finished(self) -> None:
        self.is_finished = True
        self._wake()

    def ended(self, problem: str | None) -> None:
        self.problem = problem
        self.is_finished = True
        self._wake()
