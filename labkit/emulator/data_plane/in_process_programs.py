"""The programs of in-process hosts: a closed list."""

import ipaddress
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

from labkit.emulator.data_plane import icmp
from labkit.emulator.data_plane.ping_options import UsageError, read_options
from labkit.emulator.data_plane.ping_session import PingSession, Send

Program = Generator[float | None, icmp.Message | None, int]
"""Yields until when it waits (on ``clock``), takes the message that came, ends with its code."""

clock = time.perf_counter


@dataclass(frozen=True, slots=True)
class Terminal:
    """Where a program's text goes, and how it pings: ``pinger`` gives what sends to an address."""

    out: Callable[[str], None]
    err: Callable[[str], None]
    pinger: Callable[[str], Send]


def run_program(words: Sequence[str], terminal: Terminal) -> Program:
    """Run one of KNOWN."""
    return KNOWN[words[0]](words[1:], terminal)


def _ping(arguments: Sequence[str], terminal: Terminal) -> Program:
    try:
        options = read_options(arguments)
        address = _address(options.destination)
    except UsageError as error:
        terminal.err(str(error))
        return error.code
    session = PingSession(
        options, address, send=terminal.pinger(address), write=terminal.out, clock=clock
    )
    return (yield from session.run())


def _address(destination: str) -> str:
    """Return the address; there is no name server that could know a name."""
    try:
        return str(ipaddress.IPv4Address(destination))
    except ValueError:
        raise UsageError(f"ping: {destination}: Name or service not known\n") from None


def _echo(arguments: Sequence[str], terminal: Terminal) -> Program:
    terminal.out(" ".join(arguments) + "\n")
    return 0
    yield  # a generator like the others


def _sleep(arguments: Sequence[str], terminal: Terminal) -> Program:
    try:
        until = clock() + sum(float(argument.removesuffix("s")) for argument in arguments)
    except ValueError:
        terminal.err(f"sleep: invalid time interval '{arguments[0]}'\n")
        return 1
    while clock() < until:
        yield until
    return 0


def _true(arguments: Sequence[str], terminal: Terminal) -> Program:
    return 0
    yield


def _false(arguments: Sequence[str], terminal: Terminal) -> Program:
    return 1
    yield


KNOWN: dict[str, Callable[[Sequence[str], Terminal], Program]] = {
    "ping": _ping,
    "echo": _echo,
    "sleep": _sleep,
    "true": _true,
    "false": _false,
}
