"""The small TCP of in-process hosts and endpoints, over a link that loses what the test says.

Source: RFC 9293.
"""

import struct
import time
from dataclasses import dataclass, field

import pytest

from labkit.emulator.data_plane import icmp, ipv4, tcp_segments
from labkit.emulator.data_plane.loop import Loop
from labkit.emulator.data_plane.tcp_connection import REFUSED, RESET
from labkit.emulator.data_plane.tcp_segments import ACK, FIN, PSH, RST, SYN, Segment
from labkit.emulator.data_plane.tcp_stack import PortInUse, TcpStack

CLIENT, SERVER = "10.0.1.22", "10.0.1.25"
MTU = 9001


@dataclass
class Heard:
    """What a connection's owner was told; echoes, and closes when the other side has finished."""

    echoes: bool = False
    told: list = field(default_factory=list)
    data: bytes = b""
    connection = None

    def connected(self):
        self.told.append("connected")

    def received(self, data):
        self.data += data
        if self.echoes:
            self.connection.send(data)

    def finished(self):
        self.told.append("finished")
        self.connection.close()

    def ended(self, problem):
        self.told.append(problem)


class Link:
    """Two stacks; is_lost decides on each packet's segment; the segments seen are kept."""

    def __init__(self, is_lost=lambda segment, number: False):
        self.loop = Loop()
        self.seen, self.accepted = [], []
        self._is_lost = is_lost
        self.client = TcpStack(self.loop, self._carry, mtu=MTU)
        self.server = TcpStack(self.loop, self._carry, mtu=MTU)
        self.server.listen(80, self._accept)

    def connect(self, port=80):
        events = Heard()
        events.connection = self.client.connect(CLIENT, (SERVER, port), events)
        return events

    def run_until(self, is_done, wait_s=5.0):
        deadline = time.monotonic() + wait_s
        while not is_done():
            assert time.monotonic() < deadline, self.flags
            self.loop.step(0.05)

    @property
    def flags(self):
        return [(segment.srcaddr == CLIENT, segment.flags) for segment in self.seen]

    def _accept(self, connection):
        self.accepted.append(Heard(echoes=True))
        self.accepted[-1].connection = connection
        return self.accepted[-1]

    def _carry(self, srcaddr, dstaddr, data):
        segment = tcp_segments.parse(data)
        assert segment, "every packet has right checksums"
        assert len(data) <= MTU
        self.seen.append(segment)
        if not self._is_lost(segment, len(self.seen) - 1):
            (self.server if dstaddr == SERVER else self.client).receive(data)


OUT, BACK = True, False


def test_a_connection_from_its_first_to_its_last_packet():
    link = Link()
    events = link.connect()
    link.run_until(lambda: link.accepted and "connected" in link.accepted[0].told)
    events.connection.send(b"hello")
    link.run_until(lambda: events.data == b"hello")
    events.connection.close()
    link.run_until(lambda: None in events.told and None in link.accepted[0].told)
    assert events.told == ["connected", "finished", None]
    assert link.accepted[0].told == ["connected", "finished", None]
    flags = [flag for flag in link.flags if flag[1] != ACK]
    assert flags == [
        (OUT, SYN),
        (BACK, SYN | ACK),
        (OUT, ACK | PSH),
        (BACK, ACK | PSH),
        (OUT, ACK | FIN),
        (BACK, ACK | FIN),
    ]


def test_the_largest_segment_fills_the_mtu():
    link = Link()
    events = link.connect()
    data = bytes(range(256)) * 400
    events.connection.send(data)
    link.run_until(lambda: events.data == data)
    assert {segment.mss for segment in link.seen if segment.flags & SYN} == {MTU - 40}
    assert max(len(segment.data) for segment in link.seen) == MTU - 40


@pytest.mark.parametrize("lost", range(12))
def test_any_single_packet_may_be_lost(lost):
    link = Link(lambda segment, number: number == lost)
    events = link.connect()
    data = b"x" * 20000
    events.connection.send(data)
    link.run_until(lambda: events.data == data)
    events.connection.close()
    link.run_until(lambda: None in events.told and None in link.accepted[0].told)
    assert link.accepted[0].data == data
    assert len(link.accepted) == 1


def test_every_third_packet_may_be_lost():
    link = Link(lambda segment, number: number % 3 == 2)
    events = link.connect()
    link.run_until(lambda: "connected" in events.told)
    data = bytes(range(256)) * 300
    events.connection.send(data)
    events.connection.close()
    link.run_until(lambda: link.accepted and link.accepted[0].data == data, 20)


def test_a_closed_port_refuses():
    link = Link()
    events = link.connect(port=81)
    link.run_until(lambda: events.told)
    assert events.told == [REFUSED]
    assert link.flags == [(OUT, SYN), (BACK, RST | ACK)]


def test_a_silent_stack_does_not_answer_on_closed_ports():
    sent = []
    stack = TcpStack(Loop(), lambda *what: sent.append(what), mtu=MTU, is_silent=True)
    syn = Segment(CLIENT, SERVER, 40000, 22, 1, 0, SYN, 65535)
    stack.receive(tcp_segments.packet(syn, 1))
    stack._loop.step(0)
    assert sent == []


def test_a_segment_without_a_connection_is_reset_by_its_own_number():
    """RFC 9293, 3.10.7.1: the reset takes its sequence number from the acknowledgment."""
    sent = []
    stack = TcpStack(Loop(), lambda *what: sent.append(what[2]), mtu=MTU)
    stray = Segment(CLIENT, SERVER, 40000, 80, 7, 4711, ACK, 65535)
    stack.receive(tcp_segments.packet(stray, 1))
    stack._loop.step(0)
    (data,) = sent
    answer = tcp_segments.parse(data)
    assert answer
    assert (answer.flags, answer.sequence) == (RST, 4711)
    assert (answer.srcport, answer.dstport) == (80, 40000)


def test_a_syn_without_answer_is_repeated_after_one_second():
    link = Link(lambda segment, number: True)
    link.connect()
    began = time.monotonic()
    link.run_until(lambda: len(link.seen) == 2)
    assert 0.9 < time.monotonic() - began < 1.5
    assert link.flags == [(OUT, SYN), (OUT, SYN)]


def test_a_connection_given_up_resets_the_other_side():
    link = Link()
    events = link.connect()
    link.run_until(lambda: link.accepted and "connected" in link.accepted[0].told)
    events.connection.abort()
    link.run_until(lambda: RESET in link.accepted[0].told)
    assert events.told == ["connected"]


def test_a_connection_that_is_not_open_yet_may_be_closed():
    link = Link(lambda segment, number: True)
    events = link.connect()
    events.connection.close()
    link.loop.step(0)
    link.loop.step(1.2)
    assert link.flags == [(OUT, SYN)]
    assert events.told == []


def test_a_port_is_listened_on_once():
    link = Link()
    with pytest.raises(PortInUse):
        link.server.listen(80, link._accept)
    link.server.stop_listening(80)
    link.server.listen(80, link._accept)


# As tcpdump shows a SYN of Linux: MSS 8961, SACK permitted, timestamps, no-op, window scale 7.
LINUX_OPTIONS = bytes.fromhex("02042301 0402080a0001e2400000000001030307")


def test_a_syn_as_linux_sends_it_is_read():
    header = struct.pack("!HHIIBBHHH", 40000, 80, 1000, 0, 0xA0, SYN, 62727, 0, 0)
    bare = header + LINUX_OPTIONS
    pseudo = bytes([10, 0, 1, 22, 10, 0, 1, 25, 0, 6]) + struct.pack("!H", len(bare))
    right = icmp.checksum(pseudo + bare)
    whole = bare[:16] + struct.pack("!H", right) + bare[18:]
    data = bytearray(tcp_segments.ipv4.packet(CLIENT, SERVER, 6, whole, 1))
    segment = tcp_segments.parse(bytes(data))
    assert segment == Segment(CLIENT, SERVER, 40000, 80, 1000, 0, SYN, 62727, b"", 8961)
    data[30] ^= 1
    assert tcp_segments.parse(bytes(data)) is None


@pytest.mark.parametrize("damage", [10, 24, 45])
def test_a_damaged_packet_is_ignored(damage):
    segment = Segment(CLIENT, SERVER, 40000, 80, 1, 1, ACK | PSH, 65535, b"hello world")
    data = bytearray(tcp_segments.packet(segment, 1))
    data[damage] ^= 1
    assert tcp_segments.parse(bytes(data)) is None


MSS_1460 = b"\x02\x04\x05\xb4"


@pytest.mark.parametrize(
    ("options", "mss"),
    [
        pytest.param(b"", 536, id="none: the default"),
        pytest.param(MSS_1460, 1460, id="alone"),
        pytest.param(b"\x01\x01\x01\x01" + MSS_1460, 1460, id="after no-operations"),
        pytest.param(b"\x01\x03\x03\x07" + MSS_1460, 1460, id="after another option"),
        pytest.param(b"\x00\x00\x00\x00" + MSS_1460, 536, id="after the end of the list"),
        pytest.param(b"\x02\x03\x05\xb4", 536, id="an option of no such length"),
        pytest.param(b"\x08\x00\x01\x01", 536, id="a length that leads nowhere"),
        pytest.param(b"\x01\x01\x01\x02", 536, id="an option cut off"),
    ],
)
def test_the_maximum_segment_size_is_found_among_the_options(options, mss):
    """RFC 9293, 3.2"""
    header = struct.pack("!HHIIBBHHH", 40000, 80, 1, 0, (20 + len(options)) << 2, SYN, 1000, 0, 0)
    pseudo = struct.pack("!4s4sBBH", bytes((10, 0, 1, 22)), bytes((10, 0, 1, 25)), 0, 6,
        20 + len(options))  # fmt: skip
    right = ipv4.checksum(pseudo + header + options)
    whole = header[:16] + struct.pack("!H", right) + header[18:] + options
    assert tcp_segments.parse(ipv4.packet(CLIENT, SERVER, 6, whole, 1)).mss == mss
