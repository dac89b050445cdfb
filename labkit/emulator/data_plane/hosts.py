"""The hosts of all VPCs, kept in step with the topology: a host for each running instance."""

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from labkit.emulator.data_plane.agent import Addresses
from labkit.emulator.data_plane.messages import CommandOutcome, CommandSpec
from labkit.network.resources import Vpc

Ready = Callable[[str | None], None]
"""Called once: with None, or with the reason why it cannot be."""


@dataclass(frozen=True, slots=True)
class InterfaceSpec:
    """One network interface as its host sees it; router is the subnet's, for the default route."""

    id: str
    name: str
    addresses: tuple[str, ...]  # primary first
    prefix_length: int
    router: str | None
    mtu: int


@dataclass(frozen=True, slots=True)
class HostSpec:
    """All that a host is made from: when it changes, the host is made anew."""

    instance_id: str
    vpc_id: str
    hostname: str
    interfaces: tuple[InterfaceSpec, ...]


class Reporter(Protocol):
    """Is told what becomes of scripts and of agents."""

    def started(self, command_id: str, instance_id: str, at: float) -> None: ...

    def finished(self, ended: CommandOutcome) -> None: ...

    def agent_seen(self, instance_id: str, heard_at: Mapping[str, float | None]) -> None: ...


class Host(Protocol):
    """A place where scripts run and packets come out: the interface of both kinds."""

    spec: HostSpec

    def start(self, ready: Ready) -> None:
        """Come up, plug into the wire, then call ready."""
        ...

    def run(self, command: CommandSpec) -> None:
        """Start a script and tell the reporter: started, then finished, whatever happens."""
        ...

    def cancel(self, command_id: str) -> None: ...

    def reach(self, addresses: Addresses) -> None:
        """Have the agent try its endpoints, as Agent.reach does."""
        ...

    def close(self) -> None:
        """End the host with all that runs in it; its scripts are reported as failed."""
        ...


class Hosts:
    """The hosts by instance id. on_up is told of each host that has come up."""

    def __init__(
        self, make: Callable[[HostSpec], Host], on_up: Callable[[Host], None] = lambda host: None
    ) -> None:
        self._make, self._on_up = make, on_up
        self._hosts: dict[str, Host] = {}
        self._pending: dict[str, list[Ready]] = {}  # of hosts that are starting

    def host(self, instance_id: str) -> Host | None:
        return self._hosts.get(instance_id)

    def is_up(self, instance_id: str) -> bool:
        return instance_id in self._hosts and instance_id not in self._pending

    def vpc_of(self, instance_id: str) -> str | None:
        host = self._hosts.get(instance_id)
        return host.spec.vpc_id if host else None

    def reconcile(self, vpc_id: str, vpc: Vpc | None, ready: Ready) -> None:
        """Give each running instance of a VPC its host, end all others of it, then call ready."""
        wanted = host_specs(vpc) if vpc else {}
        for instance_id, host in list(self._hosts.items()):
            if host.spec.vpc_id == vpc_id and host.spec != wanted.get(instance_id):
                self.remove(instance_id)
        for instance_id, spec in wanted.items():
            if instance_id not in self._hosts:
                self._start(spec)
        self._when_up([id_ for id_ in wanted if id_ in self._pending], ready)

    def remove(self, instance_id: str) -> None:
        """End one host; the next reconciliation of its VPC makes another if it should be there."""
        host = self._hosts.pop(instance_id)
        host.close()
        self._settle(instance_id, f"the host of {instance_id} ended while it started")

    def restart(self, instance_id: str) -> None:
        """End a host and make it anew."""
        spec = self._hosts[instance_id].spec
        self.remove(instance_id)
        self._start(spec)

    def close(self) -> None:
        for instance_id in list(self._hosts):
            self.remove(instance_id)

    def _start(self, spec: HostSpec) -> None:
        host = self._hosts[spec.instance_id] = self._make(spec)
        self._pending[spec.instance_id] = []

        def ready(problem: str | None) -> None:
            if self._hosts.get(spec.instance_id) is not host:
                return
            if problem:
                del self._hosts[spec.instance_id]
                host.close()
                problem = f"the host of {spec.instance_id} cannot be made: {problem}"
            else:
                self._on_up(host)
            self._settle(spec.instance_id, problem)

        host.start(ready)

    def _settle(self, instance_id: str, problem: str | None) -> None:
        for waiting in self._pending.pop(instance_id, []):
            waiting(problem)

    def _when_up(self, starting: list[str], ready: Ready) -> None:
        """Call ready when the last of these hosts is up, with the first problem there was."""
        left, problems = set(starting), []
        if not left:
            ready(None)

        def one_is_up(instance_id: str, problem: str | None) -> None:
            left.discard(instance_id)
            problems.extend([problem] if problem else [])
            if not left:
                ready(problems[0] if problems else None)

        for instance_id in starting:
            self._pending[instance_id].append(
                lambda problem, id_=instance_id: one_is_up(id_, problem)
            )


def host_specs(vpc: Vpc) -> Mapping[str, HostSpec]:
    """Return what the running instances of a VPC should look like, by instance id.

    An instance that was made while the VPC was read may lack its interfaces; it comes with the next
    reading, which follows the call that made it.
    """
    return {
        instance.id: HostSpec(
            instance_id=instance.id,
            vpc_id=vpc.id,
            hostname=instance.private_dns_name or _hostname(vpc, instance.interface_ids[0]),
            interfaces=tuple(
                _interface_spec(vpc, interface_id, index)
                for index, interface_id in enumerate(instance.interface_ids)
            ),
        )
        for instance in vpc.instances.values()
        if instance.state == "running"
        and instance.interface_ids
        and vpc.interfaces.keys() >= set(instance.interface_ids)
    }


def _hostname(vpc: Vpc, interface_id: str) -> str:
    return "ip-" + vpc.interfaces[interface_id].primary_ip.replace(".", "-")


def _interface_spec(vpc: Vpc, interface_id: str, index: int) -> InterfaceSpec:
    """Name it as Nitro instances do, ens5 and up.

    The subnet's router has the first address after the network's.
    Source: docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
    """
    interface = vpc.interfaces[interface_id]
    network = ipaddress.ip_network(vpc.subnets[interface.subnet_id].cidr_block)
    return InterfaceSpec(
        id=interface.id,
        name=f"ens{5 + index}",
        addresses=interface.private_ips,
        prefix_length=network.prefixlen,
        router=str(network[1]) if index == 0 else None,
        mtu=interface.mtu,
    )
