"""CreateFlowLogs, DescribeFlowLogs, DeleteFlowLogs: what is taken, told and refused.

Sources: docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateFlowLogs.html,
docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeFlowLogs.html,
docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteFlowLogs.html
"""

import json

import pytest

from labkit.emulator.aggregation import Capture
from labkit.emulator.refusal import ServiceError
from labkit.fields import DEFAULT_FORMAT


@pytest.fixture
def describe(flow_logs, call):
    return lambda **asked: flow_logs.describe(call("ec2", "DescribeFlowLogs", **asked))["FlowLogs"]


def refused(function, **asked):
    with pytest.raises(ServiceError) as refusal:
        function(**asked)
    return refusal.value.code, refusal.value.message


# docs.aws.amazon.com/AWSEC2/latest/APIReference/API_FlowLog.html
def test_a_flow_log_to_s3_as_it_is_described(lab, create, describe, topology):
    answer = create(**lab.to_s3(MaxAggregationInterval=60))
    (id_,) = answer["FlowLogIds"]
    assert answer["Unsuccessful"] == []
    assert answer["ClientToken"]
    (flow_log,) = describe(FlowLogIds=[id_])
    assert flow_log.pop("CreationTime").timestamp() == 1_800_000_000
    assert flow_log == {
        "FlowLogId": id_,
        "FlowLogStatus": "ACTIVE",
        "ResourceId": lab.subnet_id,
        "TrafficType": "ALL",
        "LogDestinationType": "s3",
        "LogDestination": f"arn:aws:s3:::{lab.bucket}",
        "DeliverLogsStatus": "SUCCESS",
        "LogFormat": DEFAULT_FORMAT,
        "MaxAggregationInterval": 60,
        "Tags": [],
    }
    assert topology.refreshed == [("us-east-1", {lab.vpc_id})]


def test_a_flow_log_to_cloudwatch_logs_as_it_is_described(lab, create, describe):
    tags = [{"ResourceType": "vpc-flow-log", "Tags": [{"Key": "Name", "Value": "mine"}]}]
    create(**lab.to_logs(TagSpecifications=tags))
    (flow_log,) = describe()
    assert flow_log["LogDestinationType"] == "cloud-watch-logs"
    assert flow_log["LogGroupName"] == lab.name
    assert flow_log["DeliverLogsPermissionArn"] == lab.role_arn
    assert flow_log["MaxAggregationInterval"] == 600
    assert flow_log["Tags"] == [{"Key": "Name", "Value": "mine"}]
    assert "LogDestination" not in flow_log


def test_a_log_group_by_its_arn(lab, create, describe):
    arn = f"arn:aws:logs:us-east-1:123456789012:log-group:{lab.name}"
    asked = lab.to_logs(LogDestination=arn)
    del asked["LogGroupName"]
    create(**asked)
    (flow_log,) = describe()
    assert (flow_log["LogDestination"], flow_log["LogGroupName"]) == (arn, lab.name)


def test_tags_can_be_changed_by_the_ordinary_calls(lab, create, describe):
    """docs.aws.amazon.com/vpc/latest/userguide/working-with-flow-logs.html."""
    (id_,) = create(**lab.to_s3())["FlowLogIds"]
    lab.ec2.create_tags(Resources=[id_], Tags=[{"Key": "k", "Value": "v"}])
    assert describe(Filter=[{"Name": "tag:k", "Values": ["v"]}])[0]["Tags"] == [
        {"Key": "k", "Value": "v"}
    ]
    lab.ec2.delete_tags(Resources=[id_], Tags=[{"Key": "k"}])
    assert describe()[0]["Tags"] == []


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        pytest.param({"ResourceIds": []}, "MissingParameter", "ResourceIds", id="no resource"),
        pytest.param(
            {"ResourceIds": [f"vpc-{n}" for n in range(301)]},
            "InvalidParameter",
            "300",
            id="too many",
        ),
        pytest.param(
            {"TrafficType": None}, "MissingParameter", "TrafficType", id="no traffic type"
        ),
        pytest.param(
            {"TrafficType": "SOME"}, "InvalidParameter", "SOME", id="another traffic type"
        ),
        pytest.param(
            {"ResourceType": "TransitGateway"},
            "UnsupportedOperation",
            "TransitGateway",
            id="a resource type that is not emulated",
        ),
        pytest.param(
            {"ResourceIds": ["subnet-0123456789abcdef0"]},
            "InvalidSubnetID.NotFound",
            "The subnet ID 'subnet-0123456789abcdef0' does not exist",
            id="no such subnet",
        ),
        pytest.param(
            {"MaxAggregationInterval": 61},
            "InvalidParameter",
            "Invalid Flow Log Max Aggregation Interval",
            id="another interval",
        ),
        pytest.param(
            {"LogFormat": "${srcaddr} ${bogus}"}, "InvalidParameter", "bogus", id="unknown field"
        ),
        pytest.param({"LogFormat": "srcaddr"}, "InvalidParameter", "srcaddr", id="no field at all"),
        pytest.param(
            {"DeliverLogsPermissionArn": "arn:aws:iam::123456789012:role/x"},
            "InvalidParameter",
            "DeliverLogsPermissionArn is not applicable for s3 delivery",
            id="a role for S3",
        ),
        pytest.param(
            {"LogDestination": None},
            "InvalidParameter",
            "LogDestination can't be empty if LogGroupName is not provided.",
            id="no destination",
        ),
        pytest.param(
            {"LogGroupName": "g"},
            "InvalidParameter",
            "LogDestination type must be cloud-watch-logs if LogGroupName is provided.",
            id="a group for S3",
        ),
        pytest.param(
            {"LogDestination": "my-bucket"},
            "InvalidParameter",
            "my-bucket",
            id="no ARN of a bucket",
        ),
        pytest.param(
            {"LogDestination": "arn:aws:s3:::my-bucket/AWSLogs/"},
            "InvalidParameter",
            "AWSLogs is a reserved term",
            id="a reserved folder",
        ),
        pytest.param(
            {"LogDestinationType": "kinesis-data-firehose"},
            "UnsupportedOperation",
            "kinesis-data-firehose",
            id="Firehose",
        ),
        pytest.param(
            {"DestinationOptions": {"FileFormat": "csv"}},
            "InvalidParameter",
            "Invalid FileFormat: csv",
            id="another file format",
        ),
        pytest.param(
            {
                "DestinationOptions": {"FileFormat": "parquet"},
                "LogFormat": "${srcaddr} ${bytes} ${srcaddr}",
            },
            "UnsupportedOperation",
            "a field named twice",
            id="two Parquet columns of one name",
        ),
        pytest.param(
            {"TagFieldSpecifications": [{"ResourceType": "subnet", "TagKeys": ["a"]}]},
            "InvalidParameter",
            "invalid ResourceType subnet",
            id="a subnet's tags",
        ),
        pytest.param(
            {"TagFieldSpecifications": [{"ResourceType": "auto-scaling-group", "TagKeys": ["a"]}]},
            "UnsupportedOperation",
            "auto-scaling-group",
            id="an Auto Scaling group's tags",
        ),
        pytest.param(
            {"TagFieldSpecifications": [{"ResourceType": "instance", "TagKeys": ["a", "b", "c"]}]},
            "InvalidParameter",
            "one or two",
            id="three tags",
        ),
        pytest.param(
            {"TagFieldSpecifications": [{"ResourceType": "instance", "TagKeys": ["a"]}] * 2},
            "InvalidParameter",
            "each for another ResourceType",
            id="one resource type twice",
        ),
        pytest.param(
            {"TagSpecifications": [{"ResourceType": "vpc", "Tags": []}]},
            "InvalidParameterValue",
            "'vpc' is not a valid taggable resource type",
            id="tags for something else",
        ),
        pytest.param({"DryRun": True}, "DryRunOperation", "would have succeeded", id="dry run"),
    ],
)
def test_what_is_refused_for_s3(lab, create, describe, change, code, message):
    asked = {k: v for k, v in lab.to_s3(**change).items() if v is not None}
    given_code, given_message = refused(create, **asked)
    assert given_code == code
    assert message in given_message
    assert describe() == []


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        pytest.param(
            {"DeliverLogsPermissionArn": None},
            "InvalidParameter",
            "DeliverLogsPermissionArn can't be empty if LogDestinationType is cloud-watch-logs.",
            id="no role",
        ),
        pytest.param(
            {"LogDestination": "arn:aws:logs:us-east-1:123456789012:log-group:g"},
            "InvalidParameter",
            "Please only provide LogGroupName or only provide LogDestination.",
            id="a group twice",
        ),
        pytest.param(
            {"LogGroupName": None, "LogDestination": "arn:aws:s3:::b"},
            "InvalidParameter",
            "not the ARN of a log group",
            id="a bucket for CloudWatch Logs",
        ),
        pytest.param(
            {"DeliverLogsPermissionArn": "arn:aws:iam::123456789012:role/none"},
            "InvalidParameter",
            "Unable to assume given IAM role",
            id="no such role",
        ),
    ],
)
def test_what_is_refused_for_cloudwatch_logs(lab, create, change, code, message):
    asked = {k: v for k, v in lab.to_logs(**change).items() if v is not None}
    given_code, given_message = refused(create, **asked)
    assert given_code == code
    assert message in given_message


ACCOUNT = {"StringEquals": {"aws:SourceAccount": "123456789012"}}
ARN = {"ArnLike": {"aws:SourceArn": "arn:aws:ec2:us-east-1:123456789012:vpc-flow-log/*"}}


@pytest.mark.parametrize(
    ("service", "condition", "code"),
    [
        pytest.param("vpc-flow-logs", ACCOUNT | ARN, None, id="the recommended trust"),
        pytest.param("ec2", None, "InvalidParameter", id="another service"),
        pytest.param(
            "vpc-flow-logs",
            {"StringEquals": {"aws:SourceAccount": "210987654321"}},
            "InvalidParameter",
            id="another account",
        ),
        pytest.param(
            "vpc-flow-logs",
            {"DateLessThan": {"aws:CurrentTime": "2100-01-01T00:00:00Z"}},
            "UnsupportedOperation",
            id="an operator that is not evaluated",
        ),
    ],
)
def test_the_trust_of_the_role(lab, create, service, condition, code):
    """docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html."""
    arn = lab.make_role(f"other-{lab.name}", [f"{service}.amazonaws.com"], condition)
    asked = lab.to_logs(DeliverLogsPermissionArn=arn)
    if code is None:
        assert create(**asked)["FlowLogIds"]
    else:
        assert refused(create, **asked)[0] == code


def test_a_bucket_that_does_not_exist_is_unsuccessful(lab, create, describe):
    """docs.aws.amazon.com/vpc/latest/userguide/flow-logs-troubleshooting.html."""
    answer = create(**lab.to_s3(LogDestination="arn:aws:s3:::no-such-bucket/p/"))
    assert answer["FlowLogIds"] == []
    assert answer["Unsuccessful"] == [
        {
            "ResourceId": lab.subnet_id,
            "Error": {
                "Code": "400",
                "Message": "LogDestination: no-such-bucket does not exist",
            },
        }
    ]
    assert describe() == []


def sids(lab):
    policy = json.loads(lab.s3.get_bucket_policy(Bucket=lab.bucket)["Policy"])
    return [statement["Sid"] for statement in policy["Statement"]]


def test_a_bucket_without_a_policy_gets_one(lab, create):
    """docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-permissions.html."""
    create(**lab.to_s3())
    assert sids(lab) == ["AWSLogDeliveryWrite", "AWSLogDeliveryAclCheck"]


def test_a_sufficient_bucket_policy_stays_to_the_letter(lab, create):
    create(**lab.to_s3())
    before = lab.s3.get_bucket_policy(Bucket=lab.bucket)["Policy"].replace('"Id"', '  "Id"')
    lab.s3.put_bucket_policy(Bucket=lab.bucket, Policy=before)
    create(**lab.to_s3(TrafficType="REJECT"))
    assert lab.s3.get_bucket_policy(Bucket=lab.bucket)["Policy"] == before


def test_a_bucket_policy_that_denies_is_unsuccessful(lab, create):
    """docs.aws.amazon.com/vpc/latest/userguide/flow-logs-troubleshooting.html."""
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{lab.bucket}/*",
    }
    lab.s3.put_bucket_policy(Bucket=lab.bucket, Policy=json.dumps({"Statement": [deny]}))
    (entry,) = create(**lab.to_s3())["Unsuccessful"]
    assert entry["Error"]["Message"] == (
        f"Access Denied for LogDestination: {lab.bucket}. Please check LogDestination permission"
    )


KEY_ID = "1234abcd-12ab-34cd-56ef-1234567890ab"
KEY_ARN = f"arn:aws:kms:us-east-1:123456789012:key/{KEY_ID}"


def encrypt(lab, algorithm, key=None):
    named = {"KMSMasterKeyID": key} if key else {}
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": algorithm, **named}}
    lab.s3.put_bucket_encryption(
        Bucket=lab.bucket, ServerSideEncryptionConfiguration={"Rules": [rule]}
    )


# docs.aws.amazon.com/vpc/latest/userguide/flow-logs-troubleshooting.html
def test_a_bucket_encrypted_with_a_key_that_is_named_by_its_id_is_undeliverable(
    lab, create, describe
):
    """docs.aws.amazon.com/vpc/latest/userguide/flow-logs-troubleshooting.html."""
    encrypt(lab, "aws:kms", KEY_ID)
    (entry,) = create(**lab.to_s3())["Unsuccessful"]
    assert entry["Error"] == {
        "Code": "400",
        "Message": f"LogDestination: {lab.bucket} is undeliverable",
    }
    assert describe() == []


# docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-infrastructure-S3.html
@pytest.mark.parametrize(
    ("key", "told"),
    [
        pytest.param(KEY_ARN, KEY_ARN, id="a key of one's own"),
        pytest.param(None, "an AWS managed KMS key", id="AWS's key"),
    ],
)
def test_a_bucket_with_a_kms_key_is_refused_by_name(lab, create, key, told):
    encrypt(lab, "aws:kms", key)
    code, message = refused(create, **lab.to_s3())
    assert code == "UnsupportedOperation"
    assert told in message


def test_a_bucket_encrypted_by_s3_itself_will_do(lab, create):
    encrypt(lab, "AES256")
    assert create(**lab.to_s3())["FlowLogIds"]


# docs.aws.amazon.com/AWSEC2/latest/APIReference/API_FlowLog.html
def test_tag_field_specifications_are_told_again(lab, create, describe):
    """docs.aws.amazon.com/AWSEC2/latest/APIReference/API_TagFieldSpecificationRequest.html."""
    asked = [{"ResourceType": "instance", "TagKeys": ["Name", "Role"]}]
    create(**lab.to_s3(TagFieldSpecifications=asked))
    assert describe()[0]["TagFieldSpecifications"] == asked


# docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DestinationOptionsRequest.html
def test_destination_options_have_defaults(lab, create, describe):
    """docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DestinationOptionsRequest.html."""
    create(**lab.to_s3(DestinationOptions={"HiveCompatiblePartitions": True}))
    assert describe()[0]["DestinationOptions"] == {
        "FileFormat": "plain-text",
        "HiveCompatiblePartitions": True,
        "PerHourPartition": False,
    }


@pytest.mark.parametrize(
    ("change", "exists"),
    [
        pytest.param({}, True, id="the same"),
        pytest.param({"LogFormat": DEFAULT_FORMAT}, True, id="the default format by name"),
        pytest.param({"TrafficType": "REJECT"}, False, id="another traffic type"),
        pytest.param({"LogFormat": "${srcaddr}"}, False, id="another format"),
        pytest.param({"MaxAggregationInterval": 60}, False, id="another interval"),
        pytest.param(
            {"DestinationOptions": {"FileFormat": "plain-text"}}, True, id="the defaults by name"
        ),
        pytest.param(
            {"DestinationOptions": {"FileFormat": "parquet"}}, False, id="another file format"
        ),
        pytest.param(
            {"DestinationOptions": {"PerHourPartition": True}}, False, id="another layout"
        ),
        pytest.param(
            {"TagFieldSpecifications": [{"ResourceType": "instance", "TagKeys": ["Name"]}]},
            False,
            id="other tag fields",
        ),
    ],
)
def test_a_second_flow_log_on_the_same_resource(lab, create, change, exists):
    create(**lab.to_s3())
    if exists:
        assert refused(create, **lab.to_s3(**change))[0] == "FlowLogAlreadyExists"
    else:
        assert create(**lab.to_s3(**change))["FlowLogIds"]


def test_a_client_token_gives_the_first_answer_again(lab, create, describe):
    first = create(**lab.to_s3(ClientToken="t"))
    assert create(**lab.to_s3(ClientToken="t")) == first
    assert len(describe()) == 1
    code, _ = refused(create, **lab.to_s3(ClientToken="t", TrafficType="REJECT"))
    assert code == "IdempotentParameterMismatch"


def test_several_resources_in_one_call(lab, create, describe):
    other = lab.ec2.create_subnet(VpcId=lab.vpc_id, CidrBlock="10.0.2.0/24")["Subnet"]["SubnetId"]
    ids = create(**lab.to_s3(ResourceIds=[lab.subnet_id, other]))["FlowLogIds"]
    assert [item["ResourceId"] for item in describe(FlowLogIds=ids)] == [lab.subnet_id, other]


@pytest.fixture
def two(lab, create):
    """One flow log to S3 (rejected traffic of the VPC) and one to CloudWatch Logs."""
    asked = lab.to_s3(ResourceIds=[lab.vpc_id], ResourceType="VPC", TrafficType="REJECT")
    return create(**asked)["FlowLogIds"] + create(**lab.to_logs())["FlowLogIds"]


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("log-destination-type", "s3", [0]),
        ("traffic-type", "ALL", [1]),
        ("log-group-name", "name-*", [1]),
        ("resource-id", "vpc-*", [0]),
        ("deliver-log-status", "SUCCESS", [0, 1]),
        ("deliver-log-status", "FAILED", []),
        ("flow-log-id", "fl-*", [0, 1]),
        ("tag-key", "none", []),
    ],
)
def test_filters(two, describe, name, value, found):
    answer = describe(Filter=[{"Name": name, "Values": [value]}])
    assert [item["FlowLogId"] for item in answer] == [two[index] for index in found]


def test_pages(two, flow_logs, call):
    first = flow_logs.describe(call("ec2", "DescribeFlowLogs", MaxResults=1))
    asked = call("ec2", "DescribeFlowLogs", MaxResults=1, NextToken=first["NextToken"])
    second = flow_logs.describe(asked)
    assert "NextToken" not in second
    assert [answer["FlowLogs"][0]["FlowLogId"] for answer in (first, second)] == two


def test_a_deleted_flow_log_is_gone_at_once(two, lab, flow_logs, describe, call, topology):
    lab.ec2.create_tags(Resources=two, Tags=[{"Key": "k", "Value": "v"}])
    assert flow_logs.delete(call("ec2", "DeleteFlowLogs", FlowLogIds=two[:1])) == {
        "Unsuccessful": []
    }
    assert [item["FlowLogId"] for item in describe()] == two[1:]
    assert topology.refreshed[-1] == ("us-east-1", {lab.vpc_id})
    filters = [{"Name": "resource-id", "Values": two[:1]}]
    assert lab.ec2.describe_tags(Filters=filters)["Tags"] == []


def test_an_unknown_id_deletes_nothing(two, flow_logs, describe, call):
    asked = call("ec2", "DeleteFlowLogs", FlowLogIds=[two[0], "fl-0123456789abcdef0"])
    with pytest.raises(ServiceError, match="fl-0123456789abcdef0") as refusal:
        flow_logs.delete(asked)
    assert refusal.value.code == "InvalidFlowLogId.NotFound"
    assert len(describe()) == 2


# docs.aws.amazon.com/vpc/latest/userguide/flow-logs-basics.html
@pytest.mark.parametrize(
    ("instance_type", "interval_s"),
    [
        pytest.param("t4g.micro", 60, id="a Nitro instance: never more than a minute"),
        pytest.param("t2.micro", 600, id="an older instance: as asked"),
    ],
)
def test_which_interfaces_a_flow_log_watches(lab, create, registry, instance_type, interval_s):
    instance = lab.run_instance(instance_type)
    own = instance["NetworkInterfaces"][0]["NetworkInterfaceId"]
    other = lab.ec2.create_network_interface(SubnetId=lab.subnet_id)
    other_id = other["NetworkInterface"]["NetworkInterfaceId"]
    (by_vpc,) = create(**lab.to_s3(ResourceIds=[lab.vpc_id], ResourceType="VPC"))["FlowLogIds"]
    (by_subnet,) = create(**lab.to_logs(MaxAggregationInterval=60))["FlowLogIds"]
    asked = lab.to_s3(ResourceIds=[own], ResourceType="NetworkInterface", TrafficType="REJECT")
    (by_interface,) = create(**asked)["FlowLogIds"]
    assert registry.captures(lab.read_vpc(), "us-east-1") == {
        own: (
            Capture(by_vpc, "ALL", interval_s),
            Capture(by_subnet, "ALL", 60),
            Capture(by_interface, "REJECT", interval_s),
        ),
        other_id: (Capture(by_vpc, "ALL", 600), Capture(by_subnet, "ALL", 60)),
    }
    assert registry.captures(lab.read_vpc(), "eu-west-1") == {}
