"""The parameters of a stack: declared by the template, given by the caller, checked as AWS does.

Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from labkit.emulator.cloudformation.parameter_constraints import broken_constraints, shown
from labkit.emulator.cloudformation.parameter_types import OF_AWS, SSM_NAME, read_type
from labkit.emulator.cloudformation.validation import ValidationError

Exists = Callable[[str, str], bool]
"""Whether there is a thing of a type of AWS's own, such as AWS::EC2::VPC::Id, by its value."""


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
    *,
    exists: Exists = lambda kind, value: True,
    previous: Mapping[str, Parameter] | None = None,
) -> dict[str, Parameter]:
    """Return every declared parameter with its value.

    Args:
        declared: the template's Parameters section.
        given: as CreateStack takes them.
        fetch: the value of a Systems Manager parameter, by name.
        exists: whether what a parameter of AWS's own types names is there.
        previous: the stack's parameters so far, for UsePreviousValue.

    Raises:
        ValidationError: a parameter is missing, unknown, or breaks its constraints.
    """
    values = {pair.get("ParameterKey", ""): _given(pair, previous or {}) for pair in given}
    unknown = [key for key in values if key not in declared]
    if unknown:
        raise ValidationError(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    missing = [key for key in declared if key not in values and "Default" not in declared[key]]
    if missing:
        raise ValidationError(f"Parameters: [{', '.join(missing)}] must have values")
    return {
        key: _parameter(
            key, declaration, values.get(key, shown(declaration.get("Default"))), fetch, exists
        )
        for key, declaration in declared.items()
    }


def _given(pair: Mapping[str, Any], previous: Mapping[str, Parameter]) -> str:
    if not pair.get("UsePreviousValue"):
        return pair.get("ParameterValue", "")
    key = pair.get("ParameterKey", "")
    if key not in previous:
        raise ValidationError(
            f"Invalid input for parameter key {key}. Cannot specify usePreviousValue as true for "
            "a parameter key not in the previous template"
        )
    return previous[key].given


def _parameter(
    key: str,
    declaration: Mapping[str, Any],
    given: str,
    fetch: Callable[[str], str],
    exists: Exists,
) -> Parameter:
    kind = read_type(declaration["Type"])
    for broken in broken_constraints(declaration, given, kind):
        described = declaration.get("ConstraintDescription")
        raise ValidationError(
            f"Parameter {key} failed to satisfy constraint: {described}"
            if described
            else f"Parameter '{key}' {broken}"
        )
    resolved = fetch(given) if kind.from_ssm or kind.item == SSM_NAME else None
    value = kind.value(resolved if kind.from_ssm and resolved is not None else given)
    if kind.item in OF_AWS:
        _check_exists(key, [value] if isinstance(value, str) else value, kind.item, exists)
    return Parameter(
        key=key,
        given=given,
        resolved=resolved if kind.from_ssm else None,
        value=value,
        no_echo=shown(declaration.get("NoEcho", False)) == "true",
    )


def _check_exists(key: str, values: Iterable[str], kind: str, exists: Exists) -> None:
    for value in values:
        if not exists(kind, value):
            raise ValidationError(
                f"Parameter validation failed: parameter value {value} for parameter name {key} "
                "does not exist"
            )
