"""One flow log as it was asked for, and as DescribeFlowLogs answers it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from labkit.emulator.flow_logs.s3_keys import Layout

SUCCESS, FAILED = "SUCCESS", "FAILED"
ACCESS_ERROR, UNKNOWN_ERROR = "Access error", "Unknown error"


@dataclass(frozen=True, slots=True)
class Settings:
    """What makes two flow logs the same: AWS refuses a second one with equal settings.

    bucket and layout are set for S3, log_group_name and role_arn for CloudWatch Logs.
    """

    resource_id: str
    traffic_type: str
    destination_type: Literal["s3", "cloud-watch-logs"]
    log_format: str
    max_aggregation_interval: int
    log_destination: str | None = None
    log_group_name: str | None = None
    role_arn: str | None = field(default=None, compare=False)
    bucket: str | None = None
    layout: Layout = field(default_factory=Layout)
    tag_keys: tuple[tuple[str, str], ...] = ()  # tag fields and the keys of their values


@dataclass(frozen=True, slots=True)
class FlowLog:
    """A flow log. Only its tags can change on AWS; how its delivery fares is kept beside it."""

    id: str
    region: str
    account_id: str
    vpc_id: str
    settings: Settings
    fields: tuple[str, ...]
    created_at: datetime
    destination_options: dict[str, Any] | None = field(default=None, compare=False)
    tag_field_specifications: list[Any] | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class DeliverLogs:
    """How the last delivery went: DeliverLogsStatus and DeliverLogsErrorMessage."""

    status: str = SUCCESS
    error_message: str | None = None


def new_id() -> str:
    return f"fl-{secrets.token_hex(9)[:17]}"


def described(flow_log: FlowLog, deliver_logs: DeliverLogs, tags: list[Any]) -> dict[str, Any]:
    """Return the flow log as DescribeFlowLogs answers it; what is not set is left out.

    Source: docs.aws.amazon.com/AWSEC2/latest/APIReference/API_FlowLog.html
    """
    settings = flow_log.settings
    members = {
        "FlowLogId": flow_log.id,
        "FlowLogStatus": "ACTIVE",
        "ResourceId": settings.resource_id,
        "TrafficType": settings.traffic_type,
        "LogDestinationType": settings.destination_type,
        "LogDestination": settings.log_destination,
        "LogGroupName": settings.log_group_name,
        "DeliverLogsPermissionArn": settings.role_arn,
        "DeliverLogsStatus": deliver_logs.status,
        "DeliverLogsErrorMessage": deliver_logs.error_message,
        "LogFormat": settings.log_format,
        "MaxAggregationInterval": settings.max_aggregation_interval,
        "DestinationOptions": flow_log.destination_options,
        "TagFieldSpecifications": flow_log.tag_field_specifications,
        "CreationTime": flow_log.created_at,
        "Tags": tags,
    }
    return {name: value for name, value in members.items() if value is not None}
