"""Capture windows and the records they end in.

docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
"""

import math
from collections import Counter as Tally
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit.emulator.aggregation import (
    RECORDS_AT_ONCE,
    Aggregation,
    Capture,
    Flow,
    reported_tcp_flags,
)

T = 1_700_000_040.0  # a full minute, 20 s before... see test_the_times_here
FLOW = Flow(
    interface_id="eni-1",
    direction="egress",
    action="ACCEPT",
    srcaddr="10.0.1.10",
    dstaddr="10.0.1.11",
    srcport=0,
    dstport=0,
    protocol=1,
    pkt_srcaddr="10.0.1.10",
    pkt_dstaddr="10.0.1.11",
)
ALL_60 = Capture("fl-1", "ALL", 60)


def test_the_times_here():
    assert T % 60 == 0


class Log:
    """An aggregation that watches eni-1 of vpc-1, with short names for the tests."""

    def __init__(self, *captures: Capture, pace: str = "lab"):
        self.aggregation = Aggregation(pace)
        self.watch(*captures)

    def watch(self, *captures: Capture):
        self.aggregation.set_captures("vpc-1", {"eni-1": captures})

    def sees(self, now, flow=FLOW, size_bytes=84, tcp_flags=0):
        self.aggregation.observe("vpc-1", flow, size_bytes=size_bytes, tcp_flags=tcp_flags, now=now)

    def closes(self, now, *, busy=True):
        return self.aggregation.close(now, {"vpc-1"} if busy else ())


def test_a_record_of_one_flow():
    log = Log(ALL_60)
    for second in (1.9, 2.9, 3.2):
        log.sees(T + second)
    (record,) = log.closes(T + 60)
    assert (record.flow_log_id, record.vpc_id, record.interface_id) == ("fl-1", "vpc-1", "eni-1")
    assert (record.packets, record.bytes) == (3, 252)
    assert (record.start, record.end) == (T + 1, T + 3)
    assert (record.action, record.log_status, record.direction) == ("ACCEPT", "OK", "egress")
    assert (record.srcaddr, record.dstaddr) == ("10.0.1.10", "10.0.1.11")
    assert (record.pkt_srcaddr, record.pkt_dstaddr) == ("10.0.1.10", "10.0.1.11")
    assert (record.srcport, record.dstport, record.protocol) == (0, 0, 1)
    assert record.closed_at == T + 60


@pytest.mark.parametrize(
    "changed",
    [
        {"direction": "ingress"},
        {"action": "REJECT"},
        {"srcaddr": "10.0.1.9"},
        {"dstaddr": "10.0.1.9"},
        {"srcport": 1},
        {"dstport": 1},
        {"protocol": 17},
        {"pkt_srcaddr": "10.0.1.9"},
        {"pkt_dstaddr": "10.0.1.9"},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_what_differs_in_one_field_is_another_record(changed):
    log = Log(ALL_60)
    log.sees(T)
    log.sees(T, FLOW._replace(**changed))
    assert [record.packets for record in log.closes(T + 60)] == [1, 1]


@pytest.mark.parametrize(
    ("interval_s", "packets"),
    [
        pytest.param(60, [1, 1, 1], id="a minute"),
        pytest.param(600, [3], id="ten minutes"),
    ],
)
def test_windows_follow_the_clock(interval_s, packets):
    log = Log(Capture("fl-1", "ALL", interval_s))
    for second in (59.9, 60.0, 120.0):
        log.sees(T + second)
    ends = [record.closed_at for record in log.closes(T + 600)]
    assert ends == ([T + 60, T + 120, T + 180] if interval_s == 60 else [T + 360])
    assert math.ceil(T / 600) * 600 == T + 360
    assert len(ends) == len(packets)


def test_a_window_does_not_close_before_its_end_while_a_command_runs():
    log = Log(ALL_60)
    log.sees(T)
    assert log.closes(T + 59.9) == []
    assert len(log.closes(T + 60.0)) == 1
    assert log.closes(T + 61) == []


@pytest.mark.parametrize(
    ("silent_s", "busy", "pace", "closed"),
    [
        pytest.param(0.1, False, "lab", 0, id="silent for a moment"),
        pytest.param(0.2, False, "lab", 1, id="silent long enough"),
        pytest.param(9.0, True, "lab", 0, id="silent, but a command runs"),
        pytest.param(9.0, False, "aws", 0, id="at AWS's pace silence means nothing"),
    ],
)
def test_idle_closing(silent_s, busy, pace, closed):
    log = Log(ALL_60, pace=pace)
    log.sees(T)
    log.sees(T + 1)
    records = log.closes(T + 1 + silent_s, busy=busy)
    assert [(r.packets, r.closed_at) for r in records] == [(2, T + 1 + silent_s)] * closed


def test_what_is_left_open_by_an_idle_close_still_ends_with_its_window():
    log = Log(ALL_60)
    log.sees(T)
    log.sees(T + 1, FLOW._replace(direction="ingress"))
    assert [r.direction for r in log.closes(T + 1.1, busy=False)] == ["egress"]
    assert log.closes(T + 59) == []
    assert [r.direction for r in log.closes(T + 60)] == ["ingress"]


def test_each_flow_falls_idle_on_its_own():
    log = Log(ALL_60)
    reply = FLOW._replace(direction="ingress")
    log.sees(T)
    log.sees(T + 0.15, reply)
    assert [r.direction for r in log.closes(T + 0.21, busy=False)] == ["egress"]
    assert [r.direction for r in log.closes(T + 0.36, busy=False)] == ["ingress"]


def test_a_flow_that_goes_on_gets_another_record():
    log = Log(ALL_60)
    log.sees(T)
    first = log.closes(T + 1, busy=False)
    log.sees(T + 2)
    second = log.closes(T + 3, busy=False)
    assert [r.packets for r in first + second] == [1, 1]


@pytest.mark.parametrize(
    ("traffic_type", "actions"),
    [("ALL", {"ACCEPT", "REJECT"}), ("ACCEPT", {"ACCEPT"}), ("REJECT", {"REJECT"})],
)
def test_traffic_type(traffic_type, actions):
    log = Log(Capture("fl-1", traffic_type, 60))
    log.sees(T)
    log.sees(T, FLOW._replace(action="REJECT"))
    assert {record.action for record in log.closes(T + 60)} == actions


def test_each_capture_counts_on_its_own():
    log = Log(ALL_60, Capture("fl-2", "ALL", 600))
    log.sees(T + 1)
    log.sees(T + 61)
    counted = Tally({"fl-1": 0, "fl-2": 0})
    for record in log.closes(T + 600):
        counted[record.flow_log_id] += record.packets
    assert counted == {"fl-1": 2, "fl-2": 2}


def test_a_capture_sees_only_what_comes_after_it():
    log = Log(ALL_60)
    log.sees(T)
    log.watch(ALL_60, Capture("fl-2", "ALL", 60))
    log.sees(T + 1)
    counted = {record.flow_log_id: record.packets for record in log.closes(T + 60)}
    assert counted == {"fl-1": 2, "fl-2": 1}


def test_what_a_removed_capture_has_open_is_not_lost():
    log = Log(ALL_60)
    log.sees(T)
    log.watch()
    log.sees(T + 1)
    (record,) = log.closes(T + 2)
    assert (record.packets, record.closed_at) == (1, T + 2)
    assert log.closes(T + 60) == []


def test_the_records_of_a_removed_vpc_are_not_lost_and_then_it_is_forgotten():
    log = Log(ALL_60)
    log.sees(T)
    log.aggregation.set_captures("vpc-1", {})
    assert len(log.closes(T + 1)) == 1
    assert log.aggregation.next_close() is None
    assert log.aggregation._vpcs == {}


def test_close_all():
    log = Log(ALL_60)
    log.sees(T)
    log.sees(T + 61)
    assert [r.closed_at for r in log.aggregation.close_all(T + 61)] == [T + 60, T + 61]
    assert log.aggregation.close_all(T + 62) == []


def test_next_close():
    log = Log(ALL_60)
    assert log.aggregation.next_close() is None
    log.sees(T + 1)
    assert log.aggregation.next_close() == T + 1.2
    assert log.aggregation.next_close({"vpc-1"}) == T + 60
    log.watch()
    assert log.aggregation.next_close({"vpc-1"}) == -math.inf


def test_next_close_moves_on_with_the_flow():
    log = Log(ALL_60)
    log.sees(T + 1)
    log.sees(T + 1.1)
    assert log.closes(T + 1.2, busy=False) == []
    assert log.aggregation.next_close() == pytest.approx(T + 1.3, abs=0.001)


def test_a_clock_set_back_gives_no_negative_span():
    log = Log(ALL_60)
    log.sees(T + 30)
    log.sees(T + 20)
    (record,) = log.closes(T + 60)
    assert (record.start, record.end, record.packets) == (T + 20, T + 30, 2)


@pytest.mark.parametrize(
    ("flags", "reported"),
    [
        pytest.param(2, 2, id="SYN"),
        pytest.param(18, 18, id="SYN-ACK"),
        pytest.param(16, 0, id="ACK alone"),
        pytest.param(24, 0, id="PSH and ACK"),
        pytest.param(17, 1, id="FIN with ACK"),
        pytest.param(20, 4, id="RST with ACK"),
        pytest.param(66, 2, id="SYN with ECE"),
    ],
)
def test_tcp_flags_of_one_packet(flags, reported):
    assert reported_tcp_flags(flags) == reported


@pytest.mark.parametrize(
    ("packets", "reported"),
    [
        pytest.param([2, 16, 24], [2], id="the client opens"),
        pytest.param([18, 16], [18], id="the server answers"),
        pytest.param([2, 16, 17], [3], id="a short connection's client: SYN and FIN"),
        pytest.param([18, 24, 17], [19], id="a short connection's server: SYN-ACK and FIN"),
    ],
)
def test_tcp_flags_of_a_window(packets, reported):
    """docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html"""
    log = Log(ALL_60)
    for flags in packets:
        log.sees(T, FLOW._replace(protocol=6), tcp_flags=flags)
    assert [record.tcp_flags for record in log.closes(T + 60)] == reported


def test_tcp_flags_do_not_leak_into_the_next_window():
    log = Log(ALL_60)
    for second, flags in ((1, 2), (61, 17)):
        log.sees(T + second, tcp_flags=flags)
    assert [record.tcp_flags for record in log.closes(T + 120)] == [2, 1]


def statuses(records):
    return [(record.log_status, record.start, record.end) for record in records]


@pytest.mark.parametrize(
    ("interval_s", "since", "until", "ends"),
    [
        pytest.param(60, 0, 60, [60], id="from one full minute to the next"),
        pytest.param(60, 0, 59.9, [], id="not before it has passed"),
        pytest.param(60, 1, 119, [], id="a window that was not watched from its start"),
        pytest.param(60, 1, 240, [120, 180, 240], id="one for each window"),
        pytest.param(600, 1, 960, [960], id="ten minutes"),
    ],
)
def test_a_whole_window_in_silence_is_a_nodata_record(interval_s, since, until, ends):
    """docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html, log-status"""
    log = Log(Capture("fl-1", "ALL", interval_s), pace="aws")
    assert log.closes(T + since) == []
    records = log.closes(T + until)
    expected = [("NODATA", T + end - interval_s, T + end - 1) for end in ends]
    assert statuses(records) == expected
    assert [record.closed_at for record in records] == [T + end for end in ends]
    assert {record.interface_id for record in records} <= {"eni-1"}


def test_no_nodata_at_the_pace_of_the_lab():
    log = Log(ALL_60)
    log.closes(T)
    assert log.closes(T + 600, busy=False) == []


@pytest.mark.parametrize(
    ("traffic_type", "expected"),
    [
        pytest.param("ALL", ["OK", "NODATA"], id="all traffic"),
        pytest.param("REJECT", ["NODATA"], id="accepted traffic breaks the silence, too"),
    ],
)
def test_a_packet_breaks_the_silence_of_its_window_only(traffic_type, expected):
    """docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html, log-status"""
    log = Log(Capture("fl-1", traffic_type, 60), pace="aws")
    log.closes(T)
    log.sees(T + 59.9)
    records = log.closes(T + 60) + log.closes(T + 120)
    assert [record.log_status for record in records] == expected
    assert records[-1].start == T + 60


def test_a_counter_of_traffic_left_out_makes_the_next_packet_come_back_here():
    """The switch counts by itself as long as a counter's window lasts, and no longer."""
    log = Log(Capture("fl-1", "REJECT", 60), pace="aws")
    observed = log.aggregation.observe("vpc-1", FLOW, size_bytes=84, tcp_flags=0, now=T)
    assert [counter.window_end for counter in observed] == [T + 60]


def test_when_silence_is_looked_at():
    log = Log(ALL_60, pace="aws")
    assert log.aggregation.next_close() == -math.inf
    log.closes(T + 1)
    assert log.aggregation.next_close() == T + 120
    log.watch()
    log.closes(T + 2)
    assert log.aggregation.next_close() is None


def test_a_capture_that_stays_keeps_its_windows():
    log = Log(ALL_60, pace="aws")
    log.closes(T)
    log.watch(ALL_60, Capture("fl-2", "ALL", 60))
    assert [record.flow_log_id for record in log.closes(T + 60)] == ["fl-1"]


@pytest.mark.parametrize("pace", ["lab", "aws"])
def test_what_was_dropped_is_one_skipdata_record_for_each_capture(pace):
    """docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html"""
    log = Log(ALL_60, Capture("fl-2", "REJECT", 60), pace=pace)
    log.closes(T)
    log.sees(T + 1)
    for second in (2, 3):
        log.aggregation.skip("vpc-1", "eni-1", now=T + second)
    log.aggregation.skip("vpc-1", "eni-2", now=T)
    log.aggregation.skip("vpc-2", "eni-1", now=T)
    records = log.closes(T + 60)
    assert [(r.flow_log_id, *statuses([r])[0]) for r in records] == [
        ("fl-1", "OK", T + 1, T + 1),
        ("fl-1", "SKIPDATA", T + 2, T + 3),
        ("fl-2", "SKIPDATA", T + 2, T + 3),
    ]


def test_more_flows_than_can_be_counted_are_told_by_skipdata():
    """In the window and at the interface where that was; known flows are counted on.

    docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html, log-status
    """
    aggregation = Aggregation("lab", most_flows=2)
    aggregation.set_captures("vpc-1", {"eni-1": (ALL_60,), "eni-2": (ALL_60,)})

    def sees(second, port, interface_id="eni-1"):
        flow = FLOW._replace(interface_id=interface_id, dstport=port)
        return aggregation.observe("vpc-1", flow, size_bytes=84, tcp_flags=0, now=T + second)

    for second, port in [(1, 80), (2, 81), (3, 82), (4, 83), (5, 80)]:
        assert sees(second, port)
    sees(6, 82, "eni-2")
    told = [
        (r.interface_id, r.log_status, r.dstport, r.packets * (r.log_status == "OK"))
        for r in aggregation.close(T + 60, ())
    ]
    assert sorted(told) == [
        ("eni-1", "OK", 80, 2),
        ("eni-1", "OK", 81, 1),
        ("eni-1", "SKIPDATA", 0, 0),
        ("eni-2", "OK", 82, 1),
    ]
    sees(61, 82)
    assert [r.log_status for r in aggregation.close(T + 120, ())] == ["OK"]


def test_each_window_in_which_something_was_skipped_has_its_skipdata():
    """docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html, log-status."""
    aggregation = Aggregation("aws")
    aggregation.set_captures("vpc-1", {"eni-1": (ALL_60,)})
    for second in (1, 2, 61):
        aggregation.skip("vpc-1", "eni-1", now=T + second)
    told = [(r.log_status, r.start, r.end) for r in aggregation.close(T + 120, ())]
    assert [(status, int(start - T) // 60) for status, start, _ in told] == [
        ("SKIPDATA", 0),
        ("SKIPDATA", 1),
    ]


def test_a_known_flow_has_its_place_in_the_next_window():
    aggregation = Aggregation("lab", most_flows=1)
    aggregation.set_captures("vpc-1", {"eni-1": (ALL_60,)})
    for second in (1, 61, 62):
        aggregation.observe("vpc-1", FLOW, size_bytes=84, tcp_flags=0, now=T + second)
    records = aggregation.close(T + 120, ())
    assert [(r.log_status, r.packets) for r in records] == [("OK", 1), ("OK", 2)]


def test_many_records_come_in_several_portions():
    """Between two packets there is no time to make tens of thousands of records."""
    log = Log(ALL_60)
    for port in range(RECORDS_AT_ONCE + 5):
        log.sees(T, FLOW._replace(dstport=port))
    assert len(log.closes(T + 60)) == RECORDS_AT_ONCE
    assert log.aggregation.next_close() == -math.inf
    assert len(log.closes(T + 61)) == 5
    assert log.aggregation.next_close() is None


packets = st.lists(
    st.tuples(
        st.floats(0, 300),  # seconds since the one before
        st.sampled_from([FLOW, FLOW._replace(action="REJECT"), FLOW._replace(dstport=80)]),
        st.integers(20, 9001),
        st.booleans(),  # does somebody close before it?
        st.booleans(),  # while a command runs?
    ),
    max_size=30,
)


@settings(deadline=None)
@given(packets, st.sampled_from(["lab", "aws"]), st.sampled_from([60, 600]))
def test_packets_in_are_packets_in_records(sent, pace, interval_s):
    """However windows, silences and calls of close cut the traffic, nothing is lost or doubled."""
    log, now, records = Log(Capture("fl-1", "ALL", interval_s), pace=pace), T, []
    packets_in, bytes_in = Tally(), Tally()
    for pause_s, flow, size_bytes, does_close, busy in sent:
        now += pause_s
        if does_close:
            records += log.closes(now, busy=busy)
        log.sees(now, flow, size_bytes)
        packets_in[flow.action, flow.dstport] += 1
        bytes_in[flow.action, flow.dstport] += size_bytes
    records += log.aggregation.close_all(now)
    packets_out, bytes_out = Tally(), Tally()
    for record in records:
        packets_out[record.action, record.dstport] += record.packets
        bytes_out[record.action, record.dstport] += record.bytes
        assert record.start <= record.end <= record.closed_at
        assert record.start // interval_s == record.end // interval_s
    assert packets_out == packets_in
    assert bytes_out == bytes_in


def test_records_are_values():
    log = Log(ALL_60)
    log.sees(T)
    (record,) = log.closes(T + 60)
    assert replace(record) == record
