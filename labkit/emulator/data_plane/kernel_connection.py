"""A TCP connection of a kernel host's first process, driven by its loop."""

import errno
import os
import socket

from labkit.emulator.data_plane.loop import Loop
from labkit.emulator.data_plane.tcp_connection import Events

_READ_BYTES = 4096


class KernelConnection:
    """A connection that the kernel carries; tells its events as a TcpConnection does."""

    def __init__(self, loop: Loop, far: tuple[str, int], events: Events) -> None:
        self._loop, self._events = loop, events
        self._is_closed = False
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        problem = self._socket.connect_ex(far)
        if problem in (0, errno.EINPROGRESS):
            loop.watch(self._socket.fileno(), self._can_read, self._can_write)
        else:
            loop.call_later(0, lambda: self._end(os.strerror(problem)))

    def send(self, data: bytes) -> None:
        """Send a line: it fits into the socket's buffer."""
        try:
            self._socket.send(data)
        except OSError as error:
            text = error.strerror
            self._loop.call_later(0, lambda: self._end(text))

    def close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._loop.unwatch(self._socket.fileno())
            self._socket.close()

    def _can_write(self) -> None:
        if self._is_closed:
            return
        if problem := self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._end(os.strerror(problem))
            return
        self._loop.watch(self._socket.fileno(), self._can_read)
        self._events.connected()

    def _can_read(self) -> None:
        if self._is_closed:
            return
        try:
            data = self._socket.recv(_READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._end(error.strerror)
            return
        if data:
            self._events.received(data)
        else:
            self._events.finished()

    def _end(self, problem: str | None) -> None:
        if not self._is_closed:
            self.close()
            self._events.ended(problem)
