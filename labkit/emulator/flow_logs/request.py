"""What CreateFlowLogs was asked for, checked as AWS checks it before it looks at anything else.

Source: docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateFlowLogs.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from labkit.emulator.flow_logs.flow_log import Settings
from labkit.emulator.flow_logs.s3_keys import EXTENSIONS, Layout
from labkit.emulator.flow_logs.tag_fields import tag_keys
from labkit.emulator.refusal import ServiceError, not_emulated
from labkit.errors import RecordFormatError
from labkit.fields import BY_NAME, DEFAULT_FORMAT, parse_format

RESOURCE_TYPES = ("VPC", "Subnet", "NetworkInterface")
TRAFFIC_TYPES = ("ACCEPT", "REJECT", "ALL")
INTERVALS_S = (60, 600)
MAX_RESOURCES = 300
NOT_HONORED = ("DeliverCrossAccountRole",)

_BUCKET_ARN = re.compile(r"arn:aws:s3:::([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?")
_GROUP_ARN = re.compile(r"arn:aws:logs:([a-z0-9-]+):(\d{12}):log-group:([^:]+)(:\*)?")


def resource_ids(asked: Mapping[str, Any]) -> list[str]:
    """Return the resources that the flow logs are asked for, each once.

    Raises:
        ServiceError: none, too many, or a kind of resource that is not emulated.
    """
    ids = list(dict.fromkeys(asked.get("ResourceIds", ())))
    if not ids:
        message = "The request must contain the parameter ResourceIds"
        raise ServiceError("MissingParameter", message)
    if len(ids) > MAX_RESOURCES:
        raise _invalid(f"At most {MAX_RESOURCES} ResourceIds may be given.")
    if asked["ResourceType"] not in RESOURCE_TYPES:
        raise not_emulated("ec2", f"CreateFlowLogs for ResourceType {asked['ResourceType']}")
    return ids


def settings(asked: Mapping[str, Any], *, region: str, account_id: str) -> Settings:
    """Return the settings that all flow logs of the call share; resource_id is still empty.

    Raises:
        ServiceError: as AWS answers wrong parameters; a refusal of what is not emulated.
    """
    for name in NOT_HONORED:
        if name in asked:
            raise not_emulated("ec2", f"CreateFlowLogs with {name}")
    interval_s = asked.get("MaxAggregationInterval", 600)
    if interval_s not in INTERVALS_S:
        raise _invalid("Invalid Flow Log Max Aggregation Interval")
    log_format = asked.get("LogFormat", DEFAULT_FORMAT)
    names = fields(log_format)
    common = {
        "resource_id": "",
        "traffic_type": _traffic_type(asked),
        "log_format": log_format,
        "max_aggregation_interval": interval_s,
        "tag_keys": tag_keys(asked.get("TagFieldSpecifications", ())),
    }
    made = Settings(**common, **_destination(asked, region=region, account_id=account_id))
    if made.layout.file_format == "parquet" and len(set(names)) < len(names):
        raise not_emulated("ec2", "CreateFlowLogs with FileFormat parquet and a field named twice")
    return made


def fields(log_format: str) -> tuple[str, ...]:
    """Return the field names of a log format; AWS's message for a bad one is not known."""
    try:
        names = parse_format(log_format)
    except RecordFormatError as error:
        raise _invalid(f"Invalid LogFormat. {error}") from None
    for name in names:
        if name not in BY_NAME:
            raise _invalid(f"Invalid LogFormat. Unknown field: {name}")
    return names


def tags(specifications: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return the tags for the new flow logs."""
    for specification in specifications:
        if specification.get("ResourceType") != "vpc-flow-log":
            raise ServiceError(
                "InvalidParameterValue",
                f"'{specification.get('ResourceType')}' is not a valid taggable resource type "
                "for this operation.",
            )
    return [tag for specification in specifications for tag in specification.get("Tags", ())]


def destination_options(asked: Mapping[str, Any], made: Settings) -> dict[str, Any] | None:
    """Return DestinationOptions with its defaults filled in; None if there were none."""
    layout = made.layout
    options = {
        "FileFormat": layout.file_format,
        "HiveCompatiblePartitions": layout.hive_compatible,
        "PerHourPartition": layout.per_hour,
    }
    return options if asked.get("DestinationOptions") else None


def _invalid(message: str) -> ServiceError:
    return ServiceError("InvalidParameter", message)


def _traffic_type(asked: Mapping[str, Any]) -> str:
    traffic_type = asked.get("TrafficType")
    if traffic_type is None:
        raise ServiceError("MissingParameter", "The request must contain the parameter TrafficType")
    if traffic_type not in TRAFFIC_TYPES:
        raise _invalid(f"Invalid TrafficType: {traffic_type}")
    return traffic_type


def _destination(asked: Mapping[str, Any], *, region: str, account_id: str) -> dict[str, Any]:
    kind = asked.get("LogDestinationType", "cloud-watch-logs")
    destination, group = asked.get("LogDestination"), asked.get("LogGroupName")
    if not destination and not group:
        raise _invalid("LogDestination can't be empty if LogGroupName is not provided.")
    if kind == "s3":
        return _bucket(asked)
    if group and kind != "cloud-watch-logs":
        raise _invalid("LogDestination type must be cloud-watch-logs if LogGroupName is provided.")
    if kind != "cloud-watch-logs":
        raise not_emulated("ec2", f"CreateFlowLogs with LogDestinationType {kind}")
    if destination and group:
        raise _invalid("Please only provide LogGroupName or only provide LogDestination.")
    if not asked.get("DeliverLogsPermissionArn"):
        message = (
            "DeliverLogsPermissionArn can't be empty if LogDestinationType is cloud-watch-logs."
        )
        raise _invalid(message)
    if asked.get("DestinationOptions"):
        raise _invalid("DestinationOptions is not applicable for cloud-watch-logs delivery")
    return {
        "destination_type": kind,
        "log_destination": destination,
        "log_group_name": group or _group_name(destination, region, account_id),
        "role_arn": asked["DeliverLogsPermissionArn"],
    }


def _group_name(arn: Any, region: str, account_id: str) -> str:
    match = _GROUP_ARN.fullmatch(arn)
    if match is None:
        raise _invalid(f"LogDestination is not the ARN of a log group: {arn}")
    if match[4]:
        raise not_emulated("ec2", "CreateFlowLogs with a log group's ARN that ends in ':*'")
    if (match[1], match[2]) != (region, account_id):
        raise not_emulated("ec2", "CreateFlowLogs to another account's or region's log group")
    return match[3]


def _bucket(asked: Mapping[str, Any]) -> dict[str, Any]:
    if asked.get("LogGroupName"):
        raise _invalid("LogDestination type must be cloud-watch-logs if LogGroupName is provided.")
    if asked.get("DeliverLogsPermissionArn"):
        raise _invalid("DeliverLogsPermissionArn is not applicable for s3 delivery")
    destination = asked["LogDestination"]
    match = _BUCKET_ARN.fullmatch(destination)
    if match is None:
        raise _invalid(
            f"LogDestination is not the ARN of a bucket or a folder in it: {destination}"
        )
    prefix = (match[2] or "").strip("/")
    if "AWSLogs" in prefix.split("/"):
        raise _invalid("AWSLogs is a reserved term and may not be a subfolder of LogDestination.")
    return {
        "destination_type": "s3",
        "log_destination": destination,
        "bucket": match[1],
        "layout": _layout(f"{prefix}/" if prefix else "", asked.get("DestinationOptions", {})),
    }


def _layout(prefix: str, options: Mapping[str, Any]) -> Layout:
    file_format = options.get("FileFormat", "plain-text")
    if file_format not in EXTENSIONS:
        raise _invalid(f"Invalid FileFormat: {file_format}")
    return Layout(
        prefix,
        hive_compatible=options.get("HiveCompatiblePartitions", False),
        per_hour=options.get("PerHourPartition", False),
        file_format=file_format,
    )
