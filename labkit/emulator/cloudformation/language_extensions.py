"""The transform AWS::LanguageExtensions: what of it the emulator does not do, refused by name.

Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/transform-aws-languageextensions.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from labkit.emulator.cloudformation.validation import format_error

_POLICIES = ("DeletionPolicy", "UpdateReplacePolicy")


def check(document: dict[str, Any]) -> None:
    """Refuse a template with this transform that uses more of it than two functions.

    Raises:
        ValidationError: that names what is not emulated.
    """
    for part in _not_done(document):
        raise format_error(
            f"The emulator does not emulate {part}: of the transform AWS::LanguageExtensions it "
            "has Fn::Length and Fn::ToJsonString, no more."
        )


def _not_done(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _not_done(item)
    if not isinstance(value, dict):
        return
    for key, inner in value.items():
        if str(key).startswith("Fn::ForEach"):
            yield "Fn::ForEach"
        elif key == "Fn::FindInMap" and isinstance(inner, list) and len(inner) == 4:
            yield "Fn::FindInMap with a default value"
        elif key == "Fn::GetAtt" and isinstance(inner, list) and inner and _is_object(inner[0]):
            yield "Fn::GetAtt of a resource that a function names"
        elif key == "Ref" and _is_object(inner):
            yield "Ref of what a function names"
        elif key in _POLICIES and _is_object(inner):
            yield f"a {key} that a function yields"
        yield from _not_done(inner)


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)
