"""The kit's own ping, for hosts on machines that have none: raw ICMP sockets, real packets."""

import os
import select
import socket
import struct
import sys
import time
from collections.abc import Callable, Sequence

from labkit.emulator.data_plane import icmp
from labkit.emulator.data_plane.ping_options import UsageError, read_options
from labkit.emulator.data_plane.ping_session import PingSession

_PACKET_BYTES = 65535
_QUOTED_IP_BYTES = 20


def main(arguments: Sequence[str]) -> int:
    """Run ping; return its exit code: 0 with replies, 1 without, 1 or 2 when it could not ping."""
    try:
        options = read_options(arguments)
        address = _look_up(options.destination)
    except UsageError as error:
        sys.stderr.write(str(error))
        return error.code
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as sock:
        wire = PingOverSocket(sock, address)
        session = PingSession(
            options, address, send=wire.send, write=_write, clock=time.perf_counter
        )
        return _drive(session, wire)


def _drive(session: PingSession, wire: "PingOverSocket") -> int:
    run = session.run()
    try:
        until = next(run)
        while True:
            until = run.send(wire.wait(until, time.perf_counter))
    except StopIteration as ended:
        return ended.value
    except KeyboardInterrupt:
        return session.finish()


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


class PingOverSocket:
    """Echo requests out of a raw socket, their replies and the errors about them back in."""

    def __init__(self, sock: socket.socket, address: str) -> None:
        self._socket = sock
        self._address = address
        self._identifier = int.from_bytes(os.urandom(2), "big")

    def send(self, sequence: int, data: bytes) -> None:
        request = icmp.echo(icmp.ECHO_REQUEST, self._identifier, sequence, data)
        try:
            self._socket.sendto(request, (self._address, 0))
        except OSError as error:
            sys.stderr.write(f"ping: sendmsg: {error.strerror}\n")

    def wait(self, until: float | None, clock: Callable[[], float]) -> icmp.Message | None:
        """Return the next message that is ours, or None when the time is over."""
        while True:
            wait_s = None if until is None else max(0.0, until - clock())
            if not select.select([self._socket], [], [], wait_s)[0]:
                return None
            message = icmp.parse(self._socket.recv(_PACKET_BYTES))
            if message and (ours := self._ours(message)):
                return ours

    def _ours(self, message: icmp.Message) -> icmp.Message | None:
        if message.type == icmp.ECHO_REPLY:
            return message if message.identifier == self._identifier else None
        if message.type != icmp.UNREACHABLE or len(message.data) < _QUOTED_IP_BYTES + 8:
            return None
        identifier, sequence = struct.unpack_from("!HH", message.data, _QUOTED_IP_BYTES + 4)
        ours = identifier == self._identifier
        return message._replace(sequence=sequence) if ours else None


def _look_up(destination: str) -> str:
    try:
        return socket.gethostbyname(destination)
    except socket.gaierror as error:
        raise UsageError(f"ping: {destination}: {error.strerror}\n") from None
