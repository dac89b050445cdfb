"""The values of one flow record, and its line of text, in the fields and order of a log format.

Source: docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html#flow-logs-fields
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from labkit.emulator.aggregation import FlowRecord
from labkit.fields import BY_NAME

NONE = "-"

Values = tuple[str | int | None, ...]
"""One record's values in the order of its flow log's fields."""


@dataclass(frozen=True, slots=True)
class InterfaceFacts:
    """What a line says about a network interface; outlives the interface itself."""

    id: str
    vpc_id: str
    subnet_id: str
    availability_zone_id: str
    region: str
    private_ips: tuple[str, ...]
    instance_id: str | None = None  # None for those that AWS made, too
    interface_type: str = "interface"
    vpc_cidr_blocks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where a record was made: the account, its interface, and the one at the other end.

    version: the highest version among the format's fields. tags: the tag fields with a value.
    """

    account_id: str
    version: int
    own: InterfaceFacts | None = None
    next_hop: InterfaceFacts | None = None
    tags: Mapping[str, str] = field(default_factory=dict)


def version_of(fields: Sequence[str]) -> int:
    """Return what the field `version` says: the highest version among the fields."""
    return max(BY_NAME[name].version for name in fields)


def header(fields: Sequence[str]) -> str:
    """Return the first line of a text file on S3: the names as AWS writes them."""
    return " ".join(fields)


def values(fields: Sequence[str], record: FlowRecord, around: Surroundings) -> Values:
    """Return the record's values. What does not apply, or is not computed here, is None.

    In a NODATA or SKIPDATA line only what belongs to the interface and the window is filled in.

    Source: docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html
    """
    has_flow = record.log_status == "OK"
    return tuple(
        _value(name, record, around) if has_flow or name in _WITHOUT_FLOW else None
        for name in fields
    )


def text(row: Values) -> str:
    """Return a record's line of text; None is ``-``."""
    return " ".join(NONE if value is None else str(value) for value in row)


def line(fields: Sequence[str], record: FlowRecord, around: Surroundings) -> str:
    """Return the record's line of text."""
    return text(values(fields, record, around))


def _value(name: str, record: FlowRecord, around: Surroundings) -> str | int | None:
    value = _VALUES[name](record, around) if name in _VALUES else None
    return None if value == "" else value


Value = Callable[[FlowRecord, Surroundings], str | int | None]


def _own(attribute: str) -> Value:
    return lambda record, around: getattr(around.own, attribute, None)


def _next_hop(attribute: str) -> Value:
    """Ask the interface that receives (egress) or sends (ingress) on this hop.

    Whether a rejected packet has a next hop is not documented: here it has one on the way in
    only, since nothing received it on the way out.
    """

    def value(record: FlowRecord, around: Surroundings) -> str | int | None:
        if record.direction == "egress" and record.action != "ACCEPT":
            return None
        return getattr(around.next_hop, attribute, None)

    return value


def _interface_type(facts: InterfaceFacts | None) -> str | None:
    """Return the type where it is one that the field knows; an instance's interface has none."""
    return facts.interface_type if facts and facts.interface_type in _INTERFACE_TYPES else None


_INTERFACE_TYPES = frozenset(
    {
        "nat_gateway",
        "network_load_balancer",
        "regional_nat_gateway",
        "transit_gateway",
        "vpc_endpoint",
    }
)


def _traffic_path(record: FlowRecord, around: Surroundings) -> int | None:
    """Return 1, through another resource in the VPC, for what leaves to the VPC's own ranges.

    Source: docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html, traffic-path
    """
    if record.direction != "egress" or around.own is None:
        return None
    target = ipaddress.ip_address(record.pkt_dstaddr)
    inside = any(target in ipaddress.ip_network(cidr) for cidr in around.own.vpc_cidr_blocks)
    return 1 if inside else None


def _tag(name: str) -> Value:
    return lambda record, around: around.tags.get(name)


def _attribute(name: str) -> Value:
    return lambda record, around: getattr(record, name)


_TAG_FIELDS = ("instance-tag", "instance-tag-2", "interface-tag", "interface-tag-2")
_VALUES: Mapping[str, Value] = {
    "version": lambda record, around: around.version,
    "account-id": lambda record, around: around.account_id,
    "interface-id": _attribute("interface_id"),
    "srcaddr": _attribute("srcaddr"),
    "dstaddr": _attribute("dstaddr"),
    "srcport": _attribute("srcport"),
    "dstport": _attribute("dstport"),
    "protocol": _attribute("protocol"),
    "packets": _attribute("packets"),
    "bytes": _attribute("bytes"),
    "start": _attribute("start"),
    "end": _attribute("end"),
    "action": _attribute("action"),
    "log-status": _attribute("log_status"),
    "vpc-id": _attribute("vpc_id"),
    "subnet-id": _own("subnet_id"),
    "instance-id": _own("instance_id"),
    "tcp-flags": _attribute("tcp_flags"),
    "type": lambda record, around: "IPv4",
    "pkt-srcaddr": _attribute("pkt_srcaddr"),
    "pkt-dstaddr": _attribute("pkt_dstaddr"),
    "region": _own("region"),
    "az-id": _own("availability_zone_id"),
    "flow-direction": _attribute("direction"),
    "traffic-path": _traffic_path,
    "interface-type": lambda record, around: _interface_type(around.own),
    "next-hop-interface-id": _next_hop("id"),
    "next-hop-subnet-id": _next_hop("subnet_id"),
    "next-hop-az-id": _next_hop("availability_zone_id"),
    "next-hop-vpc-id": _next_hop("vpc_id"),
    "next-hop-interface-type": lambda record, around: _interface_type(around.next_hop),
    **{name: _tag(name) for name in _TAG_FIELDS},
}
"""The fields that have a value here. The others are always ``-``: sublocations, AWS services'
address ranges (no such address is in a VPC), ECS, reject reasons other than security groups and
network ACLs, regional NAT gateways, encryption controls, and Auto Scaling groups."""

_WITHOUT_FLOW = frozenset(
    {
        "version",
        "account-id",
        "interface-id",
        "start",
        "end",
        "log-status",
        "vpc-id",
        "subnet-id",
        "instance-id",
        "region",
        "az-id",
        "interface-type",
        *_TAG_FIELDS,
    }
)
