"""Packets per second through verdict and aggregation, beside a switch that only forwards.

Run: python tests/benchmarks/packets_per_second.py

A hundred rules in each security group and each network ACL, the rule that allows is the last one;
two flow logs watch each of the two interfaces, in different subnets. Packets come and go by a
system call each, as with TUN devices. The numbers are packets per second of processor time: median
of five runs of each switch, interleaved.
"""

import gc
import os
import socket
import statistics
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from labkit.emulator.aggregation import Capture
from labkit.emulator.switch import Switch
from labkit.network.topology import (
    AclEntry,
    NetworkAcl,
    NetworkInterface,
    Route,
    RouteTable,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
    Vpc,
)

RULES = 100
BATCH = 8  # what a socket pair holds at least
NOW = 1_700_000_000.0
Send = Callable[[str, bytes, float], str | None]


def build_vpc(*, allow: bool = True) -> Vpc:
    """Build two subnets with one interface each, and RULES rules at every filter."""
    narrow = SecurityGroupRule(None, "sg", False, 6, 1, 1, cidr="192.0.2.0/24")
    open_ = replace(narrow, protocol=-1, cidr="10.0.0.0/16")
    ingress = (*(replace(narrow, from_port=n, to_port=n) for n in range(1, RULES)), open_)
    egress = tuple(replace(rule, is_egress=True) for rule in ingress)
    deny = AclEntry("acl", 1, False, 6, "deny", cidr="192.0.2.0/24", from_port=1, to_port=1)
    entries = [replace(deny, rule_number=n, from_port=n, to_port=n) for n in range(1, RULES)]
    entries.append(
        replace(deny, rule_number=RULES, protocol=-1, rule_action="allow", cidr="0.0.0.0/0")
    )
    entries += [replace(entry, is_egress=True) for entry in entries]
    return Vpc(
        id="vpc",
        cidr_blocks=("10.0.0.0/16",),
        subnets={
            name: Subnet(name, "vpc", f"10.0.{name}.0/24", "acl", "rtb") for name in ("1", "2")
        },
        interfaces={
            f"eni-{n}": NetworkInterface(f"eni-{n}", "vpc", n, (f"10.0.{n}.10",), ("sg",))
            for n in ("1", "2")
        },
        instances={},
        security_groups={
            "sg": SecurityGroup("sg", "vpc", "g", ingress if allow else ingress[:-1], egress)
        },
        network_acls={"acl": NetworkAcl("acl", "vpc", False, tuple(entries))},
        route_tables={
            "rtb": RouteTable("rtb", "vpc", True, (Route("rtb", "10.0.0.0/16", "local"),))
        },
        prefix_lists={},
    )


def ipv4(source: int, destination: int, protocol: int, payload: bytes) -> bytes:
    """Build a packet from 10.0.<source>.10 to 10.0.<destination>.10."""
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 1, 0, 127, protocol, 0)
    return header + bytes((10, 0, source, 10, 10, 0, destination, 10)) + payload


def pings(packets: int, identifiers: int) -> list[tuple[str, bytes]]:
    """Build requests and replies in turn, of this many pings at the same time."""
    built = []
    for n in range(packets // 2):
        rest = struct.pack("!HH", n % identifiers, n & 0xFFFF) + bytes(56)
        built.append(("eni-1", ipv4(1, 2, 1, b"\x08\x00\x00\x00" + rest)))
        built.append(("eni-2", ipv4(2, 1, 1, b"\x00\x00\x00\x00" + rest)))
    return built


def syn(srcport: int, dstport: int) -> tuple[str, bytes]:
    """Build the first packet of a TCP connection from 1 to 2."""
    rest = struct.pack("!IIBBHHH", 1, 0, 0x50, 2, 0, 0, 0)
    return "eni-1", ipv4(1, 2, 6, struct.pack("!HH", srcport, dstport) + rest)


def connections(packets: int) -> list[tuple[str, bytes]]:
    """Build the first packets of this many connections to one port."""
    return [syn(1024 + n, 5000) for n in range(packets)]


def scan(packets: int) -> list[tuple[str, bytes]]:
    """Build a scan: the first packets of connections to this many ports, most of them in a rule."""
    return [syn(40_000, 1 + n) for n in range(packets)]


def bare_switch() -> Send:
    """Return a switch that forwards by the destination address and does nothing else."""
    by_address = {bytes((10, 0, n, 10)): f"eni-{n}" for n in (1, 2)}
    return lambda interface_id, data, now: by_address.get(data[16:20])


def real_switch(*, allow: bool = True) -> Send:
    """Return the emulator's switch with two flow logs on each interface."""
    switch = Switch("lab")
    captures = (Capture("fl-1", "ALL", 60), Capture("fl-2", "ALL", 60))
    switch.set_vpc("vpc", build_vpc(allow=allow), {"eni-1": captures, "eni-2": captures})
    return switch.send


def packets_per_second(send: Send, packets: list[tuple[str, bytes]]) -> float:
    """Read, send and write all packets, 10 microseconds of the records' clock apart."""
    source, entry = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    exit_, sink = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    gc.collect()
    spent, now = 0.0, NOW
    with source, entry, exit_, sink:
        for start in range(0, len(packets), BATCH):
            batch = packets[start : start + BATCH]
            for _, data in batch:
                source.send(data)
            began = time.process_time()
            for interface_id, _ in batch:
                data = os.read(entry.fileno(), 9216)
                now += 1e-5
                if send(interface_id, data, now):
                    os.write(exit_.fileno(), data)
            spent += time.process_time() - began
            sink.setblocking(False)
            with suppress(BlockingIOError):
                while True:
                    sink.recv(9216)
    return len(packets) / spent


def main() -> None:
    """Print a line per kind of traffic."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)  # as the data process does
    kinds = {
        "known flows: one ping": (pings(50_000, 1), True),
        "known flows: a thousand pings": (pings(50_000, 1000), True),
        "known flows: a rejected ping": (pings(50_000, 1)[::2], False),
        "new flows: TCP connections": (connections(20_000), True),
        "new flows: a scan of 1000 ports": (scan(1000), True),
        "new flows: the same, rejected": (scan(1000), False),
        "new flows: a scan of all ports": (scan(65_535), False),
    }
    for kind, (packets, allow) in kinds.items():
        bare, real = [], []
        for _ in range(5):
            bare.append(packets_per_second(bare_switch(), packets))
            real.append(packets_per_second(real_switch(allow=allow), packets))
        ratio = statistics.median(real) / statistics.median(bare)
        print(
            f"{kind:32} {statistics.median(real):9,.0f} packets/s, "
            f"bare {statistics.median(bare):9,.0f}, ratio {ratio:.2f}"
        )


if __name__ == "__main__":
    main()
