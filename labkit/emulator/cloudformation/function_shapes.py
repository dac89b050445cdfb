"""What each intrinsic function takes, in the words in which AWS refuses anything else.

Checked before a stack is made (only what is written out) and when a function is evaluated (all).
Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from labkit.emulator.cloudformation.validation import ValidationError

LANGUAGE_EXTENSIONS = "AWS::LanguageExtensions"
EXTENSIONS = frozenset({"Fn::Length", "Fn::ToJsonString"})
"""The functions that a template has only with the transform AWS::LanguageExtensions.

Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/transform-aws-languageextensions.html
"""

REFUSED = frozenset({"Fn::ForEach", "Fn::GetStackOutput", "Fn::Transform"})
"""Functions of AWS that the emulator refuses by name."""


_INTEGER = re.compile(r"-?\d{1,9}", re.ASCII)


def template_error(message: str) -> ValidationError:
    """Return the error of a function that is used wrongly."""
    return ValidationError(f"Template error: {message}")


def is_function(value: Any) -> bool:
    """Return whether a value is any function: what it yields is not known yet."""
    return isinstance(value, dict) and any(
        isinstance(key, str) and (key in ("Ref", "Condition") or key.startswith("Fn::"))
        for key in value
    )


def _text(value: Any) -> bool:
    return isinstance(value, str | int | float) or is_function(value)


def _list(value: Any) -> bool:
    return isinstance(value, list) or is_function(value)


def _literal_list(value: Any, *counts: int) -> bool:
    return isinstance(value, list) and len(value) in counts


def _number(value: Any) -> bool:
    return bool(_INTEGER.fullmatch(str(value))) or is_function(value)


def _joins(value: Any) -> bool:
    return _literal_list(value, 2) and isinstance(value[0], str) and _list(value[1])


def _splits(value: Any) -> bool:
    return _literal_list(value, 2) and isinstance(value[0], str) and _text(value[1])


def _selects(value: Any) -> bool:
    return _literal_list(value, 2) and _number(value[0]) and _list(value[1])


def _finds(value: Any) -> bool:
    return _literal_list(value, 3) and all(map(_text, value))


def _cuts(value: Any) -> bool:
    return _literal_list(value, 2, 3) and _text(value[0]) and all(map(_number, value[1:]))


def _chooses(value: Any) -> bool:
    return _literal_list(value, 3) and isinstance(value[0], str)


def _combines(value: Any) -> bool:
    return _literal_list(value, *range(2, 11)) and all(map(is_function, value))


def _negates(value: Any) -> bool:
    return _literal_list(value, 1) and is_function(value[0])


_BOOLEANS = "requires a list of at least 2 and at most 10 boolean parameters."

SHAPES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "Fn::And": (_combines, f"every Fn::And object {_BOOLEANS}"),
    "Fn::Base64": (_text, "every Fn::Base64 object must have a String-typed value."),
    "Fn::Cidr": (
        _cuts,
        "every Fn::Cidr object requires two or three parameters, (1) a block, (2) a number of "
        "blocks and (3) their number of host bits",
    ),
    "Fn::Equals": (
        lambda value: _literal_list(value, 2),
        "every Fn::Equals object requires a list of 2 string parameters.",
    ),
    "Fn::FindInMap": (
        _finds,
        "every Fn::FindInMap object requires three parameters, the map name, map key and the "
        "attribute for return value",
    ),
    "Fn::GetAZs": (_text, "every Fn::GetAZs object must have a String-typed value."),
    "Fn::If": (
        _chooses,
        "Fn::If requires a list argument with the first element being a condition",
    ),
    "Fn::ImportValue": (_text, "every Fn::ImportValue object must have a String-typed value."),
    "Fn::Join": (
        _joins,
        "every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of "
        "strings to be joined or a function that returns a list of strings (such as Fn::GetAZs) "
        "to be joined.",
    ),
    "Fn::Length": (_list, "Fn::Length requires a list, or a function that returns a list."),
    "Fn::Not": (_negates, "every Fn::Not object requires one boolean parameter."),
    "Fn::Or": (_combines, f"every Fn::Or object {_BOOLEANS}"),
    "Fn::Select": (
        _selects,
        "Fn::Select requires a list argument with two elements: an integer index and a list",
    ),
    "Fn::Split": (
        _splits,
        "every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string "
        "to be split or a function that returns a string to be split.",
    ),
    "Fn::ToJsonString": (
        lambda value: isinstance(value, dict | list),
        "Fn::ToJsonString requires an object or an array.",
    ),
    "Ref": (
        lambda value: isinstance(value, str),
        "every Ref object must have a single String value.",
    ),
}
"""Function -> whether it can take an argument, and what AWS says where it cannot.

`Fn::GetAtt` and `Fn::Sub` are taken apart, and refused, where they are read (intrinsics).
"""


def check_shape(name: str, argument: Any, *, resolved: bool = False) -> None:
    """Refuse an argument that a function cannot take.

    Args:
        name: the function's.
        argument: what it is given.
        resolved: whether a function in the argument is none any more, such as a Condition where
            none belongs: it yields nothing.

    Raises:
        ValidationError: in AWS's words.
    """
    takes, message = SHAPES.get(name, (None, ""))
    parts = argument if isinstance(argument, list) else [argument]
    if takes and not (takes(argument) and not (resolved and any(map(is_function, parts)))):
        raise template_error(message)
