"""docs.aws.amazon.com/AWSEC2/latest/UserGuide/security-group-connection-tracking.html"""

import pytest

from labkit.network.connections import Connections
from labkit.network.packets import (
    ACK,
    FIN,
    RST,
    TCP,
    UDP,
    Direction,
    Packet,
    echo_request,
    reply_to,
    syn,
)

OUT, IN = Direction.EGRESS, Direction.INGRESS
A, B = "10.0.1.10", "10.0.1.11"
PING = echo_request(A, B, identifier=7)
QUERY = Packet(A, B, UDP, srcport=40000, dstport=53)
HELLO = syn(A, B, dstport=80)
GRE = Packet(A, B, 47)


def opened(packet: Packet) -> Connections:
    connections = Connections()
    connections.open("eni-a", packet, OUT, 0.0)
    return connections


@pytest.mark.parametrize(
    ("packet", "direction", "known"),
    [
        pytest.param(PING, OUT, True, id="the next request"),
        pytest.param(reply_to(PING), IN, True, id="the reply"),
        pytest.param(reply_to(echo_request(A, B, identifier=8)), IN, False, id="another ping's"),
        pytest.param(reply_to(echo_request(A, "10.0.1.12")), IN, False, id="another host's"),
        pytest.param(echo_request(B, A, identifier=7), IN, False, id="a request of the other side"),
        pytest.param(
            reply_to(echo_request(B, A, identifier=7)), OUT, False, id="a reply to the other side"
        ),
        pytest.param(PING._replace(protocol=47), OUT, False, id="another protocol"),
    ],
)
def test_a_tracked_ping(packet, direction, known):
    found = opened(PING).find("eni-a", packet, direction, 1.0)
    assert (found is not None) == known


@pytest.mark.parametrize(
    ("first", "packet", "direction", "known"),
    [
        pytest.param(QUERY, reply_to(QUERY), IN, True, id="UDP's answer"),
        pytest.param(
            QUERY, reply_to(QUERY)._replace(srcport=54), IN, False, id="UDP from another port"
        ),
        pytest.param(
            QUERY, reply_to(QUERY)._replace(dstport=40001), IN, False, id="UDP to another port"
        ),
        pytest.param(HELLO, reply_to(HELLO), IN, True, id="TCP's answer"),
        pytest.param(HELLO, reply_to(HELLO)._replace(protocol=UDP), IN, False, id="UDP is no TCP"),
        pytest.param(GRE, reply_to(GRE), IN, True, id="other protocols by their addresses"),
    ],
)
def test_a_tracked_flow(first, packet, direction, known):
    found = opened(first).find("eni-a", packet, direction, 1.0)
    assert (found is not None) == known


def test_each_interface_remembers_on_its_own():
    assert opened(PING).find("eni-b", PING, OUT, 1.0) is None


def test_an_icmp_error_belongs_to_its_cause():
    error = Packet(B, A, 1, icmp_type=3, icmp_code=3, cause=QUERY)
    assert opened(QUERY).find("eni-a", error, IN, 1.0)
    assert not opened(QUERY).find("eni-a", error._replace(cause=PING), IN, 1.0)
    assert not opened(QUERY).find("eni-a", error._replace(icmp_type=0), IN, 1.0)


@pytest.mark.parametrize(
    ("packets", "timeout_s"),
    [
        pytest.param([(PING, OUT)], 30, id="ICMP: our choice"),
        pytest.param([(GRE, OUT)], 600, id="other protocols"),
        pytest.param([(HELLO, OUT)], 60, id="TCP unanswered: our choice"),
        pytest.param([(HELLO, OUT), (reply_to(HELLO), IN)], 432_000, id="TCP established"),
        pytest.param([(QUERY, OUT)] * 5, 30, id="UDP in a single direction"),
        pytest.param([(QUERY, OUT), (reply_to(QUERY), IN)], 30, id="one request, one response"),
        pytest.param([(QUERY, OUT), (reply_to(QUERY), IN)] * 2, 180, id="UDP stream"),
    ],
)
def test_idle_timeout(packets, timeout_s):
    connections = opened(packets[0][0])
    for packet, direction in packets[1:]:
        connections.find("eni-a", packet, direction, 0.0).record(packet, direction, 0.0)
    assert connections.find("eni-a", packets[0][0], OUT, timeout_s - 0.1)
    assert not connections.find("eni-a", packets[0][0], OUT, timeout_s)


def test_every_packet_begins_the_timeout_anew():
    connections = opened(PING)
    connections.find("eni-a", PING, OUT, 20.0).record(PING, OUT, 20.0)
    assert connections.find("eni-a", PING, OUT, 49.0)


def test_idle_connections_are_forgotten():
    connections = opened(PING)
    connections.expire(29.0)
    assert len(connections) == 1
    connections.expire(30.0)
    assert len(connections) == 0


def test_forgetting_goes_in_small_portions():
    """However many are due at once, the wire is not held up."""
    connections = Connections()
    for port in range(1000):
        connections.open("eni-a", QUERY._replace(srcport=port), OUT, 0.0)
    connections.expire(30.0, at_most=400)
    assert len(connections) == 600
    for _ in range(2):
        connections.expire(30.0, at_most=400)
    assert len(connections) == 0


def test_what_was_kept_alive_is_looked_at_again():
    connections = opened(PING)
    connections.find("eni-a", PING, OUT, 20.0).record(PING, OUT, 20.0)
    for now, left in [(30.0, 1), (49.0, 1), (50.0, 0)]:
        connections.expire(now)
        assert len(connections) == left


def test_a_connection_opened_anew_is_not_forgotten_with_the_one_before():
    connections = opened(PING)
    connections.open("eni-a", PING, OUT, 20.0)
    connections.expire(30.0)
    assert connections.find("eni-a", PING, OUT, 31.0)


def test_an_interface_tracks_so_many_and_no_more():
    """docs.aws.amazon.com/AWSEC2/latest/UserGuide/security-group-connection-tracking.html"""
    connections = Connections(most_per_interface=2)
    assert connections.open("eni-a", PING, OUT, 0.0)
    assert connections.open("eni-a", QUERY, OUT, 10.0)
    assert connections.open("eni-a", HELLO, OUT, 20.0) is None
    assert connections.open("eni-a", PING, OUT, 20.0)
    assert connections.open("eni-b", HELLO, OUT, 20.0)
    connections.expire(40.0)
    assert connections.open("eni-a", HELLO, OUT, 40.0)


def test_interfaces_that_are_gone_are_forgotten():
    connections = opened(PING)
    connections.keep({"eni-a"})
    assert len(connections) == 1
    connections.keep({"eni-b"})
    assert len(connections) == 0


def closing(*packets: tuple[Packet, Direction]) -> bool:
    """Open a connection by HELLO, let the packets pass, tell whether it is closed."""
    connection = opened(HELLO).find("eni-a", HELLO, OUT, 0.0)
    connection.record(reply_to(HELLO), IN, 0.0)
    for packet, direction in packets:
        connection.record(packet, direction, 0.0)
    return connection.is_closed


def ours(flags: int, sequence: int = 1, acknowledgment: int = 1, payload: int = 0):
    return (
        Packet(
            A,
            B,
            TCP,
            49152,
            80,
            tcp_flags=flags,
            sequence_number=sequence,
            acknowledgment_number=acknowledgment,
            payload_bytes=payload,
        ),
        OUT,
    )


def theirs(flags: int, sequence: int = 1, acknowledgment: int = 1, payload: int = 0):
    packet, _ = ours(flags, sequence, acknowledgment, payload)
    return packet._replace(srcaddr=B, dstaddr=A, srcport=80, dstport=49152), IN


@pytest.mark.parametrize(
    ("packets", "closed"),
    [
        pytest.param([], False, id="open"),
        pytest.param([ours(RST)], True, id="reset"),
        pytest.param([ours(FIN | ACK), theirs(ACK, 1, 2)], False, id="half closed"),
        pytest.param(
            [ours(FIN | ACK), theirs(ACK, 1, 2), theirs(FIN | ACK, 1, 2), ours(ACK, 2, 2)],
            True,
            id="one after the other",
        ),
        pytest.param(
            [ours(FIN | ACK), theirs(FIN | ACK, 1, 2), ours(ACK, 2, 2)], True, id="in three packets"
        ),
        pytest.param([ours(FIN | ACK), theirs(FIN | ACK, 1, 2)], False, id="the last ACK is due"),
        pytest.param(
            [ours(FIN | ACK), theirs(FIN | ACK), ours(ACK, 2, 2), theirs(ACK, 2, 2)],
            True,
            id="both at the same time",
        ),
        pytest.param(
            [ours(FIN | ACK), theirs(FIN | ACK), ours(ACK, 2, 2), theirs(ACK, 2, 1)],
            False,
            id="an ACK of what came before the FIN",
        ),
        pytest.param(
            [ours(FIN | ACK, 0xFFFFFFFF), theirs(FIN | ACK, 1, 0), ours(ACK, 0, 2)],
            True,
            id="sequence numbers that wrap",
        ),
        pytest.param(
            [ours(FIN | ACK, payload=5), theirs(FIN | ACK, 1, 7), ours(ACK, 7, 2)],
            True,
            id="a FIN after data",
        ),
    ],
)
def test_a_tcp_connection_closes(packets, closed):
    assert closing(*packets) is closed


def test_settled_is_what_only_the_timeout_needs():
    connection = opened(HELLO).find("eni-a", HELLO, OUT, 0.0)
    assert not connection.is_settled(OUT)
    connection.record(reply_to(HELLO), IN, 0.0)
    assert connection.is_settled(OUT)
    connection.record(*ours(FIN | ACK), 0.0)
    assert connection.is_changing
    assert not connection.is_settled(OUT)
    datagrams = opened(QUERY).find("eni-a", QUERY, OUT, 0.0)
    assert not datagrams.is_settled(OUT)
    datagrams.record(QUERY, OUT, 0.0)
    assert datagrams.is_settled(OUT)
    assert not datagrams.is_settled(IN)
