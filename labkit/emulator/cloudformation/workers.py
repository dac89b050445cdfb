"""Does work on things that need each other: at once where they do not, by a few threads."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping

WIDTH = 4
"""How many threads work on one stack."""


def run(
    needs: Mapping[str, frozenset[str] | set[str]],
    work: Callable[[str], bool],
    *,
    stopped: Callable[[], bool] = lambda: False,
    width: int = WIDTH,
) -> None:
    """Call `work` once for each name, after it was done for all that the name needs.

    Args:
        needs: name -> the names it needs, all of them keys; without circles.
        work: returns whether it is done; what needs a name that is not done is left out.
        stopped: once it is true nothing more is begun; what runs is waited for.
        width: the most that is done at once.

    Raises:
        Exception: the first that `work` raised, once everything has ended.
    """
    _Run(needs, work, stopped, width).run()


class _Run:
    def __init__(
        self,
        needs: Mapping[str, frozenset[str] | set[str]],
        work: Callable[[str], bool],
        stopped: Callable[[], bool],
        width: int,
    ):
        self._missing = {name: set(needed) for name, needed in needs.items()}
        self._work = work
        self._stopped = stopped
        self._width = width
        self._ready: deque[str] = deque()
        self._running = 0
        self._hired: list[threading.Thread] = []
        self._error: BaseException | None = None
        self._changed = threading.Condition()

    def run(self) -> None:
        """Work in the caller's thread and in as many others as there is work for."""
        with self._changed:
            self._release()
        self._loop()
        for thread in self._hired:  # grows no more: nothing is ready and nothing runs
            thread.join()
        if self._error is not None:
            raise self._error

    def _loop(self) -> None:
        while (name := self._next()) is not None:
            done = False
            try:
                done = self._work(name)
            except BaseException as error:
                self._error = self._error or error
            finally:
                self._finish(name, done)

    def _next(self) -> str | None:
        """Return what to do next, after a wait if need be; None when there is nothing left."""
        with self._changed:
            while True:
                if self._error is not None or self._stopped():
                    return None
                if self._ready:
                    self._running += 1
                    return self._ready.popleft()
                if not self._running:
                    return None
                self._changed.wait()

    def _finish(self, name: str, done: bool) -> None:
        with self._changed:
            self._running -= 1
            if done:
                for missing in self._missing.values():
                    missing.discard(name)
                self._release()
            self._changed.notify_all()

    def _release(self) -> None:
        """Move to `ready` what needs nothing more; hire a thread for all but one of it."""
        free = [name for name, missing in self._missing.items() if not missing]
        for name in free:
            del self._missing[name]
        self._ready.extend(free)
        wanted = min(self._running + len(self._ready), self._width) - 1  # one is the caller's
        for _ in range(wanted - len(self._hired)):
            thread = threading.Thread(target=self._loop, name="resources", daemon=True)
            self._hired.append(thread)
            thread.start()
