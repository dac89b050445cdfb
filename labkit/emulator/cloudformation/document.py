"""The text of a template -> the plain data in it, short tags such as `!Ref` written out.

Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable
from typing import Any

import yaml

from labkit.emulator.cloudformation.function_shapes import EXTENSIONS
from labkit.emulator.cloudformation.validation import format_error

DECLARING_DEPTH = 3
"""How deep names are declared: sections, what stands in them, attributes, properties.

There a key that stands twice is refused. Deeper, in a property's value, the last one counts, as it
does everywhere on AWS.
"""

Twice = dict[int, tuple[Any, str]]
"""The mappings that have a key twice, by their identity: the mapping, and the key with its line."""


def load(body: str) -> Any:
    """Return what JSON or YAML says.

    Raises:
        ValidationError: the text is neither, or has what CloudFormation does not take.
    """
    twice: Twice = {}
    try:
        loaded = _load(body, twice)
        _check_keys(loaded, twice, 0)
    except RecursionError:
        raise format_error("the template is nested too deeply.") from None
    return loaded


def _load(body: str, twice: Twice) -> Any:
    if body.lstrip().startswith("{"):
        try:
            return json.loads(body, object_pairs_hook=functools.partial(_mapping, twice))
        except json.JSONDecodeError as error:
            place = f"(line {error.lineno}, column {error.colno})"
            raise format_error(f"JSON not well-formed. {place}") from error
    try:
        if "&" in body:
            _check_aliases(body)
        return _read_yaml(body, twice)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise format_error(f"YAML not well-formed.{place}") from error
    except ValueError as error:  # what YAML takes for a number or a date and Python does not
        raise format_error(f"YAML not well-formed. ({error})") from error


def _mapping(twice: Twice, pairs: Iterable[tuple[str, Any]], line: str = "") -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            twice.setdefault(id(result), (result, f"{key} found in template.{line}"))
        result[key] = value
    return result


def _check_keys(value: Any, twice: Twice, depth: int) -> None:
    if id(value) in twice:
        raise format_error(f"Duplicate key {twice[id(value)][1]}")
    if isinstance(value, dict) and depth < DECLARING_DEPTH:
        for inner in value.values():
            _check_keys(inner, twice, depth + 1)


def _read_yaml(body: str, twice: Twice) -> Any:
    loader: Any = _TemplateLoader(body)
    loader.twice = twice
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


def _check_aliases(body: str) -> None:
    if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(body, _TemplateLoader)):
        raise format_error("YAML aliases are not allowed in CloudFormation templates")


class _TemplateLoader(yaml.CSafeLoader):
    """YAML 1.1 without dates and aliases, with the short tags of functions."""


# `2012-10-17` stays the text that it is.
_TemplateLoader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in _TemplateLoader.yaml_implicit_resolvers.items()
}


def _construct_mapping(loader: Any, node: yaml.MappingNode) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str):
            raise format_error(f"map keys must be strings; received numeric [{key}] instead")
        if key in result:
            line = key_node.start_mark.line + 1
            loader.twice.setdefault(id(result), (result, f"{key} found in template. (line {line})"))
        result[key] = loader.construct_object(value_node, deep=True)
    return result


def _construct_function(loader: Any, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in {"Ref", "Condition"} else f"Fn::{suffix}"
    if name in EXTENSIONS:  # AWS knows no short form of these
        line = node.start_mark.line + 1
        raise format_error(f"Unknown tag !{suffix} (line {line}): write {name} in full.")
    if isinstance(node, yaml.MappingNode):
        return {name: _construct_mapping(loader, node)}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: loader.construct_scalar(node)}


_TemplateLoader.add_constructor("tag:yaml.org,2002:map", _construct_mapping)
_TemplateLoader.add_multi_constructor("!", _construct_function)
