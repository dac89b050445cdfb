"""A template -> its parameters, resources and outputs, checked section by section."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from labkit.emulator.cloudformation.document import load
from labkit.emulator.cloudformation.validation import ValidationError, format_error

SIZE_LIMIT_BYTES = 51_200
"""Of a TemplateBody.

Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
"""

SECTIONS = frozenset(
    {
        "AWSTemplateFormatVersion",
        "Conditions",
        "Description",
        "Mappings",
        "Metadata",
        "Outputs",
        "Parameters",
        "Resources",
    }
)
REFUSED_SECTIONS = frozenset({"Hooks", "Rules", "Transform"})
RESOURCE_ATTRIBUTES = frozenset(
    {
        "Condition",
        "DeletionPolicy",
        "DependsOn",
        "Metadata",
        "Properties",
        "Type",
        "UpdatePolicy",
        "UpdateReplacePolicy",
    }
)
DELETION_POLICIES = frozenset({"Delete", "Retain", "RetainExceptOnCreate"})


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource as the template declares it; properties still hold their functions."""

    logical_id: str
    type: str
    properties: dict[str, Any] = field(default_factory=dict)
    depends_on: tuple[str, ...] = ()
    condition: str | None = None
    deletion_policy: str = "Delete"


@dataclass(frozen=True, slots=True)
class Template:
    """A template whose sections have the right shape; what they refer to is not checked yet."""

    body: str
    description: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, dict[str, Any]] = field(default_factory=dict)
    mappings: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    conditions: dict[str, Any] = field(default_factory=dict)
    resources: dict[str, Resource] = field(default_factory=dict)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)


def parse(body: str) -> Template:
    """Return the template that a text is, JSON or YAML with short tags such as `!Ref`.

    Raises:
        ValidationError: in AWS's wording, when the text is no template.
    """
    _check_size(body)
    document = load(body)
    if not isinstance(document, dict):
        raise format_error("unsupported structure.")
    _check_sections(document)
    _check_nulls(document, "")
    sections = {name: _mapping(document, name) for name in SECTIONS - _SCALAR_SECTIONS}
    resources = sections["Resources"]
    if not resources:
        raise format_error("At least one Resources member must be defined.")
    return Template(
        body=body,
        description=_description(document),
        metadata=sections["Metadata"],
        parameters=sections["Parameters"],
        mappings=sections["Mappings"],
        conditions=sections["Conditions"],
        resources={name: _resource(name, resources[name]) for name in resources},
        outputs={name: _output(name, value) for name, value in sections["Outputs"].items()},
    )


_SCALAR_SECTIONS = frozenset({"AWSTemplateFormatVersion", "Description"})


def _check_size(body: str) -> None:
    if not 1 <= len(body.encode()) <= SIZE_LIMIT_BYTES:
        raise ValidationError(
            f"1 validation error detected: Value '{body[:40]}...' at 'templateBody' failed to "
            "satisfy constraint: Member must have length less than or equal to "
            f"{SIZE_LIMIT_BYTES}, and greater than or equal to 1"
        )


def _check_sections(document: dict[str, Any]) -> None:
    refused = sorted(REFUSED_SECTIONS & document.keys())
    if refused:
        raise format_error(f"The emulator does not emulate the sections {refused}.")
    unknown = sorted(document.keys() - SECTIONS)
    if unknown:
        raise ValidationError(f"Invalid template property or properties [{', '.join(unknown)}]")
    if document.get("AWSTemplateFormatVersion", "2010-09-09") != "2010-09-09":
        raise format_error("Template format version not supported.")


def _check_nulls(value: Any, path: str) -> None:
    if value is None:
        raise format_error(f"[{path}] 'null' values are not allowed in templates")
    pairs = value.items() if isinstance(value, dict) else ()
    pairs = enumerate(value) if isinstance(value, list) else pairs
    for key, inner in pairs:
        _check_nulls(inner, f"{path}/{key}")


def _mapping(document: dict[str, Any], name: str) -> dict[str, Any]:
    section = document.get(name, {})
    if not isinstance(section, dict):
        raise format_error(f"{name} must be an object.")
    return section


def _description(document: dict[str, Any]) -> str:
    description = document.get("Description", "")
    if not isinstance(description, str):
        raise format_error("Description must be a string.")
    return description


def _output(name: str, output: Any) -> dict[str, Any]:
    if not isinstance(output, dict) or "Value" not in output:
        raise format_error(f"Every Outputs member must contain a Value object. [{name}]")
    return output


def _resource(logical_id: str, declared: Any) -> Resource:
    if not logical_id.isalnum():
        raise format_error(f"Resource name {logical_id} is non alphanumeric.")
    if not isinstance(declared, dict) or not isinstance(declared.get("Type"), str):
        raise format_error(
            f"[/Resources/{logical_id}] Every Resources object must contain a Type member."
        )
    unknown = sorted(declared.keys() - RESOURCE_ATTRIBUTES)
    if unknown:
        raise ValidationError(f"Invalid template resource property '{unknown[0]}'")
    policy = declared.get("DeletionPolicy", "Delete")
    if policy not in DELETION_POLICIES:
        raise format_error(f"Unrecognized DeletionPolicy {policy} for resource {logical_id}")
    depends_on = declared.get("DependsOn", [])
    return Resource(
        logical_id=logical_id,
        type=declared["Type"],
        properties=_mapping(declared, "Properties"),
        depends_on=tuple([depends_on] if isinstance(depends_on, str) else depends_on),
        condition=declared.get("Condition"),
        deletion_policy=policy,
    )
