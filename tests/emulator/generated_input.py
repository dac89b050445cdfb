"""The least input that botocore's models take for an operation, made from its shape.

Only required members are filled; the values fit type, length, range, enumeration, and pattern as
far as one of a few plain texts fits it. Nothing is random.
"""

from __future__ import annotations

import datetime
import re
from typing import Any

WORDS = (
    "sweep",
    "sweep-generated-name",
    "arn:aws:iam::123456789012:role/sweep",
    "arn:aws:s3:::sweep-bucket",
    "arn:aws:logs:us-east-1:123456789012:log-group:sweep",
    "i-0123456789abcdef0",
    "mw-0123456789abcdef0",
    "123456789012",
    "0123456789abcdef0123456789abcdef0123",
    "01234567-89ab-cdef-0123-456789abcdef",
    "10.0.0.0/16",
    "AKIAIOSFODNN7EXAMPLE",
    "https://example.com/sweep",
    "/sweep",
    "1",
    "{}",
)
"""Tried in this order against a pattern and a length."""

BY_NAME = {"Bucket": "sweep-bucket", "Key": "sweep/key", "CopySource": "sweep-bucket/sweep/key"}


def minimal(shape: Any, name: str = "", depth: int = 0) -> Any:
    """Return the smallest value of a shape that a client sends."""
    kind = shape.type_name
    if kind == "structure":
        if getattr(shape, "is_tagged_union", False) and not shape.required_members:
            first = next(iter(shape.members))
            return {first: minimal(shape.members[first], first, depth + 1)}
        return {
            member: minimal(shape.members[member], member, depth + 1)
            for member in shape.required_members
        }
    if kind == "list":
        least = shape.metadata.get("min", 1 if depth < 4 else 0)
        return [minimal(shape.member, name, depth + 1)] * max(least, 1)
    if kind == "map":
        return {_text(shape.key, "key"): minimal(shape.value, name, depth + 1)}
    return _SCALARS[kind](shape, name)


def _text(shape: Any, name: str) -> str:
    limits = shape.metadata
    if limits.get("enum"):
        return limits["enum"][0]
    if name in BY_NAME:
        return BY_NAME[name]
    pattern = limits.get("pattern")
    for word in WORDS:
        long_enough = limits.get("min", 0) <= len(word) <= limits.get("max", len(word))
        if long_enough and _fits(pattern, word):
            return word
    return "x" * max(limits.get("min", 1), 1)


def _fits(pattern: str | None, word: str) -> bool:
    try:
        return pattern is None or re.fullmatch(pattern, word) is not None
    except re.error:  # Java's own syntax
        return True


def _number(shape: Any, name: str) -> int:
    return max(1, shape.metadata.get("min", 1))


_SCALARS = {
    "string": _text,
    "character": lambda shape, name: "x",
    "integer": _number,
    "long": _number,
    "float": lambda shape, name: float(_number(shape, name)),
    "double": lambda shape, name: float(_number(shape, name)),
    "boolean": lambda shape, name: True,
    "blob": lambda shape, name: b"sweep",
    "timestamp": lambda shape, name: datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
}
