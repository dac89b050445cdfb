"""What answers behind the interfaces of VPC endpoints: heartbeats of agents, nothing else."""

import ipaddress
import socket
from functools import partial

from labkit.emulator.data_plane.agent import (
    HEARTBEAT_S,
    HELLO,
    HTTPS,
    WELCOME,
    Addresses,
)
from labkit.emulator.data_plane.loop import Loop
from labkit.emulator.data_plane.tcp_connection import TcpConnection
from labkit.emulator.data_plane.tcp_stack import TcpStack
from labkit.emulator.data_plane.wire import Wire
from labkit.network.resources import Instance, NetworkInterface, Vpc

_FORGOTTEN_S = 3 * HEARTBEAT_S  # by then a living agent has opened another
SERVICES = ("ssm", "ssmmessages")  # that an agent cannot do without


class Endpoints:
    """The interfaces of the VPC endpoints of all VPCs, plugged into the wire."""

    def __init__(self, loop: Loop, wire: Wire) -> None:
        self._loop, self._wire = loop, wire
        self._stacks: dict[str, tuple[NetworkInterface, TcpStack]] = {}

    def reconcile(self, vpc_id: str, vpc: Vpc | None) -> None:
        """Let each endpoint interface of a VPC answer on port 443; others of it no more."""
        wanted = _interfaces(vpc) if vpc else {}
        for interface_id, (interface, stack) in list(self._stacks.items()):
            now = wanted.get(interface_id)
            gone = now is None or now.private_ips != interface.private_ips
            if interface.vpc_id == vpc_id and gone:
                del self._stacks[interface_id]
                self._wire.unplug(interface_id)
                stack.close()
        for interface_id in wanted.keys() - self._stacks.keys():
            self._plug(wanted[interface_id])

    def _plug(self, interface: NetworkInterface) -> None:
        def send(srcaddr: str, dstaddr: str, data: bytes) -> None:
            self._wire.put(interface.id, data)

        # What an endpoint does on other ports is not documented: it stays silent.
        stack = TcpStack(self._loop, send, mtu=interface.mtu, is_silent=True)
        stack.listen(HTTPS, partial(_Answering, self._loop))
        self._stacks[interface.id] = interface, stack
        self._wire.plug(interface.id, partial(_receive, interface, stack))


def _receive(interface: NetworkInterface, stack: TcpStack, data: bytes) -> None:
    if data[9] == socket.IPPROTO_TCP and socket.inet_ntoa(data[16:20]) in interface.private_ips:
        stack.receive(data)


class _Answering:
    """One connection to an endpoint: heartbeats are answered, anything else closes it."""

    def __init__(self, loop: Loop, connection: TcpConnection) -> None:
        self._connection = connection
        self._limit = loop.call_later(_FORGOTTEN_S, connection.abort)
        self._data = bytearray()

    def connected(self) -> None:
        return

    def received(self, data: bytes) -> None:
        self._data += data
        while self._data.startswith(HELLO):
            del self._data[: len(HELLO)]
            self._connection.send(WELCOME)
        if not HELLO.startswith(self._data):
            self._connection.close()

    def finished(self) -> None:
        self._connection.close()

    def ended(self, problem: str | None) -> None:
        self._limit.cancel()


def agent_addresses(vpc: Vpc, instance: Instance) -> Addresses:
    """Return where an instance's agent finds its services: those with private DNS names.

    Empty without an instance profile: then the agent has no credentials and asks nobody. Addresses
    of the instance's own subnet come first.
    """
    own = vpc.interfaces.get(next(iter(instance.interface_ids), ""))
    if instance.profile_arn is None or own is None:
        return {}
    found: dict[str, tuple[str, ...]] = {}
    for service in SERVICES:
        interfaces = [
            vpc.interfaces[id_]
            for endpoint in vpc.endpoints.values()
            if endpoint.service_name.rpartition(".")[2] == service and endpoint.private_dns
            for id_ in endpoint.interface_ids
            if id_ in vpc.interfaces
        ]
        interfaces.sort(
            key=lambda item: (
                item.subnet_id != own.subnet_id,
                ipaddress.ip_address(item.primary_ip),
            )
        )
        found[service] = tuple(item.primary_ip for item in interfaces)
    return found


def agent_surroundings(vpc: Vpc, instance: Instance) -> tuple[object, ...]:
    """Return what decides whether an agent reaches its endpoints: compare to see it change."""
    ids = [*instance.interface_ids]
    ids += [id_ for endpoint in vpc.endpoints.values() for id_ in endpoint.interface_ids]
    return (
        agent_addresses(vpc, instance),
        [vpc.interfaces.get(id_) for id_ in ids],
        vpc.security_groups,
        vpc.network_acls,
        vpc.route_tables,
        vpc.subnets,
        vpc.prefix_lists,
    )


def _interfaces(vpc: Vpc) -> dict[str, NetworkInterface]:
    ids = [id_ for endpoint in vpc.endpoints.values() for id_ in endpoint.interface_ids]
    return {id_: vpc.interfaces[id_] for id_ in ids if id_ in vpc.interfaces}
