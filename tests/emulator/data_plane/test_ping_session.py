"""ping's decisions, with a clock of the test's own."""

import pytest

from labkit.emulator.data_plane import icmp
from labkit.emulator.data_plane.ping_options import PingOptions
from labkit.emulator.data_plane.ping_session import PingSession


class World:
    """A network that answers after trip_s, or not, where time passes only by waiting."""

    def __init__(self, *, trip_s=0.001, lost=(), answers=1):
        self.now = 100.0
        self.text = ""
        self.sent = []
        self._coming = []
        self._trip_s, self._lost, self._answers = trip_s, lost, answers

    def run(self, **options):
        options = PingOptions("10.0.1.25", **options)
        session = PingSession(
            options, "10.0.1.25", send=self._send, write=self._write, clock=lambda: self.now
        )
        run = session.run()
        try:
            until = next(run)
            while True:
                until = run.send(self._wait(until))
        except StopIteration as ended:
            return ended.value

    def _send(self, sequence, data):
        self.sent.append(round(self.now - 100, 6))
        if sequence not in self._lost:
            reply = icmp.Message("10.0.1.25", "10.0.1.22", 127, 0, 0, 1, sequence, data)
            self._coming += [(self.now + self._trip_s, reply)] * self._answers

    def _wait(self, until):
        if self._coming and self._coming[0][0] <= until:
            self.now, message = self._coming.pop(0)
            return message
        self.now = max(self.now, until)
        return None

    def _write(self, text):
        self.text += text

    @property
    def statistics(self):
        return self.text[self.text.index("---") :].splitlines()[1]


def test_one_a_second():
    world = World()
    assert world.run(count=3) == 0
    assert world.sent == [0, 1, 2]
    assert world.statistics == "3 packets transmitted, 3 received, 0% packet loss, time 2001ms"


@pytest.mark.parametrize(
    ("options", "lost", "ended_after_s", "code"),
    [
        pytest.param({"count": 1}, {1}, 10, 1, id="no reply at all: ten seconds"),
        pytest.param({"count": 1, "timeout_s": 2.0}, {1}, 2, 1, id="no reply at all: -W"),
        pytest.param({"count": 2}, {2}, 2, 0, id="after a reply: another interval"),
        pytest.param({"count": 2, "deadline_s": 4}, {1}, 2.001, 0, id="-w sends more for a loss"),
        pytest.param({"count": 9, "deadline_s": 3}, set(), 3, 1, id="-w ends it: too few"),
        pytest.param({"deadline_s": 3}, set(), 3, 0, id="-w ends it: as many as there were"),
    ],
)
def test_when_it_ends(options, lost, ended_after_s, code):
    world = World(lost=lost)
    assert world.run(**options) == code
    assert round(world.now - 100, 3) == ended_after_s


def test_a_flood_sends_with_each_reply_and_every_ten_milliseconds():
    world = World(lost={2})
    world.run(count=4, flood=True)
    assert world.sent[:4] == [0, 0.001, 0.011, 0.012]
    assert world.text.count(".") >= 4


def test_duplicates_are_told_and_not_counted():
    world = World(answers=2)
    world.run(count=2)
    assert world.text.count("(DUP!)") == 1  # the second one's come after the end
    assert world.statistics.startswith("2 packets transmitted, 2 received, +1 duplicates")


def test_quiet_prints_no_replies():
    world = World()
    world.run(count=2, quiet=True)
    assert "icmp_seq" not in world.text
