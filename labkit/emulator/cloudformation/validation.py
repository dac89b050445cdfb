"""The error of everything that is wrong with a request or its template."""

from __future__ import annotations

from labkit.emulator.refusal import ServiceError


class ValidationError(ServiceError):
    """AWS's ValidationError: the request is refused, and no stack is made.

    Source: docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/CommonErrors.html
    """

    def __init__(self, message: str):
        super().__init__("ValidationError", message)


def format_error(message: str) -> ValidationError:
    """Return the error of a text that is no template."""
    return ValidationError(f"Template format error: {message}")
