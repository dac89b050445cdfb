"""All flow logs there are, how their deliveries fare, and which interfaces they watch."""

from __future__ import annotations

import threading
from collections.abc import Collection

from labkit.emulator.aggregation import Capture
from labkit.emulator.flow_logs.flow_log import FAILED, DeliverLogs, FlowLog
from labkit.emulator.flow_logs.interfaces import KnownInterfaces
from labkit.emulator.upstream import Clients
from labkit.network.topology import NetworkInterface, Vpc

NITRO_INTERVAL_S = 60


class Registry:
    """The flow logs by id. Safe to use from several threads.

    Args:
        inner: clients straight to moto, asked what an instance runs on.
    """

    def __init__(self, inner: Clients):
        self._inner = inner
        self._lock = threading.Lock()
        self._flow_logs: dict[str, FlowLog] = {}
        self._deliver_logs: dict[str, DeliverLogs] = {}
        self._hypervisors: dict[str, str] = {}
        self.interfaces = KnownInterfaces()

    def add(self, flow_log: FlowLog) -> None:
        with self._lock:
            self._flow_logs[flow_log.id] = flow_log

    def remove(self, flow_log_id: str) -> None:
        with self._lock:
            del self._flow_logs[flow_log_id]
            self._deliver_logs.pop(flow_log_id, None)

    def get(self, flow_log_id: str) -> FlowLog | None:
        """Return a flow log, or None if there is none or none any more."""
        with self._lock:
            return self._flow_logs.get(flow_log_id)

    def in_region(self, region: str) -> dict[str, FlowLog]:
        """Return the region's flow logs by id, oldest first."""
        with self._lock:
            return {item.id: item for item in self._flow_logs.values() if item.region == region}

    def deliver_logs(self, flow_log_id: str) -> DeliverLogs:
        """Return how the flow log's last delivery went; well, as long as there was none."""
        with self._lock:
            return self._deliver_logs.get(flow_log_id, DeliverLogs())

    def delivered(self, flow_log_id: str, error_message: str | None = None) -> None:
        """Note how a delivery went; no message means well."""
        outcome = DeliverLogs(FAILED, error_message) if error_message else DeliverLogs()
        with self._lock:
            if flow_log_id in self._flow_logs:
                self._deliver_logs[flow_log_id] = outcome

    def captures(self, vpc: Vpc, region: str) -> dict[str, tuple[Capture, ...]]:
        """Return for each interface of a VPC the flow logs that watch it.

        A flow log on a VPC or a subnet watches each interface in it, those made later, too.

        Source: docs.aws.amazon.com/vpc/latest/userguide/flow-logs-basics.html
        """
        self.interfaces.remember(vpc, region)
        flow_logs = self.in_region(region).values()
        if not flow_logs:
            return {}
        return {
            interface.id: _watching(
                interface, vpc, flow_logs, self._longest_interval_s(interface, region)
            )
            for interface in vpc.interfaces.values()
        }

    def _longest_interval_s(self, interface: NetworkInterface, region: str) -> int:
        """Return the longest interval that an interface has: on Nitro instances a minute.

        Source: docs.aws.amazon.com/vpc/latest/userguide/flow-logs-basics.html
        """
        if interface.instance_id is None:
            return 600
        is_nitro = self._hypervisor(interface.instance_id, region) == "nitro"
        return NITRO_INTERVAL_S if is_nitro else 600

    def _hypervisor(self, instance_id: str, region: str) -> str:
        if instance_id not in self._hypervisors:
            ec2 = self._inner("ec2", region)
            instance = ec2.describe_instances(InstanceIds=[instance_id])["Reservations"][0]
            name = instance["Instances"][0]["InstanceType"]
            kind = ec2.describe_instance_types(InstanceTypes=[name])["InstanceTypes"][0]
            self._hypervisors[instance_id] = kind.get("Hypervisor", "nitro")
        return self._hypervisors[instance_id]


def _watching(
    interface: NetworkInterface, vpc: Vpc, flow_logs: Collection[FlowLog], longest_s: int
) -> tuple[Capture, ...]:
    resources = (interface.id, interface.subnet_id, vpc.id)
    return tuple(
        Capture(
            flow_log.id,
            flow_log.settings.traffic_type,
            min(flow_log.settings.max_aggregation_interval, longest_s),
        )
        for flow_log in flow_logs
        if flow_log.settings.resource_id in resources
    )
