"""What a wait looks like: a bar that moves in JupyterLab, plain lines everywhere else.

A watch is passed to whatever waits (`watch=`). It takes each `waiting.Tick`, and anything else as
an event worth a line, e.g. a `stacks.Event`.
"""

from __future__ import annotations

import html
import shutil
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TextIO

from labkit import frontend
from labkit.waiting import State, Tick, Watch

HEARTBEAT_S = 30
EVENTS_SHOWN = 8
ENDINGS = {
    State.WAITING: "",
    State.DONE: " ✓",
    State.TIMED_OUT: " (gave up)",
    State.STOPPED: " (stopped)",
}


def show(
    title: str,
    *,
    expect: str | None = None,
    meanwhile: str | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Watch:
    """Return a watch that shows a wait to whoever is there.

    Args:
        title: What is under way, e.g. "Deploying the stack".
        expect: How long that takes, e.g. "4 to 6 minutes on AWS, seconds on the emulator".
        meanwhile: What one may read until then, e.g. "the section below, One file by hand".
        clock: Seconds that only grow.
    """
    kind = Page if frontend.is_attended() else Lines
    watch = kind(title, expect, clock, meanwhile)
    watch.begin()
    return watch


class Page:
    """A wait in JupyterLab: one output that is updated in place."""

    def __init__(
        self,
        title: str,
        expect: str | None,
        clock: Callable[[], float],
        meanwhile: str | None = None,
    ) -> None:
        self.title = title
        self.meanwhile = meanwhile
        self.expect = expect
        self.clock = clock
        self.began = clock()
        self.events: deque[str] = deque(maxlen=EVENTS_SHOWN)
        self.tick: Tick | None = None

    def begin(self) -> None:
        from IPython.display import display

        self.handle = display(self, display_id=True)

    def __call__(self, news: object, /) -> None:
        if isinstance(news, Tick):
            self.tick = news
        else:
            self.events.append(str(news))
        if self.handle:
            self.handle.update(self)

    def __repr__(self) -> str:
        return f"{self.title}: {_elapsed(self.clock() - self.began)} {self._message()}"

    def _repr_html_(self) -> str:
        # Indeterminate while it lasts: nobody knows an honest percentage.
        ended = self.tick is not None and self.tick.state is not State.WAITING
        bar = "<progress value='1' max='1'></progress>" if ended else "<progress></progress>"
        expect = f" (usually {html.escape(self.expect)})" if self.expect and not ended else ""
        read = f"<div>Meanwhile: {html.escape(self.meanwhile or '')}</div>"
        lines = "".join(f"<div>{html.escape(event)}</div>" for event in self.events)
        details = (
            f"<details{'' if ended else ' open'}><summary>Last events</summary>"
            f"<div style='font-family:monospace;font-size:90%'>{lines}</div></details>"
        )
        return (
            "<div style='color:#1b1f24;background:#f0f3f6;border-left:6px solid #57606a;"
            f"padding:6px 12px;margin:4px 0'><b>{html.escape(self.title)}</b> {bar} "
            f"{_elapsed(self.clock() - self.began)} {html.escape(self._message())}{expect}"
            f"{read if self.meanwhile and not ended else ''}{details if lines else ''}</div>"
        )

    def _message(self) -> str:
        return f"{self.tick.seen}{ENDINGS[self.tick.state]}" if self.tick else "begins"


class Lines:
    """A wait in a log: a line for each change, and one every 30 s when nothing changes."""

    def __init__(
        self,
        title: str,
        expect: str | None,
        clock: Callable[[], float],
        meanwhile: str | None = None,
    ) -> None:
        self.title = title
        self.meanwhile = meanwhile
        self.expect = expect
        self.clock = clock
        self.began = self.printed_at = clock()
        self.last: tuple[str, str, State] | None = None

    def begin(self) -> None:
        print(f"{self.title}{f' (usually {self.expect})' if self.expect else ''}", flush=True)
        if self.meanwhile:
            print(f"  Meanwhile: {self.meanwhile}", flush=True)

    def __call__(self, news: object, /) -> None:
        if not isinstance(news, Tick):
            self._line(str(news))
            return
        now = (news.what, news.seen, news.state)
        if now != self.last:
            self._line(f"{news.seen}{ENDINGS[news.state]}")
        elif self.clock() - self.printed_at >= HEARTBEAT_S:
            self._line(f"still {news.seen}")
        self.last = now

    def _line(self, text: str) -> None:
        self.printed_at = self.clock()
        print(f"  {_elapsed(self.printed_at - self.began)} {text}", flush=True)


class Terminal:
    """The run of several things, one after another, each with its line: `labkit run`.

    On a terminal the line of the present one is written anew as it goes on; elsewhere each gets
    a line at its end, and one every 30 s.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stdout
        self.rewrites = self.stream.isatty()
        self.lock = threading.Lock()
        self.present: tuple[Tick, float] | None = None
        self.written_at = time.monotonic()
        self.ended = threading.Event()

    def __enter__(self) -> Terminal:
        self.clockwork = threading.Thread(target=self._keep_time, daemon=True)
        self.clockwork.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.ended.set()
        self.clockwork.join()

    def __call__(self, news: object, /) -> None:
        with self.lock:
            if not isinstance(news, Tick):
                self._write(str(news), ends=True)
            elif news.state is State.WAITING:
                self.present = (news, time.monotonic())
                if self.rewrites:
                    self._write(_status(news), ends=False)
            else:
                self.present = None
                self._write(_status(news), ends=True)

    def _keep_time(self) -> None:
        pause_s = 1 if self.rewrites else HEARTBEAT_S
        while not self.ended.wait(min(1, pause_s)):
            with self.lock:
                now = time.monotonic()
                if self.present and now - self.written_at >= pause_s:
                    tick, told_at = self.present
                    later = tick.elapsed_s + now - told_at
                    self._write(_status(tick, later), ends=not self.rewrites)

    def _write(self, text: str, *, ends: bool) -> None:
        if self.rewrites:
            text = f"\r\x1b[K{text if ends else text[: shutil.get_terminal_size().columns - 1]}"
        self.stream.write(text + ("\n" if ends else ""))
        self.stream.flush()
        self.written_at = time.monotonic()


OUTCOMES = {**ENDINGS, State.STOPPED: " ✗"}


def _status(tick: Tick, elapsed_s: float | None = None) -> str:
    elapsed = _elapsed(tick.elapsed_s if elapsed_s is None else elapsed_s)
    return f"{tick.what:<28} {elapsed:>6}  {tick.seen}{OUTCOMES[tick.state]}"


def _elapsed(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
