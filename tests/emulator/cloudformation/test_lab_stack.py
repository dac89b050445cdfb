"""cfn/lab.yaml on the real emulator, by boto3 and by the AWS CLI: all made, all gone.

Source: docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

TEMPLATE = Path(__file__).parents[3] / "cfn" / "lab.yaml"
REGION = "us-east-1"
RECORDED = {"Owner": "arn:aws:iam::123456789012:user/alice", "RunId": "run-1", "Prefix": "alice"}

COUNTED = [
    ("ec2", "describe_vpcs", "Vpcs"),
    ("ec2", "describe_subnets", "Subnets"),
    ("ec2", "describe_security_groups", "SecurityGroups"),
    ("ec2", "describe_network_interfaces", "NetworkInterfaces"),
    ("ec2", "describe_volumes", "Volumes"),
    ("ec2", "describe_vpc_endpoints", "VpcEndpoints"),
    ("ec2", "describe_flow_logs", "FlowLogs"),
    ("s3", "list_buckets", "Buckets"),
    ("iam", "list_roles", "Roles"),
    ("iam", "list_instance_profiles", "InstanceProfiles"),
    ("logs", "describe_log_groups", "logGroups"),
]


def counts(session):
    return {
        operation: len(getattr(session.client(service), operation)()[key])
        for service, operation, key in COUNTED
    }


def settled(cloudformation, name_or_id):
    give_up_at = time.monotonic() + 60
    while True:
        [stack] = cloudformation.describe_stacks(StackName=name_or_id)["Stacks"]
        if not stack["StackStatus"].endswith("IN_PROGRESS"):
            return stack
        assert time.monotonic() < give_up_at, stack
        time.sleep(0.05)


def delete(cloudformation, stack):
    cloudformation.delete_stack(StackName=stack["StackId"])
    return settled(cloudformation, stack["StackId"])["StackStatus"]


def delete_lab(session, cloudformation, stack):
    """Delete a lab's stack: its bucket has the records of the agents' own connections.

    Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html
    """
    names = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    bucket = session.resource("s3").Bucket(names["FlowLogBucketName"])
    for _ in range(3):
        if bucket.creation_date:
            bucket.object_versions.delete()
        if delete(cloudformation, stack) == "DELETE_COMPLETE":
            return True
    return False


def why(cloudformation, stack):
    events = cloudformation.describe_stack_events(StackName=stack["StackId"])["StackEvents"]
    return [event for event in events if event["ResourceStatus"].endswith("FAILED")]


@pytest.fixture(scope="module")
def cloudformation(session):
    return session.client("cloudformation")


@pytest.fixture(scope="module")
def lab(session, cloudformation):
    """The lab's stack with its outputs; deleted at the end, and looked that nothing is left."""
    before = counts(session)
    cloudformation.create_stack(
        StackName="c3-lab",
        TemplateBody=TEMPLATE.read_text(),
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in RECORDED.items()],
    )
    stack = settled(cloudformation, "c3-lab")
    assert stack["StackStatus"] == "CREATE_COMPLETE", why(cloudformation, stack)
    yield {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    assert delete_lab(session, cloudformation, stack), why(cloudformation, stack)
    assert counts(session) == before


def instance(session, lab, number):
    asked = {"InstanceIds": [lab[f"Instance{number}Id"]]}
    [reservation] = session.client("ec2").describe_instances(**asked)["Reservations"]
    return reservation["Instances"][0]


@pytest.mark.parametrize("number", [1, 2])
def test_instances_are_where_and_what_the_template_says(session, lab, number):
    found = instance(session, lab, number)
    assert found["State"]["Name"] == "running"
    assert found["SubnetId"] == lab["PrivateSubnetId"]
    assert found["PrivateIpAddress"] == lab[f"Instance{number}PrivateIp"]
    assert found["PrivateIpAddress"].startswith("10.0.1.")
    assert found["InstanceType"] == "t4g.micro"
    assert "InstanceProfile" in found["IamInstanceProfile"]["Arn"]
    assert found["MetadataOptions"]["HttpTokens"] == "required"
    [group] = found["SecurityGroups"]
    assert "InstanceSecurityGroup" in group["GroupName"]


@pytest.mark.parametrize("number", [1, 2])
def test_one_encrypted_root_volume_each(session, lab, number):
    [mapping] = instance(session, lab, number)["BlockDeviceMappings"]
    volume_id = mapping["Ebs"]["VolumeId"]
    [volume] = session.client("ec2").describe_volumes(VolumeIds=[volume_id])["Volumes"]
    assert (mapping["DeviceName"], volume["Encrypted"]) == ("/dev/xvda", True)
    assert {"Key": "Name", "Value": f"alice-instance{number}"} in volume["Tags"]


def test_both_flow_logs_watch_the_subnet(session, lab):
    ids = [lab["FlowLogToS3Id"], lab["FlowLogToCloudWatchLogsId"]]
    to_s3, to_logs = sorted(
        session.client("ec2").describe_flow_logs(FlowLogIds=ids)["FlowLogs"],
        key=lambda flow_log: ids.index(flow_log["FlowLogId"]),
    )
    assert to_s3["LogDestination"] == f"arn:aws:s3:::{lab['FlowLogBucketName']}"
    assert to_logs["LogGroupName"] == lab["FlowLogGroupName"]
    for flow_log in (to_s3, to_logs):
        assert flow_log["ResourceId"] == lab["PrivateSubnetId"]
        assert flow_log["DeliverLogsStatus"] == "SUCCESS"
        assert (flow_log["TrafficType"], flow_log["MaxAggregationInterval"]) == ("ALL", 60)


def test_creating_the_flow_log_changed_nothing_in_the_complete_bucket_policy(session, lab):
    s3 = session.client("s3")
    policy = json.loads(s3.get_bucket_policy(Bucket=lab["FlowLogBucketName"])["Policy"])
    assert [statement["Sid"] for statement in policy["Statement"]] == [
        "AWSLogDeliveryWrite", "AWSLogDeliveryAclCheck", "DenyPlainHttp",
    ]  # fmt: skip


def test_endpoints_stand_in_the_subnet(session, lab):
    in_vpc = [{"Name": "vpc-id", "Values": [lab["VpcId"]]}]
    endpoints = session.client("ec2").describe_vpc_endpoints(Filters=in_vpc)["VpcEndpoints"]
    assert {endpoint["ServiceName"] for endpoint in endpoints} == {
        f"com.amazonaws.{REGION}.ssm", f"com.amazonaws.{REGION}.ssmmessages",
    }  # fmt: skip
    for endpoint in endpoints:
        assert (endpoint["State"], endpoint["PrivateDnsEnabled"]) == ("available", True)
        assert endpoint["SubnetIds"] == [lab["PrivateSubnetId"]]
        [group] = endpoint["Groups"]
        assert "EndpointSecurityGroup" in group["GroupName"]


def test_tags(session, lab):
    of_resource = [{"Name": "resource-id", "Values": [lab["FlowLogToS3Id"]]}]
    tags = session.client("ec2").describe_tags(Filters=of_resource)["Tags"]
    named = {tag["Key"]: tag["Value"] for tag in tags}
    assert (named["Owner"], named["RunId"]) == (RECORDED["Owner"], RECORDED["RunId"])
    assert named["Name"] == "alice-to-s3"
    assert named["aws:cloudformation:logical-id"] == "FlowLogToS3"


def test_the_image_is_resolved(cloudformation, lab):
    [stack] = cloudformation.describe_stacks(StackName="c3-lab")["Stacks"]
    image = next(item for item in stack["Parameters"] if item["ParameterKey"] == "ImageId")
    assert image["ParameterValue"].startswith("/aws/service/")
    assert image["ResolvedValue"].startswith("ami-")


# --- What goes wrong


def create(cloudformation, name, body, **options):
    cloudformation.create_stack(StackName=name, TemplateBody=body, **options)
    return settled(cloudformation, name)


FLOW_LOG = """
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
  FlowLog:
    Type: AWS::EC2::FlowLog
    Properties:
      ResourceType: VPC
      ResourceId: !Ref Vpc
      TrafficType: ALL
      LogDestinationType: s3
      LogDestination: arn:aws:s3:::c3-no-such-bucket
"""


def test_an_unsuccessful_flow_log_fails_with_its_message(cloudformation):
    stack = create(cloudformation, "c3-unsuccessful", FLOW_LOG)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    [failed] = why(cloudformation, stack)
    assert "c3-no-such-bucket does not exist" in failed["ResourceStatusReason"]
    assert delete(cloudformation, stack) == "DELETE_COMPLETE"


def test_a_foreign_resource_keeps_the_vpc(session, cloudformation):
    body = "Resources: {Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}}"
    stack = create(cloudformation, "c3-foreign", body)
    resource = session.resource("cloudformation").StackResource("c3-foreign", "Vpc")
    ec2 = session.client("ec2")
    group_id = ec2.create_security_group(
        GroupName="GuardDutyManagedSecurityGroup",
        Description="not of the stack",
        VpcId=resource.physical_resource_id,
    )["GroupId"]
    assert delete(cloudformation, stack) == "DELETE_FAILED"
    [failed, _] = why(cloudformation, stack)[::-1]
    assert failed["LogicalResourceId"] == "Vpc"
    assert "has dependencies and cannot be deleted" in failed["ResourceStatusReason"]
    ec2.delete_security_group(GroupId=group_id)
    assert delete(cloudformation, stack) == "DELETE_COMPLETE"


def test_a_flow_log_that_is_gone_already_is_no_failure(session, cloudformation):
    session.client("s3").create_bucket(Bucket="c3-flow-logs")
    body = FLOW_LOG.replace("c3-no-such-bucket", "c3-flow-logs")
    body += "Outputs: {Id: {Value: !GetAtt FlowLog.Id}}"
    stack = create(cloudformation, "c3-gone", body)
    flow_log_id = stack["Outputs"][0]["OutputValue"]
    session.client("ec2").delete_flow_logs(FlowLogIds=[flow_log_id])
    assert delete(cloudformation, stack) == "DELETE_COMPLETE"
    session.client("s3").delete_bucket(Bucket="c3-flow-logs")


# --- By the AWS CLI


def test_the_aws_cli_creates_follows_and_deletes(aws, session, cloudformation):
    body = ["--template-body", f"file://{TEMPLATE}", "--capabilities", "CAPABILITY_IAM"]
    created = aws("create-stack", "--stack-name", "c3-cli", *body)
    assert created.returncode == 0, created.stderr
    stack = settled(cloudformation, json.loads(created.stdout)["StackId"])
    assert stack["StackStatus"] == "CREATE_COMPLETE", why(cloudformation, stack)
    events = json.loads(aws("describe-stack-events", "--stack-name", "c3-cli").stdout)
    assert events["StackEvents"][0]["ResourceStatus"] == "CREATE_COMPLETE"
    assert aws("delete-stack", "--stack-name", "c3-cli").returncode == 0
    gone = settled(cloudformation, stack["StackId"])
    if gone["StackStatus"] != "DELETE_COMPLETE":  # the agents' records are in the bucket
        assert delete_lab(session, cloudformation, stack), why(cloudformation, stack)
