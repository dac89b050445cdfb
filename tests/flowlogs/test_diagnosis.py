"""No records yet: what the facts say, and what to do. At a local server of AWS's API."""

import json
from datetime import timedelta

import pytest

from labkit.flowlogs import delivery
from labkit.flowlogs.diagnosis import diagnose

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
    ("destination", "ping_min", "now_min", "advice"),
    [
        pytest.param("s3", 30, 33, "wait 7 minutes more (typical: 10 min", id="S3, early"),
        pytest.param("s3", 30, 50, "wait 1 minute more (typical: 10 min", id="S3, late"),
        pytest.param("cloud-watch-logs", 30, 33, "wait 2 minutes more (typical: 5", id="Logs"),
        pytest.param("s3", 30, 56, "ping again (02_ping): nothing came after 26 min.", id="never"),
        pytest.param("s3", 3, 30, "A new flow log may take ten minutes", id="a new flow log"),
        pytest.param("s3", -2, 1, "the ping was earlier than the flow log", id="too early"),
    ],
)
def test_advice_follows_the_time(
    aws, lab, policy, created_at, destination, ping_min, now_min, advice
):
    found = diagnose(
        aws,
        lab,
        created_at + ping_min * MINUTE,
        destination=destination,
        now=created_at + now_min * MINUTE,
    )
    assert advice in found.advice


def test_a_bucket_policy_without_the_grants_is_broken_delivery(aws, lab, policy, created_at):
    policy([TLS_ONLY])
    found = diagnose(aws, lab, created_at + MINUTE)
    assert found.advice.startswith("delivery is broken: Bucket policy: does not allow delivery")
    aws.client("s3").delete_bucket_policy(Bucket="diagnosed")
    assert "Bucket policy: none" in diagnose(aws, lab, created_at + MINUTE).advice


@pytest.mark.parametrize(
    ("destination", "output", "advice"),
    [
        pytest.param("s3", "FlowLogBucketName", "Bucket: gone does not exist", id="bucket"),
        pytest.param(
            "cloud-watch-logs", "FlowLogGroupName", "Log group: gone does not exist", id="group"
        ),
        pytest.param("s3", "FlowLogToS3Id", "deploy the stack again (01_deploy)", id="flow log"),
    ],
)
def test_what_is_gone_is_named(aws, lab, policy, created_at, destination, output, advice):
    found = diagnose(aws, {**lab, output: "gone"}, created_at + MINUTE, destination=destination)
    assert found.advice.startswith("delivery is broken")
    assert advice in found.advice


def test_a_failed_delivery_says_why():
    fact = delivery.status(
        {"DeliverLogsStatus": "FAILED", "DeliverLogsErrorMessage": "Access error"}
    )
    assert (fact.is_fine, fact.seen) == (False, "FAILED: Access error")
    assert delivery.status({"DeliverLogsStatus": "SUCCESS"}).is_fine is not False


def test_at_the_pace_of_the_lab_nobody_waits_for_minutes(aws, lab, policy, created_at):
    ping = created_at + MINUTE
    soon = diagnose(aws, lab, ping, pace="lab", now=ping + MINUTE / 2)
    late = diagnose(aws, lab, ping, pace="lab", now=ping + 2 * MINUTE)
    assert "wait a moment" in soon.advice
    assert "ping again" in late.advice


def test_it_shows_what_it_looked_at(aws, lab, policy, created_at):
    body = {"Bucket": "diagnosed", "Body": b""}
    day = f"{created_at:%Y/%m/%d}"
    aws.client("s3").put_object(
        **body, Key=f"AWSLogs/123456789012/vpcflowlogs/us-east-1/{day}/x.log.gz"
    )
    found = diagnose(aws, lab, created_at + MINUTE, now=created_at + 2 * MINUTE)
    for text in (str(found), found._repr_html_()):
        for seen in ("created 1.0 min before the ping", "(1 objects)", "1.0 min", "→ wait 9"):
            assert seen in text
