"""Take out of what is shared that which is nobody else's business.

Real account ids, access keys and the like, home folders and the names of users in them: masked in
texts, and in executed notebooks. Pictures are left as they are.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

MASK = "***"
PUBLIC_ACCOUNT_IDS = {"123456789012", "111122223333", "123456789010", "444455556666"}
"""Account ids that AWS's documentation uses as examples; the emulator's is one of them."""

SECRET_VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
PICTURES = ("image/png", "image/jpeg")

# Ids of AWS's that name a person, a role, a key; the first four letters say which.
# Source: docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids
_UNIQUE_ID = re.compile(r"\b(?:AKIA|ASIA|ABIA|ACCA|AIDA|AROA|AGPA|ANPA|LABKIT)[A-Z0-9]{8,}\b")
_TWELVE_DIGITS = re.compile(r"(?<![A-Za-z0-9.])\d{12}(?![A-Za-z0-9]|\.\d)")  # hence in no hash
_IN_THREE_PARTS = re.compile(r"(?<![\w-])\d{4}-\d{4}-\d{4}(?![\w-])")
_IDENTITY = re.compile(r"(arn:aws[\w-]*:(?:iam|sts)::[^:\s]*:(?:user|assumed-role)/)[^\s'\"<>&,)]+")
_NAMED_SECRET = re.compile(
    r"(?i)((?:secret[_-]?(?:access[_-]?)?key|(?:session|security)[_-]?token)"
    r"(?:\W|&quot;|&#39;){1,8})([A-Za-z0-9/+=]{20,})"
)
_END = r"(?=[/\s'\"<:,;)\\]|$)"
_HOME = re.compile(
    rf"(?<![\w./])(?:{re.escape(str(Path.home()))}|/root){_END}"
    r"|(?<![\w.])/(?:home|Users)/[^/\s'\"<>:,;)\\]+"
)
# A secret access key: 40 characters of Base64, which a hash in hexadecimal digits is not.
_SECRET_KEY = re.compile(r"(?<![A-Za-z0-9/+=_.-])[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+=_.-])")
_OF_THREE_KINDS = re.compile(r"(?=.*[a-z])(?=.*[A-Z])(?=.*\d)")


def mask(text: str) -> str:
    """Return the text without account ids, keys, identities, and home folders."""
    for secret in _known_secrets():
        text = text.replace(secret, MASK)
    text = _NAMED_SECRET.sub(rf"\1{MASK}", text)
    text = _SECRET_KEY.sub(_if_of_three_kinds, text)
    text = _UNIQUE_ID.sub(MASK, text)
    text = _IDENTITY.sub(rf"\1{MASK}", text)
    text = _TWELVE_DIGITS.sub(_unless_public, text)
    text = _IN_THREE_PARTS.sub(_unless_public, text)
    return _HOME.sub("~", text)


def mask_notebook(notebook: dict[str, Any]) -> dict[str, Any]:
    """Return an executed notebook with all its texts masked, and without absolute paths.

    papermill writes where the notebook lay, and where it went, into the metadata.
    """
    told = notebook["metadata"].get("papermill", {})
    for key in ("input_path", "output_path"):
        if told.get(key):
            told[key] = Path(told[key]).name
    return _each_text(notebook, mask)


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    """Return JSON data with each text changed, but for pictures (Base64 may look like anything)."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {
            key: one if key in PICTURES else _each_text(one, change) for key, one in value.items()
        }
    if isinstance(value, list):
        if _are_lines(value):
            return change("".join(value)).splitlines(keepends=True)
        return [_each_text(one, change) for one in value]
    return value


def _are_lines(values: list[Any]) -> bool:
    """Tell whether these are the lines of one text: what is to be masked may span two."""
    return (
        len(values) > 1
        and all(isinstance(one, str) and one.endswith("\n") for one in values[:-1])
        and isinstance(values[-1], str)
    )


def _known_secrets() -> list[str]:
    return [text for name in SECRET_VARIABLES if len(text := os.environ.get(name, "")) >= 8]


def _unless_public(match: re.Match[str]) -> str:
    return match[0] if match[0].replace("-", "") in PUBLIC_ACCOUNT_IDS else MASK


def _if_of_three_kinds(match: re.Match[str]) -> str:
    return MASK if _OF_THREE_KINDS.match(match[0]) else match[0]
