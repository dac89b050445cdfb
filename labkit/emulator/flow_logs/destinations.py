"""Whether a flow log's destination is there and may be delivered to, when it is created.

Source: docs.aws.amazon.com/vpc/latest/userguide/flow-logs-troubleshooting.html
"""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from labkit.emulator import roles
from labkit.emulator.flow_logs import bucket_policy
from labkit.emulator.flow_logs.flow_log import Settings
from labkit.emulator.flow_logs.s3_keys import folder
from labkit.emulator.policies import UnsupportedPolicy
from labkit.emulator.refusal import ServiceError, not_emulated
from labkit.emulator.upstream import Clients

FLOW_LOGS_SERVICE = "vpc-flow-logs.amazonaws.com"


class Unsuccessful(Exception):
    """The destination does not do: an entry of the answer's Unsuccessful list."""


def assume_role_context(account_id: str, region: str, flow_log_id: str) -> dict[str, str]:
    """Return the condition keys with which the flow logs service assumes a role.

    Source: docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html
    """
    return {
        "aws:SourceAccount": account_id,
        "aws:SourceArn": f"arn:aws:ec2:{region}:{account_id}:vpc-flow-log/{flow_log_id}",
    }


def check_role(inner: Clients, role_arn: str, context: dict[str, str], region: str) -> None:
    """Refuse a role that does not exist or that the flow logs service may not assume."""
    iam = inner("iam", region)
    try:
        if roles.may_assume(iam, role_arn, service=FLOW_LOGS_SERVICE, context=context):
            return
    except UnsupportedPolicy as error:
        raise not_emulated("ec2", f"CreateFlowLogs with a role's trust that has {error}") from None
    raise ServiceError("InvalidParameter", "Unable to assume given IAM role")


def check_bucket(inner: Clients, settings: Settings, *, region: str, account_id: str) -> None:
    """Check that the bucket is there, and add to its policy what delivery needs.

    Raises:
        Unsuccessful: there is no such bucket, or it may not be delivered to.
        ServiceError: the bucket has what is not evaluated here.
    """
    s3, bucket = inner("s3", region), settings.bucket or ""
    delivery = delivery_to(settings, account_id=account_id, region=region)
    if not _exists(s3, bucket):
        raise Unsuccessful(f"LogDestination: {bucket} does not exist")
    _check_encryption(s3, bucket)
    try:
        policy = bucket_policy.completed(policy_of(s3, bucket), delivery)
    except bucket_policy.Denied:
        raise Unsuccessful(
            f"Access Denied for LogDestination: {bucket}. Please check LogDestination permission"
        ) from None
    except bucket_policy.TooLong:
        raise Unsuccessful("LogDestinationPermissionIssueException") from None
    except UnsupportedPolicy as error:
        raise not_emulated("ec2", f"CreateFlowLogs with a bucket policy that has {error}") from None
    if policy is not None:
        s3.put_bucket_policy(Bucket=bucket, Policy=policy)


def delivery_to(settings: Settings, *, account_id: str, region: str) -> bucket_policy.Delivery:
    return bucket_policy.Delivery(
        bucket=settings.bucket or "",
        folder=folder(settings.layout, account_id),
        account_id=account_id,
        region=region,
    )


def policy_of(s3: Any, bucket: str) -> str | None:
    """Return the bucket's policy as it was written, or None."""
    try:
        return s3.get_bucket_policy(Bucket=bucket)["Policy"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "NoSuchBucketPolicy":
            return None
        raise


def _exists(s3: Any, bucket: str) -> bool:
    try:
        s3.head_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchBucket"):
            return False
        raise
    return True


def _check_encryption(s3: Any, bucket: str) -> None:
    """Refuse a bucket that is encrypted with a KMS key: there is no KMS here to ask its policy.

    A customer managed key must be named by its ARN, else nothing can be delivered.

    Source: docs.aws.amazon.com/vpc/latest/userguide/flow-logs-troubleshooting.html
    """
    encryption = _default_encryption(s3, bucket)
    if not encryption.get("SSEAlgorithm", "").startswith("aws:kms"):
        return
    key = encryption.get("KMSMasterKeyID")
    if key and not key.startswith("arn:"):
        raise Unsuccessful(f"LogDestination: {bucket} is undeliverable")
    whose = f"the KMS key {key}" if key else "an AWS managed KMS key"
    raise not_emulated("ec2", f"CreateFlowLogs to a bucket that is encrypted with {whose}")


def _default_encryption(s3: Any, bucket: str) -> dict[str, str]:
    try:
        answer = s3.get_bucket_encryption(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ServerSideEncryptionConfigurationNotFoundError":
            return {}
        raise
    rule = answer["ServerSideEncryptionConfiguration"]["Rules"][0]
    return rule.get("ApplyServerSideEncryptionByDefault", {})
