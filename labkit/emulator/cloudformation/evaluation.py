"""A template with the values of one stack: what it wants, with which properties, in what order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from labkit.emulator.cloudformation import failures, graph, intrinsics
from labkit.emulator.cloudformation.intrinsics import Scope
from labkit.emulator.cloudformation.known_types import STACK
from labkit.emulator.cloudformation.parameters import Parameter
from labkit.emulator.cloudformation.records import ResourceRecord, StackRecord
from labkit.emulator.cloudformation.schema import schemas
from labkit.emulator.cloudformation.surroundings import (
    parameter_store,
    pseudo_parameters,
    zones,
)
from labkit.emulator.cloudformation.template import Template
from labkit.emulator.cloudformation.validation import ValidationError
from labkit.emulator.upstream import Clients


class Evaluation:
    """What a template comes to, with given parameters, for one stack.

    Names are looked up in the stack's resources as they are at that moment.

    Attributes:
        wanted: the resources whose condition holds, by logical id.
        needs: for each of them, which of them must be there before it.
        order: their names, each after all that it needs.
        imports: the names of the exports that were asked for so far.

    Args:
        stack: whose resources `Ref` and `Fn::GetAtt` mean.
        template: checked.
        parameters: all of them.
        outer: clients, for what stands outside the template.
        export: the value of an export, by its name.
    """

    def __init__(
        self,
        stack: StackRecord,
        template: Template,
        parameters: Mapping[str, Parameter],
        outer: Clients,
        export: Callable[[str], str],
    ):
        self.stack = stack
        self.template = template
        self.parameters = dict(parameters)
        self.imports: set[str] = set()
        self._export = export
        values = {key: parameter.value for key, parameter in parameters.items()}
        self.scope = Scope(
            values={**pseudo_parameters(stack.id), **values},
            mappings=template.mappings,
            conditions=template.conditions,
            ref=self._ref,
            attribute=self._attribute,
            zones=lambda region: zones(outer, region),
            import_value=self._import_value,
            fetch=parameter_store(outer, stack.region),
        )
        self.wanted = {
            name: resource
            for name, resource in template.resources.items()
            if resource.condition is None or self.holds(resource.condition)
        }
        needs = graph.dependencies(self.wanted.values(), self.holds)
        self.needs = {name: frozenset(needed) for name, needed in needs.items()}
        self.order = graph.order(needs)

    def holds(self, condition: str) -> bool:
        """Return whether a condition of the template holds."""
        return intrinsics.holds(condition, self.scope)

    def record(self, name: str) -> ResourceRecord:
        """Return the record of a resource that is still to be made."""
        declared = self.wanted[name]
        return ResourceRecord(name, declared.type, **self.settings(name))

    def settings(self, name: str) -> dict[str, Any]:
        """Return what a record holds of a resource's declaration beside its properties."""
        declared = self.wanted[name]
        return {
            "deletion_policy": declared.deletion_policy,
            "update_replace_policy": declared.update_replace_policy,
            "metadata": declared.metadata,
            "needs": self.needs[name],
            "stack_tags": self.stack.options.tags,
        }

    def properties(self, name: str) -> dict[str, Any]:
        """Return the properties of a resource, with all functions in them resolved.

        Raises:
            ValidationError: a function yields nothing, or they break the type's schema.
        """
        declared = self.wanted[name]
        properties = self.resolved(declared.type, declared.properties, self.scope)
        problems = schemas()[declared.type].problems(properties)
        if problems:
            raise failures.properties_invalid(name, problems)
        return properties

    def resolved(self, kind: str, properties: dict[str, Any], scope: Scope) -> dict[str, Any]:
        """Return properties of a type with what a scope makes of them; not validated.

        Raises:
            ValidationError: they stand in a function that yields no object.
        """
        resolved = intrinsics.resolve(properties, scope)
        if not isinstance(resolved, dict):
            raise ValidationError(f"Template error: Properties of {kind} must be an object.")
        return schemas()[kind].coerce(resolved)

    def outputs(self, scope: Scope | None = None) -> list[dict[str, Any]]:
        """Return the outputs as DescribeStacks shows them.

        Raises:
            ValidationError: one cannot be resolved, or is no text.
        """
        return [
            _output(key, output, scope or self.scope)
            for key, output in self.template.outputs.items()
            if "Condition" not in output or self.holds(output["Condition"])
        ]

    def _ref(self, name: str) -> str:
        return self._made(name).physical_id

    def _attribute(self, name: str, attribute: str) -> Any:
        record = self._made(name)
        if attribute not in record.attributes and record.type == STACK:
            output = attribute.removeprefix("Outputs.")
            raise ValidationError(f"Output '{output}' not found in stack '{record.physical_id}'")
        value = record.attributes[attribute]
        return value() if callable(value) else value

    def _made(self, name: str) -> ResourceRecord:
        if name not in self.wanted:  # its condition does not hold
            raise ValidationError(
                f"Template format error: Unresolved resource dependencies [{name}] in the "
                "Resources block of the template"
            )
        return self.stack.resources[name]

    def _import_value(self, name: str) -> str:
        self.imports.add(name)
        return self._export(name)


def _output(key: str, output: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    value = intrinsics.resolve(output["Value"], scope)
    if isinstance(value, bool):
        value = str(value).lower()
    if not isinstance(value, str | int | float):
        raise ValidationError(
            "Template format error: The Value field of every Outputs member must evaluate to "
            f"a String. [{key}]"
        )
    shown = {"OutputKey": key, "OutputValue": str(value)}
    if "Description" in output:
        shown["Description"] = output["Description"]
    if "Export" in output:
        shown["ExportName"] = _export_name(key, output["Export"], scope)
    return shown


def _export_name(key: str, export: Any, scope: Scope) -> str:
    name = intrinsics.resolve(export.get("Name"), scope) if isinstance(export, dict) else None
    if not isinstance(name, str) or not name:
        raise ValidationError(
            "Template format error: Output Export must have a Name that evaluates to a String. "
            f"[{key}]"
        )
    return name
