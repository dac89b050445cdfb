"""What is not emulated is refused by name, in AWS's own shape, with a 4xx."""

import json

import pytest
from botocore.exceptions import ClientError

REFUSED = [
    pytest.param("ec2", "create_nat_gateway", {"SubnetId": "subnet-1"}, id="EC2"),
    pytest.param("iam", "create_group", {"GroupName": "g"}, id="the query protocol"),
    pytest.param("ssm", "start_session", {"Target": "i-1"}, id="the JSON protocol"),
    pytest.param(
        "s3",
        "put_bucket_cors",
        {
            "Bucket": "b-b",
            "CORSConfiguration": {
                "CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]
            },
        },
        id="REST-XML",
    ),
    pytest.param("dynamodb", "list_tables", {}, id="a service that is not there (JSON)"),
    pytest.param("lambda", "list_functions", {}, id="a service that is not there (REST-JSON)"),
    pytest.param("sqs", "list_queues", {}, id="a service that is not there (SQS)"),
    pytest.param("sns", "list_topics", {}, id="a service that is not there (query)"),
    pytest.param("route53", "list_hosted_zones", {}, id="a service that is not there (REST-XML)"),
]


@pytest.mark.parametrize(("service", "operation", "asked"), REFUSED)
def test_refused_by_name(session, service, operation, asked):
    client = session.client(service)
    with pytest.raises(ClientError) as refused:
        getattr(client, operation)(**asked)
    answer = refused.value.response
    assert answer["Error"]["Code"] == "UnsupportedOperation"
    assert answer["Error"]["Message"].startswith(f"The emulator does not emulate {service}:")
    assert 400 <= answer["ResponseMetadata"]["HTTPStatusCode"] < 500
    assert answer["ResponseMetadata"]["RetryAttempts"] == 0


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param(b"Action=NoSuchThing&Version=2016-11-15", "InvalidAction", id="no such name"),
        pytest.param(b"", "InvalidAction", id="nothing"),
        pytest.param(
            b"Action=CreateVpcEndpoint&Version=2016-11-15", "MissingParameter", id="a gap"
        ),
        pytest.param(
            b"Action=CreateNetworkAclEntry&NetworkAclId=acl-1&RuleNumber=x&Protocol=6"
            b"&RuleAction=deny&Egress=false",
            "InvalidParameterValue",
            id="no number",
        ),
    ],
)
def test_malformed_requests(send, body, code):
    status, _, text = send(body=body)
    assert (status, f"<Code>{code}</Code>" in text) == (400, True), text


def test_malformed_json(send):
    status, headers, text = send(
        service="ssm",
        body=b"{",
        headers={
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": "AmazonSSM.SendCommand",
        },
    )
    assert status == 400
    assert headers["X-Amzn-Errortype"] == json.loads(text)["__type"]


def test_a_head_request_for_a_missing_bucket_is_404(session):
    with pytest.raises(ClientError) as missing:
        session.client("s3").head_bucket(Bucket="no-such-bucket-here")
    assert missing.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_a_filter_that_moto_does_not_know_is_refused(session):
    filters = [{"Name": "no-such-filter", "Values": ["x"]}]
    with pytest.raises(ClientError) as refused:
        session.client("ec2").describe_vpcs(Filters=filters)
    assert refused.value.response["Error"]["Code"] == "UnsupportedOperation"


def test_a_bucket_policy_is_kept_and_its_conditions_do_not_lock_us_out(session):
    s3, bucket = session.client("s3"), "policy-kept-not-enforced"
    s3.create_bucket(Bucket=bucket)
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": f"arn:aws:s3:::{bucket}/*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    s3.put_object(Bucket=bucket, Key="k", Body=b"v")
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"v"
    assert json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"]) == json.loads(policy)
