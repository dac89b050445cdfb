"""What a given text breaks of its parameter's constraints.

Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from labkit.emulator.cloudformation.parameter_types import ParameterType
from labkit.emulator.cloudformation.validation import format_error

Declaration = Mapping[str, Any]


def shown(value: Any) -> str:
    """Return a value of a declaration as the text that it means."""
    if isinstance(value, list):
        return ",".join(shown(item) for item in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def broken_constraints(declaration: Declaration, given: str, kind: ParameterType) -> Iterable[str]:
    """Yield the constraints that a text breaks, as the end of a sentence.

    Raises:
        ValidationError: a constraint itself is none.
    """
    allowed = [shown(value) for value in declaration.get("AllowedValues", [])]
    items = given.split(",") if kind.is_list and not kind.from_ssm else [given]
    for item in (item.strip() if kind.is_list else item for item in items):
        if allowed and item not in allowed:
            yield "must be one of AllowedValues"
        yield from _broken_by_text(declaration, item)
        if kind.item == "Number" and not kind.from_ssm:
            yield from _broken_by_number(declaration, item)


def _broken_by_text(declaration: Declaration, text: str) -> Iterable[str]:
    pattern = declaration.get("AllowedPattern")
    if pattern is not None and not _fits(str(pattern), text):
        yield f"must match pattern {pattern}"
    if len(text) < _number(declaration, "MinLength", 0):
        yield f"must contain at least {declaration['MinLength']} characters"
    if len(text) > _number(declaration, "MaxLength", len(text)):
        yield f"must contain at most {declaration['MaxLength']} characters"


def _broken_by_number(declaration: Declaration, text: str) -> Iterable[str]:
    try:
        number = float(text)
    except ValueError:
        yield "must be a number"
        return
    if number < _number(declaration, "MinValue", number):
        yield f"must be a number not less than {declaration['MinValue']}"
    if number > _number(declaration, "MaxValue", number):
        yield f"must be a number not greater than {declaration['MaxValue']}"


def _fits(pattern: str, text: str) -> bool:
    try:
        return re.fullmatch(pattern, text) is not None
    except re.error as error:
        raise format_error(f"AllowedPattern {pattern} is not a pattern: {error}") from None


def _number(declaration: Declaration, name: str, default: float) -> float:
    try:
        return float(declaration.get(name, default))
    except ValueError:
        raise format_error(f"Every {name} member must be a number.") from None
