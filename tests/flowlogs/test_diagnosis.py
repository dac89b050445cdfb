"""No records yet: what the facts say, and what to do. At a local server of AWS's API."""

import json
from datetime import timedelta
from types import SimpleNamespace

import pytest

from labkit.errors import LabError
from labkit.flowlogs import delivery, diagnose

MINUTE = timedelta(minutes=1)
CONDITION = {"StringEquals": {"aws:SourceAccount": "123456789012"}}


def statement(action, *, effect="Allow", service=delivery.DELIVERY_SERVICE, **more):
    return {
        "Effect": effect,
        "Principal": {"Service": service},
        "Action": action,
        "Resource": "*",
        **more,
    }


GRANTS = [
    statement("s3:PutObject", Condition=CONDITION),
    statement("s3:GetBucketAcl", Condition=CONDITION),
]
TLS_ONLY = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": "*",
    "Condition": {"Bool": {"aws:SecureTransport": "false"}},
}


@pytest.mark.parametrize(
    ("statements", "missing"),
    [
        pytest.param(GRANTS, [], id="both statements of the user guide"),
        pytest.param([*GRANTS, TLS_ONLY], [], id="TLS only hinders nothing"),
        pytest.param([statement(["s3:Put*", "s3:getbucketacl"])], [], id="patterns, lists, case"),
        pytest.param([statement("s3:*", service=["x", delivery.DELIVERY_SERVICE])], [], id="many"),
        pytest.param(GRANTS[:1], ["s3:GetBucketAcl"], id="one statement lost"),
        pytest.param([TLS_ONLY], ["s3:PutObject", "s3:GetBucketAcl"], id="both lost"),
        pytest.param(
            [statement("s3:*", service="logs.amazonaws.com")],
            ["s3:PutObject", "s3:GetBucketAcl"],
            id="another service",
        ),
        pytest.param(
            [*GRANTS, statement("s3:PutObject", effect="Deny")], ["s3:PutObject"], id="denied"
        ),
        pytest.param([], ["s3:PutObject", "s3:GetBucketAcl"], id="no statement"),
    ],
)
def test_missing_grants(statements, missing):
    assert delivery.missing_grants({"Statement": statements}) == missing


def ping(started_at):
    return [SimpleNamespace(started_at=started_at, ended_at=started_at + MINUTE / 6)]


def about_s3(diagnosis):
    return diagnosis.findings[0]


def about_cloudwatch(diagnosis):
    return diagnosis.findings[1]


@pytest.fixture(scope="module")
def lab(aws):
    """Two flow logs on a subnet as the template has them."""
    ec2, s3, logs = aws.client("ec2"), aws.client("s3"), aws.client("logs")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    s3.create_bucket(Bucket="diagnosed")
    logs.create_log_group(logGroupName="diagnosed")
    role = aws.client("iam").create_role(RoleName="diagnosed", AssumeRolePolicyDocument="{}")
    common = {"ResourceIds": [subnet], "ResourceType": "Subnet", "TrafficType": "ALL"}
    to_s3 = ec2.create_flow_logs(
        **common, LogDestinationType="s3", LogDestination="arn:aws:s3:::diagnosed"
    )
    to_logs = ec2.create_flow_logs(
        **common,
        LogDestinationType="cloud-watch-logs",
        LogGroupName="diagnosed",
        DeliverLogsPermissionArn=role["Role"]["Arn"],
    )
    return {
        "Instance1PrivateIp": "10.0.1.22",
        "Instance2PrivateIp": "10.0.1.25",
        "FlowLogBucketName": "diagnosed",
        "FlowLogGroupName": "diagnosed",
        "FlowLogToS3Id": to_s3["FlowLogIds"][0],
        "FlowLogToCloudWatchLogsId": to_logs["FlowLogIds"][0],
    }


@pytest.fixture
def policy(aws, lab):
    """Set the bucket's policy; afterwards the complete one again."""

    def put(statements):
        document = {"Version": "2012-10-17", "Statement": statements}
        aws.client("s3").put_bucket_policy(Bucket="diagnosed", Policy=json.dumps(document))

    put(GRANTS)
    return put


@pytest.fixture
def created_at(aws, lab):
    flow_logs = aws.client("ec2").describe_flow_logs(FlowLogIds=[lab["FlowLogToS3Id"]])
    return flow_logs["FlowLogs"][0]["CreationTime"]


@pytest.mark.parametrize(
    ("about", "ping_min", "now_min", "advice"),
    [
        pytest.param(about_s3, 30, 33, "wait 8 more minutes (typical: 10 min", id="S3, early"),
        pytest.param(about_s3, 30, 50, "wait 1 more minute (typical: 10 min", id="S3, late"),
        pytest.param(about_cloudwatch, 30, 33, "wait 3 more minutes (typical: 5", id="Logs, early"),
        pytest.param(
            about_s3, 30, 56, "ping again (02_ping): nothing came after 26 min.", id="never"
        ),
        pytest.param(about_s3, 3, 30, "A new flow log may take ten minutes", id="a new flow log"),
        pytest.param(about_s3, -2, 1, "the ping was earlier than the flow log", id="too early"),
    ],
)
def test_advice_follows_the_time(aws, lab, policy, created_at, about, ping_min, now_min, advice):
    runs = ping(created_at + ping_min * MINUTE)
    found = diagnose(aws, lab, runs, now=created_at + now_min * MINUTE)
    assert advice in about(found).advice


def test_a_bucket_policy_without_the_grants_is_broken_delivery(aws, lab, policy, created_at):
    runs = ping(created_at + MINUTE)
    policy([TLS_ONLY])
    advice = about_s3(diagnose(aws, lab, runs)).advice
    assert advice.startswith("delivery is broken: Bucket policy: does not allow delivery.logs")
    aws.client("s3").delete_bucket_policy(Bucket="diagnosed")
    assert "Bucket policy: none" in about_s3(diagnose(aws, lab, runs)).advice


@pytest.mark.parametrize(
    ("about", "output", "advice"),
    [
        pytest.param(about_s3, "FlowLogBucketName", "Bucket: gone does not exist", id="bucket"),
        pytest.param(
            about_cloudwatch, "FlowLogGroupName", "Log group: gone does not exist", id="group"
        ),
        pytest.param(
            about_s3,
            "FlowLogToS3Id",
            "the flow log is gone; run 99_clean_up, then 01_deploy",
            id="flow log to S3",
        ),
        pytest.param(
            about_cloudwatch,
            "FlowLogToCloudWatchLogsId",
            "the flow log is gone; run 99_clean_up, then 01_deploy",
            id="flow log",
        ),
    ],
)
def test_what_is_gone_is_named(aws, lab, policy, created_at, about, output, advice):
    found = about(diagnose(aws, {**lab, output: "gone"}, ping(created_at + MINUTE)))
    assert found.advice.startswith("delivery is broken")
    assert advice in found.advice


def test_a_failed_delivery_says_why():
    fact = delivery.status(
        {"DeliverLogsStatus": "FAILED", "DeliverLogsErrorMessage": "Access error"}
    )
    assert (fact.is_fine, fact.seen) == (False, "FAILED: Access error")
    assert delivery.status({"DeliverLogsStatus": "SUCCESS"}).is_fine is not False


def test_at_the_pace_of_the_lab_nobody_waits_for_minutes(aws, lab, policy, created_at):
    began = created_at + MINUTE
    soon = diagnose(aws, lab, ping(began), pace="lab", now=began + MINUTE / 2)
    late = diagnose(aws, lab, ping(began), pace="lab", now=began + 2 * MINUTE)
    assert "wait a moment" in about_s3(soon).advice
    assert "ping again" in about_s3(late).advice


def test_no_ping_says_which_notebook_to_run(aws, lab):
    with pytest.raises(LabError, match="02_ping"):
        diagnose(aws, lab, [])


def test_records_that_are_there_are_said_to_be_there(aws, lab, policy, created_at):
    second = int(created_at.timestamp()) + 60
    record = f"2 123456789012 eni-1 10.0.1.22 10.0.1.25 0 0 1 5 420 {second} {second + 4} ACCEPT OK"
    logs = aws.client("logs")
    logs.create_log_stream(logGroupName="diagnosed", logStreamName="eni-1-all")
    logs.put_log_events(
        logGroupName="diagnosed",
        logStreamName="eni-1-all",
        logEvents=[{"timestamp": second * 1000, "message": record}],
    )
    found = diagnose(aws, lab, ping(created_at + MINUTE), now=created_at + 2 * MINUTE)
    assert about_cloudwatch(found).advice == "the records of the ping are there."
    assert about_s3(found).advice.startswith("wait 10 more minutes")
    for text in (str(found), found._repr_html_()):
        for seen in ("created 1.0 min before the ping", "1 (one per network", "none so far"):
            assert seen in text
    found.require("CloudWatch Logs")
    with pytest.raises(LabError, match=r"No records of the ping are in S3\. Wait 10 more minutes"):
        found.require("CloudWatch Logs", "S3")
