"""The settings of a bucket: each is put, and taken off, by an operation of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from labkit.emulator.cloudformation.providers.provider import HandlerError, Properties, picked


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting.

    Attributes:
        put: the operation that sets it.
        argument: the parameter of that operation.
        remove: the operation that takes it off, or None where it cannot be taken off.
        translated: the property as the operation takes it.
    """

    put: str
    argument: str
    remove: str | None
    translated: Callable[[Any], Any]


def _encryption(value: Properties) -> dict[str, Any]:
    renamed = {"ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault"}
    rules = value["ServerSideEncryptionConfiguration"]
    return {
        "Rules": [{renamed.get(name, name): item for name, item in rule.items()} for rule in rules]
    }


_LIFECYCLE_RULE = frozenset(
    {
        "AbortIncompleteMultipartUpload",
        "ExpirationInDays",
        "Id",
        "NoncurrentVersionExpiration",
        "NoncurrentVersionExpirationInDays",
        "Prefix",
        "Status",
    }
)


def _lifecycle(value: Properties) -> dict[str, Any]:
    return {"Rules": [_lifecycle_rule(rule) for rule in value["Rules"]]}


def _lifecycle_rule(rule: Properties) -> dict[str, Any]:
    unknown = sorted(rule.keys() - _LIFECYCLE_RULE)
    if unknown:
        raise HandlerError(f"The emulator does not honor {unknown} in a LifecycleConfiguration")
    result = picked(rule, "AbortIncompleteMultipartUpload", "NoncurrentVersionExpiration", "Status")
    result["Filter"] = {"Prefix": rule.get("Prefix", "")}
    if "Id" in rule:
        result["ID"] = rule["Id"]
    if "ExpirationInDays" in rule:
        result["Expiration"] = {"Days": rule["ExpirationInDays"]}
    if "NoncurrentVersionExpirationInDays" in rule:
        days = rule["NoncurrentVersionExpirationInDays"]
        result["NoncurrentVersionExpiration"] = {"NoncurrentDays": days}
    return result


def _as_it_is(value: Any) -> Any:
    return value


SETTINGS = {
    "PublicAccessBlockConfiguration": Setting(
        "put_public_access_block",
        "PublicAccessBlockConfiguration",
        "delete_public_access_block",
        _as_it_is,
    ),
    "OwnershipControls": Setting(
        "put_bucket_ownership_controls",
        "OwnershipControls",
        "delete_bucket_ownership_controls",
        _as_it_is,
    ),
    "VersioningConfiguration": Setting(
        "put_bucket_versioning", "VersioningConfiguration", None, _as_it_is
    ),
    "BucketEncryption": Setting(
        "put_bucket_encryption",
        "ServerSideEncryptionConfiguration",
        "delete_bucket_encryption",
        _encryption,
    ),
    "LifecycleConfiguration": Setting(
        "put_bucket_lifecycle_configuration",
        "LifecycleConfiguration",
        "delete_bucket_lifecycle",
        _lifecycle,
    ),
}
"""Property -> how it is set."""


def put(s3: Any, bucket: str, name: str, value: Any) -> None:
    """Give a bucket one of its settings.

    Raises:
        HandlerError: something in it is not honored.
    """
    setting = SETTINGS[name]
    getattr(s3, setting.put)(Bucket=bucket, **{setting.argument: setting.translated(value)})


def change(s3: Any, bucket: str, old: Properties, new: Properties) -> None:
    """Put the settings that are new or changed, and take off those that are gone."""
    for name, setting in SETTINGS.items():
        if old.get(name) == new.get(name):
            continue
        if name in new:
            put(s3, bucket, name, new[name])
        elif setting.remove:
            getattr(s3, setting.remove)(Bucket=bucket)
        else:  # a bucket that had versions can stop, and not go back
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
