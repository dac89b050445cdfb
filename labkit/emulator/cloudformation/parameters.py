"""The parameters of a stack: declared by the template, given by the caller, checked as AWS does.

Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from labkit.emulator.cloudformation.validation import ValidationError, format_error

_SSM_VALUE = re.compile(r"AWS::SSM::Parameter::Value<(.+)>")
_PLAIN_TYPES = re.compile(
    r"String|Number|List<Number>|CommaDelimitedList|AWS::SSM::Parameter::Name|(List<)?AWS::EC2::.+"
)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter with its value.

    Attributes:
        key: its name.
        given: the text that the caller gave, or the default.
        resolved: what Systems Manager holds under that name; `None` for other types.
        value: what `Ref` yields: a text, or a list of texts for the types that are lists.
        no_echo: whether its value is hidden from descriptions.
    """

    key: str
    given: str
    resolved: str | None
    value: str | list[str]
    no_echo: bool

    def description(self) -> dict[str, str]:
        """Return it as DescribeStacks shows it."""
        shown = {"ParameterKey": self.key, "ParameterValue": "****" if self.no_echo else self.given}
        return shown if self.resolved is None else {**shown, "ResolvedValue": self.resolved}


def read(
    declared: Mapping[str, Mapping[str, Any]],
    given: Iterable[Mapping[str, Any]],
    fetch: Callable[[str], str],
) -> dict[str, Parameter]:
    """Return every declared parameter with its value.

    Args:
        declared: the template's Parameters section.
        given: as CreateStack takes them.
        fetch: the value of a Systems Manager parameter, by name.

    Raises:
        ValidationError: a parameter is missing, unknown, or breaks its constraints.
    """
    values = {pair["ParameterKey"]: _given_text(pair) for pair in given}
    unknown = [key for key in values if key not in declared]
    if unknown:
        raise ValidationError(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    missing = [key for key in declared if key not in values and "Default" not in declared[key]]
    if missing:
        raise ValidationError(f"Parameters: [{', '.join(missing)}] must have values")
    return {
        key: _parameter(key, declaration, values.get(key, _text(declaration.get("Default"))), fetch)
        for key, declaration in declared.items()
    }


def _given_text(pair: Mapping[str, Any]) -> str:
    if pair.get("UsePreviousValue"):
        raise ValidationError(
            f"Invalid input for parameter key {pair['ParameterKey']}. Cannot specify "
            "usePreviousValue as true for a parameter key not in the previous template"
        )
    return pair.get("ParameterValue", "")


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(_text(item) for item in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _parameter(
    key: str, declaration: Mapping[str, Any], given: str, fetch: Callable[[str], str]
) -> Parameter:
    declared_type = declaration.get("Type", "")
    from_ssm = _SSM_VALUE.fullmatch(declared_type)
    inner_type = from_ssm[1] if from_ssm else declared_type
    if not _PLAIN_TYPES.fullmatch(inner_type) and not (from_ssm and inner_type == "List<String>"):
        raise format_error(f"Unrecognized parameter type: {declared_type or None}")
    _check(key, declaration, given, inner_type)
    resolved = fetch(given) if from_ssm else None
    text = given if resolved is None else resolved
    is_list = inner_type.startswith("List<") or inner_type == "CommaDelimitedList"
    return Parameter(
        key=key,
        given=given,
        resolved=resolved,
        value=[item.strip() for item in text.split(",")] if is_list else text,
        no_echo=_text(declaration.get("NoEcho", False)) == "true",
    )


def _check(key: str, declaration: Mapping[str, Any], given: str, parameter_type: str) -> None:
    for broken in _broken_constraints(declaration, given, parameter_type):
        described = declaration.get("ConstraintDescription")
        raise ValidationError(
            f"Parameter {key} failed to satisfy constraint: {described}"
            if described
            else f"Parameter '{key}' {broken}"
        )


def _broken_constraints(
    declaration: Mapping[str, Any], given: str, parameter_type: str
) -> Iterable[str]:
    allowed = [_text(value) for value in declaration.get("AllowedValues", [])]
    items = (
        given.split(",") if parameter_type in {"CommaDelimitedList", "List<Number>"} else [given]
    )
    for item in (item.strip() for item in items):
        if allowed and item not in allowed:
            yield "must be one of AllowedValues"
        yield from _broken_by_text(declaration, item)
        if parameter_type in {"Number", "List<Number>"}:
            yield from _broken_by_number(declaration, item)


def _broken_by_text(declaration: Mapping[str, Any], text: str) -> Iterable[str]:
    pattern = declaration.get("AllowedPattern")
    if pattern is not None and not re.fullmatch(pattern, text):
        yield f"must match pattern {pattern}"
    if len(text) < int(declaration.get("MinLength", 0)):
        yield f"must contain at least {declaration['MinLength']} characters"
    if len(text) > int(declaration.get("MaxLength", len(text))):
        yield f"must contain at most {declaration['MaxLength']} characters"


def _broken_by_number(declaration: Mapping[str, Any], text: str) -> Iterable[str]:
    try:
        number = float(text)
    except ValueError:
        yield "must be a number"
        return
    if number < float(declaration.get("MinValue", number)):
        yield f"must be a number not less than {declaration['MinValue']}"
    if number > float(declaration.get("MaxValue", number)):
        yield f"must be a number not greater than {declaration['MaxValue']}"
