"""The intrinsic functions: `Ref`, `Fn::GetAtt`, `Fn::Sub` ... -> values.

Those that need nothing but their arguments stand in pure_functions.
Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from labkit.emulator.cloudformation import pure_functions
from labkit.emulator.cloudformation.dynamic_references import replaced
from labkit.emulator.cloudformation.function_shapes import REFUSED, check_shape, template_error
from labkit.emulator.cloudformation.pure_functions import text
from labkit.emulator.cloudformation.validation import format_error

NO_VALUE = object()
"""What `Ref: AWS::NoValue` yields: the property or list item that holds it is left out."""

_VARIABLE = re.compile(r"\$\{(!?)([^}]*)\}")
_VARIABLE_NAME = re.compile(r"\s*([A-Za-z0-9_.:]+)\s*")


def _import_nothing(name: str) -> str:
    raise template_error(f"the emulator does not emulate Fn::ImportValue here: {name}")


def _fetch_nothing(name: str) -> str:
    raise template_error(f"the emulator does not emulate dynamic references here: {name}")


@dataclass(frozen=True, slots=True)
class Scope:
    """Where functions look things up.

    Attributes:
        values: parameters and pseudo parameters by name.
        mappings: the Mappings section.
        conditions: the Conditions section, unevaluated.
        ref: what `Ref` of a resource yields.
        attribute: what `Fn::GetAtt` of a resource and an attribute's name yields.
        zones: the Availability Zones of a Region.
        import_value: what another stack exports under a name; raises where there is none.
        fetch: the value of a parameter of Systems Manager, by `name` or `name:version`.
    """

    values: Mapping[str, Any]
    mappings: Mapping[str, Any]
    conditions: Mapping[str, Any]
    ref: Callable[[str], Any]
    attribute: Callable[[str, str], Any]
    zones: Callable[[str], list[str]]
    import_value: Callable[[str], str] = _import_nothing
    fetch: Callable[[str], str] = _fetch_nothing


def function_of(value: Any) -> str | None:
    """Return the name of the function that a value is, `None` when it is none.

    Raises:
        ValidationError: for a function that does not exist or that the emulator refuses.
    """
    if not isinstance(value, dict):
        return None
    names = [key for key in value if key == "Ref" or key.startswith("Fn::")]
    if not names:
        return None
    name = names[0]
    if name.partition("::")[2].partition("::")[0] in _REFUSED_NAMES:
        raise template_error(f"The emulator does not emulate the function {name}.")
    if name not in NAMES or len(value) > 1:
        supported = ", ".join(sorted(NAMES))
        raise template_error(
            f"Encountered unsupported function: {name} Supported functions are: [{supported}]"
        )
    return name


def resolve(value: Any, scope: Scope) -> Any:
    """Return a value with every function and dynamic reference replaced by what it yields."""
    return replaced(_evaluated(value, scope), scope.fetch)


def holds(condition: str, scope: Scope) -> bool:
    """Return whether a condition of the template holds."""
    if not isinstance(condition, str) or condition not in scope.conditions:
        raise format_error(f"Unresolved condition dependency {condition}")
    return _boolean(scope.conditions[condition], scope)


def split_attribute(argument: Any) -> tuple[str, Any]:
    """Return the resource and the attribute that `Fn::GetAtt` names, in either of its forms."""
    parts = argument.split(".", 1) if isinstance(argument, str) else argument
    is_pair = isinstance(parts, list) and len(parts) == 2
    if not is_pair or not isinstance(parts[0], str) or not isinstance(parts[1], str | dict):
        raise template_error(
            "every Fn::GetAtt object requires two non-empty parameters, the resource name and the "
            "resource attribute"
        )
    return parts[0], parts[1]


def sub_variables(argument: Any) -> tuple[str, dict[str, Any], list[str]]:
    """Return text, own variables, and names of the variables that `Fn::Sub` takes from outside."""
    pair = [argument, {}] if isinstance(argument, str) else argument
    is_pair = isinstance(pair, list) and len(pair) == 2
    if not is_pair or not isinstance(pair[0], str) or not isinstance(pair[1], dict):
        raise template_error(
            "One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a "
            "string as first argument, and an optional second argument to specify a mapping of "
            "values to replace in the string"
        )
    names = [_variable_name(name) for escaped, name in _VARIABLE.findall(pair[0]) if not escaped]
    return pair[0], pair[1], [name for name in names if name not in pair[1]]


def _variable_name(variable: str) -> str:
    match = _VARIABLE_NAME.fullmatch(variable)
    if not match:
        raise template_error(
            "variable names in Fn::Sub syntax must contain only alphanumeric characters, "
            "underscores, periods, and colons"
        )
    return match[1]


def _evaluated(value: Any, scope: Scope) -> Any:
    name = function_of(value)
    if name in pure_functions.NAMES:
        return pure_functions.apply(name, _evaluated(value[name], scope))
    if name:
        check_shape(name, value[name])
        return _FUNCTIONS[name](value[name], scope)
    if isinstance(value, dict):
        pairs = ((key, _evaluated(inner, scope)) for key, inner in value.items())
        return {key: inner for key, inner in pairs if inner is not NO_VALUE}
    if isinstance(value, list):
        items = (_evaluated(inner, scope) for inner in value)
        return [inner for inner in items if inner is not NO_VALUE]
    return value


def _ref(argument: str, scope: Scope) -> Any:
    return scope.values[argument] if argument in scope.values else scope.ref(argument)


def _get_att(argument: Any, scope: Scope) -> Any:
    resource, attribute = split_attribute(argument)
    return scope.attribute(resource, text("Fn::GetAtt", _evaluated(attribute, scope)))


def _sub(argument: Any, scope: Scope) -> str:
    whole, own, _ = sub_variables(argument)

    def replacement(match: re.Match[str]) -> str:
        if match[1]:
            return "${" + match[2] + "}"
        name = _variable_name(match[2])
        if name in own:
            return text("Fn::Sub", _evaluated(own[name], scope))
        if "." in name:
            return text("Fn::Sub", scope.attribute(*name.split(".", 1)))
        return text("Fn::Sub", _ref(name, scope))

    return _VARIABLE.sub(replacement, whole)


def _get_azs(argument: Any, scope: Scope) -> list[str]:
    region = text("Fn::GetAZs", _evaluated(argument, scope))
    return scope.zones(region or scope.values["AWS::Region"])


def _find_in_map(argument: list[Any], scope: Scope) -> Any:
    keys = [text("Fn::FindInMap", _evaluated(key, scope)) for key in argument]
    found: Any = scope.mappings
    for key in keys:
        if not isinstance(found, Mapping) or key not in found:
            raise template_error(f"Unable to get mapping for {'::'.join(keys)}")
        found = found[key]
    return found


def _import_value(argument: Any, scope: Scope) -> str:
    return scope.import_value(text("Fn::ImportValue", _evaluated(argument, scope)))


def _if(argument: list[Any], scope: Scope) -> Any:
    name, then, otherwise = argument
    return _evaluated(then if holds(name, scope) else otherwise, scope)


def _boolean(value: Any, scope: Scope) -> bool:
    if isinstance(value, dict) and set(value) == {"Condition"}:
        return holds(value["Condition"], scope)
    evaluated = str(_evaluated(value, scope)).lower()
    if evaluated not in {"true", "false"}:
        raise template_error("Conditions must be functions that yield true or false.")
    return evaluated == "true"


def _equals(argument: list[Any], scope: Scope) -> bool:
    first, second = (_evaluated(part, scope) for part in argument)
    if isinstance(first, list | dict) or isinstance(second, list | dict):
        return first == second
    return text("Fn::Equals", first) == text("Fn::Equals", second)


_FUNCTIONS: dict[str, Callable[[Any, Scope], Any]] = {
    "Fn::And": lambda argument, scope: all([_boolean(part, scope) for part in argument]),
    "Fn::Equals": _equals,
    "Fn::FindInMap": _find_in_map,
    "Fn::GetAZs": _get_azs,
    "Fn::GetAtt": _get_att,
    "Fn::If": _if,
    "Fn::ImportValue": _import_value,
    "Fn::Not": lambda argument, scope: not _boolean(argument[0], scope),
    "Fn::Or": lambda argument, scope: any([_boolean(part, scope) for part in argument]),
    "Fn::Sub": _sub,
    "Ref": _ref,
}

NAMES = frozenset(_FUNCTIONS) | pure_functions.NAMES
_REFUSED_NAMES = {name.removeprefix("Fn::") for name in REFUSED}
