"""Stacks in a stack."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.emulator.cloudformation.providers.provider import (
    Attributes,
    Context,
    NestedStacks,
    Properties,
    Provider,
)


class Outputs:
    """The attributes `Outputs.NAME`, whatever the names are that the nested template has."""

    def __iter__(self) -> Iterator[str]:
        return iter([r"Outputs\..*"])  # as cfn-lint names them

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.startswith("Outputs.") and name != "Outputs."


class Stack(Provider):
    """A nested stack; its properties are those of CreateStack that a template may give.

    Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-nested-stacks.html
    """

    type = "AWS::CloudFormation::Stack"
    honors = ("Parameters", "Tags", "TemplateURL")
    attributes = Outputs()
    in_place = frozenset(honors)

    def create(self, context: Context, properties: Properties) -> Attributes:
        return _nested(context).create(context, properties)

    def update(
        self, context: Context, physical_id: str, old: Properties, new: Properties
    ) -> Attributes:
        return _nested(context).update(context, physical_id, new)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        _nested(context).delete(physical_id)


def _nested(context: Context) -> NestedStacks:
    if context.nested is None:
        raise TypeError("a nested stack needs the stacks below this one")
    return context.nested
