"""What is remembered of network interfaces: their records may be written after they are gone."""

from __future__ import annotations

from labkit.emulator.aggregation import FlowRecord
from labkit.emulator.flow_logs.lines import InterfaceFacts
from labkit.network.topology import NetworkInterface, Vpc


class KnownInterfaces:
    """The facts of every interface seen in a VPC so far, by id and by address."""

    def __init__(self) -> None:
        self._by_id: dict[str, InterfaceFacts] = {}
        self._by_address: dict[tuple[str, str], InterfaceFacts] = {}

    def remember(self, vpc: Vpc, region: str) -> None:
        """Note all interfaces of a VPC as it is now; an address belongs to who had it last."""
        for interface in vpc.interfaces.values():
            facts = _facts(interface, vpc, region)
            self._by_id[facts.id] = facts
            self._by_address.update({(vpc.id, ip): facts for ip in facts.private_ips})

    def own(self, record: FlowRecord) -> InterfaceFacts | None:
        """Return the interface that made the record."""
        return self._by_id.get(record.interface_id)

    def next_hop(self, record: FlowRecord) -> InterfaceFacts | None:
        """Return the interface of the VPC that receives (egress) or sends (ingress) the flow."""
        address = record.pkt_dstaddr if record.direction == "egress" else record.pkt_srcaddr
        return self._by_address.get((record.vpc_id, address))


def _facts(interface: NetworkInterface, vpc: Vpc, region: str) -> InterfaceFacts:
    subnet = vpc.subnets.get(interface.subnet_id)
    return InterfaceFacts(
        id=interface.id,
        vpc_id=vpc.id,
        subnet_id=interface.subnet_id,
        availability_zone_id=subnet.availability_zone_id if subnet else "",
        region=region,
        private_ips=interface.private_ips,
        instance_id=None if interface.requester_managed else interface.instance_id,
        interface_type=interface.interface_type,
        vpc_cidr_blocks=vpc.cidr_blocks,
    )
