"""IPv4 packets as the rules of a VPC see them."""

import struct
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

ICMP, TCP, UDP = 1, 6, 17
FIN, SYN, RST, ACK = 1, 2, 4, 16
ECHO_REPLY, ECHO_REQUEST = 0, 8
# Destination unreachable, source quench, redirect, time exceeded, parameter problem: RFC 792.
ICMP_ERRORS = frozenset({3, 4, 5, 11, 12})


class Direction(StrEnum):
    """The way of a packet, relative to the network interface that sees it."""

    INGRESS = "ingress"
    EGRESS = "egress"


class Action(StrEnum):
    """What a flow log says of a packet."""

    ACCEPT = "ACCEPT"
    REJECT = "REJECT"


class FiveTuple(NamedTuple):
    """What makes packets one flow; the ports are 0 for anything but TCP and UDP."""

    srcaddr: str
    dstaddr: str
    srcport: int
    dstport: int
    protocol: int


class Packet(NamedTuple):
    """The headers of one IPv4 packet.

    A tuple, since one is made for each packet and a frozen dataclass takes four times as long.
    length is the IP total length in bytes: the bytes of a flow log record. An ICMP error carries
    the headers of the packet that caused it.
    """

    srcaddr: str
    dstaddr: str
    protocol: int
    srcport: int = 0
    dstport: int = 0
    icmp_type: int = 0
    icmp_code: int = 0
    icmp_identifier: int = 0
    tcp_flags: int = 0
    sequence_number: int = 0
    acknowledgment_number: int = 0
    payload_bytes: int = 0
    length: int = 20
    cause: "Packet | None" = None

    @property
    def five_tuple(self) -> FiveTuple:
        return FiveTuple(self.srcaddr, self.dstaddr, self.srcport, self.dstport, self.protocol)


def echo_request(srcaddr: str, dstaddr: str, *, identifier: int = 1) -> Packet:
    """Return what ``ping`` sends by default: 56 bytes of data, 84 with the headers."""
    return Packet(
        srcaddr, dstaddr, ICMP, icmp_type=ECHO_REQUEST, icmp_identifier=identifier, length=84
    )


def syn(srcaddr: str, dstaddr: str, *, dstport: int, srcport: int = 49152) -> Packet:
    """Return the first packet of a TCP connection."""
    return Packet(srcaddr, dstaddr, TCP, srcport, dstport, tcp_flags=SYN, length=60)


def reply_to(packet: Packet) -> Packet:
    """Return the first packet that the other side answers with.

    An echo request is answered by an echo reply, a SYN by a SYN-ACK, anything else by the same
    headers the other way round.
    """
    is_echo = packet.protocol == ICMP and packet.icmp_type == ECHO_REQUEST
    is_syn = packet.protocol == TCP and packet.tcp_flags == SYN
    return Packet(
        srcaddr=packet.dstaddr,
        dstaddr=packet.srcaddr,
        protocol=packet.protocol,
        srcport=packet.dstport,
        dstport=packet.srcport,
        icmp_type=ECHO_REPLY if is_echo else packet.icmp_type,
        icmp_code=packet.icmp_code,
        icmp_identifier=packet.icmp_identifier,
        tcp_flags=SYN | ACK if is_syn else packet.tcp_flags,
        acknowledgment_number=packet.sequence_number + 1 if is_syn else 0,
        length=packet.length,
    )


def parse(data: bytes) -> Packet | None:
    """Read the headers of one IPv4 packet; None if the bytes are not a whole one.

    Later fragments have no header beyond IP's: give them the first one's, as reassembly would.
    """
    if len(data) < 20 or data[0] >> 4 != 4:
        return None
    header_bytes, length = (data[0] & 15) * 4, data[2] << 8 | data[3]
    if header_bytes < 20 or not header_bytes <= length <= len(data):
        return None
    is_later_fragment = (data[6] & 0x1F) << 8 | data[7]
    payload = b"" if is_later_fragment else data[header_bytes:length]
    return _parse_payload(data, payload, length, is_whole=not is_later_fragment)


def _parse_payload(data: bytes, payload: bytes, length: int, *, is_whole: bool) -> Packet | None:
    protocol, srcaddr, dstaddr = data[9], dotted(data[12:16]), dotted(data[16:20])
    if protocol == ICMP and is_whole:
        return _parse_icmp(srcaddr, dstaddr, payload, length)
    if protocol == TCP and is_whole:
        return _parse_tcp(srcaddr, dstaddr, payload, length)
    if protocol == UDP and is_whole:
        if len(payload) < 8:
            return None
        srcport, dstport = struct.unpack_from("!HH", payload)
        return Packet(srcaddr, dstaddr, UDP, srcport, dstport, length=length)
    return Packet(srcaddr, dstaddr, protocol, length=length)


def _parse_icmp(srcaddr: str, dstaddr: str, payload: bytes, length: int) -> Packet | None:
    if len(payload) < 8:
        return None
    is_error = payload[0] in ICMP_ERRORS
    return Packet(
        srcaddr,
        dstaddr,
        ICMP,
        icmp_type=payload[0],
        icmp_code=payload[1],
        icmp_identifier=payload[4] << 8 | payload[5],
        length=length,
        cause=_parse_cause(payload[8:]) if is_error else None,
    )


def _parse_tcp(srcaddr: str, dstaddr: str, payload: bytes, length: int) -> Packet | None:
    if len(payload) < 20:
        return None
    srcport, dstport, sequence, acknowledgment, offset, flags = struct.unpack_from(
        "!HHIIBB", payload
    )
    payload_bytes = len(payload) - (offset >> 4) * 4
    if offset >> 4 < 5 or payload_bytes < 0:
        return None
    return Packet(
        srcaddr, dstaddr, TCP, srcport, dstport, 0, 0, 0, flags, sequence, acknowledgment,
        payload_bytes, length,
    )  # fmt: skip


def _parse_cause(data: bytes) -> Packet | None:
    """Read the IP header and the first 8 bytes after it that an ICMP error quotes (RFC 792)."""
    if len(data) < 28 or data[0] >> 4 != 4:
        return None
    header_bytes, protocol = (data[0] & 15) * 4, data[9]
    quoted = data[header_bytes : header_bytes + 8]
    if header_bytes < 20 or len(quoted) < 8:
        return None
    srcaddr, dstaddr = dotted(data[12:16]), dotted(data[16:20])
    if protocol == ICMP:
        return _parse_icmp(srcaddr, dstaddr, quoted, 28)
    ports = struct.unpack_from("!HH", quoted) if protocol in (TCP, UDP) else (0, 0)
    return Packet(srcaddr, dstaddr, protocol, *ports)


@lru_cache(maxsize=4096)
def dotted(address: bytes) -> str:
    """Write four bytes the way AWS writes an IPv4 address."""
    return ".".join(map(str, address))
