"""curl and Python's http.server, as far as in-process hosts know them."""

import getopt
import re
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus

from labkit.emulator.data_plane.in_process_machine import Client, Program, Terminal, clock
from labkit.emulator.data_plane.shell_lines import NotKnown
from labkit.emulator.data_plane.tcp_connection import RESET, TIMED_OUT, TcpConnection
from labkit.emulator.data_plane.tcp_stack import PortInUse

_URL = re.compile(r"(?:(\w+)://)?([^/:]+)(?::(\d{1,5}))?(/\S*)?")
_LONG = ["silent", "show-error", "fail", "max-time=", "connect-timeout=", "output=", "write-out="]
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3})")
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
_CONNECT_S = 300.0  # curl's own limit
_LISTING = """\
<!DOCTYPE HTML>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Directory listing for /</title>
</head>
<body>
<h1>Directory listing for /</h1>
<hr>
<ul>
</ul>
<hr>
</body>
</html>
"""


@dataclass(frozen=True, slots=True)
class _Asked:
    """curl's command line."""

    scheme: str
    host: str
    port: int
    path: str
    is_silent: bool = False
    shows_errors: bool = False
    fails: bool = False
    has_output: bool = True
    max_s: float = float("inf")
    connect_s: float = _CONNECT_S
    write_out: str = ""


class _Failed(Exception):
    def __init__(self, code: int, message: str) -> None:
        self.code, self.message = code, message


def check_curl(words: Sequence[str]) -> None:
    """Raise NotKnown for what is not on the closed list of options."""
    _read(words)


def curl(arguments: Sequence[str], terminal: Terminal) -> Program:
    asked = _read(["curl", *arguments])
    try:
        status, body = yield from _fetch(asked, terminal)
    except _Failed as failure:
        if asked.shows_errors or not asked.is_silent:
            terminal.err(f"curl: ({failure.code}) {failure.message}\n")
        terminal.out(_written_out(asked, 0))
        return failure.code
    if asked.has_output and not (asked.fails and status >= HTTPStatus.BAD_REQUEST):
        terminal.out(body.decode(errors="replace"))
    terminal.out(_written_out(asked, status))
    if asked.fails and status >= HTTPStatus.BAD_REQUEST:
        if asked.shows_errors or not asked.is_silent:
            terminal.err(f"curl: (22) The requested URL returned error: {status}\n")
        return 22
    return 0


def _written_out(asked: _Asked, status: int) -> str:
    return asked.write_out.replace("%{http_code}", f"{status:03}").replace("\\n", "\n")


def _fetch(asked: _Asked, terminal: Terminal) -> Generator[float | None, object, tuple[int, bytes]]:
    """Ask once; return the status code and the body."""
    if asked.scheme != "http":
        raise _Failed(1, f'Protocol "{asked.scheme}" not supported')
    began = clock()
    client = Client((asked.host, asked.port), terminal)
    try:
        yield from _wait_connected(asked, client, began)
        request = f"GET {asked.path} HTTP/1.1\r\nHost: {_host(asked)}\r\nAccept: */*\r\n\r\n"
        client.connection.send(request.encode())
        until = began + asked.max_s
        while not client.is_over and not _is_whole(client.data):
            if clock() >= until:
                said = f"with {len(client.data)} bytes received"
                raise _Failed(28, f"Operation timed out after {_ms(began)} milliseconds {said}")
            yield until
        return _answer(client)
    finally:
        client.connection.close()


def _wait_connected(
    asked: _Asked, client: Client, began: float
) -> Generator[float | None, object, None]:
    until = began + min(asked.max_s, asked.connect_s)
    while not client.is_connected:
        if client.problem == TIMED_OUT or clock() >= until:
            raise _Failed(28, f"Connection timed out after {_ms(began)} milliseconds")
        if client.problem:
            where = f"{asked.host} port {asked.port} after {_ms(began)} ms"
            raise _Failed(7, f"Failed to connect to {where}: Couldn't connect to server")
        yield until


def _answer(client: Client) -> tuple[int, bytes]:
    if client.problem == RESET:
        raise _Failed(56, "Recv failure: Connection reset by peer")
    if not client.data:
        raise _Failed(52, "Empty reply from server")
    status = _STATUS_LINE.match(client.data)
    if status is None:
        raise _Failed(1, "Received HTTP/0.9 when not allowed")
    return int(status[1]), bytes(client.data.partition(b"\r\n\r\n")[2])


def _is_whole(data: bytearray) -> bool:
    head, found, body = data.partition(b"\r\n\r\n")
    length = _LENGTH.search(head + b"\r\n")
    return bool(found and length and len(body) >= int(length[1]))


def _ms(began: float) -> int:
    return int((clock() - began) * 1000)


def _host(asked: _Asked) -> str:
    return asked.host if asked.port == 80 else f"{asked.host}:{asked.port}"


def _read(words: Sequence[str]) -> _Asked:
    try:
        options, rest = getopt.gnu_getopt(list(words[1:]), "sSfm:o:w:", _LONG)
        url = _URL.fullmatch(rest[0]) if len(rest) == 1 else None
        if url is None:
            raise NotKnown(" ".join(words))
        asked = _Asked(url[1] or "http", url[2], int(url[3] or 80), url[4] or "/")
        for name, value in options:
            asked = _with(asked, name, value)
    except (getopt.GetoptError, ValueError):
        raise NotKnown(" ".join(words)) from None
    return asked


def _with(asked: _Asked, name: str, value: str) -> _Asked:
    match name:
        case "-s" | "--silent":
            return replace(asked, is_silent=True)
        case "-S" | "--show-error":
            return replace(asked, shows_errors=True)
        case "-f" | "--fail":
            return replace(asked, fails=True)
        case "-m" | "--max-time":
            return replace(asked, max_s=float(value))
        case "--connect-timeout":
            return replace(asked, connect_s=float(value))
        case "-w" | "--write-out":
            return replace(asked, write_out=value)
    if value != "/dev/null":  # -o
        raise ValueError(value)
    return replace(asked, has_output=False)


def check_server(words: Sequence[str]) -> None:
    """Raise NotKnown for anything but ``python3 -m http.server`` and a port."""
    is_known = list(words[1:3]) == ["-m", "http.server"] and len(words) <= 4
    if not is_known or not all(word.isdecimal() for word in words[3:]):
        raise NotKnown(" ".join(words))


def server(arguments: Sequence[str], terminal: Terminal) -> Program:
    """Serve an empty folder, as Python's http.server does, until the process is ended."""
    port = int(arguments[2]) if len(arguments) > 2 else 8000
    try:
        terminal.machine.listen(port, lambda connection: _Served(connection, terminal))
    except PortInUse:
        terminal.err("OSError: [Errno 98] Address already in use\n")
        return 1
    try:
        while True:
            yield None
    finally:
        terminal.machine.stop_listening(port)


class _Served:
    """One connection of the server: a request in, an answer out, and closed."""

    def __init__(self, connection: TcpConnection, terminal: Terminal) -> None:
        self._connection, self._terminal = connection, terminal
        self._data = bytearray()
        self._is_answered = False

    def connected(self) -> None:
        return

    def received(self, data: bytes) -> None:
        self._data += data
        if not self._is_answered and b"\r\n\r\n" in self._data:
            self._is_answered = True
            self._answer(self._data.partition(b"\r\n")[0].decode(errors="replace"))

    def finished(self) -> None:
        self._connection.close()

    def ended(self, problem: str | None) -> None:
        return

    def _answer(self, request: str) -> None:
        method, _, rest = request.partition(" ")
        status, body = HTTPStatus.OK, _LISTING
        if method != "GET":
            status, body = HTTPStatus.NOT_IMPLEMENTED, "Unsupported method\n"
        elif rest.split(" ")[0].split("?")[0] != "/":
            status, body = HTTPStatus.NOT_FOUND, "File not found\n"
        when = time.strftime("%d/%b/%Y %H:%M:%S", time.gmtime())
        self._terminal.err(f'{self._connection.far[0]} - - [{when}] "{request}" {status} -\n')
        head = (
            f"HTTP/1.0 {status} {status.phrase}\r\nContent-type: text/html; charset=utf-8\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        self._connection.send((head + body).encode())
        self._connection.close()
