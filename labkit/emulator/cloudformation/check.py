"""What makes a well-formed template impossible: names that nothing has, circles, unknown types."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from labkit.emulator.cloudformation import graph
from labkit.emulator.cloudformation.graph import Reference, references
from labkit.emulator.cloudformation.providers import PROVIDERS
from labkit.emulator.cloudformation.template import Template
from labkit.emulator.cloudformation.validation import ValidationError, format_error

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

_IAM_NAMES = {
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
    "AWS::IAM::Role": "RoleName",
}


def check(template: Template) -> None:
    """Refuse a template that cannot become a stack.

    Raises:
        ValidationError: in AWS's wording; the emulator's own limits are named as its own.
    """
    _check_types(template)
    for resource in template.resources.values():
        _check_references(template, references(resource.properties), "Resources")
        _check_references(template, map(Reference, resource.depends_on), "Resources", only=True)
        _check_conditions(template, resource.properties)
        if resource.condition is not None:
            _check_condition(template, resource.condition)
    for output in template.outputs.values():
        _check_references(template, references(output["Value"]), "Outputs")
        _check_conditions(template, output)
    _check_conditions_section(template)
    graph.order(graph.dependencies(template.resources.values()))


def required_capabilities(template: Template) -> list[str]:
    """Return what CreateStack must acknowledge, and for which resource types.

    Source: docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
    """
    iam = [item for item in template.resources.values() if item.type in _IAM_NAMES]
    if any(_IAM_NAMES[item.type] in item.properties for item in iam):
        return ["CAPABILITY_NAMED_IAM"]
    return ["CAPABILITY_IAM"] if iam else []


def iam_types(template: Template) -> list[str]:
    """Return the types in a template that require a capability."""
    return sorted({item.type for item in template.resources.values()} & _IAM_NAMES.keys())


def _check_types(template: Template) -> None:
    types = {resource.type for resource in template.resources.values()}
    unknown = sorted(types - PROVIDERS.keys())
    if unknown:
        raise format_error(
            f"Unrecognized resource types: [{', '.join(unknown)}]. The emulator makes only: "
            f"{', '.join(sorted(PROVIDERS))}"
        )


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
    if attribute and attribute not in PROVIDERS[template.resources[name].type].attributes:
        raise ValidationError(
            f"Template error: resource {name} does not support attribute type {attribute} in "
            "Fn::GetAtt"
        )


def _check_conditions(template: Template, value: Any) -> None:
    """Refuse `Fn::If` with a condition that is not declared."""
    if isinstance(value, dict):
        branches = value.get("Fn::If")
        if isinstance(branches, list) and branches and isinstance(branches[0], str):
            _check_condition(template, branches[0])
    inner = value.values() if isinstance(value, dict) else value
    for item in inner if isinstance(value, dict | list) else ():
        _check_conditions(template, item)


def _check_condition(template: Template, name: str) -> None:
    if name not in template.conditions:
        raise format_error(f"Unresolved condition dependency {name}")


def _check_conditions_section(template: Template) -> None:
    known = template.parameters.keys() | PSEUDO_PARAMETERS
    for condition in template.conditions.values():
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
