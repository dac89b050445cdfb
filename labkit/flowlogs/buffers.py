"""Memory for text that is used again when the text has been parsed.

Fresh memory costs about as much as inflating the text into it.
"""

from __future__ import annotations

from collections import deque

BUFFER_BYTES = 4_000_000
SMALL_BYTES = 200_000  # of these the system itself keeps what is given back


class Buffers:
    """Gives buffers and takes them back, in any thread."""

    def __init__(self) -> None:
        self._free: deque[bytearray] = deque()

    def take(self, size: int | None = None) -> bytearray:
        """Return a buffer: of this size if that is small, else of `BUFFER_BYTES`."""
        if size is not None and size <= min(SMALL_BYTES, BUFFER_BYTES):
            return bytearray(size)
        try:
            return self._free.pop()
        except IndexError:
            return bytearray(BUFFER_BYTES)

    def give_back(self, buffer: bytes | bytearray) -> None:
        """Take what nobody looks at any more, for others to write to."""
        if len(buffer) == BUFFER_BYTES and isinstance(buffer, bytearray):
            self._free.append(buffer)
