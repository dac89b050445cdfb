"""Log groups."""

from __future__ import annotations

from typing import Any

from labkit.emulator.cloudformation.providers.provider import (
    Attributes,
    Context,
    Properties,
    Provider,
)


class LogGroup(Provider):
    type = "AWS::Logs::LogGroup"
    honors = ("LogGroupName", "RetentionInDays", "Tags")
    attributes = ("Arn",)

    def create(self, context: Context, properties: Properties) -> Attributes:
        logs = context.client("logs")
        name = properties.get("LogGroupName") or context.name(512)
        tags = {tag["Key"]: tag["Value"] for tag in context.tag_list(properties)}
        logs.create_log_group(logGroupName=name, **({"tags": tags} if tags else {}))
        context.exists(name)
        if "RetentionInDays" in properties:
            days = properties["RetentionInDays"]
            logs.put_retention_policy(logGroupName=name, retentionInDays=days)
        return {"Arn": lambda: _arn(logs, name)}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("logs").delete_log_group(logGroupName=physical_id)


def _arn(logs: Any, name: str) -> str:
    """Return a group's ARN, which ends in `:*`."""
    groups = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return next(group["arn"] for group in groups if group["logGroupName"] == name)
