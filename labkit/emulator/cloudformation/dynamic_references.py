"""Dynamic references, `{{resolve:ssm:name:version}}`: values that stand elsewhere.

Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references-ssm.html
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from labkit.emulator.cloudformation.function_shapes import template_error

_REFERENCE = re.compile(r"\{\{resolve:([^:}]*):?([^}]*)\}\}")
_NAME = re.compile(r"[a-zA-Z0-9_.\-/]+(:\d+)?")


def replaced(value: Any, fetch: Callable[[str], str]) -> Any:
    """Return a value in which every dynamic reference, in whatever text, is what it refers to.

    Args:
        value: anything that a template holds, its functions resolved.
        fetch: the value of a parameter of Systems Manager, by `name` or `name:version`.

    Raises:
        ValidationError: the emulator does not have that service, or no such parameter.
    """
    if isinstance(value, dict):
        return {key: replaced(inner, fetch) for key, inner in value.items()}
    if isinstance(value, list):
        return [replaced(inner, fetch) for inner in value]
    if isinstance(value, str) and "{{resolve:" in value:
        return _REFERENCE.sub(lambda match: _fetched(match, fetch), value)
    return value


def _fetched(match: re.Match[str], fetch: Callable[[str], str]) -> str:
    service, name = match[1], match[2].strip()
    if service in {"ssm-secure", "secretsmanager"}:
        raise template_error(f"the emulator does not emulate dynamic references to {service}.")
    if service != "ssm" or not _NAME.fullmatch(name):
        raise template_error(
            f"the dynamic reference {match[0]} is not valid: it must read "
            "{{resolve:ssm:parameter-name:version}}, the version may be left out."
        )
    return fetch(name)
