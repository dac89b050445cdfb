"""The bucket policy that delivery to S3 needs: is it there, and what has to be added?

Source: docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-permissions.html, and
docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-S3.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from labkit.emulator.policies import Decision, Request, decide, statements

SERVICE = "delivery.logs.amazonaws.com"
ACL = "bucket-owner-full-control"
MAX_BYTES = 20 * 1024
NEW_POLICY = {"Version": "2012-10-17", "Id": "AWSLogDeliveryWrite20150319", "Statement": []}


class Denied(Exception):
    """The policy forbids the delivery, or cannot be added to."""


class TooLong(Exception):
    """The policy would not fit into 20 KB."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """Who delivers where: the folder is the bucket's part that all of an account's files share."""

    bucket: str
    folder: str
    account_id: str
    region: str

    @property
    def bucket_arn(self) -> str:
        return f"arn:aws:s3:::{self.bucket}"

    def put(self, key: str) -> Request:
        return self._request("s3:PutObject", f"{self.bucket_arn}/{key}", {"s3:x-amz-acl": ACL})

    def get_acl(self) -> Request:
        return self._request("s3:GetBucketAcl", self.bucket_arn, {})

    def _request(self, action: str, resource: str, more: Mapping[str, str]) -> Request:
        """Make a request as the delivery service makes it: over TLS, for the flow log's owner."""
        context = {
            "aws:SourceAccount": self.account_id,
            "aws:SourceArn": f"arn:aws:logs:{self.region}:{self.account_id}:delivery",
            "aws:SecureTransport": "true",
            "aws:PrincipalIsAWSService": "true",
            "aws:PrincipalServiceName": SERVICE,
            **more,
        }
        return Request(action, resource, SERVICE, context)


def may_deliver(policy: str | None, delivery: Delivery, key: str) -> bool:
    """Return whether the bucket policy lets an object be put there.

    Raises:
        UnsupportedPolicy: it needs more than is evaluated here.
    """
    documents = [json.loads(policy)] if policy else []
    return decide(documents, delivery.put(key)) is Decision.ALLOW


def completed(policy: str | None, delivery: Delivery) -> str | None:
    """Return the policy with what CreateFlowLogs adds to it; None if it suffices as it is.

    What is missing is appended, as the guide of CloudWatch Logs says (that of VPC says that the
    policy is overwritten). A grant on all of the bucket suffices.

    Raises:
        Denied: a statement denies the delivery, or one has NotAction or NotPrincipal.
        TooLong: there is no room.
        UnsupportedPolicy: the policy needs more than is evaluated here.
    """
    document = json.loads(policy) if policy else NEW_POLICY
    present = statements(document)
    if any(element in one for one in present for element in ("NotAction", "NotPrincipal")):
        raise Denied
    wanted = [
        (delivery.put(f"{delivery.folder}any"), _write_statement(delivery)),
        (delivery.get_acl(), _acl_check_statement(delivery)),
    ]
    decisions = [(decide([document], request), statement) for request, statement in wanted]
    if any(decision is Decision.DENY for decision, _ in decisions):
        raise Denied
    missing = [one for decision, one in decisions if decision is not Decision.ALLOW]
    if not missing:
        return None
    return _written({**document, "Statement": [*present, *_numbered(missing, present)]})


def _written(document: Mapping[str, Any]) -> str:
    text = json.dumps(document)
    if len(text.encode()) > MAX_BYTES:
        raise TooLong
    return text


def _conditions(delivery: Delivery, **more: str) -> dict[str, Any]:
    return {
        "StringEquals": {**more, "aws:SourceAccount": delivery.account_id},
        "ArnLike": {"aws:SourceArn": f"arn:aws:logs:{delivery.region}:{delivery.account_id}:*"},
    }


def _write_statement(delivery: Delivery) -> dict[str, Any]:
    return {
        "Sid": "AWSLogDeliveryWrite",
        "Effect": "Allow",
        "Principal": {"Service": SERVICE},
        "Action": "s3:PutObject",
        "Resource": f"{delivery.bucket_arn}/{delivery.folder}*",
        "Condition": _conditions(delivery, **{"s3:x-amz-acl": ACL}),
    }


def _acl_check_statement(delivery: Delivery) -> dict[str, Any]:
    return {
        "Sid": "AWSLogDeliveryAclCheck",
        "Effect": "Allow",
        "Principal": {"Service": SERVICE},
        "Action": "s3:GetBucketAcl",
        "Resource": delivery.bucket_arn,
        "Condition": _conditions(delivery),
    }


def _numbered(
    missing: list[dict[str, Any]], present: list[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Give each new statement a Sid that the policy does not have yet: they must be unique."""
    taken = {statement.get("Sid") for statement in present}
    return [{**one, "Sid": _free(one["Sid"], taken)} for one in missing]


def _free(sid: str, taken: set[Any]) -> str:
    candidates = [sid, *(f"{sid}{number}" for number in range(1, len(taken) + 1))]
    return next(candidate for candidate in candidates if candidate not in taken)
