"""What the learner's policies let through, by AWS's API alone, with a real ping.

Each flow log watches the same subnet and so the same ping; each delivers by other permissions.
"""

import io
import json

import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError
from real_network import Network, within

SERVICE = "vpc-flow-logs"


@pytest.fixture(scope="module")
def network(session):
    return Network(session, "permissions")


class Destinations:
    """Buckets, and log groups with roles of their own, each with a flow log on the subnet."""

    def __init__(self, network):
        self.network = network
        self.ids = {}

    def to_bucket(self, name, **more):
        network, bucket = self.network, f"permissions-{name}"
        network.s3.create_bucket(Bucket=bucket)
        arn = f"arn:aws:s3:::{bucket}"
        answer = network.ec2.create_flow_logs(
            **network.subnet, LogDestinationType="s3", LogDestination=arn, **more
        )
        (self.ids[name],) = answer["FlowLogIds"]
        return bucket

    def to_group(self, name, *actions):
        network, group = self.network, f"permissions-{name}"
        network.logs.create_log_group(logGroupName=group)
        network.logs.put_retention_policy(logGroupName=group, retentionInDays=1)
        resource = f"arn:aws:logs:*:*:log-group:{group}:*"
        statement = {"Effect": "Allow", "Action": actions, "Resource": resource}
        role = network.make_role(f"permissions-role-{name}", SERVICE, statement)
        answer = network.ec2.create_flow_logs(
            **network.subnet, LogGroupName=group, DeliverLogsPermissionArn=role
        )
        (self.ids[name],) = answer["FlowLogIds"]
        return group

    def status(self, name):
        answer = self.network.ec2.describe_flow_logs(FlowLogIds=[self.ids[name]])
        (found,) = answer["FlowLogs"]
        return found["DeliverLogsStatus"], found.get("DeliverLogsErrorMessage")

    def keys(self, bucket):
        contents = self.network.s3.list_objects_v2(Bucket=bucket).get("Contents", [])
        return [item["Key"] for item in contents]


DELIVER = ("logs:CreateLogStream", "logs:PutLogEvents")


def test_what_is_broken_later(network):
    """docs.aws.amazon.com/vpc/latest/userguide/flow-logs-troubleshooting.html

    A role that is broken later gives FAILED and "Access error", a bucket policy that is broken
    later loses the records in silence, and a deleted log group comes back, without its retention,
    if the role may make one.
    """
    made = Destinations(network)
    parquet = made.to_bucket("parquet", DestinationOptions={"FileFormat": "parquet"})
    silent = made.to_bucket("silent")
    distrusted = made.to_group("distrusted", *DELIVER)
    gone = made.to_group("gone", *DELIVER)
    back = made.to_group("back", *DELIVER, "logs:CreateLogGroup")
    for name in made.ids:
        assert made.status(name) == ("SUCCESS", None)

    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}}
    trust = {"Version": "2012-10-17", "Statement": [{**trust, "Action": "sts:AssumeRole"}]}
    network.iam.update_assume_role_policy(
        RoleName="permissions-role-distrusted", PolicyDocument=json.dumps(trust)
    )
    network.logs.delete_log_group(logGroupName=gone)
    network.logs.delete_log_group(logGroupName=back)
    network.s3.delete_bucket_policy(Bucket=silent)
    network.ping(2)

    within(20, lambda: made.status("distrusted") == ("FAILED", "Access error"))
    within(20, lambda: made.status("gone") == ("FAILED", "Access error"))
    within(20, lambda: groups(network, back))
    assert groups(network, gone) == []
    assert "retentionInDays" not in groups(network, back)[0]
    assert made.status("back") == ("SUCCESS", None)
    assert network.logs.describe_log_streams(logGroupName=distrusted)["logStreams"] == []

    (key, *_) = within(20, lambda: made.keys(parquet))
    assert key.endswith(".log.parquet")
    body = network.s3.get_object(Bucket=parquet, Key=key)["Body"].read()
    rows = pq.read_table(io.BytesIO(body)).to_pylist()
    assert {row["protocol"] for row in rows} == {1}
    assert {row["bytes"] for row in rows} == {168}

    within(20, network.lines_in_s3)
    assert made.keys(silent) == []
    assert made.status("silent") == ("SUCCESS", None)


def groups(network, name):
    return network.logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]


def test_a_bad_trust_is_refused_when_the_flow_log_is_made(network):
    """docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html"""
    arn = network.make_role("permissions-another-service", "ec2")
    network.logs.create_log_group(logGroupName="permissions-never")
    with pytest.raises(ClientError, match="Unable to assume given IAM role") as refusal:
        network.ec2.create_flow_logs(
            **network.subnet, LogGroupName="permissions-never", DeliverLogsPermissionArn=arn
        )
    assert refusal.value.response["Error"]["Code"] == "InvalidParameter"


def test_a_bucket_policy_is_written_where_it_is_missing_and_appended_to_where_it_is_not(network):
    """docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-S3.html"""
    bucket = "permissions-appended"
    network.s3.create_bucket(Bucket=bucket)
    statement = {
        "Sid": "Mine",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": f"arn:aws:s3:::{bucket}/*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    network.s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))
    made = network.ec2.create_flow_logs(
        **network.subnet, LogDestinationType="s3", LogDestination=f"arn:aws:s3:::{bucket}/p/"
    )
    assert made["Unsuccessful"] == []
    policy = json.loads(network.s3.get_bucket_policy(Bucket=bucket)["Policy"])
    sids = [statement["Sid"] for statement in policy["Statement"]]
    assert sids == ["Mine", "AWSLogDeliveryWrite", "AWSLogDeliveryAclCheck"]
