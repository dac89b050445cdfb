"""Memory for text that is used again when the text has been parsed.

Fresh memory costs about as much as inflating the text into it.
"""

from __future__ import annotations

from collections import deque

BUFFER_BYTES = 4_000_000
SMALL_BYTES = 200_000  # of these the system itself keeps what is given back


class Buffers:
    """Gives buffers and takes them back, in any thread.

    Attributes:
        large_bytes: The size of those that are used again.
    """

    def __init__(self) -> None:
        self.large_bytes = BUFFER_BYTES
        self._free: deque[bytearray] = deque()

    def take(self, size: int | None = None) -> bytearray:
        """Return a buffer: of this size if that is small, else a large one."""
        if size is not None and size <= min(SMALL_BYTES, self.large_bytes):
            return bytearray(size)
        try:
            return self._free.pop()
        except IndexError:
            return bytearray(self.large_bytes)

    def give_back(self, buffer: bytearray) -> None:
        """Take what nobody looks at any more, for others to write to."""
        if len(buffer) == self.large_bytes:
            self._free.append(buffer)
