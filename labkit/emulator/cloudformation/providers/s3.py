"""Buckets and their policies."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from botocore.exceptions import ClientError

from labkit.emulator.cloudformation.providers.provider import (
    Attributes,
    Context,
    HandlerError,
    Properties,
    Provider,
    picked,
)


class Bucket(Provider):
    type = "AWS::S3::Bucket"
    honors = (
        "BucketEncryption",
        "BucketName",
        "LifecycleConfiguration",
        "OwnershipControls",
        "PublicAccessBlockConfiguration",
        "Tags",
        "VersioningConfiguration",
    )
    attributes = ("Arn", "DomainName", "DualStackDomainName", "RegionalDomainName")

    def create(self, context: Context, properties: Properties) -> Attributes:
        s3 = context.client("s3")
        bucket = properties.get("BucketName") or context.name(63, lower=True)
        where = {} if context.region == "us-east-1" else {"LocationConstraint": context.region}
        s3.create_bucket(Bucket=bucket, **({"CreateBucketConfiguration": where} if where else {}))
        context.exists(bucket)
        for operation, parameters in _settings(context, properties):
            getattr(s3, operation)(Bucket=bucket, **parameters)
        return {
            "Arn": f"arn:{s3.meta.partition}:s3:::{bucket}",
            "DomainName": f"{bucket}.s3.amazonaws.com",
            "DualStackDomainName": f"{bucket}.s3.dualstack.{context.region}.amazonaws.com",
            "RegionalDomainName": f"{bucket}.s3.{context.region}.amazonaws.com",
        }

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("s3").delete_bucket(Bucket=physical_id)


def _settings(context: Context, properties: Properties) -> Iterable[tuple[str, dict[str, Any]]]:
    """Yield the calls that give a bucket its settings, each by an operation of its own."""
    if tags := context.tag_list(properties, system=False):  # moto refuses those of the system
        yield "put_bucket_tagging", {"Tagging": {"TagSet": tags}}
    if "PublicAccessBlockConfiguration" in properties:
        yield "put_public_access_block", picked(properties, "PublicAccessBlockConfiguration")
    if "OwnershipControls" in properties:
        yield "put_bucket_ownership_controls", picked(properties, "OwnershipControls")
    if "VersioningConfiguration" in properties:
        yield "put_bucket_versioning", picked(properties, "VersioningConfiguration")
    if "BucketEncryption" in properties:
        rules = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        configuration = {"Rules": [_encryption_rule(rule) for rule in rules]}
        yield "put_bucket_encryption", {"ServerSideEncryptionConfiguration": configuration}
    if "LifecycleConfiguration" in properties:
        rules = properties["LifecycleConfiguration"]["Rules"]
        configuration = {"Rules": [_lifecycle_rule(rule) for rule in rules]}
        yield "put_bucket_lifecycle_configuration", {"LifecycleConfiguration": configuration}


def _encryption_rule(rule: Properties) -> dict[str, Any]:
    renamed = {"ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault"}
    return {renamed.get(name, name): value for name, value in rule.items()}


_LIFECYCLE_RULE = frozenset(
    {"AbortIncompleteMultipartUpload", "ExpirationInDays", "Id", "Prefix", "Status"}
)


def _lifecycle_rule(rule: Properties) -> dict[str, Any]:
    unknown = sorted(rule.keys() - _LIFECYCLE_RULE)
    if unknown:
        raise HandlerError(f"The emulator does not honor {unknown} in a LifecycleConfiguration")
    result = {**picked(rule, "AbortIncompleteMultipartUpload", "Status")}
    result["Filter"] = {"Prefix": rule.get("Prefix", "")}
    if "Id" in rule:
        result["ID"] = rule["Id"]
    if "ExpirationInDays" in rule:
        result["Expiration"] = {"Days": rule["ExpirationInDays"]}
    return result


class BucketPolicy(Provider):
    type = "AWS::S3::BucketPolicy"
    honors = ("Bucket", "PolicyDocument")
    attributes = ()

    def create(self, context: Context, properties: Properties) -> Attributes:
        """Set the policy; one that is there already is a failure, not overwritten."""
        s3, bucket = context.client("s3"), properties["Bucket"]
        if _has_policy(s3, bucket):
            message = f"The bucket policy already exists on bucket {bucket}."
            raise HandlerError(message, "AlreadyExists")
        document = properties["PolicyDocument"]
        text = document if isinstance(document, str) else json.dumps(document)
        s3.put_bucket_policy(Bucket=bucket, Policy=text)
        context.exists(bucket)
        return {}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("s3").delete_bucket_policy(Bucket=physical_id)


def _has_policy(s3: Any, bucket: str) -> bool:
    try:
        s3.get_bucket_policy(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucketPolicy":
            raise
        return False
    return True
