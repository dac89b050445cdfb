"""What AWS's API says, by AWS's API alone: on the emulator, or on an account (`pytest --aws`).

Each test makes what it needs, under names of its own, and removes it. Nothing here costs more
than cents: no instance is started, no endpoint made.
"""

import json
import secrets
import time
from functools import partial

import pytest
from botocore.exceptions import ClientError

pytestmark = pytest.mark.aws_verified

MISSING = "0123456789abcdef0"
DELIVERY_PATIENCE_S = 60
SSH = {
    "IpProtocol": "tcp",
    "FromPort": 22,
    "ToPort": 22,
    "IpRanges": [{"CidrIp": "10.0.0.0/24"}],
}


@pytest.fixture
def name():
    return f"labkit-verified-{secrets.token_hex(4)}"


@pytest.fixture
def account(session):
    return session.client("sts").get_caller_identity()["Account"]


@pytest.fixture
def ec2(session):
    return session.client("ec2")


@pytest.fixture
def vpc(ec2, removed):
    id_ = ec2.create_vpc(CidrBlock="10.0.0.0/24")["Vpc"]["VpcId"]
    removed(ec2.delete_vpc, VpcId=id_)
    return id_


@pytest.fixture
def group(ec2, vpc, name, removed):
    id_ = ec2.create_security_group(GroupName=name, Description="d", VpcId=vpc)["GroupId"]
    removed(ec2.delete_security_group, GroupId=id_)
    return id_


@pytest.fixture
def bucket(session, name, removed):
    s3 = session.client("s3")
    where = {}
    if session.region_name != "us-east-1":
        where = {"CreateBucketConfiguration": {"LocationConstraint": session.region_name}}
    s3.create_bucket(Bucket=name, **where)
    removed(s3.delete_bucket, Bucket=name)
    return name


@pytest.fixture
def to_s3(vpc, bucket):
    """What CreateFlowLogs takes for a flow log of the VPC to the bucket."""
    return {
        "ResourceIds": [vpc],
        "ResourceType": "VPC",
        "TrafficType": "ALL",
        "LogDestinationType": "s3",
        "LogDestination": f"arn:aws:s3:::{bucket}",
    }


@pytest.fixture
def create(ec2, to_s3, removed):
    """Creates a flow log to the bucket, with more or other parameters, for the test's time."""

    def create(**more):
        answer = ec2.create_flow_logs(**{**to_s3, **more})
        if answer["FlowLogIds"]:
            removed(ec2.delete_flow_logs, FlowLogIds=answer["FlowLogIds"])
        return answer

    return create


def code(call):
    with pytest.raises(ClientError) as refused:
        call()
    return refused.value.response["Error"]["Code"]


class TestFlowLogs:
    """docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateFlowLogs.html."""

    @pytest.mark.parametrize(
        ("more", "expected"),
        [
            pytest.param({"ResourceIds": []}, "MissingParameter", id="no resource"),
            pytest.param({"TrafficType": "SOME"}, "InvalidParameter", id="no such traffic"),
            pytest.param({"MaxAggregationInterval": 61}, "InvalidParameter", id="no such interval"),
            pytest.param(
                {"DeliverLogsPermissionArn": "arn:aws:iam::123456789012:role/any"},
                "InvalidParameter",
                id="a role for S3",
            ),
            pytest.param(
                {"LogDestinationType": "cloud-watch-logs", "LogDestination": ""},
                "InvalidParameter",
                id="a log group without a name",
            ),
        ],
    )
    def test_what_cannot_be_is_refused(self, create, more, expected):
        assert code(partial(create, **more)) == expected

    def test_a_vpc_that_does_not_exist(self, create):
        asked = partial(create, ResourceIds=[f"vpc-{MISSING}"])
        assert code(asked) == "InvalidVpcID.NotFound"

    def test_a_bucket_that_does_not_exist_is_unsuccessful_not_an_error(self, create, vpc, name):
        answer = create(LogDestination=f"arn:aws:s3:::{name}-not-there")
        (failed,) = answer["Unsuccessful"]
        assert (answer["FlowLogIds"], failed["ResourceId"]) == ([], vpc)
        assert failed["Error"]["Code"] == "400"
        assert "does not exist" in failed["Error"]["Message"]

    def test_the_same_again_exists_already(self, create):
        create()
        try:
            answer = create()
        except ClientError as error:
            assert error.response["Error"]["Code"] == "FlowLogAlreadyExists"
        else:
            assert answer["Unsuccessful"][0]["Error"]["Code"] == "FlowLogAlreadyExists"

    def test_what_describe_flow_logs_tells(self, create, ec2, vpc, bucket):
        (id_,) = create(MaxAggregationInterval=60)["FlowLogIds"]
        (flow_log,) = ec2.describe_flow_logs(FlowLogIds=[id_])["FlowLogs"]
        told = {
            "FlowLogId": id_,
            "FlowLogStatus": "ACTIVE",
            "ResourceId": vpc,
            "TrafficType": "ALL",
            "LogDestinationType": "s3",
            "LogDestination": f"arn:aws:s3:::{bucket}",
            "MaxAggregationInterval": 60,
            "DeliverLogsStatus": "SUCCESS",
        }
        assert {key: flow_log.get(key) for key in told} == told
        assert flow_log["LogFormat"].startswith("${version} ${account-id} ${interface-id}")
        assert "ResourceType" not in flow_log
        assert flow_log["CreationTime"].tzinfo is not None

    @pytest.mark.parametrize(
        ("filter_name", "value", "found"),
        [
            ("traffic-type", "ALL", True),
            ("traffic-type", "REJECT", False),
            ("log-destination-type", "s3", True),
            ("log-destination-type", "cloud-watch-logs", False),
        ],
    )
    def test_filters(self, create, ec2, vpc, filter_name, value, found):
        create()
        filters = [
            {"Name": "resource-id", "Values": [vpc]},
            {"Name": filter_name, "Values": [value]},
        ]
        assert bool(ec2.describe_flow_logs(Filters=filters)["FlowLogs"]) is found

    @pytest.mark.parametrize("operation", ["describe_flow_logs", "delete_flow_logs"])
    def test_one_that_does_not_exist(self, ec2, operation):
        asked = partial(getattr(ec2, operation), FlowLogIds=[f"fl-{MISSING}"])
        assert code(asked) == "InvalidFlowLogId.NotFound"

    def test_a_dry_run(self, create):
        assert code(partial(create, DryRun=True)) == "DryRunOperation"


class TestSecurityGroupRules:
    """docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AuthorizeSecurityGroupIngress.html."""

    def test_the_same_rule_twice(self, ec2, group):
        asked = partial(ec2.authorize_security_group_ingress, GroupId=group, IpPermissions=[SSH])
        asked()
        assert code(asked) == "InvalidPermission.Duplicate"

    def test_a_rule_that_is_not_there_cannot_be_revoked(self, ec2, group):
        asked = partial(ec2.revoke_security_group_ingress, GroupId=group, IpPermissions=[SSH])
        assert code(asked) == "InvalidPermission.NotFound"

    @pytest.mark.parametrize(
        "operation", ["authorize_security_group_ingress", "authorize_security_group_egress"]
    )
    def test_a_group_that_does_not_exist(self, ec2, operation):
        asked = partial(getattr(ec2, operation), GroupId=f"sg-{MISSING}", IpPermissions=[SSH])
        assert code(asked) == "InvalidGroup.NotFound"

    def test_an_icmp_rule_keeps_type_and_code(self, ec2, group):
        echo = {
            "IpProtocol": "icmp",
            "FromPort": 8,
            "ToPort": -1,
            "IpRanges": [{"CidrIp": "10.0.0.0/24"}],
        }
        ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[echo])
        (found,) = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
        (rule,) = found["IpPermissions"]
        assert (rule["IpProtocol"], rule["FromPort"], rule["ToPort"]) == ("icmp", 8, -1)


class TestExistence:
    """docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html."""

    @pytest.mark.parametrize(
        ("id_", "expected"),
        [
            (f"vpc-{MISSING}", "InvalidVpcID.NotFound"),
            (f"subnet-{MISSING}", "InvalidSubnetID.NotFound"),
            (f"rtb-{MISSING}", "InvalidRouteTableID.NotFound"),
            (f"sg-{MISSING}", "InvalidGroup.NotFound"),
            (f"acl-{MISSING}", "InvalidNetworkAclID.NotFound"),
            (f"eni-{MISSING}", "InvalidNetworkInterfaceID.NotFound"),
            (f"i-{MISSING}", "InvalidInstanceID.NotFound"),
            (f"vol-{MISSING}", "InvalidVolume.NotFound"),
            (f"vpce-{MISSING}", "InvalidVpcEndpointId.NotFound"),
            (f"fl-{MISSING}", "InvalidFlowLogId.NotFound"),
            ("nonsense", "InvalidID"),
        ],
    )
    def test_what_does_not_exist_cannot_be_tagged(self, ec2, id_, expected):
        asked = partial(ec2.create_tags, Resources=[id_], Tags=[{"Key": "k", "Value": "v"}])
        assert code(asked) == expected

    def test_tags_of_a_flow_log(self, ec2, create):
        ids = create()["FlowLogIds"]
        ec2.create_tags(Resources=ids, Tags=[{"Key": "k", "Value": "v"}])
        filters = [{"Name": "resource-id", "Values": ids}]
        (tag,) = ec2.describe_tags(Filters=filters)["Tags"]
        assert (tag["ResourceType"], tag["Key"], tag["Value"]) == ("vpc-flow-log", "k", "v")

    def test_an_acl_association_that_does_not_exist(self, ec2, vpc, removed):
        acl = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
        removed(ec2.delete_network_acl, NetworkAclId=acl)
        asked = partial(
            ec2.replace_network_acl_association,
            AssociationId=f"aclassoc-{MISSING}",
            NetworkAclId=acl,
        )
        assert code(asked) == "InvalidAssociationID.NotFound"


class TestLogs:
    """docs.aws.amazon.com/AmazonCloudWatchLogs/latest/logs/FilterAndPatternSyntax.html."""

    MESSAGES = (
        "2 123456789012 eni-1 10.0.0.4 10.0.0.5 0 0 1 5 420 1 2 ACCEPT OK",
        "2 123456789012 eni-1 10.0.0.5 10.0.0.4 0 22 6 1 60 1 2 REJECT OK",
        "2 123456789012 eni-1 - - - - - - - 1 2 - NODATA",
    )
    FIELDS = (
        "[version, account, eni, source, destination, srcport, destport{}, protocol, packets, "
        "bytes, start, end, action{}, status]"
    )

    @pytest.fixture
    def logs(self, session):
        return session.client("logs")

    @pytest.fixture
    def group(self, logs, name, removed):
        logs.create_log_group(logGroupName=name)
        removed(logs.delete_log_group, logGroupName=name)
        return name

    @pytest.fixture
    def filled(self, logs, group):
        """The group with one stream of three events, once AWS's search finds them."""
        logs.create_log_stream(logGroupName=group, logStreamName="eni-1-all")
        now = int(time.time() * 1000)
        events = [
            {"timestamp": now - 3000 + 1000 * number, "message": message}
            for number, message in enumerate(self.MESSAGES)
        ]
        logs.put_log_events(logGroupName=group, logStreamName="eni-1-all", logEvents=events)
        patience = time.monotonic() + DELIVERY_PATIENCE_S
        while len(self.find(logs, group)) < len(events):
            assert time.monotonic() < patience
            time.sleep(1)
        return group

    def find(self, logs, group, **asked):
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, **asked)
        return [event["message"] for page in pages for event in page["events"]]

    @pytest.mark.parametrize(
        ("pattern", "numbers"),
        [
            pytest.param("REJECT", [1], id="a term"),
            pytest.param('"10.0.0.4"', [0, 1], id="a quoted term"),
            pytest.param("-NODATA", [0, 1], id="a term that must not be"),
            pytest.param("?REJECT ?NODATA", [1, 2], id="one of two terms"),
            pytest.param(FIELDS.format("", '="REJECT"'), [1], id="a field"),
            pytest.param(FIELDS.format("=22", ""), [1], id="a number"),
        ],
    )
    def test_patterns(self, logs, filled, pattern, numbers):
        found = self.find(logs, filled, filterPattern=pattern)
        assert found == [self.MESSAGES[number] for number in numbers]

    @pytest.mark.parametrize(("prefix", "count"), [("eni-1", 3), ("eni-2", 0)])
    def test_a_prefix_of_streams(self, logs, filled, prefix, count):
        assert len(self.find(logs, filled, logStreamNamePrefix=prefix)) == count

    def test_a_group_that_does_not_exist(self, logs, name):
        asked = partial(logs.filter_log_events, logGroupName=name)
        assert code(asked) == "ResourceNotFoundException"

    def test_names_and_a_prefix_exclude_each_other(self, logs, group):
        asked = partial(
            logs.filter_log_events,
            logGroupName=group,
            logStreamNames=["a"],
            logStreamNamePrefix="a",
        )
        assert code(asked) == "InvalidParameterException"

    @pytest.mark.parametrize(("days", "allowed"), [(1, True), (2, False), (3653, True)])
    def test_days_of_retention(self, logs, group, days, allowed):
        asked = partial(logs.put_retention_policy, logGroupName=group, retentionInDays=days)
        if not allowed:
            assert code(asked) == "InvalidParameterException"
            return
        asked()
        (found,) = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
        assert found["retentionInDays"] == days

    def test_tags_of_a_group(self, logs, group, session, account):
        arn = f"arn:aws:logs:{session.region_name}:{account}:log-group:{group}"
        logs.tag_resource(resourceArn=arn, tags={"k": "v"})
        assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"k": "v"}
        asked = partial(logs.list_tags_for_resource, resourceArn=f"{arn}-not-there")
        assert code(asked) == "ResourceNotFoundException"


class TestRunCommand:
    """docs.aws.amazon.com/systems-manager/latest/APIReference/API_SendCommand.html."""

    def test_an_instance_that_is_not_managed(self, session):
        asked = partial(
            session.client("ssm").send_command,
            DocumentName="AWS-RunShellScript",
            InstanceIds=[f"i-{MISSING}"],
            Parameters={"commands": ["true"]},
        )
        with pytest.raises(ClientError) as refused:
            asked()
        said = refused.value.response["Error"]
        assert said["Code"] == "InvalidInstanceId"
        assert "not in a valid state" in said["Message"]

    def test_a_document_that_does_not_exist(self, session, name):
        asked = partial(
            session.client("ssm").send_command, DocumentName=name, InstanceIds=[f"i-{MISSING}"]
        )
        assert code(asked) == "InvalidDocument"

    def test_an_invocation_of_no_command(self, session):
        asked = partial(
            session.client("ssm").get_command_invocation,
            CommandId="00000000-0000-0000-0000-000000000000",
            InstanceId=f"i-{MISSING}",
        )
        assert code(asked) in ("InvalidCommandId", "InvocationDoesNotExist")


class TestStacks:
    """docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStacks.html."""

    def test_a_stack_that_does_not_exist(self, session, name):
        cloudformation = session.client("cloudformation")
        with pytest.raises(ClientError) as refused:
            cloudformation.describe_stacks(StackName=name)
        assert refused.value.response["Error"]["Code"] == "ValidationError"
        assert refused.value.response["Error"]["Message"] == f"Stack with id {name} does not exist"

    def test_deleting_it_is_no_error(self, session, name):
        session.client("cloudformation").delete_stack(StackName=name)

    def test_a_template_that_is_none(self, session):
        asked = partial(session.client("cloudformation").validate_template, TemplateBody="{}")
        assert code(asked) == "ValidationError"


class TestIam:
    """docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html."""

    def test_a_trust_policy_must_be_json(self, session, name):
        asked = partial(
            session.client("iam").create_role, RoleName=name, AssumeRolePolicyDocument="nonsense"
        )
        assert code(asked) == "MalformedPolicyDocument"

    def test_a_role_that_flow_logs_cannot_assume(self, session, name, create, removed, account):
        iam, logs = session.client("iam"), session.client("logs")
        trust = {
            "Effect": "Allow",
            "Principal": {"Service": "ec2.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
        removed(iam.delete_role, RoleName=name)
        logs.create_log_group(logGroupName=name)
        removed(logs.delete_log_group, logGroupName=name)
        asked = partial(
            create,
            LogDestinationType="cloud-watch-logs",
            LogDestination=f"arn:aws:logs:{session.region_name}:{account}:log-group:{name}",
            DeliverLogsPermissionArn=role,
        )
        assert code(asked) == "InvalidParameter"
