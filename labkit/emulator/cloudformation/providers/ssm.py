"""Parameters of Systems Manager."""

from __future__ import annotations

from labkit.emulator.cloudformation.providers.provider import (
    Attributes,
    Context,
    Properties,
    Provider,
    picked,
)


class Parameter(Provider):
    type = "AWS::SSM::Parameter"
    honors = ("AllowedPattern", "Description", "Name", "Tags", "Type", "Value")
    attributes = ("Type", "Value")

    def create(self, context: Context, properties: Properties) -> Attributes:
        name = properties.get("Name") or context.name(1011)
        tags = {
            **context.system_tags,
            **context.tags,
            **properties.get("Tags", {}),
        }  # a mapping, unlike elsewhere
        context.client("ssm").put_parameter(
            Name=name,
            **picked(properties, "AllowedPattern", "Description", "Type", "Value"),
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
        )
        context.exists(name)
        return picked(properties, "Type", "Value")

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("ssm").delete_parameter(Name=physical_id)
