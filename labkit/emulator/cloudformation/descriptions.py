"""Stacks, resources and events as the API's answers show them."""

from __future__ import annotations

import json
from typing import Any

from labkit.emulator.cloudformation.capabilities import iam_types, required_capabilities
from labkit.emulator.cloudformation.change_sets import ChangeSet
from labkit.emulator.cloudformation.changes import Change, Detail
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
            ChangeSetId=record.change_set_id,
            Description=record.template.description or None,
            Parameters=[parameter.description() for parameter in record.parameters.values()],
            CreationTime=record.created_at,
            LastUpdatedTime=record.updated_at,
            DeletionTime=record.deleted_at,
            RollbackConfiguration={},
            StackStatus=record.status,
            StackStatusReason=record.reason,
            DisableRollback=options.on_failure == "DO_NOTHING",
            NotificationARNs=[],
            Capabilities=list(options.capabilities),
            Outputs=list(record.outputs),
            Tags=[{"Key": key, "Value": value} for key, value in options.tags.items()],
            EnableTerminationProtection=record.root.options.termination_protection,
            DriftInformation=_DRIFT,
            **_family(record),
        )


def summary(record: StackRecord) -> dict[str, Any]:
    """Return a stack as ListStacks shows it."""
    with record.lock:
        return _filled(
            StackId=record.id,
            StackName=record.name,
            TemplateDescription=record.template.description or None,
            CreationTime=record.created_at,
            LastUpdatedTime=record.updated_at,
            DeletionTime=record.deleted_at,
            StackStatus=record.status,
            StackStatusReason=record.reason,
            DriftInformation=_DRIFT,
            **_family(record),
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
        OperationId=line.operation_id,
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
    metadata = json.dumps(made.metadata)
    return {**shown, "LastUpdatedTimestamp": shown.pop("Timestamp"), "Metadata": metadata}


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
    return _filled(
        Parameters=[_declared(key, one) for key, one in parsed.parameters.items()],
        Description=parsed.description or None,
        **_needed_capabilities(parsed),
    )


def template_summary(parsed: Template) -> dict[str, Any]:
    """Return a template as GetTemplateSummary shows it."""
    metadata = json.dumps(parsed.metadata) if parsed.metadata else None
    return _filled(
        Parameters=[
            {
                **_declared(key, one),
                "ParameterType": one.get("Type", "String"),
                "ParameterConstraints": _constraints(one),
            }
            for key, one in parsed.parameters.items()
        ],
        Description=parsed.description or None,
        ResourceTypes=sorted({resource.type for resource in parsed.resources.values()}),
        Version="2010-09-09",
        Metadata=metadata,
        DeclaredTransforms=["AWS::LanguageExtensions"] if parsed.extended else [],
        **_needed_capabilities(parsed),
    )


def change_set(one: ChangeSet, *, values: bool) -> dict[str, Any]:
    """Return a change set as DescribeChangeSet shows it, with property values if asked for."""
    return _filled(
        **change_set_summary(one),
        Parameters=[each.description() for each in one.evaluation.parameters.values()],
        Capabilities=list(one.options.capabilities),
        Tags=[{"Key": key, "Value": value} for key, value in one.options.tags.items()],
        NotificationARNs=[],
        RollbackConfiguration={},
        OnStackFailure=one.on_stack_failure,
        Changes=[
            {"Type": "Resource", "ResourceChange": _resource_change(change, values)}
            for change in one.changes
        ],
    )


def change_set_summary(one: ChangeSet) -> dict[str, Any]:
    """Return a change set as ListChangeSets shows it."""
    return _filled(
        ChangeSetId=one.id,
        ChangeSetName=one.name,
        StackId=one.stack.id,
        StackName=one.stack.name,
        Description=one.description,
        CreationTime=one.created_at,
        Status=one.status,
        StatusReason=one.reason,
        ExecutionStatus=one.execution_status,
        IncludeNestedStacks=False,
        ImportExistingResources=False,
    )


def _resource_change(change: Change, values: bool) -> dict[str, Any]:
    before = json.dumps({"Properties": change.before}) if values and change.before else None
    after = json.dumps({"Properties": change.after}) if values and change.after else None
    replaced = change.replacement == "True"
    policy = f"ReplaceAnd{change.policy}" if replaced else change.policy
    return _filled(
        PolicyAction=policy if replaced or change.action == "Remove" else None,
        Action=change.action,
        LogicalResourceId=change.logical_id,
        PhysicalResourceId=change.physical_id or None,
        ResourceType=change.type,
        Replacement=change.replacement,
        Scope=sorted({detail.attribute for detail in change.details}),
        Details=[_detail(detail) for detail in change.details],
        BeforeContext=before,
        AfterContext=after,
    )


def _detail(detail: Detail) -> dict[str, Any]:
    return _filled(
        Target=_filled(
            Attribute=detail.attribute,
            Name=detail.name,
            RequiresRecreation=detail.recreation,
        ),
        Evaluation=detail.evaluation,
        ChangeSource=detail.source,
        CausingEntity=detail.cause,
    )


def _family(record: StackRecord) -> dict[str, str]:
    """Return the stacks above a nested one."""
    if record.parent is None:
        return {}
    return {"ParentId": record.parent.id, "RootId": record.root.id}


def _needed_capabilities(parsed: Template) -> dict[str, Any]:
    capabilities = required_capabilities(parsed)
    if not capabilities:
        return {"Capabilities": []}
    types = ", ".join(iam_types(parsed))
    reason = f"The following resource(s) require capabilities: [{types}]"
    return {"Capabilities": capabilities, "CapabilitiesReason": reason}


def _declared(key: str, declared: dict[str, Any]) -> dict[str, Any]:
    return _filled(
        ParameterKey=key,
        DefaultValue=_shown_default(declared.get("Default")),
        NoEcho=str(declared.get("NoEcho", False)).lower() == "true",
        Description=declared.get("Description"),
    )


def _constraints(declared: dict[str, Any]) -> dict[str, Any]:
    allowed = declared.get("AllowedValues")
    return {"AllowedValues": [str(value) for value in allowed]} if allowed else {}


def _shown_default(default: Any) -> str | None:
    return None if default is None else str(default)


def _filled(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}
