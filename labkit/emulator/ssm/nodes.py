"""Managed nodes: which instances Systems Manager can reach, and what it tells of them.

Source: docs.aws.amazon.com/systems-manager/latest/userguide/systems-manager-setting-up-ec2.html
and setup-create-vpc.html
"""

from __future__ import annotations

import logging
import platform
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import Any, Protocol

from labkit.emulator import constraints, roles
from labkit.emulator.operations import Call, Operations
from labkit.emulator.paging import page
from labkit.emulator.policies import UnsupportedPolicy
from labkit.emulator.ssm.node_filters import asks_for, keep
from labkit.emulator.ssm.times import as_datetime
from labkit.emulator.upstream import DEFAULT_REGION, Clients
from labkit.network.topology import Instance, NetworkInterface, Vpc

log = logging.getLogger("labkit.emulator")

ACTIONS = (
    "ssm:UpdateInstanceInformation",
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
)
"""What AmazonSSMManagedInstanceCore allows and the agent cannot do without."""
DEFAULT_PAGE = 10

IsAllowed = Callable[[str | None], bool]
"""Takes an instance profile's ARN; says whether it makes a managed node."""


class Topology(Protocol):
    """What managed nodes need of the topology."""

    def with_instances(self, region: str) -> list[Vpc]: ...
    def instance(self, instance_id: str) -> tuple[str, Vpc, Instance] | None: ...


@dataclass(slots=True)
class _Registered:
    """A node that was reached at least once; last_ping_at is when that was last seen."""

    region: str
    last_ping_at: float


class ManagedNodes:
    """The instances that could be managed nodes on AWS, judged at the moment somebody asks.

    A running instance is Online if its profile's role allows what the agent does, and if its
    agent's connections to an `ssm` and to an `ssmmessages` endpoint of its VPC stand. These are
    real ones (data_plane.agent), and are opened anew after each change of the rules: where they do
    not come up, a node that was Online becomes ConnectionLost, while on AWS an open connection
    outlives the rule. A node that nobody asked about was never Online.

    Args:
        topology: the VPCs.
        last_heard_at: tells when an instance's agent was last heard, None if it has not both
            connections.
        inner: clients straight to moto, to read roles and tags.
    """

    def __init__(
        self,
        topology: Topology,
        last_heard_at: Callable[[str], float | None],
        inner: Clients,
    ):
        self._topology = topology
        self._last_heard_at = last_heard_at
        self._inner = inner
        self._lock = threading.Lock()
        self._registered: dict[str, _Registered] = {}

    def operations(self) -> Operations:
        return {("ssm", "DescribeInstanceInformation"): self.describe}

    def is_online(self, instance_id: str, region: str) -> bool:
        """Return whether the instance is a managed node that can be reached now."""
        found = self._topology.instance(instance_id)
        return found is not None and found[0] == region and self._judge(*found, self._is_allowed)

    def is_registered(self, instance_id: str, region: str) -> bool:
        """Return whether the instance was a managed node at some time."""
        with self._lock:
            node = self._registered.get(instance_id)
        return node is not None and node.region == region

    def state(self, instance_id: str) -> str | None:
        """Return the instance's state as EC2 tells it; None if there is no such instance."""
        found = self._topology.instance(instance_id)
        return found[2].state if found else None

    def role_allows(self, instance_id: str, action: str, resource: str) -> bool:
        """Return whether the role of the instance's profile allows an action, by its policies."""
        found = self._topology.instance(instance_id)
        arn = found[2].profile_arn if found else None
        return self._allows(arn, [action], resource)

    def computer_name(self, instance_id: str) -> str:
        """Return the instance's private DNS name, which it has for its own."""
        found = self._topology.instance(instance_id)
        return found[2].private_dns_name if found else ""

    def describe(self, call: Call) -> dict[str, Any]:
        """Answer the running nodes: Online, or ConnectionLost if they were Online once.

        Stopped and terminated nodes are left out, as on AWS.
        """
        constraints.check("ssm", "DescribeInstanceInformation", call.parameters)
        asked, is_allowed = call.parameters, cache(self._is_allowed)
        nodes = [
            node
            for vpc in self._topology.with_instances(call.region)
            for instance in vpc.instances.values()
            if asks_for(asked, instance.id)
            and (node := self._described(call.region, vpc, instance, is_allowed))
        ]
        kept = keep(nodes, asked, self._inner("ec2", call.region))
        items, token = page(kept, asked.get("MaxResults", DEFAULT_PAGE), asked.get("NextToken"))
        return {"InstanceInformationList": items, **({"NextToken": token} if token else {})}

    def _described(
        self, region: str, vpc: Vpc, instance: Instance, is_allowed: IsAllowed
    ) -> dict[str, Any] | None:
        if instance.state != "running":
            return None
        is_online = self._judge(region, vpc, instance, is_allowed)
        with self._lock:
            node = self._registered.get(instance.id)
        if node is None:
            return None
        return {
            "InstanceId": instance.id,
            "PingStatus": "Online" if is_online else "ConnectionLost",
            "LastPingDateTime": as_datetime(node.last_ping_at),
            "AgentVersion": version("labkit"),
            "IsLatestVersion": True,
            **_platform(),
            "ResourceType": "EC2Instance",
            "IPAddress": _primary_interface(vpc, instance).primary_ip,
            "ComputerName": instance.private_dns_name,
            "SourceId": instance.id,
            "SourceType": "AWS::EC2::Instance",
        }

    def _judge(self, region: str, vpc: Vpc, instance: Instance, is_allowed: IsAllowed) -> bool:
        if instance.state != "running" or not instance.interface_ids:
            return False
        heard_at = self._last_heard_at(instance.id)
        if heard_at is None or not is_allowed(instance.profile_arn):
            return False
        with self._lock:
            self._registered[instance.id] = _Registered(region, heard_at)
        return True

    def _is_allowed(self, profile_arn: str | None) -> bool:
        """Return whether the instance profile's role allows what the agent asks for."""
        return self._allows(profile_arn, ACTIONS, "*")

    def _allows(self, profile_arn: str | None, actions: Sequence[str], resource: str) -> bool:
        """Ask the roles; a policy that is not evaluated here counts as one that does not allow."""
        if profile_arn is None:
            return False
        iam = self._inner("iam", DEFAULT_REGION)
        try:
            return any(
                all(role.allow(action, resource) for action in actions)
                for arn in roles.profile_role_arns(iam, profile_arn)
                for role in [roles.permissions(iam, arn)]
            )
        except UnsupportedPolicy as error:
            log.warning("%s counts as allowing nothing: a policy has %s", profile_arn, error)
            return False


def _primary_interface(vpc: Vpc, instance: Instance) -> NetworkInterface:
    return vpc.interfaces[instance.interface_ids[0]]


def _platform() -> Mapping[str, str]:
    """Return what the programs on a host really are: those of the machine."""
    if sys.platform == "darwin":
        names = ("MacOS", "macOS", platform.mac_ver()[0])
    else:
        release = platform.freedesktop_os_release()
        names = ("Linux", release["NAME"], release.get("VERSION_ID", ""))
    return dict(zip(("PlatformType", "PlatformName", "PlatformVersion"), names, strict=True))
