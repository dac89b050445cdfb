"""The error that becomes AWS's own error shape, whatever the protocol of the service."""

from __future__ import annotations

from typing import Any


class ServiceError(Exception):
    """An answer of AWS's that is an error: a code and a sentence, HTTP 4xx.

    Args:
        code: AWS's error code, as in `error.response["Error"]["Code"]`.
        message: the sentence that the client shows.
        status: the HTTP status; 4xx only, since boto3 retries 5xx.
        **members: what else the error's shape in botocore's model has.
    """

    def __init__(self, code: str, message: str, status: int = 400, **members: Any):
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        for name, value in members.items():
            setattr(self, name, value)


def not_emulated(service: str, what: str) -> ServiceError:
    """Return the refusal of something that the emulator cannot do honestly."""
    return ServiceError("UnsupportedOperation", f"The emulator does not emulate {service}:{what}.")
