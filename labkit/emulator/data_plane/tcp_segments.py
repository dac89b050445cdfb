"""TCP segments, and the IPv4 packets around them, as bytes (RFC 9293)."""

import socket
import struct
from typing import NamedTuple

from labkit.emulator.data_plane import ipv4

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16

_HEADER = struct.Struct("!HHIIBBHHH")
_PSEUDO_HEADER = struct.Struct("!4s4sBBH")
_MAXIMUM_SEGMENT_SIZE, _NO_OPERATION, _END = 2, 1, 0
_DEFAULT_MSS = 536


class Segment(NamedTuple):
    """A TCP segment with the addresses of the packet that carries it.

    mss is the option's value; it is sent with SYN only.
    """

    srcaddr: str
    dstaddr: str
    srcport: int
    dstport: int
    sequence: int
    acknowledgment: int
    flags: int
    window: int
    data: bytes = b""
    mss: int = _DEFAULT_MSS

    @property
    def length(self) -> int:
        """What the segment takes of the sequence numbers."""
        return len(self.data) + bool(self.flags & SYN) + bool(self.flags & FIN)


def packet(segment: Segment, number: int) -> bytes:
    """Return the IPv4 packet of a segment; number is the packet's identification."""
    options = b""
    if segment.flags & SYN:
        options = struct.pack("!BBH", _MAXIMUM_SEGMENT_SIZE, 4, segment.mss)
    offset = (_HEADER.size + len(options)) // 4 << 4
    fields = (
        segment.srcport, segment.dstport, segment.sequence, segment.acknowledgment,
        offset, segment.flags, segment.window,
    )  # fmt: skip
    bare = _HEADER.pack(*fields, 0, 0) + options + segment.data
    right = ipv4.checksum(_pseudo_header(segment.srcaddr, segment.dstaddr, len(bare)) + bare)
    whole = _HEADER.pack(*fields, right, 0) + options + segment.data
    return ipv4.packet(segment.srcaddr, segment.dstaddr, socket.IPPROTO_TCP, whole, number)


def parse(data: bytes) -> Segment | None:
    """Read a packet; None if it is no whole TCP segment with right checksums."""
    whole = ipv4.payload_of(data, socket.IPPROTO_TCP)
    if whole is None or len(whole) < _HEADER.size:
        return None
    srcaddr, dstaddr = socket.inet_ntoa(data[12:16]), socket.inet_ntoa(data[16:20])
    if ipv4.checksum(_pseudo_header(srcaddr, dstaddr, len(whole)) + whole):
        return None
    srcport, dstport, sequence, acknowledgment, offset, flags, window, _, _ = _HEADER.unpack_from(
        whole
    )
    header_bytes = (offset >> 4) * 4
    if not _HEADER.size <= header_bytes <= len(whole):
        return None
    return Segment(
        srcaddr,
        dstaddr,
        srcport,
        dstport,
        sequence,
        acknowledgment,
        flags,
        window,
        whole[header_bytes:],
        _read_mss(whole[_HEADER.size : header_bytes]),
    )


def _pseudo_header(srcaddr: str, dstaddr: str, length: int) -> bytes:
    addresses = socket.inet_aton(srcaddr), socket.inet_aton(dstaddr)
    return _PSEUDO_HEADER.pack(*addresses, 0, socket.IPPROTO_TCP, length)


def _read_mss(options: bytes) -> int:
    while options and options[0] != _END:
        if options[0] == _NO_OPERATION:
            options = options[1:]
            continue
        if len(options) < 2 or not 2 <= options[1] <= len(options):
            break
        if options[0] == _MAXIMUM_SEGMENT_SIZE and options[1] == 4:
            return struct.unpack_from("!H", options, 2)[0]
        options = options[options[1] :]
    return _DEFAULT_MSS
