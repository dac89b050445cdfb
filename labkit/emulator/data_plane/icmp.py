"""ICMP echo messages, and the IPv4 packets around them, as bytes (RFC 792, RFC 791)."""

import socket
import struct
from typing import NamedTuple

ECHO_REPLY, UNREACHABLE, ECHO_REQUEST, TIME_EXCEEDED = 0, 3, 8, 11
TTL = 127  # of Amazon Linux 2023

_HEADER = struct.Struct("!BBHHH")
_IP_HEADER = struct.Struct("!BBHHHBBH4s4s")
_DO_NOT_FRAGMENT = 0x4000


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


def checksum(data: bytes) -> int:
    """Return the Internet checksum (RFC 1071); 0 over data that holds its own right checksum."""
    padded = data + b"\0" if len(data) % 2 else data
    total = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def echo(type_: int, identifier: int, sequence: int, data: bytes) -> bytes:
    """Return an echo request's or reply's ICMP message."""
    bare = _HEADER.pack(type_, 0, 0, identifier, sequence) + data
    return bare[:2] + struct.pack("!H", checksum(bare)) + bare[4:]


def packet(srcaddr: str, dstaddr: str, message: bytes, number: int) -> bytes:
    """Return an IPv4 packet with an ICMP message, as Linux sends it.

    number is the packet's identification.
    """
    fields = (
        0x45, 0, _IP_HEADER.size + len(message), number & 0xFFFF, _DO_NOT_FRAGMENT,
        TTL, socket.IPPROTO_ICMP,
    )  # fmt: skip
    addresses = socket.inet_aton(srcaddr), socket.inet_aton(dstaddr)
    bare = _IP_HEADER.pack(*fields, 0, *addresses)
    return _IP_HEADER.pack(*fields, checksum(bare), *addresses) + message


def parse(data: bytes) -> Message | None:
    """Read a packet; None if it is no whole ICMP message with right checksums."""
    if len(data) < _IP_HEADER.size or data[0] >> 4 != 4 or data[9] != socket.IPPROTO_ICMP:
        return None
    header_bytes = (data[0] & 0x0F) * 4
    message = data[header_bytes : struct.unpack_from("!H", data, 2)[0]]
    if len(message) < _HEADER.size or checksum(message) or checksum(data[:header_bytes]):
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
