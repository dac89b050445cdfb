"""How much a template may hold, and how things in it may be called.

Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sized
from typing import Any

from labkit.emulator.cloudformation.validation import ValidationError, format_error

SIZE_LIMIT_BYTES = 51_200
"""Of a TemplateBody."""

URL_SIZE_LIMIT_BYTES = 1_000_000
"""Of what a TemplateURL leads to."""

DESCRIPTION_LIMIT_BYTES = 1_024
NAME_LIMIT = 255
NUMBERS = {"Mappings": 200, "Outputs": 200, "Parameters": 200, "Resources": 500}


def check_size(body: str, limit_bytes: int) -> None:
    """Refuse a text that is empty or too long.

    Raises:
        ValidationError: in the words of the API's own validation.
    """
    if not 1 <= len(body.encode("utf-8", "replace")) <= limit_bytes:
        raise ValidationError(
            f"1 validation error detected: Value '{body[:40]}...' at 'templateBody' failed to "
            "satisfy constraint: Member must have length less than or equal to "
            f"{limit_bytes}, and greater than or equal to 1"
        )


def check_numbers(sections: Mapping[str, Sized]) -> None:
    """Refuse sections with more members than a template may have."""
    for name, most in NUMBERS.items():
        number = len(sections[name])
        if number > most:
            raise format_error(
                f"Number of {name.lower()}, {number}, is greater than maximum allowed, {most}"
            )


def check_name(what: str, name: str) -> None:
    """Refuse a logical name that is not made of letters and digits."""
    if not (name.isascii() and name.isalnum()):
        raise format_error(f"{what} name {name} is non alphanumeric.")
    if len(name) > NAME_LIMIT:
        raise format_error(f"{what} name {name} is longer than {NAME_LIMIT} characters.")


def checked_description(description: Any) -> str:
    """Return a description that is a text, and not too long."""
    if not isinstance(description, str):
        raise format_error("Every Description member must be a string.")
    if len(description.encode()) > DESCRIPTION_LIMIT_BYTES:
        raise format_error(f"'Description' length is greater than {DESCRIPTION_LIMIT_BYTES}.")
    return description
