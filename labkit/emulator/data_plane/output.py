"""What a script prints: the first part kept, the rest read and thrown away."""

import os

from labkit.emulator.data_plane.loop import Loop

KEPT_BYTES = 1 << 20
_READ_BYTES = 1 << 16
_PAUSE_S = 0.01  # between reads past what is kept: an endless `yes` then waits for us


class Output:
    """Reads one pipe to its end. After ``detach`` everything is thrown away."""

    def __init__(self, loop: Loop, fd: int) -> None:
        self._loop, self._fd = loop, fd
        self._kept = bytearray()
        self._is_open = True
        os.set_blocking(fd, False)
        loop.watch(fd, self._can_read)

    def detach(self) -> str:
        """Return what the script printed; the pipe stays open for those it left behind."""
        while self._is_open and len(self._kept) < KEPT_BYTES and self._read():
            pass
        text = self._kept.decode(errors="replace")
        self._kept = bytearray(KEPT_BYTES)
        return text

    def _can_read(self) -> None:
        self._read()
        if self._is_open and len(self._kept) >= KEPT_BYTES:
            self._loop.unwatch(self._fd)
            self._loop.call_later(_PAUSE_S, self._resume)

    def _resume(self) -> None:
        if self._is_open:
            self._loop.watch(self._fd, self._can_read)

    def _read(self) -> bool:
        """Read once; return whether there may be more by now."""
        try:
            data = os.read(self._fd, _READ_BYTES)
        except BlockingIOError:
            return False
        if not data:
            self._close()
            return False
        self._kept += data[: KEPT_BYTES - len(self._kept)]
        return True

    def _close(self) -> None:
        self._is_open = False
        self._loop.unwatch(self._fd)
        os.close(self._fd)
