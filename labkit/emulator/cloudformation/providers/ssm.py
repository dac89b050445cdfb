"""Parameters of Systems Manager."""

from __future__ import annotations

from labkit.emulator.cloudformation.providers.provider import (
    Attributes,
    Context,
    Properties,
    Provider,
    picked,
)
from labkit.emulator.cloudformation.providers.tags import tag_changes

_AS_THEY_ARE = ("AllowedPattern", "DataType", "Description", "Tier", "Type", "Value")


class Parameter(Provider):
    type = "AWS::SSM::Parameter"
    honors = (*_AS_THEY_ARE, "Name", "Tags")
    attributes = ("Type", "Value")
    in_place = frozenset({"AllowedPattern", "Description", "Tags", "Type", "Value"})

    def create(self, context: Context, properties: Properties) -> Attributes:
        name = properties.get("Name") or context.name(1011)
        tags = {
            **context.system_tags,
            **context.tags,
            **properties.get("Tags", {}),
        }  # a mapping, unlike elsewhere
        context.client("ssm").put_parameter(
            Name=name,
            **picked(properties, *_AS_THEY_ARE),
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
        )
        context.exists(name)
        return picked(properties, "Type", "Value")

    def update(
        self, context: Context, physical_id: str, old: Properties, new: Properties
    ) -> Attributes:
        ssm = context.client("ssm")
        if picked(old, *_AS_THEY_ARE) != picked(new, *_AS_THEY_ARE):
            ssm.put_parameter(
                Name=physical_id,
                Overwrite=True,
                **{"Description": "", **picked(new, *_AS_THEY_ARE)},
            )
        put, gone = tag_changes(old, new)
        which = {"ResourceType": "Parameter", "ResourceId": physical_id}
        if gone:
            ssm.remove_tags_from_resource(**which, TagKeys=gone)
        if put:
            ssm.add_tags_to_resource(**which, Tags=put)
        return picked(new, "Type", "Value")

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("ssm").delete_parameter(Name=physical_id)
