"""A thread for what must not hold up the thread that brings the hosts' news."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable

log = logging.getLogger("labkit.emulator")

Job = Callable[[], None]


class Worker:
    """Does jobs one after the other, in the order in which they come."""

    def __init__(self, name: str):
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def later(self, job: Job) -> None:
        """Take a job over. Returns at once."""
        self._jobs.put(job)

    def stop(self) -> None:
        """Finish what has been taken over and end the thread."""
        self._jobs.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                job()
            except Exception:  # a bug must not end the thread
                log.exception("A bug of the emulator's")
