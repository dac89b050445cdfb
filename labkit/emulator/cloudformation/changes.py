"""What an update would change, property by property.

Source: docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from labkit.emulator.cloudformation import graph
from labkit.emulator.cloudformation.evaluation import Evaluation
from labkit.emulator.cloudformation.known_types import STACK
from labkit.emulator.cloudformation.records import ResourceRecord, StackRecord
from labkit.emulator.cloudformation.resources import Properties, with_stack_tags
from labkit.emulator.cloudformation.schema import schemas
from labkit.emulator.cloudformation.template import Resource
from labkit.emulator.cloudformation.validation import ValidationError


def changed_properties(
    before: ResourceRecord, wanted: Properties, stack_tags: Mapping[str, str]
) -> set[str]:
    """Return the names of the properties that differ, the stack's tags counted as `Tags`."""
    old = with_stack_tags(before.type, before.properties, before.stack_tags)
    new = with_stack_tags(before.type, wanted, stack_tags)
    return {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}


@dataclass(frozen=True, slots=True)
class Detail:
    """Why and how one property of a resource changes; `cause` is a parameter or a resource."""

    attribute: str
    name: str | None
    source: str
    cause: str | None = None
    evaluation: str = "Static"
    recreation: str = "Never"


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one resource."""

    action: str
    logical_id: str
    type: str
    physical_id: str = ""
    details: tuple[Detail, ...] = ()
    policy: str = "Delete"
    before: Properties = field(default_factory=dict)
    after: Properties = field(default_factory=dict)

    @property
    def replacement(self) -> str | None:
        """Whether a resource that is modified is replaced: True, False, or Conditional."""
        if self.action != "Modify":
            return None
        always = {one.evaluation for one in self.details if one.recreation == "Always"}
        return "True" if "Static" in always else "Conditional" if always else "False"


KNOWN_AFTER_APPLY = "{{changeSet:KNOWN_AFTER_APPLY}}"
"""What stands for a value that cannot be told before."""


class Unknown(Exception):
    """A value cannot be told before the change is made; says which resource it comes from."""

    def __init__(self, resource: str, attribute: str | None = None):
        super().__init__(resource)
        self.resource = resource
        self.attribute = attribute


class Comparison:
    """Compares a stack as it is with what a template wants.

    Args:
        evaluation: what is wanted, for that stack.
        tags: the stack's tags from then on.
    """

    def __init__(self, evaluation: Evaluation, tags: Mapping[str, str]):
        self._evaluation = evaluation
        self._stack: StackRecord = evaluation.stack
        self._tags = tags
        self._unsure: set[str] = set()
        scope = evaluation.scope
        self._scope = replace(scope, ref=self._ref, attribute=self._attribute)
        self._now = scope

    def changes(self) -> list[Change]:
        """Return what changes, in the order in which it would be done."""
        found = [self._change(name) for name in self._evaluation.order]
        goes = [
            Change("Remove", record.logical_id, record.type, record.physical_id,
                   policy=record.deletion_policy, before=record.properties)
            for record in self._stack.resource_list()
            if record.is_there and record.logical_id not in self._evaluation.wanted
        ]  # fmt: skip
        return [change for change in found if change is not None] + goes

    def outputs_differ(self) -> bool:
        """Return whether the outputs change, as far as that can be told."""
        try:
            return self._evaluation.outputs(self._scope) != self._stack.outputs
        except (Unknown, ValidationError):
            return True

    def _change(self, name: str) -> Change | None:
        record = self._stack.resources.get(name)
        declared = self._evaluation.wanted[name]
        if record is None or not record.is_there or record.status == "CREATE_FAILED":
            self._unsure.add(name)
            return Change("Add", name, declared.type, after=self._after_properties(declared))
        details = tuple(self._details(record, declared))
        if not details:
            return None
        change = Change(
            "Modify",
            name,
            record.type,
            record.physical_id,
            details,
            policy=record.update_replace_policy,
            before=record.properties,
            after=self._after_properties(declared),
        )
        if change.replacement != "False" or record.type == STACK:
            self._unsure.add(name)
        return change

    def _details(self, record: ResourceRecord, declared: Resource) -> Iterator[Detail]:
        create_only = schemas()[record.type].create_only
        old = with_stack_tags(record.type, record.properties, record.stack_tags)
        for name in sorted(old.keys() | declared.properties.keys() | self._tag_names(record)):
            for detail in self._property(record, declared, name, old):
                recreation = "Always" if name in create_only else "Never"
                yield replace(detail, recreation=recreation)
        if record.metadata != declared.metadata:
            yield Detail("Metadata", None, "DirectModification")
        if record.type == STACK:
            yield Detail("Properties", None, "Automatic", evaluation="Dynamic")

    def _tag_names(self, record: ResourceRecord) -> set[str]:
        return {"Tags"} if self._tags and schemas()[record.type].taggable else set()

    def _property(
        self, record: ResourceRecord, declared: Resource, name: str, old: Properties
    ) -> Iterator[Detail]:
        template = declared.properties
        try:
            resolved = self._resolved(record.type, name, template)
        except Unknown as unknown:
            source = "ResourceAttribute" if unknown.attribute else "ResourceReference"
            cause = ".".join(filter(None, (unknown.resource, unknown.attribute)))
            yield Detail("Properties", name, source, cause, "Dynamic")
            return
        except ValidationError:  # the resource will fail with it
            yield Detail("Properties", name, "DirectModification", None, "Dynamic")
            return
        new = with_stack_tags(record.type, resolved, self._tags)
        if new.get(name) == old.get(name):
            return
        if name == "Tags" and resolved.get("Tags") == record.properties.get("Tags"):
            yield Detail("Tags", None, "DirectModification")
            return
        causes = sorted(self._changed_parameters(template.get(name)))
        for cause in causes:
            yield Detail(_attribute_of(name), _name_of(name), "ParameterReference", cause)
        if not causes or self._text(record, name) != _text(template.get(name)):
            yield Detail(_attribute_of(name), _name_of(name), "DirectModification")

    def _after_properties(self, declared: Resource) -> Properties:
        after: Properties = {}
        for name in declared.properties:
            try:
                after |= self._resolved(declared.type, name, declared.properties)
            except (Unknown, ValidationError):
                after[name] = KNOWN_AFTER_APPLY
        return after

    def _resolved(self, kind: str, name: str, template: Mapping[str, Any]) -> Properties:
        if name not in template:
            return {}
        only = {name: template[name]}
        return self._evaluation.resolved(kind, only, self._scope)

    def _changed_parameters(self, value: Any) -> set[str]:
        before, after = self._stack.parameters, self._evaluation.parameters
        named = {reference.name for reference in graph.references(value)} & after.keys()
        return {
            name for name in named if name in before and before[name].value != after[name].value
        }

    def _text(self, record: ResourceRecord, name: str) -> str:
        declared = self._stack.template.resources.get(record.logical_id)
        return _text(declared.properties.get(name) if declared else None)

    def _ref(self, name: str) -> Any:
        if name in self._unsure:
            raise Unknown(name)
        return self._now.ref(name)

    def _attribute(self, name: str, attribute: str) -> Any:
        if name in self._unsure:
            raise Unknown(name, attribute)
        return self._now.attribute(name, attribute)


def _attribute_of(name: str) -> str:
    return "Tags" if name == "Tags" else "Properties"


def _name_of(name: str) -> str | None:
    return None if name == "Tags" else name


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
