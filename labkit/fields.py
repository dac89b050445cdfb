"""The fields of a flow log record, written once: name, version, dtype, unit, meaning.

Source: docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html#flow-logs-fields
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from labkit.errors import RecordFormatError

Dtype = Literal["int32", "int64", "string"]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a flow log record.

    Attributes:
        name: As AWS writes it, `account-id`; in a log format `${account-id}`.
        version: The version of flow logs that brought the field. The value of the field
            `version` is the highest one among the fields of the log format.
        dtype: The type in Parquet files. Text files hold strings only.
        unit: What a number counts, or "" if it counts nothing.
        meaning: One sentence.
    """

    name: str
    version: int
    dtype: Dtype
    unit: str
    meaning: str

    @property
    def column(self) -> str:
        """The name of the column: as Athena and Parquet files have it, `account_id`."""
        return column(self.name)


def column(name: str) -> str:
    """Return the column's name for a field's name, known or not: `-` becomes `_`."""
    return name.replace("-", "_")


# The order is that of AWS's table.
FIELDS: tuple[Field, ...] = (
    Field("version", 2, "int32", "", "Version of the record: the highest of its fields'."),
    Field("account-id", 2, "string", "", "Account that owns the recording network interface."),
    Field("interface-id", 2, "string", "", "Network interface that saw the traffic."),
    Field("srcaddr", 2, "string", "", "Source address; on egress the interface's own primary one."),
    Field(
        "dstaddr", 2, "string", "", "Target address; on ingress the interface's own primary one."
    ),
    Field("srcport", 2, "int32", "", "Source port; 0 where the protocol has none, as ICMP."),
    Field("dstport", 2, "int32", "", "Destination port; 0 where the protocol has none, as ICMP."),
    Field("protocol", 2, "int32", "", "IANA protocol number: 1 ICMP, 6 TCP, 17 UDP."),
    Field("packets", 2, "int64", "packets", "Packets of the flow in the aggregation interval."),
    Field("bytes", 2, "int64", "bytes", "Bytes of those packets, IP header included."),
    Field("start", 2, "int64", "s", "Unix time of the first packet, up to 60 s off."),
    Field("end", 2, "int64", "s", "Unix time of the last packet, up to 60 s off."),
    Field("action", 2, "string", "", "ACCEPT, or REJECT by a security group or network ACL."),
    Field(
        "log-status", 2, "string", "", "OK, NODATA (silence) or SKIPDATA (records were skipped)."
    ),
    Field("vpc-id", 3, "string", "", "VPC of the network interface."),
    Field("subnet-id", 3, "string", "", "Subnet of the network interface."),
    Field("instance-id", 3, "string", "", "Instance of the network interface, if you own it."),
    Field("tcp-flags", 3, "int32", "", "TCP flags of the interval, OR-ed: FIN 1, SYN 2, RST 4."),
    Field("type", 3, "string", "", "Kind of traffic: IPv4, IPv6 or EFA."),
    Field("pkt-srcaddr", 3, "string", "", "Source address in the packet itself."),
    Field("pkt-dstaddr", 3, "string", "", "Target address in the packet itself."),
    Field("region", 4, "string", "", "Region of the network interface."),
    Field("az-id", 4, "string", "", "Id (not name) of its Availability Zone, as use1-az1."),
    Field("sublocation-type", 4, "string", "", "wavelength, outpost or localzone."),
    Field("sublocation-id", 4, "string", "", "Id of that sublocation."),
    Field("pkt-src-aws-service", 5, "string", "", "AWS address range that pkt-srcaddr is in."),
    Field("pkt-dst-aws-service", 5, "string", "", "AWS address range that pkt-dstaddr is in."),
    Field("flow-direction", 5, "string", "", "ingress or egress, seen from the interface."),
    Field("traffic-path", 5, "int32", "", "The way that egress traffic leaves, 1 to 8."),
    Field("ecs-cluster-arn", 7, "string", "", "ARN of the ECS cluster, for tasks in awsvpc mode."),
    Field("ecs-cluster-name", 7, "string", "", "Name of the ECS cluster."),
    Field("ecs-container-instance-arn", 7, "string", "", "ARN of the container instance (EC2)."),
    Field("ecs-container-instance-id", 7, "string", "", "Id of the container instance (EC2)."),
    Field("ecs-container-id", 7, "string", "", "Docker's id of the first container."),
    Field("ecs-second-container-id", 7, "string", "", "Docker's id of the second container."),
    Field("ecs-service-name", 7, "string", "", "Service that started the task."),
    Field("ecs-task-definition-arn", 7, "string", "", "ARN of the task's definition."),
    Field("ecs-task-arn", 7, "string", "", "ARN of the running task."),
    Field("ecs-task-id", 7, "string", "", "Id of the running task."),
    Field("reject-reason", 8, "string", "", "BPA or EC; missing for groups and network ACLs."),
    Field("resource-id", 9, "string", "", "Id of the regional NAT gateway that saw the traffic."),
    Field("encryption-status", 10, "int32", "", "0 none, 1 Nitro, 2 application, 3 both."),
    Field("instance-tag", 11, "string", "", "Value of the first instance tag asked for."),
    Field("instance-tag-2", 11, "string", "", "Value of the second instance tag asked for."),
    Field("interface-tag", 11, "string", "", "Value of the first interface tag asked for."),
    Field("interface-tag-2", 11, "string", "", "Value of the second interface tag asked for."),
    Field("asg-tag", 11, "string", "", "Value of the first Auto Scaling group tag asked for."),
    Field("asg-tag-2", 11, "string", "", "Value of the second Auto Scaling group tag asked for."),
    Field("interface-type", 11, "string", "", "Kind of an interface that AWS made, vpc_endpoint."),
    Field("next-hop-interface-id", 11, "string", "", "Interface at the other end of this hop."),
    Field("next-hop-subnet-id", 11, "string", "", "Subnet of the interface at the other end."),
    Field("next-hop-az-id", 11, "string", "", "Availability Zone id of the other end."),
    Field("next-hop-vpc-id", 11, "string", "", "VPC of the interface at the other end."),
    Field("next-hop-interface-type", 11, "string", "", "Kind of interface at the other end."),
)

BY_NAME: dict[str, Field] = {field.name: field for field in FIELDS}

DEFAULT_FIELDS: tuple[str, ...] = tuple(field.name for field in FIELDS if field.version == 2)
"""The default format's names, in its order. That format cannot be changed."""

DEFAULT_FORMAT: str = " ".join(f"${{{name}}}" for name in DEFAULT_FIELDS)
"""`${version} ${account-id} ...`, as DescribeFlowLogs answers it in LogFormat."""

# Transit gateways have flow logs of their own, with these fields beside some of the above.
# Source: docs.aws.amazon.com/vpc/latest/tgw/tgw-flow-logs.html
_OF_TRANSIT_GATEWAYS: tuple[Field, ...] = (
    Field("resource-type", 6, "string", "", "What is recorded: TransitGateway."),
    Field("tgw-id", 6, "string", "", "Transit gateway that saw the traffic."),
    Field("tgw-attachment-id", 6, "string", "", "Attachment that saw the traffic."),
    Field("tgw-src-vpc-account-id", 6, "string", "", "Account of the VPC the traffic is from."),
    Field("tgw-dst-vpc-account-id", 6, "string", "", "Account of the VPC the traffic is for."),
    Field("tgw-src-vpc-id", 6, "string", "", "VPC the traffic is from."),
    Field("tgw-dst-vpc-id", 6, "string", "", "VPC the traffic is for."),
    Field("tgw-src-subnet-id", 6, "string", "", "Subnet the traffic is from."),
    Field("tgw-dst-subnet-id", 6, "string", "", "Subnet the traffic is for."),
    Field("tgw-src-eni", 6, "string", "", "The source attachment's network interface."),
    Field("tgw-dst-eni", 6, "string", "", "The destination attachment's network interface."),
    Field("tgw-src-az-id", 6, "string", "", "Availability Zone id of the source."),
    Field("tgw-dst-az-id", 6, "string", "", "Availability Zone id of the destination."),
    Field("tgw-pair-attachment-id", 6, "string", "", "Attachment at the flow's other side."),
    Field("packets-lost-no-route", 6, "int64", "packets", "Packets lost for want of a route."),
    Field("packets-lost-blackhole", 6, "int64", "packets", "Packets lost in a blackhole route."),
    Field("packets-lost-mtu-exceeded", 6, "int64", "packets", "Packets lost as beyond the MTU."),
    Field("packets-lost-ttl-expired", 6, "int64", "packets", "Packets lost at a TTL of zero."),
)

KNOWN: dict[str, Field] = BY_NAME | {field.name: field for field in _OF_TRANSIT_GATEWAYS}
"""The fields of every kind of flow log; `BY_NAME` has those of VPC flow logs."""

TRANSIT_GATEWAY_FIELDS: tuple[str, ...] = (
    "version",
    "resource-type",
    "account-id",
    *(field.name for field in _OF_TRANSIT_GATEWAYS if field.name.startswith("tgw-")),
    *DEFAULT_FIELDS[3:12],
    "log-status",
    "type",
    *(field.name for field in _OF_TRANSIT_GATEWAYS if field.name.startswith("packets-lost-")),
    "tcp-flags",
    "region",
    "flow-direction",
    "pkt-src-aws-service",
    "pkt-dst-aws-service",
)
"""All 36 names of a transit gateway's flow log in the order of AWS's table: its default format."""

_TOKEN = re.compile(r"\$\{([a-z0-9]+(?:-[a-z0-9]+)*)\}")


def parse_format(text: str) -> tuple[str, ...]:
    """Return the field names of a log format, in its order.

    Names that are not in `KNOWN` are kept: AWS adds fields about every year.

    Args:
        text: Tokens `${field-name}` separated by spaces, such as LogFormat.

    Raises:
        RecordFormatError: A token is not of that form, or there is none.
    """
    tokens = text.split()
    if not tokens:
        raise RecordFormatError("A log format needs at least one field, such as ${srcaddr}.")
    return tuple(_name(token, text) for token in tokens)


def _name(token: str, text: str) -> str:
    match = _TOKEN.fullmatch(token)
    if match is None:
        raise RecordFormatError(
            f"{token!r} in the log format {text!r} is not a field: write ${{field-name}}."
        )
    return match[1]
