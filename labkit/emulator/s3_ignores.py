"""The parameters of S3 that moto takes and does not look at: refused by name, or judged here.

S3's parameters are headers and the query of a URL, so they are looked for there. Not listed is what
changes nothing here: who pays for a request, and what counts for archived objects only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from labkit.emulator.refusal import ServiceError, not_emulated

IGNORED = {
    "x-amz-abac-status": "AbacStatus",
    "x-amz-bucket-object-lock-enabled": "ObjectLockEnabledForBucket",
    "x-amz-bypass-governance-retention": "BypassGovernanceRetention",
    "x-amz-confirm-remove-self-bucket-access": "ConfirmRemoveSelfBucketAccess",
    "x-amz-copy-source-if-match": "CopySourceIfMatch",
    "x-amz-copy-source-if-modified-since": "CopySourceIfModifiedSince",
    "x-amz-copy-source-if-unmodified-since": "CopySourceIfUnmodifiedSince",
    "x-amz-copy-source-server-side-encryption-customer-algorithm": "CopySourceSSECustomerAlgorithm",
    "x-amz-grant-full-control": "GrantFullControl",
    "x-amz-grant-read": "GrantRead",
    "x-amz-grant-read-acp": "GrantReadACP",
    "x-amz-grant-write": "GrantWrite",
    "x-amz-grant-write-acp": "GrantWriteACP",
    "x-amz-if-match-initiated-time": "IfMatchInitiatedTime",
    "x-amz-if-match-last-modified-time": "IfMatchLastModifiedTime",
    "x-amz-if-match-size": "IfMatchSize",
    "x-amz-max-parts": "MaxParts",
    "x-amz-mfa": "MFA",
    "x-amz-mp-object-size": "MpuObjectSize",
    "x-amz-object-annotation-directive": "AnnotationDirective",
    "x-amz-object-lock-event-hold": "ObjectLockEventHold",
    "x-amz-object-lock-legal-hold": "ObjectLockLegalHoldStatus",
    "x-amz-object-lock-mode": "ObjectLockMode",
    "x-amz-object-lock-retain-until-date": "ObjectLockRetainUntilDate",
    "x-amz-part-number-marker": "PartNumberMarker",
    "x-amz-server-side-encryption-aws-kms-key-id": "SSEKMSKeyId",
    "x-amz-server-side-encryption-context": "SSEKMSEncryptionContext",
    "x-amz-server-side-encryption-customer-algorithm": "SSECustomerAlgorithm",
    "x-amz-transition-default-minimum-object-size": "TransitionDefaultMinimumObjectSize",
    "x-amz-website-redirect-location": "WebsiteRedirectLocation",
    "x-amz-write-offset-bytes": "WriteOffsetBytes",
    "max-uploads": "MaxUploads",
    "upload-id-marker": "UploadIdMarker",
}
"""What a header or a parameter of the query is called on the wire, and in the API."""

_OWNERS = ("x-amz-expected-bucket-owner", "x-amz-source-expected-bucket-owner")
_IS_SO_ANYWAY = {"x-amz-bucket-object-lock-enabled": "false"}
_VALUES = {
    "x-amz-acl": ("ACL", ("bucket-owner-full-control", "private")),
    "x-amz-object-ownership": ("ObjectOwnership", ("BucketOwnerEnforced",)),
    "x-amz-server-side-encryption": ("ServerSideEncryption", ("AES256",)),
}
"""Parameters of which a value or two say what is so anyway: all that is here is its owner's."""


def check(operation: str, environ: Mapping[str, Any], account_id: str) -> None:
    """Refuse a request with a parameter that would be ignored and matters.

    Raises:
        ServiceError: that names the operation and the parameter; AccessDenied for a bucket that is
            expected to be another account's (docs.aws.amazon.com/AmazonS3/latest/userguide/
            bucket-owner-condition.html).
    """
    given = _given(environ)
    for name, called in IGNORED.items():
        if name in given and given[name].lower() != _IS_SO_ANYWAY.get(name):
            raise not_emulated("s3", f"{operation} with {called}")
    for name, (called, values) in _VALUES.items():
        if given.get(name, values[0]) not in values:
            raise not_emulated("s3", f"{operation} with {called} {given[name]}")
    if any(given.get(name, account_id) != account_id for name in _OWNERS):
        raise ServiceError("AccessDenied", "Access Denied", 403)


def _given(environ: Mapping[str, Any]) -> dict[str, str]:
    """Return headers and the query's parameters, by their names in small letters."""
    headers = {
        key.removeprefix("HTTP_").replace("_", "-").lower(): str(value)
        for key, value in environ.items()
        if key.startswith("HTTP_")
    }
    query = parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    return {name.lower(): value for name, value in query} | headers
