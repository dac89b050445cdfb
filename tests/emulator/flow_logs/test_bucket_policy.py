"""The bucket policy that a delivery needs, and what is appended where it lacks.

Source: docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-permissions.html
"""

import json

import pytest

from labkit.emulator.flow_logs.bucket_policy import (
    Delivery,
    Denied,
    TooLong,
    completed,
    may_deliver,
)
from labkit.emulator.policies import UnsupportedPolicy

DELIVERY = Delivery("lab-bucket", "AWSLogs/123456789012/", "123456789012", "us-east-1")
KEY = "AWSLogs/123456789012/vpcflowlogs/x.log.gz"
GRANT = {
    "Effect": "Allow",
    "Principal": {"Service": "delivery.logs.amazonaws.com"},
    "Action": ["s3:PutObject", "s3:GetBucketAcl"],
    "Resource": ["arn:aws:s3:::lab-bucket", "arn:aws:s3:::lab-bucket/*"],
}
TLS_ONLY = {
    "Sid": "TlsOnly",
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": ["arn:aws:s3:::lab-bucket", "arn:aws:s3:::lab-bucket/*"],
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def sids(text):
    return [statement.get("Sid") for statement in json.loads(text)["Statement"]]


def test_without_a_policy_both_statements_of_the_guide_are_written():
    # docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-permissions.html
    written = json.loads(completed(None, DELIVERY))
    conditions = {
        "StringEquals": {"aws:SourceAccount": "123456789012"},
        "ArnLike": {"aws:SourceArn": "arn:aws:logs:us-east-1:123456789012:*"},
    }
    assert written["Statement"] == [
        {
            "Sid": "AWSLogDeliveryWrite",
            "Effect": "Allow",
            "Principal": {"Service": "delivery.logs.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": "arn:aws:s3:::lab-bucket/AWSLogs/123456789012/*",
            "Condition": {
                **conditions,
                "StringEquals": {
                    "s3:x-amz-acl": "bucket-owner-full-control",
                    "aws:SourceAccount": "123456789012",
                },
            },
        },
        {
            "Sid": "AWSLogDeliveryAclCheck",
            "Effect": "Allow",
            "Principal": {"Service": "delivery.logs.amazonaws.com"},
            "Action": "s3:GetBucketAcl",
            "Resource": "arn:aws:s3:::lab-bucket",
            "Condition": conditions,
        },
    ]
    assert may_deliver(json.dumps(written), DELIVERY, KEY)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(policy(GRANT), id="a grant on the whole bucket suffices"),
        pytest.param(policy(TLS_ONLY, GRANT), id="TLS only does not hinder"),
        pytest.param(completed(None, DELIVERY), id="what was written suffices"),
    ],
)
def test_a_sufficient_policy_is_left_alone(text):
    assert completed(text, DELIVERY) is None
    assert may_deliver(text, DELIVERY, KEY)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            policy(TLS_ONLY),
            ["TlsOnly", "AWSLogDeliveryWrite", "AWSLogDeliveryAclCheck"],
            id="what is there stays",
        ),
        pytest.param(
            policy({**GRANT, "Sid": "Mine", "Action": "s3:PutObject"}),
            ["Mine", "AWSLogDeliveryAclCheck"],
            id="only what is missing is appended",
        ),
        pytest.param(
            policy({**GRANT, "Sid": "AWSLogDeliveryWrite", "Resource": "arn:aws:s3:::lab-bucket"}),
            ["AWSLogDeliveryWrite", "AWSLogDeliveryWrite1"],
            id="under a Sid that is free",
        ),
        pytest.param(
            json.dumps({"Statement": {**GRANT, "Sid": "One", "Action": "s3:GetBucketAcl"}}),
            ["One", "AWSLogDeliveryWrite"],
            id="a single statement becomes a list",
        ),
    ],
)
def test_what_is_missing_is_appended(text, expected):
    written = completed(text, DELIVERY)
    assert sids(written) == expected
    assert completed(written, DELIVERY) is None


def test_a_second_flow_log_with_a_prefix_adds_its_own_grant():
    first = completed(None, DELIVERY)
    second = completed(
        first, Delivery("lab-bucket", "p/AWSLogs/123456789012/", "123456789012", "us-east-1")
    )
    assert sids(second) == ["AWSLogDeliveryWrite", "AWSLogDeliveryAclCheck", "AWSLogDeliveryWrite1"]


DENY = {**GRANT, "Effect": "Deny", "Action": "s3:Put*"}
OTHER = {"Effect": "Allow", "Principal": "*", "Resource": "arn:aws:s3:::other"}
IP = {**DENY, "Condition": {"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}


@pytest.mark.parametrize(
    ("text", "error"),
    [
        pytest.param(policy(GRANT, DENY), Denied, id="an explicit deny"),
        pytest.param(policy(GRANT, {**OTHER, "NotAction": "s3:*"}), Denied, id="NotAction"),
        pytest.param(policy({"Sid": "x" * 20_000, **OTHER, "Action": "a"}), TooLong, id="20 KB"),
        pytest.param(policy(GRANT, IP), UnsupportedPolicy, id="an operator not evaluated"),
    ],
)
def test_what_cannot_be_completed(text, error):
    with pytest.raises(error):
        completed(text, DELIVERY)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(None, id="no policy"),
        pytest.param(policy(TLS_ONLY), id="no grant"),
        pytest.param(policy(GRANT, DENY), id="a deny"),
        pytest.param(
            policy({**GRANT, "Condition": {"StringEquals": {"s3:x-amz-acl": "private"}}}),
            id="another ACL",
        ),
        pytest.param(
            policy({**GRANT, "Condition": {"StringEquals": {"aws:SourceAccount": "210987654321"}}}),
            id="another account",
        ),
    ],
)
def test_a_policy_that_does_not_let_it_deliver(text):
    assert not may_deliver(text, DELIVERY, KEY)
