"""A template -> its parameters, resources and outputs, checked section by section."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from labkit.emulator.cloudformation import language_extensions, limits
from labkit.emulator.cloudformation.document import load
from labkit.emulator.cloudformation.function_shapes import LANGUAGE_EXTENSIONS
from labkit.emulator.cloudformation.limits import SIZE_LIMIT_BYTES, URL_SIZE_LIMIT_BYTES
from labkit.emulator.cloudformation.resource_attributes import Resource, read_resource
from labkit.emulator.cloudformation.validation import ValidationError, format_error

__all__ = ["SIZE_LIMIT_BYTES", "URL_SIZE_LIMIT_BYTES", "Resource", "Template", "parse"]

MAPPINGS = frozenset(
    {"Conditions", "Mappings", "Metadata", "Outputs", "Parameters", "Resources", "Rules"}
)
SECTIONS = MAPPINGS | {"AWSTemplateFormatVersion", "Description", "Transform"}
PARAMETER_ATTRIBUTES = frozenset(
    {
        "AllowedPattern",
        "AllowedValues",
        "ConstraintDescription",
        "Default",
        "Description",
        "MaxLength",
        "MaxValue",
        "MinLength",
        "MinValue",
        "NoEcho",
        "Type",
    }
)
OUTPUT_ATTRIBUTES = frozenset({"Condition", "Description", "Export", "Value"})


@dataclass(frozen=True, slots=True)
class Template:
    """A template whose sections have the right shape; what they refer to is not checked yet."""

    body: str
    description: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, dict[str, Any]] = field(default_factory=dict)
    mappings: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    conditions: dict[str, Any] = field(default_factory=dict)
    rules: dict[str, dict[str, Any]] = field(default_factory=dict)
    resources: dict[str, Resource] = field(default_factory=dict)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    extended: bool = False
    """Whether it declares the transform AWS::LanguageExtensions."""


def parse(body: str, *, limit_bytes: int = SIZE_LIMIT_BYTES) -> Template:
    """Return the template that a text is, JSON or YAML with short tags such as `!Ref`.

    Args:
        body: the text.
        limit_bytes: how long it may be: URL_SIZE_LIMIT_BYTES for what a TemplateURL led to.

    Raises:
        ValidationError: in AWS's wording, when the text is no template.
    """
    limits.check_size(body, limit_bytes)
    document = load(body)
    if not isinstance(document, dict):
        raise format_error("unsupported structure.")
    _check_sections(document)
    _check_nulls(document, "")
    sections = {name: _section(document, name) for name in MAPPINGS}
    if not sections["Resources"]:
        raise format_error("At least one Resources member must be defined.")
    limits.check_numbers(sections)
    return Template(
        body=body,
        description=limits.checked_description(document.get("Description", "")),
        metadata=sections["Metadata"],
        parameters=_each(sections["Parameters"], _parameter),
        mappings=_each(sections["Mappings"], _mapping),
        conditions=sections["Conditions"],
        rules=sections["Rules"],
        resources=_each(sections["Resources"], read_resource),
        outputs=_each(sections["Outputs"], _output),
        extended="Transform" in document,
    )


def _each(section: dict[str, Any], read: Any) -> dict[str, Any]:
    return {name: read(name, value) for name, value in section.items()}


def _check_sections(document: dict[str, Any]) -> None:
    _check_transforms(document)  # first: a section such as Globals belongs to one
    unknown = sorted(document.keys() - SECTIONS - {"Hooks"})
    if unknown:
        raise ValidationError(f"Invalid template property or properties [{', '.join(unknown)}]")
    if "Hooks" in document:
        raise format_error("The emulator does not emulate the section Hooks.")
    if document.get("AWSTemplateFormatVersion", "2010-09-09") != "2010-09-09":
        raise format_error("Template format version not supported.")


def _check_transforms(document: dict[str, Any]) -> None:
    transforms = document.get("Transform", LANGUAGE_EXTENSIONS)
    for transform in transforms if isinstance(transforms, list) else [transforms]:
        if transform != LANGUAGE_EXTENSIONS:
            name = transform.get("Name") if isinstance(transform, dict) else transform
            raise format_error(f"The emulator does not emulate the transform {name}.")
    if "Transform" in document:
        language_extensions.check(document)


def _check_nulls(value: Any, path: str) -> None:
    if value is None:
        raise format_error(f"[{path}] 'null' values are not allowed in templates")
    pairs = value.items() if isinstance(value, dict) else ()
    pairs = enumerate(value) if isinstance(value, list) else pairs
    for key, inner in pairs:
        _check_nulls(inner, f"{path}/{key}")


def _section(document: dict[str, Any], name: str) -> dict[str, Any]:
    section = document.get(name, {})
    if not isinstance(section, dict):
        raise format_error(f"{name} must be an object.")
    return section


def _parameter(name: str, declared: Any) -> dict[str, Any]:
    limits.check_name("Parameter", name)
    if not isinstance(declared, dict) or not isinstance(declared.get("Type"), str):
        raise format_error("Every Parameters object must contain a Type member.")
    unknown = sorted(declared.keys() - PARAMETER_ATTRIBUTES)
    if unknown:
        raise ValidationError(f"Invalid template parameter property '{unknown[0]}'")
    for key, value in declared.items():
        if isinstance(value, dict | list) and key not in {"AllowedValues", "Default"}:
            raise format_error(f"Every {key} member must be a string.")
    default, allowed = declared.get("Default", ""), declared.get("AllowedValues", [])
    if isinstance(default, dict | list):
        raise format_error("Every Default member must be a string.")
    if not isinstance(allowed, list) or any(isinstance(item, dict | list) for item in allowed):
        raise format_error("Every AllowedValues member must be a list of strings.")
    return declared


def _mapping(name: str, declared: Any) -> dict[str, Any]:
    limits.check_name("Mapping", name)
    is_one = isinstance(declared, dict) and all(isinstance(row, dict) for row in declared.values())
    if not is_one:
        raise format_error("Every Mappings attribute must be a String or a List.")
    return declared


def _output(name: str, output: Any) -> dict[str, Any]:
    limits.check_name("Output", name)
    if not isinstance(output, dict) or "Value" not in output:
        raise format_error(f"Every Outputs member must contain a Value object. [{name}]")
    unknown = sorted(output.keys() - OUTPUT_ATTRIBUTES)
    if unknown:
        raise ValidationError(f"Invalid template output property '{unknown[0]}'")
    export = output.get("Export", {"Name": ""})
    if not isinstance(export, dict) or set(export) != {"Name"}:
        raise format_error(f"Output {name} is malformed: Export must contain a Name, only.")
    if not isinstance(output.get("Condition", ""), str):
        raise format_error("Every Condition member must be a string.")
    limits.checked_description(output.get("Description", ""))
    return output
