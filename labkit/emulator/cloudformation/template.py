"""The text of a template -> a Template, checked section by section."""

from __future__ import annotations

import json
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

import yaml

try:
    from yaml import CSafeLoader as SafeLoader
except ImportError:  # PyYAML built without libyaml: ten times slower, the same result
    from yaml import SafeLoader

from labkit.emulator.cloudformation.validation import ValidationError

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
    document = _load(body)
    if not isinstance(document, dict):
        raise _format_error("unsupported structure.")
    _check_sections(document)
    _check_nulls(document, "")
    sections = {name: _mapping(document, name) for name in SECTIONS - _SCALAR_SECTIONS}
    resources = sections["Resources"]
    if not resources:
        raise _format_error("At least one Resources member must be defined.")
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


def _format_error(message: str) -> ValidationError:
    return ValidationError(f"Template format error: {message}")


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
        raise _format_error(f"The emulator does not emulate the sections {refused}.")
    unknown = sorted(document.keys() - SECTIONS)
    if unknown:
        raise ValidationError(f"Invalid template property or properties [{', '.join(unknown)}]")
    if document.get("AWSTemplateFormatVersion", "2010-09-09") != "2010-09-09":
        raise _format_error("Template format version not supported.")


def _check_nulls(value: Any, path: str) -> None:
    if value is None:
        raise _format_error(f"[{path}] 'null' values are not allowed in templates")
    pairs = value.items() if isinstance(value, dict) else ()
    pairs = enumerate(value) if isinstance(value, list) else pairs
    for key, inner in pairs:
        _check_nulls(inner, f"{path}/{key}")


def _mapping(document: dict[str, Any], name: str) -> dict[str, Any]:
    section = document.get(name, {})
    if not isinstance(section, dict):
        raise _format_error(f"{name} must be an object.")
    return section


def _description(document: dict[str, Any]) -> str:
    description = document.get("Description", "")
    if not isinstance(description, str):
        raise _format_error("Description must be a string.")
    return description


def _output(name: str, output: Any) -> dict[str, Any]:
    if not isinstance(output, dict) or "Value" not in output:
        raise _format_error(f"Every Outputs member must contain a Value object. [{name}]")
    return output


def _resource(logical_id: str, declared: Any) -> Resource:
    if not logical_id.isalnum():
        raise _format_error(f"Resource name {logical_id} is non alphanumeric.")
    if not isinstance(declared, dict) or not isinstance(declared.get("Type"), str):
        raise _format_error(
            f"[/Resources/{logical_id}] Every Resources object must contain a Type member."
        )
    unknown = sorted(declared.keys() - RESOURCE_ATTRIBUTES)
    if unknown:
        raise ValidationError(f"Invalid template resource property '{unknown[0]}'")
    policy = declared.get("DeletionPolicy", "Delete")
    if policy not in DELETION_POLICIES:
        raise _format_error(f"Unrecognized DeletionPolicy {policy} for resource {logical_id}")
    depends_on = declared.get("DependsOn", [])
    return Resource(
        logical_id=logical_id,
        type=declared["Type"],
        properties=_mapping(declared, "Properties"),
        depends_on=tuple([depends_on] if isinstance(depends_on, str) else depends_on),
        condition=declared.get("Condition"),
        deletion_policy=policy,
    )


def _load(body: str) -> Any:
    if body.lstrip().startswith("{"):
        try:
            return json.loads(body)
        except json.JSONDecodeError as error:
            place = f"(line {error.lineno}, column {error.colno})"
            raise _format_error(f"JSON not well-formed. {place}") from error
    try:
        if "&" in body:
            _check_aliases(body)
        return yaml.load(body, Loader=_TemplateLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise _format_error(f"YAML not well-formed.{place}") from error


def _check_aliases(body: str) -> None:
    if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(body, _TemplateLoader)):
        raise _format_error("YAML aliases are not allowed in CloudFormation templates")


class _TemplateLoader(SafeLoader):
    """YAML 1.1 without dates, aliases and duplicate keys, with the short tags of functions.

    Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html
    """


# `2012-10-17` stays the text that it is.
_TemplateLoader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in _TemplateLoader.yaml_implicit_resolvers.items()
}


def _construct_mapping(loader: Any, node: yaml.MappingNode) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key: Hashable = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str):
            raise _format_error(f"map keys must be strings; received numeric [{key}] instead")
        if key in result:
            line = key_node.start_mark.line + 1
            raise _format_error(f"Duplicate key {key} found in template. (line {line})")
        result[key] = loader.construct_object(value_node, deep=True)
    return result


def _construct_function(loader: Any, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}"
    if isinstance(node, yaml.MappingNode):
        return {name: _construct_mapping(loader, node)}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: loader.construct_scalar(node)}


_TemplateLoader.add_constructor("tag:yaml.org,2002:map", _construct_mapping)
_TemplateLoader.add_multi_constructor("!", _construct_function)
