"""A control process that does not read: what is counted waits, and what is too much is told."""

import socket

from wire_lab import build_vpc, udp

from labkit.emulator.aggregation import Capture
from labkit.emulator.data_plane.channel import Channel
from labkit.emulator.data_plane.messages import Records, Settings
from labkit.emulator.data_plane.process import DataProcess

HOSTS = {"eni-a": "10.0.1.10", "eni-b": "10.0.1.11"}
FLOWS = 20_000
T = 1_700_000_040.0


def test_records_that_nobody_reads_wait_in_their_windows():
    """Nothing is lost, and what waits in memory has a limit: the windows'."""
    ours, theirs = socket.socketpair()
    control, channel = Channel.of_objects(ours), Channel.of_objects(theirs)
    theirs.setblocking(False)
    data_process = DataProcess(channel, Settings("lab", "in-process"))
    watching = dict.fromkeys(HOSTS, (Capture("fl-1", "ALL", 60),))
    data_process._switch.set_vpc("vpc-1", build_vpc(HOSTS), watching)
    for number in range(FLOWS):
        packet = udp(*HOSTS.values(), (1024 + number, 53))
        assert data_process._switch.send("eni-a", packet, T)
    for _ in range(2 * FLOWS // 1000):
        data_process._close_windows()
    assert 1 << 20 < channel.waiting_bytes < 3 << 19

    packets, ours_is_empty = 0, False
    ours.setblocking(False)
    while not ours_is_empty:
        channel.flush()
        messages = control.arrived()
        told = [record for one in messages if isinstance(one, Records) for record in one.records]
        packets += sum(record.packets for record in told)
        data_process._close_windows()
        ours_is_empty = not messages and not channel.waiting_bytes
    assert packets == 2 * FLOWS
    for end in (ours, theirs):
        end.close()
