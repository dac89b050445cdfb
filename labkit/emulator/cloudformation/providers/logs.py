"""Log groups, log streams, and the resource policies of CloudWatch Logs."""

from __future__ import annotations

import json
from typing import Any

from labkit.emulator.cloudformation.providers.provider import (
    Attributes,
    Context,
    HandlerError,
    Properties,
    Provider,
)
from labkit.emulator.cloudformation.providers.tags import tag_changes


class LogGroup(Provider):
    type = "AWS::Logs::LogGroup"
    honors = ("LogGroupName", "RetentionInDays", "Tags")
    attributes = ("Arn",)
    in_place = frozenset({"RetentionInDays", "Tags"})

    def create(self, context: Context, properties: Properties) -> Attributes:
        logs = context.client("logs")
        name = properties.get("LogGroupName") or context.name(512)
        tags = {tag["Key"]: tag["Value"] for tag in context.tag_list(properties)}
        logs.create_log_group(logGroupName=name, **({"tags": tags} if tags else {}))
        context.exists(name)
        _set_retention(logs, name, {}, properties)
        return {"Arn": lambda: _arn(logs, name)}

    def update(
        self, context: Context, physical_id: str, old: Properties, new: Properties
    ) -> Attributes:
        logs = context.client("logs")
        _set_retention(logs, physical_id, old, new)
        put, gone = tag_changes(old, new)
        if gone:
            logs.untag_log_group(logGroupName=physical_id, tags=gone)
        if put:
            tags = {tag["Key"]: tag["Value"] for tag in put}
            logs.tag_log_group(logGroupName=physical_id, tags=tags)
        return {"Arn": lambda: _arn(logs, physical_id)}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("logs").delete_log_group(logGroupName=physical_id)


def _set_retention(logs: Any, name: str, old: Properties, new: Properties) -> None:
    if "RetentionInDays" in new:
        days = new["RetentionInDays"]
        logs.put_retention_policy(logGroupName=name, retentionInDays=days)
    elif "RetentionInDays" in old:
        logs.delete_retention_policy(logGroupName=name)


def _arn(logs: Any, name: str) -> str:
    """Return a group's ARN, which ends in `:*`."""
    groups = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return next(group["arn"] for group in groups if group["logGroupName"] == name)


class LogStream(Provider):
    type = "AWS::Logs::LogStream"
    honors = ("LogGroupName", "LogStreamName")
    attributes = ()

    def create(self, context: Context, properties: Properties) -> Attributes:
        name = properties.get("LogStreamName") or context.name(512)
        group = properties["LogGroupName"]
        context.client("logs").create_log_stream(logGroupName=group, logStreamName=name)
        context.exists(name)
        return {}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("logs").delete_log_stream(
            logGroupName=properties["LogGroupName"], logStreamName=physical_id
        )


class ResourcePolicy(Provider):
    type = "AWS::Logs::ResourcePolicy"
    honors = ("PolicyDocument", "PolicyName")
    attributes = ()
    in_place = frozenset({"PolicyDocument"})

    def create(self, context: Context, properties: Properties) -> Attributes:
        """Make the policy; one that is there already is a failure, not overwritten."""
        logs, name = context.client("logs"), properties["PolicyName"]
        policies = logs.describe_resource_policies()["resourcePolicies"]
        if name in {policy["policyName"] for policy in policies}:
            raise HandlerError(f"Resource policy {name} already exists.", "AlreadyExists")
        _put(logs, properties)
        context.exists(name)
        return {}

    def update(
        self, context: Context, physical_id: str, old: Properties, new: Properties
    ) -> Attributes:
        _put(context.client("logs"), new)
        return {}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("logs").delete_resource_policy(policyName=physical_id)


def _put(logs: Any, properties: Properties) -> None:
    document = properties["PolicyDocument"]
    text = document if isinstance(document, str) else json.dumps(document)
    logs.put_resource_policy(policyName=properties["PolicyName"], policyDocument=text)
