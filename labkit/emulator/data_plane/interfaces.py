"""A host's network interfaces: TUN devices, set up by ioctl inside its network namespace."""

import ctypes
import fcntl
import os
import socket
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

TUN = "/dev/net/tun"

_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000
_IFF_UP, _IFF_RUNNING = 0x1, 0x40
_TUNSETIFF = 0x400454CA
_SIOCADDRT, _SIOCSIFFLAGS, _SIOCSIFADDR = 0x890B, 0x8914, 0x8916
_SIOCSIFNETMASK, _SIOCSIFMTU = 0x891C, 0x8922
_RTF_UP, _RTF_GATEWAY = 0x1, 0x2
_RTM_NEWLINK, _NLM_F_REQUEST, _NLM_F_ACK, _NLMSG_ERROR, _IFLA_TXQLEN = 16, 1, 4, 2, 13
_QUEUE_PACKETS = 5000  # a flood must not overrun the wire while that is busy with others

_NET = Path("/proc/sys/net")
_SYSCTLS = {
    # Amazon Linux 2023 answers with this time to live.
    "ipv4/ip_default_ttl": "127",
    # Copied from the machine at the namespace's birth; an instance's interfaces answer anybody.
    "ipv4/conf/all/rp_filter": "0",
    "ipv4/conf/default/rp_filter": "0",
    "ipv6/conf/all/disable_ipv6": "1",
    "ipv6/conf/default/disable_ipv6": "1",
}


def open_tun() -> int:
    """Open the TUN device; what it becomes belongs to the network namespace of this moment.

    Raises:
        OSError: with a sentence for a person.
    """
    try:
        return os.open(TUN, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        raise OSError(error.errno, f"{TUN} cannot be opened: {error.strerror}") from None


def write_sysctls() -> None:
    """Make this network namespace behave like an instance's network stack."""
    for name, value in _SYSCTLS.items():
        path = _NET / name
        if path.exists():  # no ipv6 folder on machines without IPv6
            path.write_text(value)


def set_up(tuns: Sequence[int], interfaces: Sequence[dict[str, Any]]) -> None:
    """Bring up lo and one device for each TUN.

    Args:
        tuns: from ``open_tun``.
        interfaces: one dict for each TUN: name, addresses (primary first), prefix_length, router
            (the subnet's, None where another interface has the default route), mtu.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        _bring_up(control, "lo")
        for tun, interface in zip(tuns, interfaces, strict=True):
            _set_up_one(control, tun, interface)


def _set_up_one(control: socket.socket, tun: int, interface: dict[str, Any]) -> None:
    name = interface["name"]
    fcntl.ioctl(tun, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TUN | _IFF_NO_PI))
    for number, address in enumerate(interface["addresses"]):
        label = f"{name}:{number}" if number else name
        prefix_length = 32 if number else interface["prefix_length"]
        _configure(control, _SIOCSIFADDR, label, _socket_address(address))
        _configure(control, _SIOCSIFNETMASK, label, _socket_address(_netmask(prefix_length)))
    _configure(control, _SIOCSIFMTU, name, struct.pack("i", interface["mtu"]))
    _set_queue_length(name, _QUEUE_PACKETS)
    _bring_up(control, name)
    if interface["router"]:
        _add_default_route(control, name, interface["router"])


def _bring_up(control: socket.socket, name: str) -> None:
    _configure(control, _SIOCSIFFLAGS, name, struct.pack("H", _IFF_UP | _IFF_RUNNING))


def _configure(control: socket.socket, request: int, name: str, value: bytes) -> None:
    fcntl.ioctl(control, request, struct.pack("16s24s", name.encode(), value))


def _set_queue_length(name: str, packets: int) -> None:
    """Set it by netlink: the ioctl for it wants the machine's own root."""
    body = struct.pack("BxHiII", socket.AF_UNSPEC, 0, socket.if_nametoindex(name), 0, 0)
    body += struct.pack("HHI", 8, _IFLA_TXQLEN, packets)
    flags = _NLM_F_REQUEST | _NLM_F_ACK
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as netlink:
        netlink.send(struct.pack("IHHII", 16 + len(body), _RTM_NEWLINK, flags, 1, 0) + body)
        answer = netlink.recv(4096)
    kind, error = struct.unpack_from("H", answer, 4)[0], struct.unpack_from("i", answer, 16)[0]
    if kind == _NLMSG_ERROR and error:
        raise OSError(-error, f"queue length of {name}: {os.strerror(-error)}")


def _add_default_route(control: socket.socket, name: str, router: str) -> None:
    device = ctypes.create_string_buffer(name.encode())
    anywhere = _socket_address("0.0.0.0")
    # struct rtentry of <linux/route.h>, laid out by native alignment
    route = struct.pack(
        "L16s16s16sHhLPhPLLH",
        0, anywhere, _socket_address(router), anywhere, _RTF_UP | _RTF_GATEWAY,
        0, 0, 0, 0, ctypes.addressof(device), 0, 0, 0,
    )  # fmt: skip
    fcntl.ioctl(control, _SIOCADDRT, route)


def _socket_address(address: str) -> bytes:
    return struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(address))


def _netmask(prefix_length: int) -> str:
    return socket.inet_ntoa(struct.pack("!I", (0xFFFFFFFF << (32 - prefix_length)) & 0xFFFFFFFF))
