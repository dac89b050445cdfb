"""A picture of the lab's VPC, drawn from what EC2 says is there now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

from matplotlib.axes import Axes

from labkit.charts import topology_picture
from labkit.charts.alternative_text import describe
from labkit.charts.names import endpoints, instances, name_tag, service_name
from labkit.charts.topology_picture import Box, Destination, Picture, Subnet
from labkit.describe import read_vpc
from labkit.network.resources import AclEntry, NetworkAcl, Vpc
from labkit.network.words import say_acl_entry, say_group_rule

DESTINATIONS = {"s3": "S3", "cloud-watch-logs": "CloudWatch Logs"}


def topology(ec2: Any, outputs: Mapping[str, str], *, ax: Axes | None = None) -> Axes:
    """Draw the VPC: subnets, instances, endpoints, the rules of each security group, flow logs.

    Args:
        ec2: A boto3 client of EC2; everything drawn is asked of it.
        outputs: The stack's outputs: VpcId, and those that name instances, for their titles.
        ax: Where to draw; new axes by default.
    """
    picture = _Asked(ec2, outputs).picture()
    return describe(topology_picture.draw(picture, ax), _in_words(picture))


class _Asked:
    """What EC2 answered about one VPC."""

    def __init__(self, ec2: Any, outputs: Mapping[str, str]) -> None:
        self.ec2 = ec2
        self.in_vpc = [{"Name": "vpc-id", "Values": [outputs["VpcId"]]}]
        self.titles = {value: name.removesuffix("Id") for name, value in outputs.items()}
        self.vpc: Vpc = read_vpc(ec2, outputs["VpcId"])
        self.name = name_tag(ec2.describe_vpcs(VpcIds=[self.vpc.id])["Vpcs"][0])
        groups = ec2.describe_security_groups(Filters=self.in_vpc)["SecurityGroups"]
        self.group_names = {one["GroupId"]: self.short(one) or one["GroupName"] for one in groups}

    def short(self, resource: Mapping[str, Any]) -> str:
        """Return a resource's Name tag without the lab's prefix."""
        return name_tag(resource).removeprefix(self.name.removesuffix("vpc"))

    def picture(self) -> Picture:
        return Picture(
            vpc=Box("VPC", (f"{self.vpc.id}  {' '.join(self.vpc.cidr_blocks)}",)),
            subnets=tuple(self.subnets()),
            groups=tuple(self.groups()),
            destinations=tuple(self.destinations()),
        )

    def subnets(self) -> Iterator[Subnet]:
        found = self.ec2.describe_subnets(Filters=self.in_vpc)["Subnets"]
        hosts = list(instances(self.ec2, self.in_vpc))
        doors = endpoints(self.ec2, self.in_vpc)
        for subnet in sorted(found, key=lambda each: each["CidrBlock"]):
            id_ = subnet["SubnetId"]
            where = f"{id_}  {subnet['CidrBlock']}  {subnet['AvailabilityZone']}"
            acl = self.vpc.network_acls.get(self.vpc.subnets[id_].network_acl_id or "")
            lines = (where, *_acl_lines(acl))
            yield Subnet(
                id_,
                Box(_title(self.short(subnet)), lines),
                tuple(self.instance(each) for each in hosts if each.get("SubnetId") == id_),
                tuple(self.endpoint(each) for each in doors if id_ in each.get("SubnetIds", [])),
            )

    def instance(self, instance: Mapping[str, Any]) -> Box:
        instance_id = instance["InstanceId"]
        lines = (
            instance_id,
            *(each["NetworkInterfaceId"] for each in instance["NetworkInterfaces"]),
            instance.get("PrivateIpAddress", "no address"),
            f"{instance['InstanceType']}  {instance['State']['Name']}",
            self.group_line(instance["SecurityGroups"]),
        )
        return Box(self.titles.get(instance_id) or _title(self.short(instance)), lines)

    def endpoint(self, endpoint: Mapping[str, Any]) -> Box:
        interface_ids = endpoint.get("NetworkInterfaceIds", [])
        known = [self.vpc.interfaces[each] for each in interface_ids if each in self.vpc.interfaces]
        lines = (
            endpoint["VpcEndpointId"],
            *interface_ids,
            f"{' '.join(each.primary_ip for each in known)}  {endpoint['State']}".strip(),
            self.group_line(endpoint.get("Groups", [])),
        )
        return Box(f"{service_name(endpoint)} endpoint", lines)

    def group_line(self, groups: list[Mapping[str, Any]]) -> str:
        return f"group: {', '.join(self.group_names[each['GroupId']] for each in groups)}"

    def groups(self) -> Iterator[Box]:
        """Yield a box for each security group that an interface has."""
        used = {each for interface in self.vpc.interfaces.values() for each in interface.group_ids}
        for id_ in sorted(used & self.vpc.security_groups.keys(), key=self.group_names.__getitem__):
            group = self.vpc.security_groups[id_]
            rules = [f"in:  {say_group_rule(rule)}" for rule in group.ingress]
            rules += [f"out: {say_group_rule(rule)}" for rule in group.egress]
            lines = tuple(self.named(rule) for rule in rules or ["no rule: nothing passes"])
            yield Box(f"Security group: {self.group_names[id_]}", (id_, *lines))

    def named(self, text: str) -> str:
        """Write a group's name where a rule has its id."""
        for id_, name in self.group_names.items():
            text = text.replace(id_, f"group {name}")
        return text

    def destinations(self) -> Iterator[Destination]:
        watched = [self.vpc.id, *self.vpc.subnets, *self.vpc.interfaces]
        filters = [{"Name": "resource-id", "Values": watched}]
        flow_logs = self.ec2.describe_flow_logs(Filters=filters)["FlowLogs"]
        for (kind, target), group in groupby(sorted(flow_logs, key=_target), key=_target):
            found = list(group)
            noun = "bucket" if kind == "s3" else "group"
            lines = (target, *(line for each in found for line in _flow_log_lines(each)))
            sources = tuple(self.place_of(each["ResourceId"]) for each in found)
            name = DESTINATIONS[kind]
            yield Destination(name, Box(f"{name} {noun}", lines), sources)

    def place_of(self, resource_id: str) -> str:
        """Return the box that shows what a flow log watches: of an interface, its subnet."""
        interface = self.vpc.interfaces.get(resource_id)
        return interface.subnet_id if interface else resource_id


def _acl_lines(acl: NetworkAcl | None) -> Iterator[str]:
    if acl is None:
        return
    if acl.is_default:
        yield f"network ACL: {acl.id} (the VPC's default)"
        return
    yield f"network ACL: {acl.id}"
    for entry in sorted(acl.entries, key=lambda each: (each.is_egress, each.rule_number)):
        if not _is_last(entry):
            way = "out:" if entry.is_egress else "in: "
            yield f"{way} {entry.rule_number} {say_acl_entry(entry)}"


def _is_last(entry: AclEntry) -> bool:
    """Tell the entry * that every network ACL ends with, which EC2 shows as number 32767."""
    return entry.rule_number >= 32767


def _target(flow_log: Mapping[str, Any]) -> tuple[str, str]:
    """Return the kind of a flow log's destination, S3 last, and the destination's name."""
    kind = flow_log.get("LogDestinationType", "cloud-watch-logs")
    return kind, flow_log.get("LogGroupName") or flow_log["LogDestination"].rpartition(":")[2]


def _flow_log_lines(flow_log: Mapping[str, Any]) -> tuple[str, str]:
    status = f"{flow_log['FlowLogStatus']} {flow_log.get('DeliverLogsStatus', '')}".strip()
    what = f"{flow_log['TrafficType']}, {flow_log['MaxAggregationInterval']} s"
    return flow_log["FlowLogId"], f"  {what}  {status}"


def _title(name: str) -> str:
    return name.replace("-", " ").capitalize() or "Subnet"


def _in_words(picture: Picture) -> str:
    told = [
        f"{subnet.box.title} with "
        + ", ".join(box.title for box in (*subnet.instances, *subnet.endpoints))
        for subnet in picture.subnets
    ]
    rules = [f"{box.title}: {'; '.join(box.lines[1:])}" for box in picture.groups]
    targets = [f"{each.box.title} {each.box.lines[0]}" for each in picture.destinations]
    return (
        f"Diagram of {picture.vpc.lines[0]}. {'. '.join(told)}. {'. '.join(rules)}. "
        f"Flow logs deliver to {' and '.join(targets) or 'nowhere'}."
    )
