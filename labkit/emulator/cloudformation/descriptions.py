"""Stacks, resources and events as the API's answers show them."""

from __future__ import annotations

import json
from typing import Any

from labkit.emulator.cloudformation.check import iam_types, required_capabilities
from labkit.emulator.cloudformation.records import Event, ResourceRecord, StackRecord
from labkit.emulator.cloudformation.template import Template

_DRIFT = {"StackDriftStatus": "NOT_CHECKED"}
_RESOURCE_DRIFT = {"StackResourceDriftStatus": "NOT_CHECKED"}


def stack(record: StackRecord) -> dict[str, Any]:
    """Return a stack as DescribeStacks shows it."""
    with record.lock:
        options = record.options
        return _filled(
            StackId=record.id,
            StackName=record.name,
            Description=record.template.description or None,
            Parameters=[parameter.description() for parameter in record.parameters.values()],
            CreationTime=record.created_at,
            DeletionTime=record.deleted_at,
            RollbackConfiguration={},
            StackStatus=record.status,
            StackStatusReason=record.reason,
            DisableRollback=options.on_failure == "DO_NOTHING",
            NotificationARNs=[],
            Capabilities=list(options.capabilities),
            Outputs=list(record.outputs),
            Tags=[{"Key": key, "Value": value} for key, value in options.tags.items()],
            EnableTerminationProtection=options.termination_protection,
            DriftInformation=_DRIFT,
        )


def summary(record: StackRecord) -> dict[str, Any]:
    """Return a stack as ListStacks shows it."""
    with record.lock:
        return _filled(
            StackId=record.id,
            StackName=record.name,
            TemplateDescription=record.template.description or None,
            CreationTime=record.created_at,
            DeletionTime=record.deleted_at,
            StackStatus=record.status,
            StackStatusReason=record.reason,
            DriftInformation=_DRIFT,
        )


def event(record: StackRecord, line: Event) -> dict[str, Any]:
    """Return an event as DescribeStackEvents shows it."""
    properties = None if line.properties is None else json.dumps(line.properties)
    return _filled(
        StackId=record.id,
        StackName=record.name,
        EventId=line.id,
        LogicalResourceId=line.logical_id,
        PhysicalResourceId=line.physical_id,
        ResourceType=line.type,
        Timestamp=line.at,
        ResourceStatus=line.status,
        ResourceStatusReason=line.reason,
        ResourceProperties=properties,
        ClientRequestToken=line.token,
    )


def resource(record: StackRecord, made: ResourceRecord) -> dict[str, Any]:
    """Return a resource as DescribeStackResources shows it."""
    return _filled(
        StackId=record.id,
        StackName=record.name,
        LogicalResourceId=made.logical_id,
        PhysicalResourceId=made.physical_id or None,
        ResourceType=made.type,
        Timestamp=made.updated_at,
        ResourceStatus=made.status,
        ResourceStatusReason=made.reason,
        DriftInformation=_RESOURCE_DRIFT,
    )


def resource_detail(record: StackRecord, made: ResourceRecord) -> dict[str, Any]:
    """Return a resource as DescribeStackResource shows it."""
    shown = resource(record, made)
    return {**shown, "LastUpdatedTimestamp": shown.pop("Timestamp"), "Metadata": "{}"}


def resource_summary(made: ResourceRecord) -> dict[str, Any]:
    """Return a resource as ListStackResources shows it."""
    return _filled(
        LogicalResourceId=made.logical_id,
        PhysicalResourceId=made.physical_id or None,
        ResourceType=made.type,
        LastUpdatedTimestamp=made.updated_at,
        ResourceStatus=made.status,
        ResourceStatusReason=made.reason,
        DriftInformation=_RESOURCE_DRIFT,
    )


def template(parsed: Template) -> dict[str, Any]:
    """Return a template as ValidateTemplate shows it."""
    capabilities = required_capabilities(parsed)
    reason = f"The following resource(s) require capabilities: [{', '.join(iam_types(parsed))}]"
    return _filled(
        Parameters=[
            _filled(
                ParameterKey=key,
                DefaultValue=_shown_default(declared.get("Default")),
                NoEcho=str(declared.get("NoEcho", False)).lower() == "true",
                Description=declared.get("Description"),
            )
            for key, declared in parsed.parameters.items()
        ],
        Description=parsed.description or None,
        Capabilities=capabilities,
        CapabilitiesReason=reason if capabilities else None,
    )


def _shown_default(default: Any) -> str | None:
    return None if default is None else str(default)


def _filled(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
