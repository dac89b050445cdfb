"""Every function in a template, looked at before anything is made."""

from __future__ import annotations

from typing import Any

from labkit.emulator.cloudformation import intrinsics
from labkit.emulator.cloudformation.function_shapes import (
    EXTENSIONS,
    LANGUAGE_EXTENSIONS,
    check_shape,
    is_function,
    template_error,
)
from labkit.emulator.cloudformation.graph import references
from labkit.emulator.cloudformation.template import Template
from labkit.emulator.cloudformation.validation import format_error

_NOT_IN_CONDITIONS = frozenset({"Fn::Base64", "Fn::Cidr", "Fn::GetAZs", "Fn::ImportValue"})


def check_functions(template: Template, value: Any, *, in_conditions: bool = False) -> None:
    """Refuse functions that cannot yield anything, whatever the parameters are.

    Raises:
        ValidationError: in AWS's words.
    """
    name = intrinsics.function_of(value)
    if name:
        _check_function(template, name, value[name])
        if in_conditions and name in _NOT_IN_CONDITIONS:
            raise template_error(f"Cannot use {name} in Conditions.")
    inner = value.values() if isinstance(value, dict) else value
    for item in inner if isinstance(value, dict | list) else ():
        check_functions(template, item, in_conditions=in_conditions)


def _check_function(template: Template, name: str, argument: Any) -> None:
    if name in EXTENSIONS and not template.extended:
        raise template_error(
            f"Encountered unsupported function: {name} needs the transform {LANGUAGE_EXTENSIONS}"
        )
    check_shape(name, argument)
    if name == "Fn::GetAtt":
        intrinsics.split_attribute(argument)
    elif name == "Fn::Sub":
        intrinsics.sub_variables(argument)
    elif name == "Fn::If" and argument[0] not in template.conditions:
        raise format_error(f"Unresolved condition dependency {argument[0]}")
    elif name == "Fn::FindInMap":
        _check_find_in_map(template, argument)
    elif name == "Fn::ImportValue":
        _check_import(template, argument)


def _check_find_in_map(template: Template, keys: list[Any]) -> None:
    """Refuse keys that are written out and that the Mappings section does not have."""
    found: Any = template.mappings
    for key in keys:
        if is_function(key):
            return
        if not isinstance(found, dict) or str(key) not in found:
            shown = "::".join(str(key) for key in keys if not is_function(key))
            raise template_error(f"Unable to get mapping for {shown}")
        found = found[str(key)]


def _check_import(template: Template, argument: Any) -> None:
    if any(item.name in template.resources for item in references(argument)):
        raise template_error(
            "the attribute in Fn::ImportValue must not depend on any resources, imported values, "
            "or Fn::GetAZs"
        )
