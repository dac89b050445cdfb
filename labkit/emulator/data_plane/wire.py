"""The wire: takes packets out of interfaces, asks the switch, hands them to who receives them."""

import errno
import os
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from labkit.emulator.data_plane.loop import Loop
from labkit.emulator.switch import Switch

Deliver = Callable[[bytes], object]

_PACKET_BYTES = 9216  # over the MTU of 9001: a TUN device hands out one packet a read
_BATCH_PACKETS = 64  # then other interfaces have their turn
_IPV4 = 4
_QUEUE_IS_FULL = {errno.EAGAIN, errno.ENOBUFS}


@dataclass(slots=True)
class _Tun:
    fd: int
    count_drops: Callable[[], int]
    dropped: int = 0  # and told


class Wire:
    """Ports by network interface id, and the switch that judges what goes between them.

    on_traffic is called after packets have passed. lost counts the packets that the receiver's
    queue had no room for, not_ipv4 those that were never looked at.

    Whatever is dropped here is told by a SKIPDATA record of the interface where it was: what a
    receiver's queue had no room for, and what a host sent faster than we read (``note_drops``).
    """

    def __init__(self, loop: Loop, switch: Switch, on_traffic: Callable[[], None]) -> None:
        self.lost = 0
        self.not_ipv4 = 0
        self._loop = loop
        self._switch = switch
        self._on_traffic = on_traffic
        self._ports: dict[str, Deliver] = {}
        self._tuns: dict[str, _Tun] = {}
        self._crowded: set[str] = set()  # those whose queue to us was long
        self._waiting: deque[tuple[str, bytes]] = deque()

    def plug(self, interface_id: str, deliver: Deliver) -> None:
        """Hand the packets for an interface to deliver, which must not send but ``put``."""
        self._ports[interface_id] = deliver

    def plug_tun(
        self, interface_id: str, fd: int, count_drops: Callable[[], int] = lambda: 0
    ) -> None:
        """Carry packets from and to a TUN device; the wire owns fd from here on.

        count_drops: tells how many packets the device, ever, had no room for on their way to us.
        """
        os.set_blocking(fd, False)
        self._tuns[interface_id] = _Tun(fd, count_drops)
        self._ports[interface_id] = partial(self._write, interface_id, fd)
        self._loop.watch(fd, partial(self._read, interface_id, fd))

    def unplug(self, interface_id: str) -> None:
        self._ports.pop(interface_id, None)
        self._crowded.discard(interface_id)
        if tun := self._tuns.pop(interface_id, None):
            self._loop.unwatch(tun.fd)
            os.close(tun.fd)

    def note_drops(self) -> None:
        """Have flow logs say where hosts sent more than their queue to us could hold."""
        crowded, self._crowded = self._crowded, set()
        for interface_id in crowded:
            tun = self._tuns[interface_id]
            try:
                dropped = tun.count_drops()
            except OSError:  # its host has just ended, which is told apart from here
                continue
            if dropped > tun.dropped:
                tun.dropped = dropped
                self._switch.skip(interface_id, time.time())

    def put(self, interface_id: str, data: bytes) -> None:
        """Send a packet out of an interface, and those that its delivery brings about."""
        is_carrying = bool(self._waiting)
        self._waiting.append((interface_id, data))
        if is_carrying:
            return
        while self._waiting:
            self._carry(*self._waiting[0])
            self._waiting.popleft()
        self._on_traffic()

    def _carry(self, interface_id: str, data: bytes) -> None:
        receiver_id = self._switch.send(interface_id, data, time.time())
        if receiver_id is not None and (deliver := self._ports.get(receiver_id)):
            deliver(data)

    def _read(self, interface_id: str, fd: int) -> None:
        for number in range(_BATCH_PACKETS):
            if number == _BATCH_PACKETS - 1:
                self._crowded.add(interface_id)
            try:
                data = os.read(fd, _PACKET_BYTES)
            except BlockingIOError:
                break
            except OSError:  # the device went away with its host, which is told apart from here
                self.unplug(interface_id)
                break
            if data[0] >> 4 == _IPV4:
                self._carry(interface_id, data)
            else:
                self.not_ipv4 += 1
        self._on_traffic()

    def _write(self, interface_id: str, fd: int, data: bytes) -> None:
        try:
            os.write(fd, data)
        except OSError as error:
            if error.errno not in _QUEUE_IS_FULL | {errno.EIO}:
                raise
            self.lost += 1
            if error.errno in _QUEUE_IS_FULL:
                self._switch.skip(interface_id, time.time())
