"""A picture of the lab, drawn from what EC2 says is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes

from labkit.charts import topology_picture
from labkit.charts.names import endpoints, instances, name_tag, service_name
from labkit.charts.topology_picture import Box, Destination, Picture

DESTINATIONS = {"s3": "S3", "cloud-watch-logs": "CloudWatch Logs"}


def topology(ec2: Any, outputs: Mapping[str, str], *, ax: Axes | None = None) -> Axes:
    """Draw the VPC, its subnet, instances and endpoints, and where the flow logs deliver to.

    Args:
        ec2: A boto3 client of EC2; everything drawn is asked of it.
        outputs: The stack's outputs: VpcId, PrivateSubnetId, the instances' and flow logs' ids.
        ax: Where to draw; new axes by default.
    """
    vpc = ec2.describe_vpcs(VpcIds=[outputs["VpcId"]])["Vpcs"][0]
    subnet = ec2.describe_subnets(SubnetIds=[outputs["PrivateSubnetId"]])["Subnets"][0]
    in_vpc = [{"Name": "vpc-id", "Values": [vpc["VpcId"]]}]
    in_subnet = [{"Name": "subnet-id", "Values": [subnet["SubnetId"]]}]
    titles = {value: name.removesuffix("Id") for name, value in outputs.items()}
    return topology_picture.draw(
        Picture(
            vpc=Box("VPC", (vpc["VpcId"], vpc["CidrBlock"])),
            subnet=Box(
                "Private subnet",
                (subnet["SubnetId"], f"{subnet['CidrBlock']}  {subnet['AvailabilityZone']}"),
            ),
            instances=tuple(_instance(each, titles) for each in instances(ec2, in_subnet)),
            endpoints=tuple(
                Box(f"{service_name(each)} endpoint", (each["VpcEndpointId"], each["State"]))
                for each in endpoints(ec2, in_vpc)
                if subnet["SubnetId"] in each.get("SubnetIds", [])
            ),
            destinations=tuple(_destinations(ec2, outputs)),
        ),
        ax,
    )


def _instance(instance: Mapping[str, Any], titles: Mapping[str, str]) -> Box:
    instance_id = instance["InstanceId"]
    interface_ids = [each["NetworkInterfaceId"] for each in instance["NetworkInterfaces"]]
    return Box(
        titles.get(instance_id) or name_tag(instance) or "Instance",
        (
            instance_id,
            *interface_ids,
            instance.get("PrivateIpAddress", "no address"),
            f"{instance['InstanceType']}  {instance['State']['Name']}",
        ),
    )


def _destinations(ec2: Any, outputs: Mapping[str, str]) -> list[Destination]:
    ids = [value for value in outputs.values() if value.startswith("fl-")]
    filters = [{"Name": "flow-log-id", "Values": ids}]
    flow_logs = ec2.describe_flow_logs(Filters=filters)["FlowLogs"] if ids else []
    by_kind = sorted(flow_logs, key=lambda each: list(DESTINATIONS).index(_kind(each)))
    return [_destination(each) for each in by_kind]


def _destination(flow_log: Mapping[str, Any]) -> Destination:
    kind = DESTINATIONS[_kind(flow_log)]
    target = flow_log.get("LogGroupName") or flow_log["LogDestination"].rpartition(":")[2]
    noun = "bucket" if kind == "S3" else "group"
    state = f"{flow_log['FlowLogStatus']}  {flow_log.get('DeliverLogsStatus', '')}".strip()
    interval = f"{flow_log['TrafficType']}, {flow_log['MaxAggregationInterval']} s"
    is_whole_vpc = flow_log["ResourceId"].startswith("vpc-")
    box = Box(f"{kind} {noun}", (target, flow_log["FlowLogId"], state))
    return Destination(kind, box, f"flow log\n{interval}", is_whole_vpc)


def _kind(flow_log: Mapping[str, Any]) -> str:
    return flow_log.get("LogDestinationType", "cloud-watch-logs")
