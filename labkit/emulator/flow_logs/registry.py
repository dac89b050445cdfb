"""All flow logs there are, how their deliveries fare, and which interfaces they watch."""

from __future__ import annotations

import threading
from collections.abc import Iterable

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

        A flow log on a VPC or a subnet watches each interface in it, those made later, too. An
        interface that none watches is left out.

        Source: docs.aws.amazon.com/vpc/latest/userguide/flow-logs-basics.html
        """
        self.interfaces.remember(vpc, region)
        flow_logs = self.in_region(region).values()
        return {
            interface.id: captures
            for interface in vpc.interfaces.values()
            if (captures := self._watching(interface, vpc, flow_logs))
        }

    def _watching(
        self, interface: NetworkInterface, vpc: Vpc, flow_logs: Iterable[FlowLog]
    ) -> tuple[Capture, ...]:
        resources = (interface.id, interface.subnet_id, vpc.id)
        return tuple(
            Capture(item.id, item.settings.traffic_type, self._interval_s(item, interface))
            for item in flow_logs
            if item.settings.resource_id in resources
        )

    def _interval_s(self, flow_log: FlowLog, interface: NetworkInterface) -> int:
        """Return the interval that holds at an interface: on Nitro instances a minute at most.

        Source: docs.aws.amazon.com/vpc/latest/userguide/flow-logs-basics.html
        """
        asked_s = flow_log.settings.max_aggregation_interval
        if asked_s <= NITRO_INTERVAL_S or interface.instance_id is None:
            return asked_s
        is_nitro = self._hypervisor(interface.instance_id, flow_log.region) == "nitro"
        return NITRO_INTERVAL_S if is_nitro else asked_s

    def _hypervisor(self, instance_id: str, region: str) -> str:
        """Return what an instance runs on; nitro if it is gone already."""
        if instance_id not in self._hypervisors:
            ec2 = self._inner("ec2", region)
            filters = [{"Name": "instance-id", "Values": [instance_id]}]
            found = ec2.describe_instances(Filters=filters)["Reservations"]
            names = [item["InstanceType"] for one in found for item in one["Instances"]]
            kinds = (
                ec2.describe_instance_types(InstanceTypes=names)["InstanceTypes"] if names else []
            )
            self._hypervisors[instance_id] = (
                kinds[0].get("Hypervisor", "nitro") if kinds else "nitro"
            )
        return self._hypervisors[instance_id]
