"""The ping in the records, with everything that AWS does to them.

Times may be a minute off, aggregation intervals may split a ping anywhere, pings may overlap:
docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
"""

from datetime import UTC, datetime, timedelta

import pytest

from labkit.errors import LabError
from labkit.flowlogs import agrees, find_ping, is_complete, sum_packets, wait_for
from labkit.flowlogs.records import parse
from labkit.ping import PingResult, PingRun, expected_packets, overlapping

NOON = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
IP_A, IP_B = "10.0.1.22", "10.0.1.25"
ENI_A, ENI_B = "eni-01d89470fafe7a86b", "eni-0e61c483ca317dd54"
INSTANCES = {"i-a": IP_A, "i-b": IP_B}


def seconds(count):
    return timedelta(seconds=count)


def ping(
    start_s, transmitted, *, received=None, duplicates=0, source="i-a", target=IP_B, sent_bytes=84
):
    received = transmitted if received is None else received
    result = PingResult(target, sent_bytes, transmitted, received, 0.0, (), duplicates=duplicates)
    started_at = NOON + seconds(start_s)
    return PingRun(source, f"c{start_s}", started_at, started_at + seconds(transmitted), result)


def line(eni, src, dst, packets, start_s, end_s, *, protocol=1, action="ACCEPT", sent_bytes=84):
    start, end = (int((NOON + seconds(each)).timestamp()) for each in (start_s, end_s))
    return (
        f"2 123456789012 {eni} {src} {dst} 0 0 {protocol} {packets} {packets * sent_bytes} "
        f"{start} {end} {action} OK"
    )


def four(packets, start_s, end_s, **more):
    """The records of one interval of a ping: two interfaces, two directions."""
    return [
        line(eni, src, dst, packets, start_s, end_s, **more)
        for eni in (ENI_A, ENI_B)
        for src, dst in ((IP_A, IP_B), (IP_B, IP_A))
    ]


NOISE = [
    line(ENI_A, IP_A, "10.0.1.200", 99, 0, 30, protocol=6),
    line(ENI_A, IP_A, IP_B, 99, 0, 30, protocol=6),
    line(ENI_B, "10.0.1.77", IP_B, 99, 0, 30),
    f"2 123456789012 {ENI_A} - - - - - - - {NOON.timestamp():.0f} {NOON.timestamp():.0f} - NODATA",
]


@pytest.mark.parametrize(
    ("runs", "lines"),
    [
        pytest.param([ping(0, 5)], four(5, 0, 4), id="one record a direction"),
        pytest.param(
            [ping(57, 5)],
            four(3, 57, 59) + four(2, 60, 61),
            id="an interval's edge inside the ping",
        ),
        pytest.param(
            [ping(50, 130)],
            four(10, 50, 59) + four(60, 60, 119) + four(60, 120, 179),
            id="three intervals",
        ),
        pytest.param([ping(0, 57)], four(57, 20, 44), id="57 s of pings recorded as 24 s"),
        pytest.param([ping(0, 5)], four(5, -60, -56), id="times a minute early"),
        pytest.param([ping(0, 5)], four(5, 64, 64), id="times a minute late"),
        pytest.param([ping(0, 5)], four(5, -60, 64), id="times a minute off on both sides"),
        pytest.param(
            [ping(0, 5), ping(20, 5)],
            four(10, 0, 24),
            id="02 was run twice: one record for both",
        ),
        pytest.param(
            [ping(0, 5), ping(100, 5)],
            four(5, 0, 4) + four(5, 100, 104),
            id="two pings, two records",
        ),
        pytest.param(
            [ping(0, 5), ping(20, 3, source="i-b", target=IP_A)],
            four(8, 0, 23),
            id="one ping each way",
        ),
        pytest.param(
            [ping(0, 5), ping(5, 5, source="i-b", target="10.0.1.99")],
            four(5, 0, 4),
            id="another ping that went elsewhere",
        ),
        pytest.param(
            [ping(0, 5), ping(5, 5, source="i-of-another-vpc")],
            four(5, 0, 4),
            id="a ping of another lab with the same addresses",
        ),
        pytest.param(
            [ping(-600, 5), ping(0, 4)],
            four(5, -600, -596) + four(4, 0, 4),
            id="an earlier ping, well before",
        ),
        pytest.param(
            [ping(-246, 5), ping(0, 4)],
            four(5, -246, -181) + four(4, -60, 4),
            id="an earlier ping just far enough, both a minute off toward each other",
        ),
    ],
)
def test_sums_hold_whatever_the_intervals(runs, lines):
    together = overlapping(runs)
    found = find_ping(parse(lines + NOISE), INSTANCES.values(), together)
    sums, expected = sum_packets(found), expected_packets(together, INSTANCES)
    assert agrees(sums, expected)
    assert is_complete(found, expected)
    assert len(sums) == 4
    assert (sums.bytes == 84 * sums.packets).all()


@pytest.mark.parametrize(
    ("lines", "complete"),
    [
        pytest.param([], False, id="no records"),
        pytest.param(four(5, 0, 4)[:3], False, id="one direction is missing"),
        pytest.param(four(3, 0, 2), False, id="the first interval only"),
        pytest.param(four(3, 0, 2) + four(2, 60, 61), True, id="both intervals"),
        pytest.param(four(7, 0, 6), True, id="more than expected: somebody else pinged"),
        pytest.param(four(5, 0, 4, action="REJECT"), True, id="rejected, but all recorded"),
        pytest.param(four(5, 0, 4, protocol=6), False, id="not a ping"),
        pytest.param([*four(5, 0, 4)[:2], *four(5, 0, 4)[:2]], False, id="one interface only"),
    ],
)
def test_complete_means_every_packet_has_arrived(lines, complete):
    runs = [ping(0, 5)]
    found = find_ping(parse(lines), INSTANCES.values(), runs)
    assert is_complete(found, expected_packets(runs, INSTANCES)) is complete


def test_a_rejected_ping_has_three_sums_less_than_expected():
    """The group of B lets nothing in: A sends, B's interface rejects, no reply exists."""
    lines = [
        line(ENI_A, IP_A, IP_B, 5, 0, 4),
        line(ENI_B, IP_A, IP_B, 5, 0, 4, action="REJECT"),
    ]
    sums = sum_packets(find_ping(parse(lines), INSTANCES.values(), [ping(0, 5, received=0)]))
    assert sums.packets.to_dict() == {
        (ENI_A, IP_A, IP_B, "ACCEPT"): 5,
        (ENI_B, IP_A, IP_B, "REJECT"): 5,
    }


@pytest.mark.parametrize(
    ("lines", "agree"),
    [
        pytest.param(four(5, 0, 4), True, id="each way on both"),
        pytest.param(four(6, 0, 4), False, id="a packet more"),
        pytest.param(four(4, 0, 4), False, id="a packet less"),
        pytest.param(four(5, 0, 4)[:3], False, id="a direction is missing"),
        pytest.param([*four(5, 0, 4)[:2], *four(5, 0, 4)[:2]], False, id="one interface twice"),
        pytest.param(
            [*four(5, 0, 4), line("eni-3", IP_A, IP_B, 5, 0, 4)], False, id="a third interface"
        ),
    ],
)
def test_agrees_means_exactly_what_ping_printed(lines, agree):
    expected = expected_packets([ping(0, 5)], INSTANCES)
    assert agrees(sum_packets(parse(lines)), expected) is agree


def test_a_ping_without_replies_expects_none():
    lines = [line(ENI_A, IP_A, IP_B, 5, 0, 4), line(ENI_B, IP_A, IP_B, 5, 0, 4, action="REJECT")]
    expected = expected_packets([ping(0, 5, received=0)], INSTANCES)
    assert is_complete(parse(lines), expected)
    assert agrees(sum_packets(parse(lines)), expected)
    accepted = parse(lines).query("action == 'ACCEPT'")
    assert not agrees(sum_packets(accepted), expected)


def test_nothing_expected_is_not_complete():
    assert not is_complete(parse(four(5, 0, 4)), {})


def test_a_ping_of_oneself_is_on_no_wire():
    assert agrees(sum_packets(parse([])), {(IP_A, IP_A): 5})


def test_waiting_ends_when_the_packets_are_there():
    looks = iter([parse([]), parse(four(3, 0, 2)), parse(four(5, 0, 4)), parse([])])
    seen = []
    log = wait_for(
        lambda: next(looks),
        expected_packets([ping(0, 5)], INSTANCES),
        patience_s=20,
        watch=lambda tick: seen.append(tick.seen),
    )
    assert log.packets.sum() == 20
    assert seen[1] == "12 of 20 packets of the ping, in 4 records"


def test_waiting_gives_back_what_there_is_when_patience_ends():
    expected = expected_packets([ping(0, 5)], INSTANCES)
    log = wait_for(lambda: parse(four(3, 0, 2)), expected, patience_s=0)
    assert log.packets.sum() == 12


def test_no_ping_says_which_notebook_to_run():
    with pytest.raises(LabError, match="02_ping"):
        find_ping(parse([]), INSTANCES.values(), [])
