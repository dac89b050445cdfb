"""Flow logs."""

from __future__ import annotations

from labkit.emulator.cloudformation.providers.provider import (
    Attributes,
    Context,
    HandlerError,
    Properties,
    Provider,
)
from labkit.emulator.cloudformation.providers.tags import retag


class FlowLog(Provider):
    type = "AWS::EC2::FlowLog"
    honors = (
        "DeliverCrossAccountRole",
        "DeliverLogsPermissionArn",
        "DestinationOptions",
        "LogDestination",
        "LogDestinationType",
        "LogFormat",
        "LogGroupName",
        "MaxAggregationInterval",
        "ResourceId",
        "ResourceType",
        "TagFieldSpecifications",
        "Tags",
        "TrafficType",
    )
    attributes = ("Id",)
    in_place = frozenset({"Tags"})

    def create(self, context: Context, properties: Properties) -> Attributes:
        """Make a flow log; the first Unsuccessful message is the resource's failure.

        Source: github.com/aws-cloudformation/aws-cloudformation-resource-providers-ec2-flowlog
        """
        wanted = {name: properties[name] for name in properties if name != "Tags"}
        answer = context.client("ec2").create_flow_logs(
            ResourceIds=[wanted.pop("ResourceId")],
            **wanted,
            TagSpecifications=context.tag_specifications("vpc-flow-log", properties),
        )
        if answer.get("Unsuccessful"):
            raise HandlerError(answer["Unsuccessful"][0]["Error"]["Message"])
        flow_log_id = answer["FlowLogIds"][0]
        context.exists(flow_log_id)
        return {"Id": flow_log_id}

    def update(
        self, context: Context, physical_id: str, old: Properties, new: Properties
    ) -> Attributes:
        retag(context.client("ec2"), physical_id, old, new)
        return {"Id": physical_id}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        answer = context.client("ec2").delete_flow_logs(FlowLogIds=[physical_id])
        failed = [item["Error"] for item in answer.get("Unsuccessful") or []]
        if failed and not failed[0]["Code"].endswith(".NotFound"):
            raise HandlerError(failed[0]["Message"])
