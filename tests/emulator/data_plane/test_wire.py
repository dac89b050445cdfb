import os
import time

from wire_lab import build_vpc, ping

from labkit.emulator.aggregation import Capture
from labkit.emulator.data_plane.loop import Loop
from labkit.emulator.data_plane.wire import Wire
from labkit.emulator.switch import Switch

HOSTS = {"eni-a": "10.0.1.10", "eni-b": "10.0.1.11"}


def test_a_packet_that_finds_the_receiver_s_queue_full_is_told_as_skipdata():
    """docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html, log-status"""
    switch = Switch("lab")
    switch.set_vpc("vpc-1", build_vpc(HOSTS), dict.fromkeys(HOSTS, (Capture("fl-1", "ALL", 60),)))
    loop = Loop()
    wire = Wire(loop, switch, lambda: None)
    out, queue = os.pipe()
    wire.plug_tun("eni-b", queue)
    packet = ping(*HOSTS.values())
    while not wire.lost:
        wire.put("eni-a", packet)
    records = switch.close(time.time() + 60, {"vpc-1"})
    assert {(r.interface_id, r.log_status) for r in records if r.log_status != "OK"} == {
        ("eni-b", "SKIPDATA")
    }
    assert wire.lost == 1
    wire.unplug("eni-b")
    os.close(out)
    loop.close()
