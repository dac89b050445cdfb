"""The programs of in-process hosts: a closed list."""

import ipaddress
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace

from labkit.emulator.data_plane import in_process_http
from labkit.emulator.data_plane.hosts import InterfaceSpec
from labkit.emulator.data_plane.in_process_machine import Client, Program, Terminal, clock
from labkit.emulator.data_plane.ping_options import UsageError, read_options
from labkit.emulator.data_plane.ping_session import PingSession
from labkit.emulator.data_plane.shell_lines import Command, NotKnown, read_script, run_commands

_TIMED_OUT = 124  # timeout's own exit code


@dataclass(frozen=True, slots=True)
class Known:
    """A program, and what raises NotKnown for words that it does not take."""

    run: Callable[[Sequence[str], Terminal], Program]
    check: Callable[[Sequence[str]], None] = lambda words: None


def check(words: Sequence[str]) -> None:
    """Check a command against the closed list.

    Raises:
        NotKnown: it is not on it.
    """
    if words[0] not in KNOWN:
        raise NotKnown(words[0])
    KNOWN[words[0]].check(words)


def run_script(commands: Sequence[Command], terminal: Terminal) -> Program:
    """Run what read_script has read."""
    return (
        yield from run_commands(commands, lambda command, words: _run(command, words, terminal))
    )


def _run(command: Command, words: Sequence[str], terminal: Terminal) -> Program:
    if command.is_background:
        in_front = replace(command, is_background=False)
        terminal.spawn(lambda own: _run(in_front, words, own))
        return 0
    client = None
    if command.connect:
        client = yield from _connect(command.connect, _redirected(command, terminal))
        if client is None:
            return 1
    try:
        return (yield from _run_program(words, _redirected(command, terminal))) if words else 0
    finally:
        if client:
            client.connection.close()


def _redirected(command: Command, terminal: Terminal) -> Terminal:
    writers = {"stdout": terminal.out, "stderr": terminal.err, None: lambda text: None}
    return replace(terminal, out=writers[command.outputs[1]], err=writers[command.outputs[2]])


def _run_program(words: Sequence[str], terminal: Terminal) -> Program:
    return KNOWN[words[0]].run(words[1:], terminal)


def _connect(
    far: tuple[str, int], terminal: Terminal
) -> Generator[float | None, object, Client | None]:
    """Do what bash does for /dev/tcp, with its words."""
    path = f"/dev/tcp/{far[0]}/{far[1]}"
    try:
        client = Client((_address(far[0], "bash"), far[1]), terminal)
    except UsageError as error:
        terminal.err(f"{error}bash: line 1: {path}: Invalid argument\n")
        return None
    try:
        while not client.is_connected and not client.is_over:
            yield None
    except GeneratorExit:
        client.connection.close()
        raise
    if client.problem:
        terminal.err(f"bash: connect: {client.problem}\nbash: line 1: {path}: {client.problem}\n")
        return None
    return client


def _ping(arguments: Sequence[str], terminal: Terminal) -> Program:
    try:
        options = read_options(arguments)
        address = _address(options.destination, "ping")
    except UsageError as error:
        terminal.err(str(error))
        return error.code
    session = PingSession(
        options, address, send=terminal.pinger(address), write=terminal.out, clock=clock
    )
    return (yield from session.run())


def _address(destination: str, program: str) -> str:
    """Return the address; there is no name server that could know a name."""
    if destination == "localhost":
        return "127.0.0.1"
    try:
        return str(ipaddress.IPv4Address(destination))
    except ValueError:
        raise UsageError(f"{program}: {destination}: Name or service not known\n") from None


def _echo(arguments: Sequence[str], terminal: Terminal) -> Program:
    is_open = list(arguments[:1]) == ["-n"]
    terminal.out(" ".join(arguments[is_open:]) + ("" if is_open else "\n"))
    return 0
    yield  # a generator like the others


def _sleep(arguments: Sequence[str], terminal: Terminal) -> Program:
    until = clock() + sum(map(_seconds, arguments))
    while clock() < until:
        yield until
    return 0


def _seconds(text: str) -> float:
    """Read what sleep and timeout take."""
    unit = {"s": 1, "m": 60, "h": 3600, "d": 86400}.get(text[-1:])
    seconds = float(text[:-1]) * unit if unit else float(text)
    if not 0 <= seconds < float("inf"):
        raise ValueError(text)
    return seconds


def _check_durations(words: Sequence[str]) -> None:
    try:
        if not [_seconds(word) for word in words[1:]]:
            raise NotKnown(words[0])
    except ValueError:
        raise NotKnown(" ".join(words)) from None


def _timeout(arguments: Sequence[str], terminal: Terminal) -> Program:
    """Run a program; end it and answer 124 when its time is over."""
    deadline = clock() + (_seconds(arguments[0]) or float("inf"))
    program = _run_program(arguments[1:], terminal)
    message = None
    try:
        while clock() < deadline:
            until = program.send(message)
            message = yield deadline if until is None else min(until, deadline)
    except StopIteration as ended:
        return ended.value
    finally:
        program.close()
    return _TIMED_OUT


def _check_timeout(words: Sequence[str]) -> None:
    _check_durations(words[:2])
    if len(words) < 3:
        raise NotKnown(" ".join(words))
    check(words[2:])


def _bash(arguments: Sequence[str], terminal: Terminal) -> Program:
    return (yield from run_script(read_script([arguments[1]], check), terminal))


def _check_bash(words: Sequence[str]) -> None:
    if len(words) != 3 or words[1] != "-c":
        raise NotKnown(" ".join(words))
    read_script([words[2]], check)


def _true(arguments: Sequence[str], terminal: Terminal) -> Program:
    return 0
    yield


def _false(arguments: Sequence[str], terminal: Terminal) -> Program:
    return 1
    yield


def _hostname(arguments: Sequence[str], terminal: Terminal) -> Program:
    spec = terminal.machine.spec
    addresses = [address for interface in spec.interfaces for address in interface.addresses]
    terminal.out(" ".join(addresses) + " \n" if arguments else f"{spec.hostname}\n")
    return 0
    yield


def _check_hostname(words: Sequence[str]) -> None:
    if list(words[1:]) not in ([], ["-I"]):
        raise NotKnown(" ".join(words))


def _ip(arguments: Sequence[str], terminal: Terminal) -> Program:
    terminal.out(
        "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN group default\n"
        "    inet 127.0.0.1/8 scope host lo\n"
    )
    for index, interface in enumerate(terminal.machine.spec.interfaces, 2):
        terminal.out(_interface_text(index, interface))
    return 0
    yield


def _interface_text(index: int, interface: InterfaceSpec) -> str:
    name = interface.name
    lines = [f"{index}: {name}: <UP,LOWER_UP> mtu {interface.mtu} state UP group default"]
    for number, address in enumerate(interface.addresses):
        length = 32 if number else interface.prefix_length
        lines.append(f"    inet {address}/{length} scope global {name}")
    return "\n".join(lines) + "\n"


def _check_ip(words: Sequence[str]) -> None:
    what = [word for word in words[1:] if word != "-4"]
    if what[:1] not in (["a"], ["addr"], ["address"]) or what[1:] not in ([], ["show"]):
        raise NotKnown(" ".join(words))


KNOWN: dict[str, Known] = {
    "ping": Known(_ping),
    "curl": Known(in_process_http.curl, in_process_http.check_curl),
    "echo": Known(_echo),
    "sleep": Known(_sleep, _check_durations),
    "true": Known(_true),
    "false": Known(_false),
    "timeout": Known(_timeout, _check_timeout),
    "bash": Known(_bash, _check_bash),
    "hostname": Known(_hostname, _check_hostname),
    "ip": Known(_ip, _check_ip),
    "python3": Known(in_process_http.server, in_process_http.check_server),
}
SUMMARY = (
    "ping, curl, echo, sleep, true, false, timeout, hostname, ip addr, bash -c, exit, "
    "python3 -m http.server, </dev/tcp/ADDRESS/PORT"
)
