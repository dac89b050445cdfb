"""Work on things that need each other: in order, and at once where the order does not matter."""

import threading
import time

import pytest

from labkit.emulator.cloudformation import workers

DIAMOND = {"a": set(), "b": {"a"}, "c": {"a"}, "d": {"b", "c"}}


def test_each_comes_after_what_it_needs():
    done = []
    workers.run(DIAMOND, lambda name: done.append(name) or True)
    assert done[0] == "a"
    assert set(done[1:3]) == {"b", "c"}
    assert done[3:] == ["d"]


def test_what_does_not_need_each_other_is_done_at_once():
    """A barrier lets nobody through before all are there."""
    barrier = threading.Barrier(workers.WIDTH)
    names = {str(number): set() for number in range(workers.WIDTH)}
    workers.run(names, lambda _: barrier.wait(timeout=10) >= 0)


def test_no_more_at_once_than_there_are_threads():
    lock, running, most = threading.Lock(), [], []

    def work(name):
        with lock:
            running.append(name)
            most.append(len(running))
        time.sleep(0.002)
        with lock:
            running.remove(name)
        return True

    workers.run({str(number): set() for number in range(20)}, work, width=3)
    assert max(most) == 3
    assert len(most) == 20


def test_a_new_pair_is_done_at_once_while_another_is_still_busy():
    """Threads are hired for what becomes ready later, too."""
    barrier, seen = threading.Barrier(3), threading.Event()

    def work(name):
        if name == "first":
            seen.wait(10)
            return True
        if name == "second":
            seen.set()
            return True
        return barrier.wait(timeout=10) >= 0

    workers.run(
        {"long": set(), "first": set(), "second": set(), "x": {"first"}, "y": {"second"}}, work
    )


def test_what_needs_a_failed_one_is_left_out_and_the_rest_is_done():
    done = []
    workers.run({**DIAMOND, "e": set()}, lambda name: done.append(name) or name != "b")
    assert set(done) == {"a", "b", "c", "e"}


def test_nothing_is_begun_once_it_is_stopped():
    done = []
    workers.run(DIAMOND, lambda name: done.append(name) or True, stopped=lambda: bool(done))
    assert done == ["a"]


def test_what_work_raises_ends_it_and_is_raised():
    def work(name):
        raise KeyError(name)

    with pytest.raises(KeyError):
        workers.run(DIAMOND, work)


def test_nothing_to_do():
    workers.run({}, lambda _: True)


def test_no_thread_is_left_behind():
    before = threading.active_count()
    workers.run({str(number): set() for number in range(50)}, lambda _: True)
    assert threading.active_count() == before
