"""A small event loop: file descriptors that can be read, and timers. One thread, no locks."""

import heapq
import itertools
import selectors
import time
from collections.abc import Callable

Callback = Callable[[], None]


class Timer:
    """A call to come, as long as nobody cancels it."""

    def __init__(self, callback: Callback) -> None:
        self.callback: Callback | None = callback

    def cancel(self) -> None:
        self.callback = None


class Loop:
    """Calls back until ``stop``. Delays are seconds of the monotonic clock."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._timers: list[tuple[float, int, Timer]] = []
        self._numbers = itertools.count()
        self._running = True

    def watch(self, fd: int, can_read: Callback, can_write: Callback | None = None) -> None:
        """Call can_read when there is something to read, can_write when there is room to write."""
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if can_write else 0)
        if fd in self._selector.get_map():
            self._selector.modify(fd, events, (can_read, can_write))
        else:
            self._selector.register(fd, events, (can_read, can_write))

    def unwatch(self, fd: int) -> None:
        if fd in self._selector.get_map():
            self._selector.unregister(fd)

    def call_later(self, delay_s: float, callback: Callback) -> Timer:
        timer = Timer(callback)
        heapq.heappush(self._timers, (time.monotonic() + delay_s, next(self._numbers), timer))
        return timer

    def run(self) -> None:
        while self._running:
            self.step(None)

    def step(self, at_most_s: float | None) -> None:
        """Wait for events, for at_most_s at the longest, and call back."""
        for key, events in self._selector.select(self._wait_s(at_most_s)):
            can_read, can_write = key.data
            if events & selectors.EVENT_WRITE and can_write:
                can_write()
            if events & selectors.EVENT_READ and key.fd in self._selector.get_map():
                can_read()
        self._call_timers()

    def stop(self) -> None:
        self._running = False

    def close(self) -> None:
        self._selector.close()

    def _wait_s(self, at_most_s: float | None) -> float | None:
        while self._timers and self._timers[0][2].callback is None:
            heapq.heappop(self._timers)
        if not self._timers:
            return at_most_s
        wait_s = max(0.0, self._timers[0][0] - time.monotonic())
        return wait_s if at_most_s is None else min(wait_s, at_most_s)

    def _call_timers(self) -> None:
        now = time.monotonic()
        while self._timers and self._timers[0][0] <= now:
            timer = heapq.heappop(self._timers)[2]
            if timer.callback:
                timer.callback()
