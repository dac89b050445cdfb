"""The only sleep loop: look, until what was looked at is as wished.

boto3's own waiters are too coarse for a lesson: 30 s steps, no news in between, and a ping
without a reply is an exception.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, TypeVar

from labkit.errors import WaitTimedOut

FIRST_PAUSE_S = 0.05
GROWTH = 1.2

Seen = TypeVar("Seen")


class State(Enum):
    """How a wait stands: `STOPPED` is one that an error or the learner's stop button ended."""

    WAITING = "waiting"
    DONE = "done"
    TIMED_OUT = "timed out"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Tick:
    """One look of a wait, as a watcher gets it.

    Attributes:
        what: What is waited for.
        elapsed_s: Seconds since the wait began.
        timeout_s: Seconds after which it gives up.
        seen: The last look, as a short text.
        state: Whether it goes on.
    """

    what: str
    elapsed_s: float
    timeout_s: float
    seen: str
    state: State = State.WAITING


class Watch(Protocol):
    """Who watches a wait: gets each Tick, and events worth a line (shown by their `str`)."""

    def __call__(self, news: object, /) -> None: ...


def silent(news: object, /) -> None:
    """Watch without a word."""


def until(
    look: Callable[[], Seen],
    done: Callable[[Seen], bool],
    *,
    what: str,
    timeout_s: float,
    every_s: float = 2.0,
    watch: Watch = silent,
    describe: Callable[[Seen], str] = str,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Seen:
    """Return the first look that is done.

    The pause between two looks starts at 0.05 s and grows by a fifth up to `every_s`, so that
    what happens is seen at most about a fifth later than it could be: quick where things happen
    at once (the emulator), gentle to the rate limits of AWS. There is always a last look when
    the time is up.

    Args:
        look: Asks once. What it raises ends the wait.
        done: Whether that look is the one waited for.
        what: What is waited for, as it fits after "Waited 30 s for".
        timeout_s: Seconds after which to give up.
        every_s: The longest pause between two looks.
        watch: Told of every look.
        describe: Turns a look into a short text.
        clock: Seconds that only grow.
        sleep: Pauses for some seconds.

    Raises:
        WaitTimedOut: After `timeout_s`; says what was last seen.
    """
    began, pause_s, seen = clock(), min(FIRST_PAUSE_S, every_s), "nothing yet"

    def tell(state: State) -> None:
        watch(Tick(what, clock() - began, timeout_s, seen, state))

    try:
        while True:
            last = look()
            elapsed_s, seen = clock() - began, describe(last)
            if done(last):
                break
            if elapsed_s >= timeout_s:
                raise WaitTimedOut(what, elapsed_s, seen)
            tell(State.WAITING)
            sleep(min(pause_s, timeout_s - elapsed_s))
            pause_s = min(GROWTH * pause_s, every_s)
    except BaseException as error:
        tell(State.TIMED_OUT if isinstance(error, WaitTimedOut) else State.STOPPED)
        raise
    tell(State.DONE)
    return last
