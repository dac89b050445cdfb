"""The intrinsic functions: `Ref`, `Fn::GetAtt`, `Fn::Sub` ... -> values.

Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html
"""

from __future__ import annotations

import base64
import ipaddress
import itertools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from labkit.emulator.cloudformation.validation import ValidationError, format_error

NO_VALUE = object()
"""What `Ref: AWS::NoValue` yields: the property or list item that holds it is left out."""

REFUSED = frozenset(
    {
        "Fn::ForEach",
        "Fn::GetStackOutput",
        "Fn::ImportValue",
        "Fn::Length",
        "Fn::ToJsonString",
        "Fn::Transform",
    }
)
"""Functions of AWS that the emulator refuses by name."""

_VARIABLE = re.compile(r"\$\{(!?)([^}]*)\}")
_VARIABLE_NAME = re.compile(r"\s*([A-Za-z0-9_.:]+)\s*")


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
    """

    values: Mapping[str, Any]
    mappings: Mapping[str, Any]
    conditions: Mapping[str, Any]
    ref: Callable[[str], Any]
    attribute: Callable[[str, str], Any]
    zones: Callable[[str], list[str]]


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
    if name in REFUSED:
        raise _error(f"The emulator does not emulate the function {name}.")
    if name not in _FUNCTIONS or len(value) > 1:
        supported = ", ".join(sorted(_FUNCTIONS))
        raise _error(
            f"Encountered unsupported function: {name} Supported functions are: [{supported}]"
        )
    return name


def resolve(value: Any, scope: Scope) -> Any:
    """Return a value with every function in it replaced by what it yields."""
    name = function_of(value)
    if name:
        return _FUNCTIONS[name](value[name], scope)
    if isinstance(value, dict):
        pairs = ((key, resolve(inner, scope)) for key, inner in value.items())
        return {key: inner for key, inner in pairs if inner is not NO_VALUE}
    if isinstance(value, list):
        items = (resolve(inner, scope) for inner in value)
        return [inner for inner in items if inner is not NO_VALUE]
    if isinstance(value, str) and value.startswith("{{resolve:"):
        raise _error(f"The emulator does not emulate dynamic references: {value}")
    return value


def holds(condition: str, scope: Scope) -> bool:
    """Return whether a condition of the template holds."""
    if condition not in scope.conditions:
        raise format_error(f"Unresolved condition dependency {condition}")
    return _boolean(scope.conditions[condition], scope)


def split_attribute(argument: Any) -> tuple[str, Any]:
    """Return the resource and the attribute that `Fn::GetAtt` names, in either of its forms."""
    parts = argument.split(".", 1) if isinstance(argument, str) else argument
    if not isinstance(parts, list) or len(parts) != 2 or not isinstance(parts[0], str):
        raise _error(
            "every Fn::GetAtt object requires two non-empty parameters, the resource name and the "
            "resource attribute"
        )
    return parts[0], parts[1]


def sub_variables(argument: Any) -> tuple[str, dict[str, Any], list[str]]:
    """Return text, own variables, and names of the variables that `Fn::Sub` takes from outside."""
    text, own = (argument, {}) if isinstance(argument, str) else _arguments("Fn::Sub", argument, 2)
    if not isinstance(text, str) or not isinstance(own, dict):
        raise _error(
            "One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a "
            "string as first argument, and an optional second argument to specify a mapping of "
            "values to replace in the string"
        )
    names = [_variable_name(name) for escaped, name in _VARIABLE.findall(text) if not escaped]
    return text, own, [name for name in names if name not in own]


def _variable_name(text: str) -> str:
    match = _VARIABLE_NAME.fullmatch(text)
    if not match:
        raise _error(
            "variable names in Fn::Sub syntax must contain only alphanumeric characters, "
            "underscores, periods, and colons"
        )
    return match[1]


def _error(message: str) -> ValidationError:
    return ValidationError(f"Template error: {message}")


def _arguments(function: str, argument: Any, *counts: int) -> list[Any]:
    if not isinstance(argument, list) or len(argument) not in counts:
        wanted = " or ".join(str(count) for count in counts)
        raise _error(f"every {function} object requires a list of {wanted} parameters.")
    return argument


def _text(function: str, value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise _error(f"every {function} object must have String-typed values.")


def _items(function: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise _error(f"{function} requires a list, or a function that returns a list.")
    return value


def _ref(argument: Any, scope: Scope) -> Any:
    if not isinstance(argument, str):
        raise _error("every Ref object must have a single String value.")
    return scope.values[argument] if argument in scope.values else scope.ref(argument)


def _get_att(argument: Any, scope: Scope) -> Any:
    resource, attribute = split_attribute(argument)
    return scope.attribute(resource, _text("Fn::GetAtt", resolve(attribute, scope)))


def _sub(argument: Any, scope: Scope) -> str:
    text, own, _ = sub_variables(argument)

    def replacement(match: re.Match[str]) -> str:
        if match[1]:
            return "${" + match[2] + "}"
        name = _variable_name(match[2])
        if name in own:
            return _text("Fn::Sub", resolve(own[name], scope))
        if "." in name:
            return _text("Fn::Sub", scope.attribute(*name.split(".", 1)))
        return _text("Fn::Sub", _ref(name, scope))

    return _VARIABLE.sub(replacement, text)


def _join(argument: Any, scope: Scope) -> str:
    delimiter, items = _arguments("Fn::Join", argument, 2)
    return str(delimiter).join(
        _text("Fn::Join", item) for item in _items("Fn::Join", resolve(items, scope))
    )


def _split(argument: Any, scope: Scope) -> list[str]:
    delimiter, text = _arguments("Fn::Split", argument, 2)
    return _text("Fn::Split", resolve(text, scope)).split(delimiter)


def _select(argument: Any, scope: Scope) -> Any:
    index, items = (resolve(part, scope) for part in _arguments("Fn::Select", argument, 2))
    items = _items("Fn::Select", items)
    if not str(index).isdigit() or int(index) >= len(items):
        raise _error(f"Fn::Select cannot select nonexistent value at index {index}")
    return items[int(index)]


def _get_azs(argument: Any, scope: Scope) -> list[str]:
    region = resolve(argument, scope)
    return scope.zones(region or scope.values["AWS::Region"])


def _find_in_map(argument: Any, scope: Scope) -> Any:
    keys = [resolve(key, scope) for key in _arguments("Fn::FindInMap", argument, 3)]
    found: Any = scope.mappings
    for key in keys:
        if not isinstance(found, Mapping) or str(key) not in found:
            raise _error(f"Unable to get mapping for {'::'.join(str(key) for key in keys)}")
        found = found[str(key)]
    return found


def _base64(argument: Any, scope: Scope) -> str:
    return base64.b64encode(_text("Fn::Base64", resolve(argument, scope)).encode()).decode()


def _cidr(argument: Any, scope: Scope) -> list[str]:
    """Return so many blocks of a network, each with so many host bits."""
    block, *numbers = (resolve(part, scope) for part in _arguments("Fn::Cidr", argument, 3))
    try:
        network = ipaddress.ip_network(block)
        count, bits = (int(number) for number in numbers)
        blocks = network.subnets(new_prefix=network.max_prefixlen - bits)
        first = [str(block) for block in itertools.islice(blocks, max(count, 0))]
    except ValueError as error:
        raise _error(f"Fn::Cidr: {error}") from error
    if not 1 <= count <= 256 or len(first) < count:
        raise _error(f"Fn::Cidr: {network} does not have {count} blocks with {bits} host bits")
    return first


def _if(argument: Any, scope: Scope) -> Any:
    name, then, otherwise = _arguments("Fn::If", argument, 3)
    return resolve(then if holds(name, scope) else otherwise, scope)


def _boolean(value: Any, scope: Scope) -> bool:
    if isinstance(value, dict) and set(value) == {"Condition"}:
        return holds(value["Condition"], scope)
    resolved = resolve(value, scope)
    if str(resolved).lower() not in {"true", "false"}:
        raise _error("Conditions must be functions that yield true or false.")
    return str(resolved).lower() == "true"


def _equals(argument: Any, scope: Scope) -> bool:
    first, second = (resolve(part, scope) for part in _arguments("Fn::Equals", argument, 2))
    if isinstance(first, list | dict) or isinstance(second, list | dict):
        return first == second
    return _text("Fn::Equals", first) == _text("Fn::Equals", second)


def _not(argument: Any, scope: Scope) -> bool:
    return not _boolean(_arguments("Fn::Not", argument, 1)[0], scope)


def _and(argument: Any, scope: Scope) -> bool:
    return all([_boolean(part, scope) for part in _arguments("Fn::And", argument, *range(2, 11))])


def _or(argument: Any, scope: Scope) -> bool:
    return any([_boolean(part, scope) for part in _arguments("Fn::Or", argument, *range(2, 11))])


_FUNCTIONS: dict[str, Callable[[Any, Scope], Any]] = {
    "Fn::And": _and,
    "Fn::Base64": _base64,
    "Fn::Cidr": _cidr,
    "Fn::Equals": _equals,
    "Fn::FindInMap": _find_in_map,
    "Fn::GetAZs": _get_azs,
    "Fn::GetAtt": _get_att,
    "Fn::If": _if,
    "Fn::Join": _join,
    "Fn::Not": _not,
    "Fn::Or": _or,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::Sub": _sub,
    "Ref": _ref,
}
