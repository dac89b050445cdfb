"""The constraints that botocore's models state, told as AWS's validation tells them.

boto3 and the AWS CLI check types and minima themselves; lengths, ranges, patterns and enumerations
are checked by the service.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from botocore.model import ServiceModel, Shape

from labkit.emulator.refusal import ServiceError
from labkit.emulator.service_models import LOADER

MAX_TOLD = 10


def check(service: str, operation: str, parameters: Mapping[str, Any]) -> None:
    """Refuse parameters that break a constraint of the operation's input.

    Raises:
        ServiceError: ValidationException, in AWS's words.
    """
    shape: Any = _model(service).operation_model(operation).input_shape
    found = list(violations(shape, parameters)) if shape else []
    if found:
        errors = "error" if len(found) == 1 else "errors"
        message = f"{len(found)} validation {errors} detected: {'; '.join(found[:MAX_TOLD])}"
        raise ServiceError("ValidationException", message)


@cache
def _model(service: str) -> ServiceModel:
    return ServiceModel(LOADER.load_service_model(service, "service-2"), service)


def violations(shape: Shape, value: Any, path: str = "") -> Iterator[str]:
    """Yield a sentence for each constraint that the value, or something in it, breaks."""
    for requirement in _broken(shape, value):
        shown = f"Value '{value}' at '{path}'"
        yield f"{shown} failed to satisfy constraint: Member must {requirement}"
    for inner_shape, inner, inner_path in _members(shape, value, path):
        yield from violations(inner_shape, inner, inner_path)


def _members(shape: Any, value: Any, path: str) -> Iterator[tuple[Shape, Any, str]]:
    dot = f"{path}." if path else ""
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            if name in value:
                yield member, value[name], f"{dot}{name[:1].lower()}{name[1:]}"
    elif shape.type_name == "list":
        for number, item in enumerate(value, 1):
            yield shape.member, item, f"{dot}{number}.member"
    elif shape.type_name == "map":
        for key, item in value.items():
            yield shape.value, item, f"{dot}{key}.member"


def _broken(shape: Any, value: Any) -> Iterator[str]:
    limits, kind = shape.metadata, shape.type_name
    if kind in ("string", "list", "map"):
        if len(value) < limits.get("min", 0):
            yield f"have length greater than or equal to {limits['min']}"
        if len(value) > limits.get("max", len(value)):
            yield f"have length less than or equal to {limits['max']}"
    if kind in ("integer", "long"):
        if value < limits.get("min", value):
            yield f"have value greater than or equal to {limits['min']}"
        if value > limits.get("max", value):
            yield f"have value less than or equal to {limits['max']}"
    if kind == "string" and not _fits(limits.get("pattern"), value):
        yield f"satisfy regular expression pattern: {limits['pattern']}"
    if kind == "string" and value not in (limits.get("enum") or [value]):
        yield f"satisfy enum value set: [{', '.join(limits['enum'])}]"


def _fits(pattern: str | None, value: str) -> bool:
    """Match as the service would; what only Java understands is not checked here."""
    if pattern is None or r"\p{" in pattern:
        return True
    try:
        return re.fullmatch(pattern, value) is not None
    except re.error:  # such as a range of surrogates
        return True
