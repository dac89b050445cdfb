"""Workgroups and named queries of Athena: kept, while queries are not run."""

from __future__ import annotations

from typing import Any

from labkit.emulator.cloudformation.providers.provider import (
    Attributes,
    Context,
    Properties,
    Provider,
    picked,
)
from labkit.emulator.cloudformation.providers.tags import tag_changes


class WorkGroup(Provider):
    type = "AWS::Athena::WorkGroup"
    honors = (
        "Description",
        "Name",
        "RecursiveDeleteOption",
        "State",
        "Tags",
        "WorkGroupConfiguration",
    )
    attributes = ("CreationTime", "WorkGroupConfiguration.EngineVersion.EffectiveEngineVersion")
    in_place = frozenset(honors) - {"Name"}

    def create(self, context: Context, properties: Properties) -> Attributes:
        athena, name = context.client("athena"), properties["Name"]
        configuration = properties.get("WorkGroupConfiguration")
        athena.create_work_group(
            Name=name,
            Tags=context.tag_list(properties),
            **picked(properties, "Description"),
            **({"Configuration": configuration} if configuration else {}),
        )
        context.exists(name)
        if properties.get("State") == "DISABLED":  # a new one is not
            athena.update_work_group(WorkGroup=name, State="DISABLED")
        return _attributes(athena, name)

    def update(
        self, context: Context, physical_id: str, old: Properties, new: Properties
    ) -> Attributes:
        athena = context.client("athena")
        athena.update_work_group(
            WorkGroup=physical_id,
            Description=new.get("Description", ""),
            State=new.get("State", "ENABLED"),
            ConfigurationUpdates=_updates(
                old.get("WorkGroupConfiguration", {}), new.get("WorkGroupConfiguration", {})
            ),
        )
        _retag(athena, _arn(context, athena, physical_id), old, new)
        return _attributes(athena, physical_id)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("athena").delete_work_group(
            WorkGroup=physical_id,
            RecursiveDeleteOption=properties.get("RecursiveDeleteOption", False),
        )


def _updates(old: Properties, new: Properties) -> dict[str, Any]:
    """Return a configuration as UpdateWorkGroup takes it: what is gone, it wants to be told."""
    updates = {name: new[name] for name in new if name != "ResultConfiguration"}
    results = new.get("ResultConfiguration")
    gone = old.get("ResultConfiguration", {}).keys() - (results or {}).keys()
    flags = {f"Remove{name}": True for name in gone}
    if results or flags:
        updates["ResultConfigurationUpdates"] = {**(results or {}), **flags}
    if "BytesScannedCutoffPerQuery" in old and "BytesScannedCutoffPerQuery" not in new:
        updates["RemoveBytesScannedCutoffPerQuery"] = True
    return updates


def _arn(context: Context, athena: Any, name: str) -> str:
    account = context.client("sts").get_caller_identity()["Account"]
    place = f"arn:{athena.meta.partition}:athena:{context.region}:{account}"
    return f"{place}:workgroup/{name}"


def _retag(athena: Any, arn: str, old: Properties, new: Properties) -> None:
    put, gone = tag_changes(old, new)
    if gone:
        athena.untag_resource(ResourceARN=arn, TagKeys=gone)
    if put:
        athena.tag_resource(ResourceARN=arn, Tags=put)


def _attributes(athena: Any, name: str) -> Attributes:
    group = athena.get_work_group(WorkGroup=name)["WorkGroup"]
    engine = group["Configuration"]["EngineVersion"]["EffectiveEngineVersion"]
    return {
        "CreationTime": str(group["CreationTime"].timestamp()),
        "WorkGroupConfiguration.EngineVersion.EffectiveEngineVersion": engine,
    }


class NamedQuery(Provider):
    type = "AWS::Athena::NamedQuery"
    honors = ("Database", "Description", "Name", "QueryString", "WorkGroup")
    attributes = ("NamedQueryId",)

    def create(self, context: Context, properties: Properties) -> Attributes:
        query_id = context.client("athena").create_named_query(
            Name=properties.get("Name") or context.name(128),
            **picked(properties, "Database", "Description", "QueryString", "WorkGroup"),
        )["NamedQueryId"]
        context.exists(query_id)
        return {"NamedQueryId": query_id}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("athena").delete_named_query(NamedQueryId=physical_id)
