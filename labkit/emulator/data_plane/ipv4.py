"""IPv4 packets as bytes (RFC 791), and the Internet checksum."""

import socket
import struct

TTL = 127  # of Amazon Linux 2023

HEADER_BYTES = 20
_HEADER = struct.Struct("!BBHHHBBH4s4s")
_DO_NOT_FRAGMENT = 0x4000


def checksum(data: bytes) -> int:
    """Return the Internet checksum (RFC 1071); 0 over data that holds its own right checksum."""
    padded = data + b"\0" if len(data) % 2 else data
    total = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def packet(srcaddr: str, dstaddr: str, protocol: int, payload: bytes, number: int) -> bytes:
    """Return an IPv4 packet as Linux sends it; number is its identification."""
    fields = (
        0x45, 0, HEADER_BYTES + len(payload), number & 0xFFFF, _DO_NOT_FRAGMENT, TTL, protocol,
    )  # fmt: skip
    addresses = socket.inet_aton(srcaddr), socket.inet_aton(dstaddr)
    bare = _HEADER.pack(*fields, 0, *addresses)
    return _HEADER.pack(*fields, checksum(bare), *addresses) + payload


def payload_of(data: bytes, protocol: int) -> bytes | None:
    """Return what a whole packet of this protocol carries; None if it is none, or damaged."""
    if len(data) < HEADER_BYTES or data[0] >> 4 != 4 or data[9] != protocol:
        return None
    header_bytes = (data[0] & 0x0F) * 4
    if checksum(data[:header_bytes]):
        return None
    return data[header_bytes : struct.unpack_from("!H", data, 2)[0]]
