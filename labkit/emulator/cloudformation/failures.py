"""Why a resource failed, in the words that an event of AWS shows."""

from __future__ import annotations

import uuid

from botocore.exceptions import ClientError, ParamValidationError

from labkit.emulator.cloudformation.providers.provider import HandlerError
from labkit.emulator.cloudformation.validation import ValidationError

_KINDS = (
    ("NotFound", "NotFound"),
    ("NoSuch", "NotFound"),
    ("AlreadyExists", "AlreadyExists"),
    ("Duplicate", "AlreadyExists"),
    ("LimitExceeded", "ServiceLimitExceeded"),
    ("Unauthorized", "AccessDenied"),
    ("AccessDenied", "AccessDenied"),
    ("Invalid", "InvalidRequest"),
    ("Validation", "InvalidRequest"),
    ("DependencyViolation", "InvalidRequest"),
)
"""Part of a service's error code -> the handler's error code, the first that fits."""

_SERVICE_NAMES = {
    "athena": "Athena",
    "ec2": "Ec2",
    "glue": "Glue",
    "iam": "Iam",
    "kms": "Kms",
    "logs": "CloudWatchLogs",
    "s3": "S3",
    "ssm": "Ssm",
}

_IN_USE = frozenset({"DependencyViolation", "DeleteConflict"})

_GONE = ("NotFound", "NoSuchEntity", "NoSuchBucket", "ResourceNotFoundException")

Failure = ClientError | HandlerError | ParamValidationError | ValidationError
FAILURES = (ClientError, HandlerError, ParamValidationError, ValidationError)
"""What may go wrong with a resource; anything else is a defect of the emulator."""


def service_name(resource_type: str) -> str:
    """Return what AWS's handlers call the service of a type such as `AWS::EC2::VPC`."""
    name = resource_type.split("::")[1]
    return _SERVICE_NAMES.get(name.lower(), name)


def reason(failure: Failure, service: str) -> str:
    """Return a failure as the ResourceStatusReason of an event."""
    if isinstance(failure, ValidationError):
        return failure.message
    if isinstance(failure, ClientError):
        error = failure.response["Error"]
        status = failure.response["ResponseMetadata"].get("HTTPStatusCode", 400)
        request_id = failure.response["ResponseMetadata"].get("RequestId", "")
        message = (
            f"{error['Message']} (Service: {service}, Status Code: {status}, "
            f"Request ID: {request_id})"
        )
        return _handler_message(message, _kind(error["Code"]))
    if isinstance(failure, ParamValidationError):
        return _handler_message(str(failure), "InvalidRequest")
    return _handler_message(failure.message, failure.code)


def is_gone(failure: Failure) -> bool:
    """Return whether a deletion failed because there was nothing left to delete."""
    return isinstance(failure, ClientError) and any(
        part in failure.response["Error"]["Code"] for part in _GONE
    )


def is_in_use(failure: Failure) -> bool:
    """Return whether a deletion failed because something else still depends on the resource.

    Source: docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
    """
    return isinstance(failure, ClientError) and failure.response["Error"]["Code"] in _IN_USE


def properties_invalid(logical_id: str, problems: list[str]) -> ValidationError:
    """Return the failure of a resource whose properties break its type's schema."""
    return ValidationError(
        f"Properties validation failed for resource {logical_id} with message:\n"
        f"[{', '.join(problems)}]"
    )


def _handler_message(message: str, code: str) -> str:
    return (
        f'Resource handler returned message: "{message}" '
        f"(RequestToken: {uuid.uuid4()}, HandlerErrorCode: {code})"
    )


def _kind(error_code: str) -> str:
    found = (kind for part, kind in _KINDS if part in error_code)
    return next(found, "GeneralServiceException")
