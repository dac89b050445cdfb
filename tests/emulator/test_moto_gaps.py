"""What moto alone answers and AWS would not: each is a strict xfail, and we work around it.

A test here that passes says that moto was mended: then the code that its reason names can go.
Each asserts what AWS's documentation says, of moto (5.2.5) without the gateway before it. moto's
CloudFormation, which the emulator does not use, wants openapi-spec-validator.
"""

import json
import time
from functools import partial

import pytest
from botocore.exceptions import ClientError

MISSING = "0123456789abcdef0"


def gap(where, **more):
    """Expect a failure for now; where names our file that works around it."""
    return pytest.mark.xfail(
        strict=True,
        reason=f"worked around in labkit/emulator/{where}",
        raises=more.pop("raises", (AssertionError, pytest.fail.Exception)),
    )


def code(call):
    """Return the error code that a call is refused with."""
    with pytest.raises(ClientError) as refused:
        call()
    return refused.value.response["Error"]["Code"]


@pytest.fixture
def ec2(inner):
    return inner("ec2", "us-east-1")


@pytest.fixture
def logs(inner):
    return inner("logs", "us-east-1")


@pytest.fixture
def iam(inner):
    return inner("iam", "us-east-1")


@pytest.fixture
def ssm(inner):
    return inner("ssm", "us-east-1")


@pytest.fixture
def s3(inner):
    return inner("s3", "us-east-1")


@pytest.fixture
def vpc(ec2):
    return ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]


@pytest.fixture
def subnet(ec2, vpc):
    return ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]


@pytest.fixture
def acl(ec2, vpc):
    return ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]


@pytest.fixture
def instance(ec2, subnet):
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    answer = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, SubnetId=subnet)
    return answer["Instances"][0]["InstanceId"]


@pytest.fixture
def bucket(s3, unique):
    s3.create_bucket(Bucket=f"gap-{unique}")
    return f"gap-{unique}"


@pytest.fixture
def create_flow_log(ec2, vpc, bucket):
    """Creates a flow log of the VPC to the bucket, changed as asked; returns the answer."""

    def create(**asked):
        common = {
            "ResourceIds": [vpc],
            "ResourceType": "VPC",
            "TrafficType": "ALL",
            "LogDestinationType": "s3",
            "LogDestination": f"arn:aws:s3:::{bucket}",
        }
        merged = {**common, **asked}
        return ec2.create_flow_logs(**{k: v for k, v in merged.items() if v is not None})

    return create


class TestFlowLogs:
    """docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateFlowLogs.html."""

    @gap("flow_logs/destinations.py")
    def test_a_destination_may_have_a_prefix(self, create_flow_log, bucket):
        answer = create_flow_log(LogDestination=f"arn:aws:s3:::{bucket}/some/prefix/")
        assert answer["Unsuccessful"] == []

    @gap("flow_logs/flow_log.py")
    def test_destination_options_are_kept(self, create_flow_log, ec2):
        options = {
            "FileFormat": "parquet",
            "HiveCompatiblePartitions": True,
            "PerHourPartition": True,
        }
        ids = create_flow_log(DestinationOptions=options)["FlowLogIds"]
        described = ec2.describe_flow_logs(FlowLogIds=ids)["FlowLogs"][0]
        assert described.get("DestinationOptions") == options

    @gap("flow_logs/request.py")
    def test_an_unknown_field_is_refused(self, create_flow_log):
        assert code(partial(create_flow_log, LogFormat="${bogus}")) == "InvalidParameter"

    @gap("flow_logs/request.py")
    def test_the_traffic_type_is_required(self, create_flow_log):
        assert code(partial(create_flow_log, TrafficType=None)) == "MissingParameter"

    @gap("flow_logs/request.py")
    def test_a_role_is_not_applicable_to_s3(self, create_flow_log):
        role = "arn:aws:iam::123456789012:role/any"
        asked = partial(create_flow_log, DeliverLogsPermissionArn=role)
        assert code(asked) == "InvalidParameter"

    @gap("flow_logs/flow_logs.py", raises=ClientError)
    def test_another_traffic_type_is_another_flow_log(self, create_flow_log):
        create_flow_log(TrafficType="ACCEPT")
        assert create_flow_log(TrafficType="REJECT")["Unsuccessful"] == []

    @gap("flow_logs/flow_logs.py", raises=ClientError)
    def test_the_same_client_token_creates_nothing_new(self, create_flow_log):
        first = create_flow_log(ClientToken="once")
        assert create_flow_log(ClientToken="once")["FlowLogIds"] == first["FlowLogIds"]

    @gap("flow_logs/flow_logs.py")
    def test_a_role_that_does_not_exist_is_refused(self, create_flow_log, logs, unique):
        logs.create_log_group(logGroupName=unique)
        asked = partial(
            create_flow_log,
            LogDestinationType=None,
            LogDestination=None,
            LogGroupName=unique,
            DeliverLogsPermissionArn="arn:aws:iam::123456789012:role/no-such-role",
        )
        assert code(asked) == "InvalidParameter"

    @gap("flow_logs/destinations.py")
    def test_a_log_group_may_be_named_by_its_arn(self, create_flow_log, ec2, logs, unique):
        logs.create_log_group(logGroupName=unique)
        ids = create_flow_log(
            LogDestinationType="cloud-watch-logs",
            LogDestination=f"arn:aws:logs:us-east-1:123456789012:log-group:{unique}",
            DeliverLogsPermissionArn="arn:aws:iam::123456789012:role/any",
        )["FlowLogIds"]
        described = ec2.describe_flow_logs(FlowLogIds=ids)["FlowLogs"][0]
        assert described["DeliverLogsStatus"] == "SUCCESS"

    @gap("flow_logs/bucket_policy.py", raises=ClientError)
    def test_a_missing_bucket_policy_is_written(self, create_flow_log, s3, bucket):
        create_flow_log()
        assert "delivery.logs.amazonaws.com" in s3.get_bucket_policy(Bucket=bucket)["Policy"]

    @gap("flow_logs/flow_logs.py")
    def test_describing_goes_by_pages(self, create_flow_log, ec2):
        create_flow_log()
        create_flow_log(ResourceIds=[ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]])
        assert len(ec2.describe_flow_logs(MaxResults=1)["FlowLogs"]) == 1

    @gap("flow_logs/flow_logs.py")
    def test_an_unknown_flow_log_is_not_described(self, ec2):
        described = partial(ec2.describe_flow_logs, FlowLogIds=[f"fl-{MISSING}"])
        assert code(described) == "InvalidFlowLogId.NotFound"

    @gap("flow_logs/tags.py")
    def test_a_tags_resource_type_is_vpc_flow_log(self, create_flow_log, ec2):
        (id_,) = create_flow_log()["FlowLogIds"]
        ec2.create_tags(Resources=[id_], Tags=[{"Key": "k", "Value": "v"}])
        filters = [{"Name": "resource-id", "Values": [id_]}]
        assert ec2.describe_tags(Filters=filters)["Tags"][0]["ResourceType"] == "vpc-flow-log"


class TestRunCommand:
    """docs.aws.amazon.com/systems-manager/latest/APIReference/API_SendCommand.html."""

    def send(self, ssm, instance, lines="echo hello", **asked):
        return ssm.send_command(
            DocumentName="AWS-RunShellScript",
            InstanceIds=[instance],
            Parameters={"commands": [lines]},
            **asked,
        )["Command"]

    @gap("ssm/run_command.py")
    def test_an_instance_that_is_not_managed_is_refused(self, ssm):
        asked = partial(self.send, ssm, f"i-{MISSING}")
        assert code(asked) == "InvalidInstanceId"

    @gap("ssm/run_command.py")
    def test_a_document_that_does_not_exist_is_refused(self, ssm, instance):
        asked = partial(ssm.send_command, DocumentName="No-Such", InstanceIds=[instance])
        assert code(asked) == "InvalidDocument"

    @gap("ssm/dispatch.py")
    def test_a_command_runs(self, ssm, instance):
        command = self.send(ssm, instance)
        done = ssm.get_command_invocation(CommandId=command["CommandId"], InstanceId=instance)
        assert done["StandardOutputContent"] == "hello\n"

    @gap("ssm/dispatch.py")
    def test_a_command_that_fails_says_so(self, ssm, instance):
        command = self.send(ssm, instance, "exit 3")
        done = ssm.get_command_invocation(CommandId=command["CommandId"], InstanceId=instance)
        assert (done["Status"], done["ResponseCode"]) == ("Failed", 3)

    @gap("ssm/targets.py")
    def test_a_command_goes_to_the_instance_named_only(self, ec2, ssm, subnet, instance):
        image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
        ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, SubnetId=subnet)
        assert self.send(ssm, instance)["TargetCount"] == 1

    @pytest.mark.parametrize(
        ("operation", "asked"),
        [
            ("list_command_invocations", {}),
            ("describe_instance_information", {}),
            ("cancel_command", {"CommandId": "0" * 36}),
        ],
    )
    @gap("ssm/run_command.py and ssm/nodes.py", raises=NotImplementedError)
    def test_operations_that_are_there(self, ssm, operation, asked):
        try:
            getattr(ssm, operation)(**asked)
        except ClientError as error:
            assert error.response["Error"]["Code"] == "InvalidCommandId"


class TestLogs:
    """docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html."""

    @pytest.fixture
    def group(self, logs, unique):
        """Two streams; the younger one's event is the older one."""
        logs.create_log_group(logGroupName=unique)
        now = int(time.time() * 1000)
        for stream, age_ms, message in (("a", 1000, "x ACCEPT"), ("b", 2000, "y REJECT")):
            logs.create_log_stream(logGroupName=unique, logStreamName=stream)
            event = {"timestamp": now - age_ms, "message": message}
            logs.put_log_events(logGroupName=unique, logStreamName=stream, logEvents=[event])
        return unique

    def found(self, logs, group, **asked):
        events = logs.filter_log_events(logGroupName=group, **asked)["events"]
        return [event["message"] for event in events]

    @gap("logs/space_delimited.py")
    def test_a_space_delimited_pattern_filters(self, logs, group):
        assert self.found(logs, group, filterPattern='[a, b="REJECT"]') == ["y REJECT"]

    @pytest.mark.parametrize("pattern", ["-ACCEPT", "?REJECT ?nothing"])
    @gap("logs/patterns.py")
    def test_terms_with_signs_filter(self, logs, group, pattern):
        assert self.found(logs, group, filterPattern=pattern) == ["y REJECT"]

    @gap("logs/log_events.py")
    def test_a_stream_prefix_narrows(self, logs, group):
        assert self.found(logs, group, logStreamNamePrefix="b") == ["y REJECT"]

    @gap("logs/log_events.py")
    def test_events_come_in_the_order_of_time(self, logs, group):
        assert self.found(logs, group) == ["y REJECT", "x ACCEPT"]

    @gap("logs/log_events.py")
    def test_searched_streams_are_never_told(self, logs, group):
        assert logs.filter_log_events(logGroupName=group)["searchedLogStreams"] == []

    @gap("logs/log_events.py", raises=ClientError)
    def test_a_group_may_be_named_by_its_identifier(self, logs, group):
        arn = f"arn:aws:logs:us-east-1:123456789012:log-group:{group}"
        assert logs.filter_log_events(logGroupIdentifier=arn)["events"]

    @gap("logs/log_events.py")
    def test_stored_bytes_of_a_stream_are_always_0(self, logs, group):
        streams = logs.describe_log_streams(logGroupName=group)["logStreams"]
        assert {stream["storedBytes"] for stream in streams} == {0}

    @gap("logs/log_events.py")
    def test_the_end_of_get_log_events_is_exclusive(self, logs, group):
        asked = {"logGroupName": group, "logStreamName": "a", "startFromHead": True}
        (event,) = logs.get_log_events(**asked)["events"]
        assert logs.get_log_events(**asked, endTime=event["timestamp"])["events"] == []

    @gap("logs/put_log_events.py")
    def test_the_end_of_what_is_too_old_is_exclusive(self, logs, group):
        long_ago = {"timestamp": int(time.time() * 1000) - 15 * 86_400_000, "message": "old"}
        answer = logs.put_log_events(logGroupName=group, logStreamName="a", logEvents=[long_ago])
        assert answer["rejectedLogEventsInfo"]["tooOldLogEventEndIndex"] == 1

    @gap("logs/log_groups.py")
    def test_a_retention_that_aws_does_not_know_is_refused(self, logs, group):
        asked = partial(logs.put_retention_policy, logGroupName=group, retentionInDays=2)
        assert code(asked) == "InvalidParameterException"

    @gap("logs/log_groups.py")
    def test_what_does_not_exist_has_no_tags(self, logs):
        arn = "arn:aws:logs:us-east-1:123456789012:log-group:no-such-group"
        asked = partial(logs.list_tags_for_resource, resourceArn=arn)
        assert code(asked) == "ResourceNotFoundException"


class TestEc2:
    """docs.aws.amazon.com/AWSEC2/latest/APIReference/."""

    @gap("ec2/network_acls.py")
    def test_an_acl_entry_keeps_its_icmp_type(self, ec2, acl):
        icmp = {"Type": 8, "Code": -1}
        ec2.create_network_acl_entry(
            NetworkAclId=acl,
            RuleNumber=100,
            Protocol="1",
            RuleAction="deny",
            Egress=False,
            CidrBlock="0.0.0.0/0",
            IcmpTypeCode=icmp,
        )
        entries = ec2.describe_network_acls(NetworkAclIds=[acl])["NetworkAcls"][0]["Entries"]
        (entry,) = (one for one in entries if one["RuleNumber"] == 100)
        assert entry.get("IcmpTypeCode") == icmp

    @gap("ec2/network_acls.py", raises=(AssertionError, AttributeError, KeyError, StopIteration))
    def test_an_acl_entry_that_is_not_there_cannot_be_replaced(self, ec2, acl):
        asked = partial(
            ec2.replace_network_acl_entry,
            NetworkAclId=acl,
            RuleNumber=77,
            Protocol="-1",
            RuleAction="deny",
            Egress=False,
            CidrBlock="0.0.0.0/0",
        )
        assert code(asked) == "InvalidNetworkAclEntry.NotFound"

    @gap("ec2/network_acls.py")
    def test_the_default_acl_cannot_be_deleted(self, ec2, vpc):
        filters = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "default", "Values": ["true"]}]
        (acl,) = ec2.describe_network_acls(Filters=filters)["NetworkAcls"]
        asked = partial(ec2.delete_network_acl, NetworkAclId=acl["NetworkAclId"])
        assert code(asked) == "Client.CannotDelete"

    @gap("ec2/existence.py")
    def test_an_unknown_acl_is_called_that(self, ec2):
        asked = partial(ec2.describe_network_acls, NetworkAclIds=[f"acl-{MISSING}"])
        assert code(asked) == "InvalidNetworkAclID.NotFound"

    @pytest.mark.parametrize("kind", ["acl", "eni", "i", "vpce", "fl", "sgr", "key", "pl"])
    @gap("ec2/guards.py")
    def test_what_does_not_exist_cannot_be_tagged(self, ec2, kind):
        tags = [{"Key": "k", "Value": "v"}]
        asked = partial(ec2.create_tags, Resources=[f"{kind}-{MISSING}"], Tags=tags)
        assert code(asked).endswith(".NotFound")

    @pytest.mark.parametrize(
        ("operation", "asked"),
        [
            ("modify_vpc_attribute", {"VpcId": f"vpc-{MISSING}"}),
            ("modify_subnet_attribute", {"SubnetId": f"subnet-{MISSING}"}),
            ("get_managed_prefix_list_entries", {"PrefixListId": f"pl-{MISSING}"}),
        ],
    )
    @gap("ec2/guards.py")
    def test_what_does_not_exist_cannot_be_changed(self, ec2, operation, asked):
        assert code(partial(getattr(ec2, operation), **asked)).endswith(".NotFound")

    @gap("ec2/guards.py", raises=(AttributeError, AssertionError))
    def test_a_prefix_list_that_does_not_exist_cannot_be_deleted(self, ec2):
        asked = partial(ec2.delete_managed_prefix_list, PrefixListId=f"pl-{MISSING}")
        assert code(asked) == "InvalidPrefixListID.NotFound"

    @gap("ec2/guards.py", raises=(RuntimeError, StopIteration))
    def test_an_acl_association_that_does_not_exist_cannot_be_replaced(self, ec2, acl):
        asked = partial(
            ec2.replace_network_acl_association,
            AssociationId=f"aclassoc-{MISSING}",
            NetworkAclId=acl,
        )
        assert code(asked) == "InvalidAssociationID.NotFound"

    @gap("ec2/dependencies.py")
    def test_a_subnet_in_use_cannot_be_deleted(self, ec2, subnet, instance):
        assert code(partial(ec2.delete_subnet, SubnetId=subnet)) == "DependencyViolation"

    @gap("ec2/dependencies.py")
    def test_a_security_group_in_use_cannot_be_deleted(self, ec2, vpc, subnet, unique):
        group = ec2.create_security_group(GroupName=unique, Description="d", VpcId=vpc)["GroupId"]
        ec2.create_network_interface(SubnetId=subnet, Groups=[group])
        assert code(partial(ec2.delete_security_group, GroupId=group)) == "DependencyViolation"

    @gap("ec2/dependencies.py")
    def test_a_vpc_with_groups_cannot_be_deleted(self, ec2, vpc, unique):
        ec2.create_security_group(GroupName=unique, Description="d", VpcId=vpc)
        assert code(partial(ec2.delete_vpc, VpcId=vpc)) == "DependencyViolation"

    @gap("ec2/interfaces.py")
    def test_an_interface_in_use_cannot_be_deleted(self, ec2, subnet, instance):
        filters = [{"Name": "subnet-id", "Values": [subnet]}]
        (interface,) = ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
        id_ = interface["NetworkInterfaceId"]
        asked = partial(ec2.delete_network_interface, NetworkInterfaceId=id_)
        assert code(asked) == "InvalidParameterValue"

    @gap("ec2/addresses.py")
    def test_an_address_is_given_once(self, ec2, subnet):
        ec2.create_network_interface(SubnetId=subnet, PrivateIpAddress="10.0.1.9")
        asked = partial(ec2.create_network_interface, SubnetId=subnet, PrivateIpAddress="10.0.1.9")
        assert code(asked) == "InvalidIPAddress.InUse"

    @gap("ec2/addresses.py")
    def test_a_group_of_an_interface_must_exist(self, ec2, subnet):
        asked = partial(ec2.create_network_interface, SubnetId=subnet, Groups=[f"sg-{MISSING}"])
        assert code(asked) == "InvalidGroup.NotFound"

    @gap("ec2/instances.py")
    def test_an_image_is_required(self, ec2):
        asked = partial(ec2.run_instances, MinCount=1, MaxCount=1)
        assert code(asked) == "MissingParameter"

    @gap("ec2/instances.py")
    def test_the_same_client_token_starts_nothing_new(self, ec2, subnet, unique):
        image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
        asked = {"ImageId": image, "MinCount": 1, "MaxCount": 1, "SubnetId": subnet}
        ids = {
            ec2.run_instances(**asked, ClientToken=unique)["Instances"][0]["InstanceId"]
            for _ in range(2)
        }
        assert len(ids) == 1

    @gap("ec2/instances.py")
    def test_a_terminated_instance_leaves_no_interface(self, ec2, subnet, instance):
        ec2.terminate_instances(InstanceIds=[instance])
        filters = [{"Name": "subnet-id", "Values": [subnet]}]
        assert ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"] == []

    @gap("ec2/instances.py")
    def test_the_profile_is_each_instance_s(self, ec2, iam, subnet, unique):
        iam.create_instance_profile(InstanceProfileName=unique)
        image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
        made = ec2.run_instances(
            ImageId=image,
            MinCount=2,
            MaxCount=2,
            SubnetId=subnet,
            IamInstanceProfile={"Name": unique},
        )["Instances"]
        ids = [instance["InstanceId"] for instance in made]
        (found,) = ec2.describe_instances(InstanceIds=ids)["Reservations"]
        assert all("IamInstanceProfile" in item for item in found["Instances"])

    @pytest.mark.parametrize(
        ("operation", "asked"),
        [
            ("describe_vpcs", {"VpcIds": [f"vpc-{MISSING}"]}),
            ("describe_security_groups", {"GroupIds": [f"sg-{MISSING}"]}),
            ("describe_volumes", {"VolumeIds": [f"vol-{MISSING}"]}),
            ("describe_key_pairs", {"KeyNames": ["no-such"]}),
        ],
    )
    @gap("ec2/guards.py")
    def test_an_error_shows_no_set_of_python_s(self, ec2, operation, asked):
        with pytest.raises(ClientError) as refused:
            getattr(ec2, operation)(**asked)
        assert "{" not in refused.value.response["Error"]["Message"]

    @gap("ec2/vpc_endpoints.py")
    def test_an_endpoints_interface_has_an_address_of_its_subnet(self, ec2, vpc, subnet):
        made = ec2.create_vpc_endpoint(
            VpcId=vpc,
            VpcEndpointType="Interface",
            ServiceName="com.amazonaws.us-east-1.ssm",
            SubnetIds=[subnet],
        )["VpcEndpoint"]
        ids = made["NetworkInterfaceIds"]
        (interface,) = ec2.describe_network_interfaces(NetworkInterfaceIds=ids)["NetworkInterfaces"]
        assert interface["PrivateIpAddress"].startswith("10.0.1.")
        assert interface["InterfaceType"] == "vpc_endpoint"


class TestIam:
    """docs.aws.amazon.com/IAM/latest/APIReference/."""

    @gap("iam/guards.py")
    def test_a_trust_policy_must_be_json(self, iam, unique):
        asked = partial(iam.create_role, RoleName=unique, AssumeRolePolicyDocument="nonsense")
        assert code(asked) == "MalformedPolicyDocument"

    @pytest.mark.parametrize(
        ("operation", "asked"),
        [
            ("list_entities_for_policy", {"PolicyArn": "arn:aws:iam::123456789012:policy/none"}),
            ("list_instance_profiles_for_role", {"RoleName": "no-such-role"}),
        ],
    )
    @gap("iam/guards.py")
    def test_what_does_not_exist_has_no_list(self, iam, operation, asked):
        assert code(partial(getattr(iam, operation), **asked)) == "NoSuchEntity"

    @gap("sts/identities.py")
    def test_a_role_that_does_not_exist_cannot_be_assumed(self, inner):
        role = "arn:aws:iam::123456789012:role/no-such-role"
        asked = partial(inner("sts", "us-east-1").assume_role, RoleArn=role, RoleSessionName="me")
        assert code(asked) == "AccessDenied"


class TestCloudFormation:
    """docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/."""

    @pytest.fixture
    def cloudformation(self, by_http):
        return by_http("cloudformation")

    @pytest.fixture
    def deploy(self, cloudformation, unique):
        def deploy(resources, **asked):
            template = json.dumps({"Resources": resources})
            cloudformation.create_stack(StackName=unique, TemplateBody=template, **asked)
            return unique

        return deploy

    def network(self, **instance):
        return {
            "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
            "Subnet": {
                "Type": "AWS::EC2::Subnet",
                "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.0.1.0/24"},
            },
            **instance,
        }

    @gap("cloudformation/engine.py")
    def test_each_resource_has_events(self, deploy, cloudformation):
        stack = deploy(self.network())
        events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
        assert "Subnet" in {event["LogicalResourceId"] for event in events}

    @pytest.mark.filterwarnings("ignore")
    @gap("cloudformation/validation.py")
    def test_an_unknown_type_is_refused(self, deploy):
        assert code(partial(deploy, {"X": {"Type": "AWS::No::Such"}})) == "ValidationError"

    @pytest.mark.filterwarnings("ignore")
    @gap("cloudformation/providers/network_acls.py")
    def test_a_network_acl_is_made(self, deploy, ec2, cloudformation):
        acl = {"Type": "AWS::EC2::NetworkAcl", "Properties": {"VpcId": {"Ref": "Vpc"}}}
        stack = deploy(self.network(Acl=acl))
        found = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
        assert "AWS::EC2::NetworkAcl" in {item.get("ResourceType") for item in found}

    @gap("cloudformation/providers/instances.py")
    def test_an_instance_has_its_security_groups(self, deploy, ec2, cloudformation):
        image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
        group = {
            "Type": "AWS::EC2::SecurityGroup",
            "Properties": {"GroupDescription": "d", "VpcId": {"Ref": "Vpc"}},
        }
        instance = {
            "Type": "AWS::EC2::Instance",
            "Properties": {
                "ImageId": image,
                "SubnetId": {"Ref": "Subnet"},
                "SecurityGroupIds": [{"Ref": "Group"}],
            },
        }
        stack = deploy(self.network(Group=group, Instance=instance))
        found = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
        ids = {item["LogicalResourceId"]: item["PhysicalResourceId"] for item in found}
        answer = ec2.describe_instances(InstanceIds=[ids["Instance"]])
        groups = answer["Reservations"][0]["Instances"][0]["SecurityGroups"]
        assert [item["GroupId"] for item in groups] == [ids["Group"]]

    @gap("cloudformation/requests.py")
    def test_capabilities_are_asked_for(self, deploy):
        trust = {"Statement": []}
        role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}}
        assert code(partial(deploy, {"Role": role})) == "InsufficientCapabilitiesException"

    @gap("cloudformation/engine.py")
    def test_a_full_bucket_fails_the_deletion(self, deploy, cloudformation, s3, unique):
        bucket = f"full-{unique}"
        stack = deploy({"B": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": bucket}}})
        s3.put_object(Bucket=bucket, Key="k", Body=b"")
        id_ = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackId"]
        cloudformation.delete_stack(StackName=stack)
        described = cloudformation.describe_stacks(StackName=id_)["Stacks"][0]
        assert described["StackStatus"] == "DELETE_FAILED"

    @pytest.mark.filterwarnings("ignore")
    @gap("cloudformation/engine.py", raises=ClientError)
    def test_a_failed_creation_is_rolled_back(self, deploy, cloudformation, unique):
        subnet = {
            "Type": "AWS::EC2::Subnet",
            "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "192.168.0.0/24"},
        }
        stack = deploy(self.network(Outside=subnet))
        described = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
        assert described["StackStatus"].startswith("ROLLBACK")

    @gap("cloudformation/providers/flow_logs.py")
    def test_a_flow_log_goes_with_its_stack(self, deploy, ec2, bucket, cloudformation):
        flow_log = {
            "Type": "AWS::EC2::FlowLog",
            "Properties": {
                "ResourceId": {"Ref": "Vpc"},
                "ResourceType": "VPC",
                "TrafficType": "ALL",
                "LogDestinationType": "s3",
                "LogDestination": f"arn:aws:s3:::{bucket}",
            },
        }
        stack = deploy(self.network(FlowLog=flow_log))
        cloudformation.delete_stack(StackName=stack)
        found = ec2.describe_flow_logs()["FlowLogs"]
        assert f"arn:aws:s3:::{bucket}" not in {item.get("LogDestination") for item in found}


class TestGateways:
    """docs.aws.amazon.com/vpc/latest/userguide/VPC_Internet_Gateway.html."""

    @pytest.fixture
    def gateway(self, ec2):
        return ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]

    @gap("ec2/internet_gateways.py")
    def test_a_vpc_has_one_internet_gateway_at_most(self, ec2, vpc, gateway):
        ec2.attach_internet_gateway(VpcId=vpc, InternetGatewayId=gateway)
        other = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        asked = partial(ec2.attach_internet_gateway, VpcId=vpc, InternetGatewayId=other)
        assert code(asked) == "InvalidParameterValue"

    @gap("ec2/dependencies.py")
    def test_a_vpc_with_an_internet_gateway_is_not_deleted(self, ec2, vpc, gateway):
        ec2.attach_internet_gateway(VpcId=vpc, InternetGatewayId=gateway)
        assert code(partial(ec2.delete_vpc, VpcId=vpc)) == "DependencyViolation"

    @gap("ec2/internet_gateways.py")
    def test_a_route_leads_to_no_gateway_of_another_network(self, ec2, vpc, gateway):
        of_vpc = [{"Name": "vpc-id", "Values": [vpc]}]
        table = ec2.describe_route_tables(Filters=of_vpc)["RouteTables"][0]["RouteTableId"]
        asked = partial(
            ec2.create_route,
            RouteTableId=table,
            DestinationCidrBlock="0.0.0.0/0",
            GatewayId=gateway,
        )
        assert code(asked) == "InvalidParameterValue"


class TestLaunchTemplates:
    """docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplate.html."""

    def create(self, ec2, name, **asked):
        data = {"InstanceType": "t4g.nano"}
        return ec2.create_launch_template(
            LaunchTemplateName=name, LaunchTemplateData=data, **asked
        )["LaunchTemplate"]["LaunchTemplateId"]

    @gap("ec2/launch_templates.py")
    def test_all_launch_templates_are_told(self, ec2, unique):
        ids = {self.create(ec2, f"{unique}-{n}") for n in range(16)}
        found = ec2.describe_launch_templates()
        told = {one["LaunchTemplateId"] for one in found["LaunchTemplates"]}
        assert ids <= told or "NextToken" in found

    @gap("ec2/launch_templates.py")
    def test_its_tags_are_not_in_its_data(self, ec2, unique):
        tags = [{"ResourceType": "launch-template", "Tags": [{"Key": "k", "Value": "v"}]}]
        id_ = self.create(ec2, unique, TagSpecifications=tags)
        versions = ec2.describe_launch_template_versions(LaunchTemplateId=id_)
        assert (
            "TagSpecifications" not in versions["LaunchTemplateVersions"][0]["LaunchTemplateData"]
        )


class TestMetadataOfOthers:
    """KMS, Glue, Athena and CloudWatch Logs, as far as resource providers need them."""

    @gap("kms/keys.py")
    def test_a_key_that_goes_takes_no_changes(self, inner):
        kms = inner("kms", "us-east-1")
        key_id = kms.create_key()["KeyMetadata"]["KeyId"]
        kms.schedule_key_deletion(KeyId=key_id, PendingWindowInDays=7)
        assert code(partial(kms.enable_key, KeyId=key_id)) == "KMSInvalidStateException"

    @gap("kms/keys.py")
    def test_a_key_policy_is_a_policy(self, inner):
        kms = inner("kms", "us-east-1")
        asked = partial(kms.create_key, Policy="nonsense")
        assert code(asked) == "MalformedPolicyDocumentException"

    @gap("glue/catalog.py", raises=ClientError)
    def test_names_in_the_catalog_are_in_lower_case(self, inner):
        glue = inner("glue", "us-east-1")
        glue.create_database(DatabaseInput={"Name": "GapOfMoto"})
        assert glue.get_database(Name="gapofmoto")["Database"]["Name"] == "gapofmoto"

    @gap("logs/resource_policies.py")
    def test_a_resource_policy_is_a_policy(self, logs):
        asked = partial(logs.put_resource_policy, policyName="p", policyDocument="nonsense")
        assert code(asked) == "InvalidParameterException"
