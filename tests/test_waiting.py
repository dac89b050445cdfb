"""Waiting with a clock that the test owns: no test here sleeps."""

from __future__ import annotations

import contextlib

import pytest

from labkit.errors import WaitTimedOut
from labkit.waiting import State, Tick, until


class Clock:
    def __init__(self) -> None:
        self.now = 100.0
        self.pauses: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


def counting(values):
    remaining = iter(values)
    return lambda: next(remaining)


@pytest.mark.parametrize(
    ("looks", "every_s", "pauses"),
    [
        pytest.param([True], 2.0, [], id="done at the first look needs no pause"),
        pytest.param([False, True], 2.0, [0.05], id="the first pause is short"),
        pytest.param([False] * 4 + [True], 0.07, [0.05, 0.06, 0.07, 0.07], id="grows up to"),
        pytest.param([False, True], 0.01, [0.01], id="never longer than asked"),
    ],
)
def test_pauses(looks, every_s, pauses):
    clock = Clock()
    until(
        counting(looks), bool, what="it", timeout_s=60, every_s=every_s, clock=clock,
        sleep=clock.sleep,
    )  # fmt: skip
    assert clock.pauses == pytest.approx(pauses)


@pytest.mark.parametrize("happens_s", [0.3, 4.2, 9.0])
def test_what_happens_is_seen_at_most_a_fifth_later(happens_s):
    clock = Clock()
    until(
        lambda: clock.now - 100, lambda elapsed: elapsed >= happens_s, what="it", timeout_s=60,
        clock=clock, sleep=clock.sleep,
    )  # fmt: skip
    assert clock.now - 100 <= 1.2 * happens_s + 0.05
    assert len(clock.pauses) < 25, "and without asking too often"


def test_the_last_look_is_returned():
    clock = Clock()
    found = until(
        counting([1, 2, 3]), lambda n: n == 3, what="three", timeout_s=60, clock=clock,
        sleep=clock.sleep,
    )  # fmt: skip
    assert found == 3


def test_a_timeout_says_what_was_last_seen_and_when():
    clock = Clock()
    with pytest.raises(WaitTimedOut) as caught:
        until(
            lambda: "CREATE_IN_PROGRESS", lambda seen: False, what="the stack", timeout_s=10,
            clock=clock, sleep=clock.sleep,
        )  # fmt: skip
    assert str(caught.value) == "Waited 10 s for the stack; last seen: CREATE_IN_PROGRESS"
    assert isinstance(caught.value, TimeoutError)
    assert clock.now == pytest.approx(110.0), "the last pause must not overshoot the deadline"


def test_what_comes_at_the_deadline_still_counts():
    clock = Clock()
    assert until(
        lambda: clock.now, lambda now: now >= 110, what="it", timeout_s=10, clock=clock,
        sleep=clock.sleep,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("looks", "states"),
    [
        pytest.param(["a", "ready"], [State.WAITING, State.DONE], id="a wait that succeeds"),
        pytest.param(["a", "b", "c"], [State.WAITING, State.WAITING, State.TIMED_OUT], id="late"),
        pytest.param(["a", None], [State.WAITING, State.STOPPED], id="an error of the look"),
    ],
)
def test_the_watcher_sees_every_look_and_how_it_ended(looks, states):
    clock, seen = Clock(), []

    values = counting(looks)

    def look():
        clock.now += 5
        value = values()
        if value is None:
            raise KeyboardInterrupt
        return value

    with contextlib.suppress(WaitTimedOut, KeyboardInterrupt):
        until(
            look, lambda v: v == "ready", what="it", timeout_s=15, watch=seen.append,
            clock=clock, sleep=lambda seconds: None,
        )  # fmt: skip
    assert [tick.state for tick in seen] == states
    assert seen[0] == Tick("it", 5.0, 15, "a", State.WAITING)
