"""ping's text as iputils prints it: aws-facts of Amazon Linux 2023, and runs of iputils itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from labkit import ping
from labkit.errors import LabError, RecordFormatError
from labkit.ping import PingRun, Reply

AMAZON_LINUX = """\
PING 10.0.1.11 (10.0.1.11) 56(84) bytes of data.
64 bytes from 10.0.1.11: icmp_seq=1 ttl=127 time=0.412 ms
64 bytes from 10.0.1.11: icmp_seq=2 ttl=127 time=0.190 ms

--- 10.0.1.11 ping statistics ---
2 packets transmitted, 2 received, 0% packet loss, time 1029ms
rtt min/avg/max/mdev = 0.190/0.301/0.412/0.111 ms
"""
NO_REPLY = """\
PING 10.0.1.11 (10.0.1.11) 56(84) bytes of data.

--- 10.0.1.11 ping statistics ---
5 packets transmitted, 0 received, 100% packet loss, time 4099ms

"""
# iputils 20221126, `ping -c 2 -W 1 10.255.255.1` without a route
UNREACHABLE = """\
PING 10.255.255.1 (10.255.255.1) 56(84) bytes of data.
From 10.0.1.1 icmp_seq=1 Destination Host Unreachable
From 10.0.1.1 icmp_seq=2 Destination Host Unreachable

--- 10.255.255.1 ping statistics ---
2 packets transmitted, 0 received, +2 errors, 100% packet loss, time 1021ms
pipe 2
"""
DUPLICATES = """\
PING 10.0.1.11 (10.0.1.11) 56(84) bytes of data.
64 bytes from 10.0.1.11: icmp_seq=1 ttl=127 time=0.412 ms
64 bytes from 10.0.1.11: icmp_seq=1 ttl=127 time=0.512 ms (DUP!)
64 bytes from 10.0.1.11: icmp_seq=2 ttl=127 time=1 ms

--- 10.0.1.11 ping statistics ---
3 packets transmitted, 2 received, +1 duplicates, 33.3333% packet loss, time 2029ms
rtt min/avg/max/mdev = 0.412/0.706/1.000/0.294 ms, pipe 2, ipg/ewma 0.1/0.2 ms
"""
BY_NAME_WITH_TIMESTAMPS = """\
PING ip-10-0-1-11.ec2.internal (10.0.1.11) from 10.0.1.10 ens5: 1400(1428) bytes of data.
[1760000000.123456] 1408 bytes from ip-10-0-1-11.ec2.internal (10.0.1.11): icmp_seq=7 ttl=127 \
time=0.2 ms

--- ip-10-0-1-11.ec2.internal ping statistics ---
1 packets transmitted, 1 received, 0% packet loss, time 0ms
rtt min/avg/max/mdev = 0.200/0.200/0.200/0.000 ms
"""
KILLED = "\n".join(AMAZON_LINUX.splitlines()[:3])
CUT_OFF = KILLED + "\n64 bytes from 10.0.1.11: icmp_s"
INTERRUPTED = AMAZON_LINUX.replace("\n\n--- ", "\n^C\n--- ").replace("2 packets", "3 packets")
TINY = """\
PING 10.0.1.11 (10.0.1.11) 8(36) bytes of data.
16 bytes from 10.0.1.11: icmp_seq=1 ttl=127

--- 10.0.1.11 ping statistics ---
1 packets transmitted, 1 received, 0% packet loss, time 0ms

"""
QUIET = "\n".join(AMAZON_LINUX.splitlines()[:1] + AMAZON_LINUX.splitlines()[3:])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            AMAZON_LINUX,
            {"destination": "10.0.1.11", "sent_bytes": 84, "transmitted": 2, "received": 2,
             "loss": 0.0, "min_ms": 0.19, "avg_ms": 0.301, "max_ms": 0.412, "mdev_ms": 0.111,
             "replies": (Reply(1, 127, 0.412), Reply(2, 127, 0.19)), "complete": True},
            id="every reply came",
        ),
        pytest.param(
            NO_REPLY,
            {"transmitted": 5, "received": 0, "loss": 1.0, "replies": (), "avg_ms": None,
             "errors": 0, "complete": True},
            id="no reply came",
        ),
        pytest.param(
            UNREACHABLE,
            {"transmitted": 2, "received": 0, "errors": 2, "loss": 1.0,
             "messages": ("From 10.0.1.1 icmp_seq=1 Destination Host Unreachable",
                          "From 10.0.1.1 icmp_seq=2 Destination Host Unreachable")},
            id="errors came instead of replies",
        ),
        pytest.param(
            DUPLICATES,
            {"transmitted": 3, "received": 2, "duplicates": 1, "loss": pytest.approx(1 / 3),
             "replies": (Reply(1, 127, 0.412), Reply(2, 127, 1.0)), "max_ms": 1.0},
            id="a reply came twice",
        ),
        pytest.param(
            BY_NAME_WITH_TIMESTAMPS,
            {"destination": "10.0.1.11", "sent_bytes": 1428, "replies": (Reply(7, 127, 0.2),)},
            id="by name, from an interface, with timestamps and another size",
        ),
        pytest.param(
            KILLED,
            {"transmitted": 2, "received": 2, "complete": False, "avg_ms": None},
            id="killed before its statistics",
        ),
        pytest.param(CUT_OFF, {"transmitted": 2, "complete": False}, id="cut off in a line"),
        pytest.param(
            INTERRUPTED,
            {"transmitted": 3, "received": 2, "complete": True, "avg_ms": 0.301},
            id="interrupted by Ctrl-C",
        ),
        pytest.param(
            TINY,
            {"sent_bytes": 36, "replies": (Reply(1, 127, None),), "min_ms": None},
            id="too small to carry a time",
        ),
        pytest.param(
            QUIET, {"transmitted": 2, "received": 2, "replies": (), "avg_ms": 0.301}, id="ping -q"
        ),
        pytest.param(
            AMAZON_LINUX.replace("\n", "\r\n"), {"transmitted": 2, "avg_ms": 0.301}, id="CRLF"
        ),
        pytest.param(
            "sh: warning\n" + AMAZON_LINUX + "exit code 0\n", {"transmitted": 2},
            id="other lines around it",
        ),
    ],
)  # fmt: skip
def test_parse(text, expected):
    result = ping.parse(text)
    assert {name: getattr(result, name) for name in expected} == expected


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("ping: nohost: Name or service not known\n", id="an error of ping's"),
        pytest.param("PING 10.0.1.11 (10.0.1.11): 56 data bytes\n", id="another ping's format"),
    ],
)
def test_a_text_that_is_no_ping_is_refused_in_one_sentence(text):
    with pytest.raises(RecordFormatError, match=r"no output of ping.*begins with") as caught:
        ping.parse(text)
    assert "\n" not in str(caught.value)


@dataclass
class Command:
    command_id: str
    stdout: str
    started_at: datetime | None = datetime(2026, 1, 5, 12, 0, 0, tzinfo=UTC)
    ended_at: datetime | None = datetime(2026, 1, 5, 12, 0, 3, tzinfo=UTC)
    instance_id: str = "i-1"


def test_runs_finds_every_ping_in_the_history():
    history = [
        Command("hostname", "ip-10-0-1-10\n"),
        Command("one", AMAZON_LINUX),
        Command("two in one command", NO_REPLY + AMAZON_LINUX),
        Command("never started", "", started_at=None, ended_at=None),
    ]
    runs = ping.runs(history)
    assert [(run.command_id, run.result.transmitted) for run in runs] == [
        ("one", 2), ("two in one command", 5), ("two in one command", 2),
    ]  # fmt: skip
    assert [len(run.result.replies) for run in runs] == [2, 0, 2], "each has its own"
    assert runs[0].started_at == history[1].started_at


NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


def run_at(seconds: float, lasting: float = 3) -> PingRun:
    started_at = NOON + timedelta(seconds=seconds)
    ended_at = started_at + timedelta(seconds=lasting)
    return PingRun("i-1", f"at {seconds}", started_at, ended_at, ping.parse(AMAZON_LINUX))


@pytest.mark.parametrize(
    ("starts", "expected"),
    [
        pytest.param([0], [0], id="one alone"),
        pytest.param([0, 60], [0, 60], id="within the margin"),
        pytest.param([0, 242], [0, 242], id="their margins just touch"),
        pytest.param([0, 245], [245], id="far apart: the latest only"),
        pytest.param([0, 200, 400], [0, 200, 400], id="in a chain"),
        pytest.param([400, 0, 200], [0, 200, 400], id="in any order"),
        pytest.param([0, 500, 600], [500, 600], id="an old one stays out"),
    ],
)
def test_overlapping(starts, expected):
    together = ping.overlapping([run_at(start) for start in starts])
    assert [run.command_id for run in together] == [f"at {start}" for start in expected]


def test_no_ping_at_all_names_the_notebook_that_pings():
    with pytest.raises(LabError, match="run 02_ping first"):
        ping.overlapping([])


@pytest.mark.parametrize(("start", "count"), [(242, 2), (245, 1), (1000, 1)])
def test_overlapping_with_a_run_that_is_not_the_latest(start, count):
    runs = [run_at(0), run_at(start)]
    assert ping.overlapping(runs, latest=runs[0]) == runs[:count]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        pytest.param([], {}, id="no ping"),
        pytest.param([AMAZON_LINUX], {("10.0.1.10", "10.0.1.11"): 2, ("10.0.1.11", "10.0.1.10"): 2},
                     id="requests and replies"),
        pytest.param([AMAZON_LINUX, NO_REPLY, DUPLICATES],
                     {("10.0.1.10", "10.0.1.11"): 10, ("10.0.1.11", "10.0.1.10"): 5},
                     id="summed, with lost and doubled replies"),
        pytest.param([UNREACHABLE], {}, id="a ping to elsewhere"),
    ],
)  # fmt: skip
def test_expected_packets(texts, expected):
    runs = [PingRun("i-1", "c", NOON, NOON, ping.parse(text)) for text in texts]
    assert ping.expected_packets(runs, {"i-1": "10.0.1.10", "i-2": "10.0.1.11"}) == expected


def test_expected_packets_of_another_instance_are_none():
    run = PingRun("i-9", "c", NOON, NOON, ping.parse(AMAZON_LINUX))
    assert ping.expected_packets([run], {"i-1": "10.0.1.10", "i-2": "10.0.1.11"}) == {}
