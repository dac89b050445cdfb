"""Messages over a stream socket: each a length and its bytes, file descriptors beside them."""

import json
import pickle
import socket
import struct
from collections.abc import Callable
from typing import Any

_LENGTH = struct.Struct("!I")
_READ_BYTES = 1 << 18
_FDS_PER_READ = 32


def _to_json(message: Any) -> bytes:
    return json.dumps(message).encode()


class Channel:
    """One end of a socket pair.

    To wait: ``send`` and ``receive``. From an event loop: ``queue``, ``flush`` and ``arrived``.
    """

    def __init__(
        self, sock: socket.socket, encode: Callable[[Any], bytes], decode: Callable[[bytes], Any]
    ) -> None:
        self.socket = sock
        self.fds: list[int] = []  # received with the messages so far and not yet taken
        self._encode, self._decode = encode, decode
        self._incoming = bytearray()
        self._outgoing = bytearray()

    @classmethod
    def of_objects(cls, sock: socket.socket) -> "Channel":
        """Carry any object by pickle: only between our own processes."""
        return cls(sock, pickle.dumps, pickle.loads)

    @classmethod
    def of_json(cls, sock: socket.socket) -> "Channel":
        """Carry JSON values: reading them cannot run code, whoever wrote them."""
        return cls(sock, _to_json, json.loads)

    def fileno(self) -> int:
        return self.socket.fileno()

    def send(self, message: Any, fds: tuple[int, ...] = ()) -> None:
        data = self._frame(message)
        if fds:
            sent = socket.send_fds(self.socket, [data], list(fds))
            data = data[sent:]
        self.socket.sendall(data)

    def receive(self) -> Any:
        """Wait for the next message.

        Raises:
            EOFError: the other end is gone.
        """
        while (message := self._next()) is None:
            self._read()
        return message[0]

    @property
    def waiting_bytes(self) -> int:
        """How much ``flush`` has left so far."""
        return len(self._outgoing)

    def queue(self, message: Any) -> None:
        """Leave a message for ``flush``, which a socket that would block cannot hold up."""
        self._outgoing += self._frame(message)

    def flush(self) -> bool:
        """Send what the socket takes; return whether something is left."""
        while self._outgoing:
            try:
                sent = self.socket.send(self._outgoing)
            except BlockingIOError:
                return True
            del self._outgoing[:sent]
        return False

    def arrived(self) -> list[Any]:
        """Return the messages that have come, possibly none.

        Raises:
            EOFError: the other end is gone.
        """
        try:
            self._read()
        except BlockingIOError:
            return []
        messages = []
        while (message := self._next()) is not None:
            messages.append(message[0])
        return messages

    def close(self) -> None:
        self.socket.close()

    def _frame(self, message: Any) -> bytes:
        data = self._encode(message)
        return _LENGTH.pack(len(data)) + data

    def _read(self) -> None:
        try:
            data, fds, _, _ = socket.recv_fds(self.socket, _READ_BYTES, _FDS_PER_READ)
        except ConnectionResetError:
            data, fds = b"", []
        self.fds += fds
        if not data:
            raise EOFError("the other end of the channel is gone")
        self._incoming += data

    def _next(self) -> tuple[Any] | None:
        if len(self._incoming) < _LENGTH.size:
            return None
        end = _LENGTH.size + _LENGTH.unpack_from(self._incoming)[0]
        if len(self._incoming) < end:
            return None
        message = self._decode(bytes(self._incoming[_LENGTH.size : end]))
        del self._incoming[:end]
        return (message,)
