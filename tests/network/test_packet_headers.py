"""Packets as the wire has them: RFC 791, 792, 793, 768."""

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit.network.packets import ACK, FIN, SYN, Packet, echo_request, parse, reply_to, syn

A, B = "10.0.1.10", "10.0.1.11"
PING = bytes.fromhex(
    "45000054 abcd4000 7f01 0000 0a00010a 0a00010b"  # IP: 84 bytes, TTL 127, ICMP
    "0800 0000 1234 0001"  # echo request, identifier 0x1234, sequence 1
) + bytes(56)
SYN_TO_80 = bytes.fromhex(
    "4500003c 00014000 4006 0000 0a00010a 0a00010b"
    "9c40 0050 00000064 00000000 a002 faf0 0000 0000"  # 40000 -> 80, sequence 100, 40-byte header
) + bytes(20)
FIN_WITH_DATA = bytes.fromhex(
    "4500002d 00014000 4006 0000 0a00010a 0a00010b"
    "9c40 0050 00000064 000000c8 5011 faf0 0000 0000"  # FIN and ACK 200
) + bytes(5)
DNS_QUERY = bytes.fromhex("4500001d 00010000 4011 0000 0a00010a 0a00010b d431 0035 0009 0000 00")
PORT_UNREACHABLE = (
    bytes.fromhex("45000039 00020000 4001 0000 0a00010b 0a00010a 0303 0000 00000000") + DNS_QUERY
)


@pytest.mark.parametrize(
    ("data", "packet"),
    [
        pytest.param(PING, echo_request(A, B, identifier=0x1234), id="ping's echo request"),
        pytest.param(
            SYN_TO_80,
            Packet(A, B, 6, 40000, 80, tcp_flags=SYN, sequence_number=100, length=60),
            id="a SYN with options",
        ),
        pytest.param(
            FIN_WITH_DATA,
            Packet(
                A,
                B,
                6,
                40000,
                80,
                tcp_flags=FIN | ACK,
                sequence_number=100,
                acknowledgment_number=200,
                payload_bytes=5,
                length=45,
            ),
            id="a FIN with data",
        ),
        pytest.param(DNS_QUERY, Packet(A, B, 17, 54321, 53, length=29), id="a UDP datagram"),
        pytest.param(
            PORT_UNREACHABLE,
            Packet(
                B,
                A,
                1,
                icmp_type=3,
                icmp_code=3,
                length=57,
                cause=Packet(A, B, 17, 54321, 53),
            ),
            id="an ICMP error quotes its cause",
        ),
        pytest.param(
            b"\x46" + PING[1:20] + b"\x01\x01\x01\x01" + PING[20:80],
            echo_request(A, B, identifier=0x1234),
            id="IP options move the rest",
        ),
        pytest.param(
            PING[:6] + b"\x00\xb9" + PING[8:], Packet(A, B, 1, length=84), id="a later fragment"
        ),
        pytest.param(
            PING[:9] + b"\x2f" + PING[10:], Packet(A, B, 47, length=84), id="a protocol of no ports"
        ),
        pytest.param(PING + b"\x00\x00", echo_request(A, B, identifier=0x1234), id="with padding"),
    ],
)
def test_parse(data, packet):
    assert parse(data) == packet


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(PING[:19], id="half an IP header"),
        pytest.param(PING[:83], id="shorter than its total length"),
        pytest.param(b"\x65" + PING[1:], id="IPv6"),
        pytest.param(b"\x44" + PING[1:], id="an IP header of 16 bytes"),
        pytest.param(b"\x45\x00\x00\x13" + PING[4:], id="a total length below the header's"),
        pytest.param(b"\x45\x00\x00\x1b" + PING[4:27], id="half an ICMP header"),
        pytest.param(b"\x45\x00\x00\x27" + SYN_TO_80[4:39], id="half a TCP header"),
        pytest.param(b"\x45\x00\x00\x1b" + DNS_QUERY[4:27], id="half a UDP header"),
        pytest.param(SYN_TO_80[:32] + b"\x40" + SYN_TO_80[33:], id="a TCP header of 16 bytes"),
        pytest.param(SYN_TO_80[:32] + b"\xb0" + SYN_TO_80[33:], id="a TCP header beyond the end"),
    ],
)
def test_no_whole_packet(data):
    assert parse(data) is None


@settings(deadline=None)
@given(st.binary(max_size=120), st.integers(0, 60))
def test_any_bytes_are_a_packet_or_none(noise, start):
    damaged = (PORT_UNREACHABLE[:start] + noise)[:120]
    packet = parse(damaged)
    assert packet is None or packet.length <= len(damaged)
    if packet:
        assert struct.unpack_from("!H", damaged, 2) == (packet.length,)


@pytest.mark.parametrize(
    "cause",
    [
        pytest.param(DNS_QUERY[:20], id="an IP header alone"),
        pytest.param(b"\x46" + DNS_QUERY[1:29], id="an IP header with options, and half of UDP's"),
        pytest.param(b"\x65" + DNS_QUERY[1:], id="IPv6"),
        pytest.param(b"\x44" + DNS_QUERY[1:], id="an IP header of 16 bytes"),
    ],
)
def test_an_error_whose_cause_cannot_be_read(cause):
    size = bytes((0, 28 + len(cause)))
    packet = parse(PORT_UNREACHABLE[:2] + size + PORT_UNREACHABLE[4:28] + cause)
    assert packet is not None
    assert packet.cause is None


@pytest.mark.parametrize(
    ("packet", "reply"),
    [
        pytest.param(
            echo_request(A, B, identifier=7),
            Packet(B, A, 1, icmp_type=0, icmp_identifier=7, length=84),
            id="echo reply",
        ),
        pytest.param(
            syn(A, B, dstport=443),
            Packet(B, A, 6, 443, 49152, tcp_flags=18, acknowledgment_number=1, length=60),
            id="SYN-ACK",
        ),
        pytest.param(Packet(A, B, 17, 1, 2), Packet(B, A, 17, 2, 1), id="UDP the other way round"),
    ],
)
def test_reply(packet, reply):
    assert reply_to(packet) == reply


def test_five_tuple_of_icmp_has_ports_0():
    assert echo_request(A, B).five_tuple == (A, B, 0, 0, 1)
