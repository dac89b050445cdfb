"""What makes a well-formed template impossible: names that nothing has, circles, unknown types."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from labkit.emulator.cloudformation import graph, known_types
from labkit.emulator.cloudformation.capabilities import iam_types, required_capabilities
from labkit.emulator.cloudformation.function_check import check_functions
from labkit.emulator.cloudformation.graph import Reference, references
from labkit.emulator.cloudformation.providers import PROVIDERS
from labkit.emulator.cloudformation.rules import check_rules
from labkit.emulator.cloudformation.template import Resource, Template
from labkit.emulator.cloudformation.validation import ValidationError, format_error

__all__ = ["check", "iam_types", "required_capabilities"]

PSEUDO_PARAMETERS = frozenset(
    {
        "AWS::AccountId",
        "AWS::NoValue",
        "AWS::NotificationARNs",
        "AWS::Partition",
        "AWS::Region",
        "AWS::StackId",
        "AWS::StackName",
        "AWS::URLSuffix",
    }
)
"""Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html"""


def check(template: Template) -> None:
    """Refuse a template that cannot become a stack.

    Raises:
        ValidationError: in AWS's wording; the emulator's own limits are named as its own.
    """
    _check_types(template)
    _check_conditions_section(template)
    check_rules(template)
    for resource in template.resources.values():
        _check_resource(template, resource)
    for output in template.outputs.values():
        _check_output(template, output)
    graph.order(graph.dependencies(template.resources.values()))


def _check_types(template: Template) -> None:
    types = {resource.type for resource in template.resources.values()}
    unknown = sorted(name for name in types if not known_types.exists(name))
    if unknown:
        raise format_error(f"Unrecognized resource types: [{', '.join(unknown)}]")


def _check_resource(template: Template, resource: Resource) -> None:
    check_functions(template, resource.properties)
    _check_references(template, references(resource.properties), "Resources")
    _check_references(template, map(Reference, resource.depends_on), "Resources", only=True)
    if resource.condition is not None:
        _check_condition(template, resource.condition)


def _check_output(template: Template, output: dict[str, Any]) -> None:
    if "Condition" in output:
        _check_condition(template, output["Condition"])
    check_functions(template, output)
    _check_references(template, references(output["Value"]), "Outputs")
    for reference in references(output.get("Export", {})):
        if reference.name in template.resources:
            raise format_error(
                "Output export names must not depend on any resources, imported values, or "
                "Fn::GetAZs"
            )
        _check_references(template, [reference], "Outputs")


def _check_references(
    template: Template, found: Iterable[Reference], section: str, *, only: bool = False
) -> None:
    """Refuse names that neither a resource nor, unless `only` resources count, a parameter has."""
    for reference in found:
        if reference.attribute is not None:
            _check_attribute(template, reference.name, reference.attribute)
            continue
        values = set() if only else template.parameters.keys() | PSEUDO_PARAMETERS
        if reference.name not in values | template.resources.keys():
            raise format_error(
                f"Unresolved resource dependencies [{reference.name}] in the {section} block of "
                "the template"
            )


def _check_attribute(template: Template, name: str, attribute: str) -> None:
    if name not in template.resources:
        raise ValidationError(
            f"Template error: instance of Fn::GetAtt references undefined resource {name}"
        )
    if attribute and not _has_attribute(template.resources[name].type, attribute):
        raise ValidationError(
            f"Template error: resource {name} does not support attribute type {attribute} in "
            "Fn::GetAtt"
        )


def _has_attribute(type_name: str, attribute: str) -> bool:
    if type_name == known_types.STACK:
        return attribute.startswith("Outputs.")
    provider = PROVIDERS.get(type_name)
    return provider is None or attribute in provider.attributes


def _check_condition(template: Template, name: str) -> None:
    if name not in template.conditions:
        raise format_error(f"Unresolved condition dependency {name}")


def _check_conditions_section(template: Template) -> None:
    known = template.parameters.keys() | PSEUDO_PARAMETERS
    for condition in template.conditions.values():
        check_functions(template, condition, in_conditions=True)
        foreign = [item.name for item in references(condition) if item.name not in known]
        if foreign:
            raise format_error(
                f"Unresolved dependencies [{', '.join(foreign)}]. Cannot reference resources in "
                "the Conditions block of the template"
            )
    needs = {name: set(_named_in(value)) for name, value in template.conditions.items()}
    for names in needs.values():
        for name in sorted(names):
            _check_condition(template, name)
    graph.order(needs, what="conditions")


def _named_in(value: Any) -> Iterable[str]:
    """Yield the conditions that a condition is made of."""
    if isinstance(value, dict) and isinstance(value.get("Condition"), str):
        yield value["Condition"]
    inner = value.values() if isinstance(value, dict) else value
    for item in inner if isinstance(value, dict | list) else ():
        yield from _named_in(item)
