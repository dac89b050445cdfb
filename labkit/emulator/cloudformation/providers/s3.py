"""Buckets and their policies."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError

from labkit.emulator.cloudformation.providers import bucket_settings
from labkit.emulator.cloudformation.providers.bucket_settings import SETTINGS
from labkit.emulator.cloudformation.providers.provider import (
    Attributes,
    Context,
    HandlerError,
    Properties,
    Provider,
)
from labkit.emulator.cloudformation.providers.tags import tags_of


class Bucket(Provider):
    type = "AWS::S3::Bucket"
    honors = ("AccessControl", "BucketName", "Tags", *SETTINGS)
    attributes = ("Arn", "DomainName", "DualStackDomainName", "RegionalDomainName")
    in_place = frozenset({"AccessControl", "Tags", *SETTINGS})

    def create(self, context: Context, properties: Properties) -> Attributes:
        _check_acl(properties)
        s3 = context.client("s3")
        bucket = properties.get("BucketName") or context.name(63, lower=True)
        where = {} if context.region == "us-east-1" else {"LocationConstraint": context.region}
        s3.create_bucket(Bucket=bucket, **({"CreateBucketConfiguration": where} if where else {}))
        context.exists(bucket)
        if tags := context.tag_list(properties, system=False):  # moto refuses those of the system
            s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
        bucket_settings.change(s3, bucket, {}, properties)
        return _attributes(s3, context.region, bucket)

    def update(
        self, context: Context, physical_id: str, old: Properties, new: Properties
    ) -> Attributes:
        _check_acl(new)
        s3 = context.client("s3")
        bucket_settings.change(s3, physical_id, old, new)
        if tags := [{"Key": key, "Value": value} for key, value in tags_of(new).items()]:
            s3.put_bucket_tagging(Bucket=physical_id, Tagging={"TagSet": tags})
        elif tags_of(old):
            s3.delete_bucket_tagging(Bucket=physical_id)
        return _attributes(s3, context.region, physical_id)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("s3").delete_bucket(Bucket=physical_id)


def _check_acl(properties: Properties) -> None:
    """Refuse an ACL but the one that a bucket has anyway: requests are not judged by ACLs here."""
    acl = properties.get("AccessControl", "Private")
    if acl != "Private":
        raise HandlerError(
            f"The emulator does not honor AccessControl {acl}: leave it out, or say Private.",
            "InvalidRequest",
        )


def _attributes(s3: Any, region: str, bucket: str) -> Attributes:
    return {
        "Arn": f"arn:{s3.meta.partition}:s3:::{bucket}",
        "DomainName": f"{bucket}.s3.amazonaws.com",
        "DualStackDomainName": f"{bucket}.s3.dualstack.{region}.amazonaws.com",
        "RegionalDomainName": f"{bucket}.s3.{region}.amazonaws.com",
    }


class BucketPolicy(Provider):
    type = "AWS::S3::BucketPolicy"
    honors = ("Bucket", "PolicyDocument")
    attributes = ()
    in_place = frozenset({"PolicyDocument"})

    def create(self, context: Context, properties: Properties) -> Attributes:
        """Set the policy; one that is there already is a failure, not overwritten."""
        s3, bucket = context.client("s3"), properties["Bucket"]
        if _has_policy(s3, bucket):
            message = f"The bucket policy already exists on bucket {bucket}."
            raise HandlerError(message, "AlreadyExists")
        s3.put_bucket_policy(Bucket=bucket, Policy=_text(properties))
        context.exists(bucket)
        return {}

    def update(
        self, context: Context, physical_id: str, old: Properties, new: Properties
    ) -> Attributes:
        context.client("s3").put_bucket_policy(Bucket=physical_id, Policy=_text(new))
        return {}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("s3").delete_bucket_policy(Bucket=physical_id)


def _text(properties: Properties) -> str:
    document = properties["PolicyDocument"]
    return document if isinstance(document, str) else json.dumps(document)


def _has_policy(s3: Any, bucket: str) -> bool:
    try:
        s3.get_bucket_policy(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucketPolicy":
            raise
        return False
    return True
