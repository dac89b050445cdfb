"""ICMP echo messages, and the IPv4 packets around them, as bytes (RFC 792)."""

import socket
import struct
from typing import NamedTuple

from labkit.emulator.data_plane import ipv4
from labkit.emulator.data_plane.ipv4 import checksum

ECHO_REPLY, UNREACHABLE, ECHO_REQUEST, TIME_EXCEEDED = 0, 3, 8, 11

_HEADER = struct.Struct("!BBHHH")


class Message(NamedTuple):
    """An ICMP message in the packet that brought it; data is what follows its 8 bytes."""

    srcaddr: str
    dstaddr: str
    ttl: int
    type: int
    code: int
    identifier: int
    sequence: int
    data: bytes

    @property
    def size_bytes(self) -> int:
        return _HEADER.size + len(self.data)


def echo(type_: int, identifier: int, sequence: int, data: bytes) -> bytes:
    """Return an echo request's or reply's ICMP message."""
    bare = _HEADER.pack(type_, 0, 0, identifier, sequence) + data
    return bare[:2] + struct.pack("!H", checksum(bare)) + bare[4:]


def packet(srcaddr: str, dstaddr: str, message: bytes, number: int) -> bytes:
    """Return an IPv4 packet with an ICMP message; number is the packet's identification."""
    return ipv4.packet(srcaddr, dstaddr, socket.IPPROTO_ICMP, message, number)


def parse(data: bytes) -> Message | None:
    """Read a packet; None if it is no whole ICMP message with right checksums."""
    message = ipv4.payload_of(data, socket.IPPROTO_ICMP)
    if message is None or len(message) < _HEADER.size or checksum(message):
        return None
    type_, code, _, identifier, sequence = _HEADER.unpack_from(message)
    return Message(
        srcaddr=socket.inet_ntoa(data[12:16]),
        dstaddr=socket.inet_ntoa(data[16:20]),
        ttl=data[8],
        type=type_,
        code=code,
        identifier=identifier,
        sequence=sequence,
        data=message[_HEADER.size :],
    )
