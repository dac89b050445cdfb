"""ping's text, compared with what iputils printed (Debian's 20221126) and with its source."""

import pytest

from labkit.emulator.data_plane.ping_text import Statistics, first_line, last_lines, reply_line


@pytest.mark.parametrize(
    ("trip_us", "text"),
    [
        pytest.param(0, "0.000", id="nothing"),
        pytest.param(147, "0.147", id="under a millisecond: three digits"),
        pytest.param(999, "0.999", id="just under a millisecond"),
        pytest.param(1000, "1.00", id="from a millisecond: two digits"),
        pytest.param(5258, "5.26", id="rounded"),
        pytest.param(9994, "9.99", id="just under ten"),
        pytest.param(9995, "10.0", id="from ten: one digit"),
        pytest.param(99949, "99.9", id="just under a hundred"),
        pytest.param(99950, "100", id="from a hundred: whole"),
        pytest.param(1029499, "1029", id="over a second"),
    ],
)
def test_round_trips_have_three_or_four_digits(trip_us, text):
    line = reply_line(64, "10.0.1.11", 1, 127, trip_us, False)
    assert line == f"64 bytes from 10.0.1.11: icmp_seq=1 ttl=127 time={text} ms\n"


def test_the_example_of_amazon_linux_2023():
    """The format of a published session; 412 and 190 microseconds have this mean and deviation."""
    counts = Statistics(transmitted=2, received=2)
    counts.add(412)
    counts.add(190)
    text = (
        first_line("10.0.1.11", "10.0.1.11", 56)
        + reply_line(64, "10.0.1.11", 1, 127, 412, False)
        + reply_line(64, "10.0.1.11", 2, 127, 190, False)
        + last_lines("10.0.1.11", counts, 1.029, False)
    )
    assert text == (
        "PING 10.0.1.11 (10.0.1.11) 56(84) bytes of data.\n"
        "64 bytes from 10.0.1.11: icmp_seq=1 ttl=127 time=0.412 ms\n"
        "64 bytes from 10.0.1.11: icmp_seq=2 ttl=127 time=0.190 ms\n"
        "\n"
        "--- 10.0.1.11 ping statistics ---\n"
        "2 packets transmitted, 2 received, 0% packet loss, time 1029ms\n"
        "rtt min/avg/max/mdev = 0.190/0.301/0.412/0.111 ms\n"
    )


@pytest.mark.parametrize(
    ("counts", "line"),
    [
        pytest.param(
            Statistics(3, 2), "3 packets transmitted, 2 received, 33.3333% packet loss", id="%g"
        ),
        pytest.param(
            Statistics(2, 2, duplicates=1),
            "2 packets transmitted, 2 received, +1 duplicates, 0% packet loss",
            id="duplicates",
        ),
        pytest.param(
            Statistics(1, 0, errors=1),
            "1 packets transmitted, 0 received, +1 errors, 100% packet loss",
            id="errors",
        ),
    ],
)
def test_counts(counts, line):
    assert last_lines("10.0.1.11", counts, 0, False).splitlines()[2] == f"{line}, time 0ms"


def test_without_a_reply_a_blank_line_stands_for_the_round_trips():
    assert last_lines("10.0.1.11", Statistics(1, 0), 0, False).endswith("time 0ms\n\n")


def test_too_little_data_for_a_time():
    line = reply_line(18, "127.0.0.1", 1, 64, None, False)
    assert line == "18 bytes from 127.0.0.1: icmp_seq=1 ttl=64\n"


def test_a_flood_tells_its_gap_and_its_smoothed_round_trip():
    counts = Statistics(transmitted=3, received=3)
    for trip_us in (800, 400, 400):
        counts.add(trip_us)
    # 800, then 800 + (400 - 800) / 8 = 750, then 750 + (400 - 750) / 8 = 706.25
    assert last_lines("10.0.1.11", counts, 0.002, True).endswith(
        "rtt min/avg/max/mdev = 0.400/0.533/0.800/0.188 ms, ipg/ewma 1.000/0.706 ms\n"
    )
