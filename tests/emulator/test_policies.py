"""Statements of a policy against one request.

Source: docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import pytest

from labkit.emulator.policies import Decision, Request, UnsupportedPolicy, decide

ALLOW, DENY, SILENT = Decision.ALLOW, Decision.DENY, Decision.IMPLICIT_DENY

# docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-permissions.html, with example ids
AWS_BUCKET_POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "AWSLogDeliveryWrite",
            "Effect": "Allow",
            "Principal": {"Service": "delivery.logs.amazonaws.com"},
            "Action": "s3:PutObject",
            "Resource": "arn:aws:s3:::amzn-s3-demo-bucket/AWSLogs/123456789012/*",
            "Condition": {
                "StringEquals": {
                    "aws:SourceAccount": "123456789012",
                    "s3:x-amz-acl": "bucket-owner-full-control",
                },
                "ArnLike": {"aws:SourceArn": "arn:aws:logs:us-east-1:123456789012:*"},
            },
        },
        {
            "Sid": "AWSLogDeliveryAclCheck",
            "Effect": "Allow",
            "Principal": {"Service": "delivery.logs.amazonaws.com"},
            "Action": "s3:GetBucketAcl",
            "Resource": "arn:aws:s3:::amzn-s3-demo-bucket",
        },
    ],
}
CONTEXT = {
    "aws:SourceAccount": "123456789012",
    "aws:SourceArn": "arn:aws:logs:us-east-1:123456789012:delivery",
    "s3:x-amz-acl": "bucket-owner-full-control",
    "aws:SecureTransport": "true",
}


def put(key: str, **context: str) -> Request:
    return Request(
        "s3:PutObject",
        f"arn:aws:s3:::amzn-s3-demo-bucket/{key}",
        "delivery.logs.amazonaws.com",
        {**CONTEXT, **context},
    )


@pytest.mark.parametrize(
    ("request_", "decision"),
    [
        pytest.param(put("AWSLogs/123456789012/x.gz"), ALLOW, id="the documented grant allows"),
        pytest.param(put("AWSLogs/210987654321/x.gz"), SILENT, id="another prefix is not granted"),
        pytest.param(
            put("AWSLogs/123456789012/x", **{"s3:x-amz-acl": "private"}),
            SILENT,
            id="StringEquals must hold",
        ),
        pytest.param(
            put(
                "AWSLogs/123456789012/x",
                **{"aws:SourceArn": "arn:aws:logs:eu-west-1:123456789012:x"},
            ),
            SILENT,
            id="ArnLike must hold",
        ),
    ],
)
def test_the_bucket_policy_of_the_guide(request_, decision):
    assert decide([AWS_BUCKET_POLICY], request_) is decision


ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
ASK = Request("logs:PutLogEvents", "arn:aws:logs:us-east-1:123456789012:log-group:g:log-stream:s")


@pytest.mark.parametrize(
    ("statement", "decision"),
    [
        pytest.param({}, ALLOW, id="stars allow everything"),
        pytest.param({"Action": ["ec2:*", "LOGS:put*"]}, ALLOW, id="actions ignore case"),
        pytest.param({"Action": "logs:Get*"}, SILENT, id="another action is not allowed"),
        pytest.param({"Resource": "arn:aws:logs:*:*:log-group:g:*"}, ALLOW, id="a log group's ARN"),
        pytest.param({"Resource": ["other", "*:log-group:g:*"]}, ALLOW, id="one of the resources"),
        pytest.param({"Resource": "ARN:aws:logs:*"}, SILENT, id="resources mind case"),
        pytest.param({"Resource": "*:log-stream:?"}, ALLOW, id="a question mark is one character"),
        pytest.param({"Effect": "Deny"}, DENY, id="a deny"),
        pytest.param(
            {"Condition": {"StringLike": {"aws:x": ["a*", "b*"]}}},
            SILENT,
            id="a key that the request lacks fails",
        ),
    ],
)
def test_a_role_s_own_statement(statement, decision):
    assert decide([{"Statement": {**ALL, **statement}}], ASK) is decision


@pytest.mark.parametrize(
    ("condition", "decision"),
    [
        pytest.param(
            {"StringLike": {"K": ["a*", "va?ue"]}}, ALLOW, id="one of the values suffices"
        ),
        pytest.param({"StringEquals": {"k": "VALUE"}}, SILENT, id="StringEquals minds case"),
        pytest.param({"StringEquals": {"k": "value", "l": "x"}}, SILENT, id="each key must hold"),
        pytest.param({"Bool": {"flag": True}}, ALLOW, id="Bool with a boolean"),
        pytest.param({"Bool": {"flag": "false"}}, SILENT, id="Bool false"),
        pytest.param({"ArnLike": {"arn": "arn:aws:ec2:*:1:*"}}, ALLOW, id="a star per component"),
        pytest.param(
            {"ArnLike": {"arn": "arn:aws:ec2:*:1:vpc-flow-log*"}},
            ALLOW,
            id="the rest may have colons",
        ),
        pytest.param({"ArnLike": {"arn": "arn:*"}}, SILENT, id="a star does not cross a colon"),
    ],
)
def test_conditions(condition, decision):
    context = {"k": "value", "flag": "true", "arn": "arn:aws:ec2:us-east-1:1:vpc-flow-log/a:b"}
    request = Request("a:B", "r", None, context)
    assert decide([{"Statement": [{**ALL, "Condition": condition}]}], request) is decision


def test_a_deny_in_one_document_beats_an_allow_in_another():
    deny = {"Effect": "Deny", "Action": "logs:*", "Resource": "*"}
    assert decide([{"Statement": [ALL]}, {"Statement": [deny]}], ASK) is DENY


@pytest.mark.parametrize(
    ("principal", "decision"),
    [
        pytest.param("*", ALLOW, id="everybody"),
        pytest.param({"AWS": "*"}, ALLOW, id="everybody, written the other way"),
        pytest.param({"Service": ["a.amazonaws.com", "b.amazonaws.com"]}, ALLOW, id="in a list"),
        pytest.param({"Service": "a.amazonaws.com"}, SILENT, id="another service"),
        pytest.param({"AWS": "arn:aws:iam::123456789012:root"}, SILENT, id="an account"),
    ],
)
def test_a_trust_policy_s_principal(principal, decision):
    trust = {"Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]}
    assert decide([trust], Request("sts:AssumeRole", service="b.amazonaws.com")) is decision


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        pytest.param({"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}, "IpAddress"),
        pytest.param({"Condition": {"StringEqualsIfExists": {"a": "b"}}}, "StringEqualsIfExists"),
        pytest.param({"NotResource": "x"}, "NotResource"),
        pytest.param({"NotAction": "x"}, "NotAction"),
        pytest.param({"Resource": "${aws:username}"}, "policy variable"),
    ],
)
def test_what_is_not_evaluated_is_refused_by_name(statement, named):
    with pytest.raises(UnsupportedPolicy, match=named):
        decide([{"Statement": [{**ALL, **statement}]}], ASK)


def test_what_is_not_evaluated_does_not_matter_in_a_statement_about_something_else():
    other = {**ALL, "Action": "ec2:*", "Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}
    assert decide([{"Statement": [ALL, other]}], ASK) is ALLOW
