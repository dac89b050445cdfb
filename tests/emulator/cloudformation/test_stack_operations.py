"""Stacks: what a learner sees from CreateStack to DELETE_COMPLETE.

Sources: docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html,
docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteStack.html,
docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
"""

import re
import time

import pytest
from stack_caller import Caller

from labkit.emulator.cloudformation import Stacks
from labkit.emulator.cloudformation.evaluation import Evaluation
from labkit.emulator.cloudformation.records import Options, StackRecord
from labkit.emulator.cloudformation.template import parse
from labkit.emulator.cloudformation.updates import Update
from labkit.emulator.refusal import ServiceError

NETWORK = """
Description: a network
Parameters:
  Cidr: {Type: String, Default: 10.0.0.0/16}
  Secret: {Type: String, Default: s, NoEcho: true}
Conditions:
  Never: !Equals [a, b]
Resources:
  Subnet:
    Type: AWS::EC2::Subnet
    Properties: {VpcId: !Ref Vpc, CidrBlock: !Select [0, !Cidr [!Ref Cidr, 1, 8]]}
  Vpc:
    Type: AWS::EC2::VPC
    Properties:
      CidrBlock: !Ref Cidr
      Tags: [{Key: Name, Value: !Sub '${AWS::StackName}-vpc'}, {Key: course, Value: own}]
  Skipped: {Type: AWS::EC2::VPC, Condition: Never, Properties: {CidrBlock: !Ref Cidr}}
Outputs:
  VpcId: {Value: !Ref Vpc, Description: the VPC, Export: {Name: !Sub '${AWS::StackName}-x'}}
  Skipped: {Value: !Ref Skipped, Condition: Never}
"""

BUCKET = """
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
  Bucket: {Type: AWS::S3::Bucket, DependsOn: Vpc}
"""

BROKEN = """
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
  Bucket: {Type: AWS::S3::Bucket, DependsOn: Vpc, Properties: {BucketName: ab}}
  Group: {Type: AWS::Logs::LogGroup, DependsOn: Bucket}
"""


def vpcs(inner, stack_name):
    by_stack = [{"Name": "tag:aws:cloudformation:stack-name", "Values": [stack_name]}]
    return inner("ec2", "us-east-1").describe_vpcs(Filters=by_stack)["Vpcs"]


# --- Creation


def test_events_of_a_creation(cloudformation, unique):
    stack = cloudformation.create(unique, NETWORK)
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert cloudformation.events(unique) == [
        (unique, "CREATE_IN_PROGRESS"),
        ("Vpc", "CREATE_IN_PROGRESS"),
        ("Vpc", "CREATE_IN_PROGRESS"),
        ("Vpc", "CREATE_COMPLETE"),
        ("Subnet", "CREATE_IN_PROGRESS"),
        ("Subnet", "CREATE_IN_PROGRESS"),
        ("Subnet", "CREATE_COMPLETE"),
        (unique, "CREATE_COMPLETE"),
    ]


def test_what_an_event_says(cloudformation, unique):
    stack = cloudformation.create(unique, NETWORK, ClientRequestToken=f"t-{unique}")
    events = cloudformation("DescribeStackEvents", StackName=unique)["StackEvents"]
    last, first = events[0], events[-1]
    assert first["ResourceType"] == "AWS::CloudFormation::Stack"
    assert first["PhysicalResourceId"] == first["StackId"] == stack["StackId"]
    assert first["ResourceStatusReason"] == "User Initiated"
    assert last["Timestamp"] > first["Timestamp"]
    assert len({event["EventId"] for event in events}) == len(events)
    assert {event["ClientRequestToken"] for event in events} == {f"t-{unique}"}
    begun, initiated = events[-2], events[-3]
    assert re.fullmatch(r"Vpc-CREATE_IN_PROGRESS-[\dT:.-]+Z", begun["EventId"])
    assert (begun["PhysicalResourceId"], begun.get("ResourceStatusReason")) == ("", None)
    assert initiated["PhysicalResourceId"].startswith("vpc-")
    assert initiated["ResourceStatusReason"] == "Resource creation Initiated"


def test_events_come_in_pages_newest_first(cloudformation, unique, monkeypatch):
    monkeypatch.setattr("labkit.emulator.cloudformation.stacks.EVENTS_PER_PAGE", 3)
    cloudformation.create(unique, NETWORK)
    pages, token = [], {}
    while token is not None:
        page = cloudformation("DescribeStackEvents", StackName=unique, **token)
        pages.append([event["ResourceStatus"] for event in page["StackEvents"]])
        token = {"NextToken": page["NextToken"]} if "NextToken" in page else None
    assert [len(page) for page in pages] == [3, 3, 2]
    assert pages[-1] == ["CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS"]


def test_times_are_the_clocks_and_have_an_order(inner, call, unique):
    cloudformation = Caller(Stacks(inner, clock=lambda: 1_700_000_000.0), call)
    cloudformation.create(unique, NETWORK)
    events = cloudformation("DescribeStackEvents", StackName=unique)["StackEvents"][::-1]
    since = [event["Timestamp"].timestamp() - 1_700_000_000 for event in events]
    assert since == pytest.approx([n / 1000 for n in range(1, 9)], abs=1e-5)


def test_a_status_is_set_only_when_it_still_comes_from_the_right_one():
    """Else a stack that is being deleted could become CREATE_COMPLETE."""
    stack = StackRecord(arn="a", name="a", region="r", template=parse(BUCKET), parameters={},
                        options=Options(), token=None, clock=time.time)  # fmt: skip
    assert stack.note("CREATE_IN_PROGRESS")
    assert stack.note("DELETE_IN_PROGRESS", coming_from="CREATE_IN_PROGRESS")
    assert not stack.note("CREATE_COMPLETE", coming_from="CREATE_IN_PROGRESS")
    assert stack.status == "DELETE_IN_PROGRESS"
    assert len(stack.events) == 2


def test_description(cloudformation, unique):
    stack = cloudformation.create(
        unique,
        NETWORK,
        Parameters=[{"ParameterKey": "Cidr", "ParameterValue": "10.9.0.0/16"}],
        Tags=[{"Key": "course", "Value": "networks"}],
    )
    vpc_id = cloudformation.physical_id(unique, "Vpc")
    arn = rf"arn:aws:cloudformation:us-east-1:123456789012:stack/{unique}/[0-9a-f-]{{36}}"
    assert re.fullmatch(arn, stack["StackId"])
    assert stack["Description"] == "a network"
    assert stack["Parameters"] == [
        {"ParameterKey": "Cidr", "ParameterValue": "10.9.0.0/16"},
        {"ParameterKey": "Secret", "ParameterValue": "****"},
    ]
    assert stack["Outputs"] == [
        {
            "OutputKey": "VpcId",
            "OutputValue": vpc_id,
            "Description": "the VPC",
            "ExportName": f"{unique}-x",
        }
    ]
    assert stack["Tags"] == [{"Key": "course", "Value": "networks"}]
    assert stack["Capabilities"] == ["CAPABILITY_IAM"]


def test_tags_of_the_stack_and_of_cloudformation_reach_the_resources(cloudformation, inner, unique):
    course = {"Key": "course", "Value": "networks"}
    stack = cloudformation.create(unique, NETWORK, Tags=[course, {"Key": "room", "Value": "1"}])
    [vpc] = vpcs(inner, unique)
    assert {tag["Key"]: tag["Value"] for tag in vpc["Tags"]} == {
        "aws:cloudformation:stack-name": unique,
        "aws:cloudformation:stack-id": stack["StackId"],
        "aws:cloudformation:logical-id": "Vpc",
        "Name": f"{unique}-vpc",
        "course": "own",  # the template's stands before the stack's
        "room": "1",
    }


def test_resources(cloudformation, unique):
    cloudformation.create(unique, NETWORK)
    resources = cloudformation("DescribeStackResources", StackName=unique)["StackResources"]
    assert [(item["LogicalResourceId"], item["ResourceType"]) for item in resources] == [
        ("Vpc", "AWS::EC2::VPC"),
        ("Subnet", "AWS::EC2::Subnet"),
    ]
    summaries = cloudformation("ListStackResources", StackName=unique)["StackResourceSummaries"]
    assert [item["PhysicalResourceId"] for item in summaries] == [
        item["PhysicalResourceId"] for item in resources
    ]
    by_id = cloudformation(
        "DescribeStackResources", PhysicalResourceId=resources[0]["PhysicalResourceId"]
    )
    assert by_id["StackResources"] == resources
    [subnet] = cloudformation(
        "DescribeStackResources", StackName=unique, LogicalResourceId="Subnet"
    )["StackResources"]
    assert subnet == resources[1]


def test_the_template_comes_back_as_it_was(cloudformation, unique):
    cloudformation.create(unique, NETWORK)
    assert cloudformation("GetTemplate", StackName=unique)["TemplateBody"] == NETWORK


def test_physical_names_are_made_from_the_stacks(cloudformation, unique):
    body = """
    Resources:
      ALogGroup: {Type: AWS::Logs::LogGroup}
      ABucketWithALongLongLongLongLongLongLogicalName: {Type: AWS::S3::Bucket}
    """
    name = f"{unique}-{'x' * 60}"
    cloudformation.create(name, body)
    group = cloudformation.physical_id(name, "ALogGroup")
    bucket = cloudformation.physical_id(name, "ABucketWithALongLongLongLongLongLongLogicalName")
    assert re.fullmatch(rf"{name}-ALogGroup-[A-Za-z0-9]{{12}}", group)
    assert re.fullmatch(r"name-\d+-x+-abucketwithalong[a-z]+-[a-z0-9]{12}", bucket)
    assert len(bucket) <= 63


# --- Failure


@pytest.mark.parametrize(
    ("options", "status", "stays"),
    [
        pytest.param({}, "ROLLBACK_COMPLETE", False, id="rolls back"),
        pytest.param({"OnFailure": "ROLLBACK"}, "ROLLBACK_COMPLETE", False, id="asked to"),
        pytest.param({"OnFailure": "DO_NOTHING"}, "CREATE_FAILED", True, id="leaves it"),
        pytest.param({"DisableRollback": True}, "CREATE_FAILED", True, id="rollback disabled"),
        pytest.param({"DisableRollback": False}, "ROLLBACK_COMPLETE", False, id="and enabled"),
        pytest.param({"OnFailure": "DELETE"}, "DELETE_COMPLETE", False, id="deletes the stack"),
    ],
)
def test_on_failure(cloudformation, inner, unique, options, status, stays):
    stack = cloudformation.create(unique, BROKEN, **options)
    assert stack["StackStatus"] == status
    assert bool(vpcs(inner, unique)) == stays


def test_events_of_a_rollback(cloudformation, unique):
    cloudformation.create(unique, BROKEN)
    assert cloudformation.events(unique)[4:] == [
        ("Bucket", "CREATE_IN_PROGRESS"),
        ("Bucket", "CREATE_FAILED"),
        (unique, "ROLLBACK_IN_PROGRESS"),
        ("Bucket", "DELETE_COMPLETE"),
        ("Vpc", "DELETE_IN_PROGRESS"),
        ("Vpc", "DELETE_COMPLETE"),
        (unique, "ROLLBACK_COMPLETE"),
    ]
    assert cloudformation.reason(unique, unique, "ROLLBACK_IN_PROGRESS") == (
        "The following resource(s) failed to create: [Bucket]. Rollback requested by user."
    )


def test_the_reason_of_a_service(cloudformation, unique):
    cloudformation.create(unique, BROKEN)
    reason = cloudformation.reason(unique, "Bucket", "CREATE_FAILED")
    assert re.fullmatch(
        r'Resource handler returned message: "The specified bucket is not valid. \(Service: S3, '
        r'Status Code: 400, Request ID: \S+\)" \(RequestToken: [0-9a-f-]{36}, HandlerErrorCode: '
        r"InvalidRequest\)",
        reason,
    )


def test_the_reason_of_a_wrong_property(cloudformation, unique):
    body = "Resources: {Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16, Foo: 1}}}"
    cloudformation.create(unique, body)
    assert cloudformation.reason(unique, "Vpc", "CREATE_FAILED") == (
        "Properties validation failed for resource Vpc with message:\n"
        "[#: extraneous key [Foo] is not permitted]"
    )


def test_the_reason_of_a_function_that_yields_nothing(cloudformation, unique):
    body = """
    Resources:
      Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: !Select [1, [10.0.0.0/16]]}}
    """
    stack = cloudformation.create(unique, body)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert cloudformation.reason(unique, "Vpc", "CREATE_FAILED") == (
        "Template error: Fn::Select cannot select nonexistent value at index 1"
    )


def test_an_output_that_is_no_text_rolls_back(cloudformation, unique):
    stack = cloudformation.create(unique, BUCKET + "Outputs: {O: {Value: [a]}}")
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "must evaluate to a String" in cloudformation.reason(
        unique, unique, "ROLLBACK_IN_PROGRESS"
    )


def test_an_output_that_cannot_be_made_rolls_back(cloudformation, inner, unique):
    body = BUCKET + "Outputs: {O: {Value: !Select [1, [a]]}}"
    assert cloudformation.create(unique, body)["StackStatus"] == "ROLLBACK_COMPLETE"
    assert not vpcs(inner, unique)


def test_a_stack_that_rolled_back_keeps_its_name_until_it_is_deleted(cloudformation, unique):
    cloudformation.create(unique, BROKEN)
    with pytest.raises(ServiceError) as error:
        cloudformation.create(unique, NETWORK)
    assert error.value.code == "AlreadyExistsException"
    assert cloudformation.delete(unique)["StackStatus"] == "DELETE_COMPLETE"
    assert cloudformation.create(unique, NETWORK)["StackStatus"] == "CREATE_COMPLETE"


def test_a_defect_of_a_provider_is_an_internal_failure(cloudformation, unique, monkeypatch):
    def broken(*_):
        raise KeyError

    monkeypatch.setattr("labkit.emulator.cloudformation.providers.vpc.Vpc.create", broken)
    stack = cloudformation.create(unique, BUCKET)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert cloudformation.reason(unique, "Vpc", "CREATE_FAILED") == "Internal Failure"


# --- Deletion


def test_events_of_a_deletion(cloudformation, inner, unique):
    created = cloudformation.create(unique, NETWORK)
    stack = cloudformation.delete(unique)
    assert (stack["StackId"], stack["StackStatus"]) == (created["StackId"], "DELETE_COMPLETE")
    assert stack["DeletionTime"] > stack["CreationTime"]
    assert cloudformation.events(stack["StackId"])[-6:] == [
        (unique, "DELETE_IN_PROGRESS"),
        ("Subnet", "DELETE_IN_PROGRESS"),
        ("Subnet", "DELETE_COMPLETE"),
        ("Vpc", "DELETE_IN_PROGRESS"),
        ("Vpc", "DELETE_COMPLETE"),
        (unique, "DELETE_COMPLETE"),
    ]
    assert not vpcs(inner, unique)


def test_a_deleted_stack_is_known_by_its_id_only(cloudformation, unique):
    cloudformation.create(f"{unique}-other", NETWORK)
    stack_id = cloudformation.create(unique, NETWORK)["StackId"]
    cloudformation.delete(unique)
    assert cloudformation("DescribeStacks", StackName=stack_id)["Stacks"]
    listed = [stack["StackName"] for stack in cloudformation("DescribeStacks")["Stacks"]]
    assert unique not in listed
    gone = cloudformation("ListStacks", StackStatusFilter=["DELETE_COMPLETE"])["StackSummaries"]
    assert unique in [stack["StackName"] for stack in gone]
    assert {stack["StackStatus"] for stack in gone} == {"DELETE_COMPLETE"}
    with pytest.raises(ServiceError, match=f"Stack with id {unique} does not exist"):
        cloudformation("DescribeStacks", StackName=unique)


def filled_bucket(cloudformation, inner, name):
    cloudformation.create(name, BUCKET)
    bucket, s3 = cloudformation.physical_id(name, "Bucket"), inner("s3", "us-east-1")
    s3.put_object(Bucket=bucket, Key="a", Body=b"a")
    return bucket, s3


def test_a_bucket_with_objects_stays_and_so_does_what_it_needs(cloudformation, inner, unique):
    filled_bucket(cloudformation, inner, unique)
    stack = cloudformation.delete(unique)
    assert stack["StackStatus"] == "DELETE_FAILED"
    assert stack["StackStatusReason"] == "The following resource(s) failed to delete: [Bucket]. "
    assert 'message: "The bucket you tried to delete is not empty' in cloudformation.reason(
        unique, "Bucket", "DELETE_FAILED"
    )
    assert vpcs(inner, unique)


def test_so_does_what_it_needs_through_others(cloudformation, inner, unique):
    """The bucket cannot go, hence not the group that it needs, nor the VPC that the group needs."""
    chain = BUCKET.replace("DependsOn: Vpc", "DependsOn: Group")
    chain += "  Group: {Type: AWS::Logs::LogGroup, DependsOn: Vpc}\n"
    cloudformation.create(unique, chain)
    bucket = cloudformation.physical_id(unique, "Bucket")
    inner("s3", "us-east-1").put_object(Bucket=bucket, Key="a", Body=b"a")
    assert cloudformation.delete(unique)["StackStatus"] == "DELETE_FAILED"
    tried = {name for name, status in cloudformation.events(unique) if status.startswith("DELETE")}
    assert tried == {unique, "Bucket"}
    assert vpcs(inner, unique)


def test_an_emptied_bucket_goes_at_the_second_try(cloudformation, inner, unique):
    bucket, s3 = filled_bucket(cloudformation, inner, unique)
    cloudformation.delete(unique)
    s3.delete_object(Bucket=bucket, Key="a")
    assert cloudformation.delete(unique)["StackStatus"] == "DELETE_COMPLETE"
    assert bucket not in [found["Name"] for found in s3.list_buckets()["Buckets"]]
    assert not vpcs(inner, unique)


@pytest.mark.parametrize(
    "how",
    [{"RetainResources": ["Bucket"]}, {"DeletionMode": "FORCE_DELETE_STACK"}],
    ids=lambda how: next(iter(how)),
)
def test_what_cannot_be_deleted_can_be_left_behind(cloudformation, inner, unique, how):
    bucket, s3 = filled_bucket(cloudformation, inner, unique)
    cloudformation.delete(unique)
    stack = cloudformation.delete(unique, **how)
    assert stack["StackStatus"] == "DELETE_COMPLETE"
    assert ("Bucket", "DELETE_SKIPPED") in cloudformation.events(stack["StackId"])
    assert s3.head_bucket(Bucket=bucket)
    assert not vpcs(inner, unique)


@pytest.mark.parametrize(
    "how",
    [{"RetainResources": ["Bucket"]}, {"DeletionMode": "FORCE_DELETE_STACK"}],
    ids=lambda how: next(iter(how)),
)
def test_nothing_is_left_behind_before_a_deletion_failed(cloudformation, unique, how):
    cloudformation.create(unique, BUCKET)
    with pytest.raises(ServiceError, match="must be in DELETE_FAILED state"):
        cloudformation.delete(unique, **how)
    assert cloudformation.settled(unique)["StackStatus"] == "CREATE_COMPLETE"


def test_only_resources_of_the_stack_can_be_retained(cloudformation, inner, unique):
    filled_bucket(cloudformation, inner, unique)
    cloudformation.delete(unique)
    with pytest.raises(ServiceError, match="do not belong to stack"):
        cloudformation.delete(unique, RetainResources=["Other"])


@pytest.mark.parametrize(
    ("policy", "body", "stays"),
    [
        ("Delete", "Resources:\n", False),
        ("Retain", "Resources:\n", True),
        ("RetainExceptOnCreate", "Resources:\n", True),
        ("Retain", BROKEN, True),
        ("RetainExceptOnCreate", BROKEN, False),
    ],
    ids=["delete", "retain", "retain except on create", "retain at a rollback", "except then"],
)
def test_deletion_policy(cloudformation, inner, unique, policy, body, stays):
    kept = f"  Kept: {{Type: AWS::Logs::LogGroup, DeletionPolicy: {policy}}}\n"
    cloudformation.create(unique, body.replace("Resources:\n", f"Resources:\n{kept}"))
    group = cloudformation.physical_id(unique, "Kept")
    stack_id = cloudformation.delete(unique)["StackId"]
    found = inner("logs", "us-east-1").describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    assert bool(found) == stays
    assert (("Kept", "DELETE_SKIPPED") in cloudformation.events(stack_id)) == stays


def test_a_defect_of_the_engine_is_rolled_back(cloudformation, unique, monkeypatch):
    """Whatever goes wrong in the emulator itself, no stack and no resource is left behind."""

    def fails(*_):
        raise RuntimeError

    monkeypatch.setattr(Evaluation, "outputs", fails)
    stack = cloudformation.create(unique, NETWORK)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert ("Vpc", "DELETE_COMPLETE") in cloudformation.events(unique)


def test_a_defect_of_the_engine_takes_an_update_back(cloudformation, unique, monkeypatch):
    cloudformation.create(unique, NETWORK)

    def fails(*_):
        raise RuntimeError

    monkeypatch.setattr(Update, "_remove_failed", fails)
    added = "Resources:\n  Added: {Type: AWS::Logs::LogGroup}\n"
    more = NETWORK.replace("Resources:\n", added)
    stack = cloudformation.update(unique, more)
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"


def test_retain_except_on_create_overrules_retain(cloudformation, inner, unique):
    """docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html."""
    kept = "  Kept: {Type: AWS::Logs::LogGroup, DeletionPolicy: Retain}\n"
    body = BROKEN.replace("Resources:\n", f"Resources:\n{kept}")
    cloudformation.create(unique, body, RetainExceptOnCreate=True)
    assert cloudformation.settled(unique)["StackStatus"] == "ROLLBACK_COMPLETE"
    assert ("Kept", "DELETE_SKIPPED") not in cloudformation.events(unique)


def test_a_resource_that_is_gone_already_is_no_failure(cloudformation, inner, unique):
    cloudformation.create(unique, NETWORK)
    subnet = cloudformation.physical_id(unique, "Subnet")
    inner("ec2", "us-east-1").delete_subnet(SubnetId=subnet)
    assert cloudformation.delete(unique)["StackStatus"] == "DELETE_COMPLETE"


def test_a_stack_can_be_deleted_while_it_is_created(cloudformation, inner, unique):
    groups = "".join(f"  G{n}: {{Type: AWS::Logs::LogGroup}}\n" for n in range(200))
    created = cloudformation("CreateStack", StackName=unique, TemplateBody=f"Resources:\n{groups}")
    cloudformation("DeleteStack", StackName=unique)
    stack = cloudformation.settled(created["StackId"])
    assert stack["StackStatus"] == "DELETE_COMPLETE"
    logs = inner("logs", "us-east-1")
    assert not logs.describe_log_groups(logGroupNamePrefix=f"{unique}-")["logGroups"]
    events = cloudformation.events(created["StackId"])
    assert (unique, "CREATE_COMPLETE") not in events
    assert len({name for name, _ in events}) < 200  # it stopped in the middle


@pytest.mark.parametrize("name", ["never-there", "arn:aws:cloudformation:us-east-1:1:stack/a/b"])
def test_deleting_a_stack_that_does_not_exist_is_no_error(cloudformation, name):
    assert cloudformation("DeleteStack", StackName=name) == {}


def test_termination_protection(cloudformation, unique):
    cloudformation.create(unique, NETWORK, EnableTerminationProtection=True)
    with pytest.raises(ServiceError, match="cannot be deleted while TerminationProtection is"):
        cloudformation.delete(unique)
    cloudformation(
        "UpdateTerminationProtection", StackName=unique, EnableTerminationProtection=False
    )
    assert cloudformation.delete(unique)["StackStatus"] == "DELETE_COMPLETE"


# --- Requests


@pytest.mark.parametrize(
    ("parameters", "code", "message"),
    [
        pytest.param({"StackName": "a_b"}, "ValidationError",
                     "1 validation error detected: Value 'a_b' at 'stackName' failed to satisfy "
                     "constraint: Member must satisfy regular expression pattern: "
                     "[a-zA-Z][-a-zA-Z0-9]*", id="a name with an underscore"),
        pytest.param({"StackName": "a" * 129}, "ValidationError",
                     f"1 validation error detected: Value '{'a' * 129}' at 'stackName' failed to "
                     "satisfy constraint: Member must have length less than or equal to 128",
                     id="a long name"),
        pytest.param({"TemplateBody": ""}, "ValidationError",
                     "Either Template URL or Template Body must be specified.", id="no template"),
        pytest.param({"TemplateURL": "https://b.s3.amazonaws.com/k"}, "ValidationError",
                     "Only one of Template URL or Template Body may be specified.", id="URL too"),
        pytest.param({"TemplateBody": "Resources: {R: {Type: AWS::IAM::Role}}"},
                     "InsufficientCapabilitiesException",
                     "Requires capabilities : [CAPABILITY_IAM]", id="no capability"),
        pytest.param({"TemplateBody": "Resources: {R: {Type: AWS::IAM::Role, Properties: "
                                      "{RoleName: r}}}", "Capabilities": ["CAPABILITY_IAM"]},
                     "InsufficientCapabilitiesException",
                     "Requires capabilities : [CAPABILITY_NAMED_IAM]", id="a named role"),
        pytest.param({"OnFailure": "DELETE", "DisableRollback": False}, "ValidationError",
                     "You cannot specify both OnFailure and DisableRollback", id="both"),
        pytest.param({"RoleARN": "arn:aws:iam::123456789012:role/r"}, "ValidationError",
                     "The emulator does not emulate ['RoleARN'] of CreateStack.", id="RoleARN"),
        pytest.param({"Parameters": [{"ParameterKey": "X", "ParameterValue": "1"}]},
                     "ValidationError", "Parameters: [X] do not exist in the template",
                     id="an unknown parameter"),
        pytest.param({"TemplateBody": "Parameters: {P: {Type: String}}\n" + BUCKET.lstrip()},
                     "ValidationError", "Parameters: [P] must have values",
                     id="a missing parameter"),
        pytest.param({"TemplateBody": "Parameters: {P: {Type: 'AWS::SSM::Parameter::Value<String>',"
                                      " Default: /not/there}}\n" + BUCKET.lstrip()},
                     "ValidationError",
                     "Unable to fetch parameters [/not/there] from parameter store for this "
                     "account.", id="a parameter that the store does not have"),
    ],
)  # fmt: skip
def test_creation_is_refused(cloudformation, unique, parameters, code, message):
    with pytest.raises(ServiceError) as error:
        cloudformation("CreateStack", **{"StackName": unique, "TemplateBody": BUCKET, **parameters})
    assert (error.value.code, error.value.message) == (code, message)
    with pytest.raises(ServiceError):
        cloudformation("DescribeStacks", StackName=unique)


def test_a_name_that_is_taken(cloudformation, unique):
    cloudformation.create(unique, BUCKET)
    with pytest.raises(ServiceError) as error:
        cloudformation("CreateStack", StackName=unique, TemplateBody=BUCKET)
    assert (error.value.code, error.value.message) == (
        "AlreadyExistsException", f"Stack [{unique}] already exists",
    )  # fmt: skip


def test_the_same_name_in_another_region_is_another_stack(cloudformation, unique):
    cloudformation.create(unique, BUCKET)
    there = cloudformation(
        "CreateStack", StackName=unique, TemplateBody=NETWORK, region="eu-west-1"
    )["StackId"]
    assert there.startswith("arn:aws:cloudformation:eu-west-1:")
    with pytest.raises(ServiceError, match="does not exist"):
        cloudformation("DescribeStacks", StackName=there)


def test_a_retried_request_is_done_once(cloudformation, unique):
    request = {"StackName": unique, "TemplateBody": BUCKET, "ClientRequestToken": f"t-{unique}"}
    first = cloudformation("CreateStack", **request)
    assert cloudformation("CreateStack", **request) == first


def test_a_token_is_for_one_request(cloudformation, unique):
    token = {"ClientRequestToken": f"t-{unique}"}
    cloudformation.create(unique, BUCKET, **token)
    for operation, other in (("DeleteStack", {}), ("CreateStack", {"TemplateBody": BUCKET})):
        with pytest.raises(ServiceError) as error:
            name = unique if operation == "DeleteStack" else f"{unique}-b"
            cloudformation(operation, StackName=name, **token, **other)
        assert error.value.code == "TokenAlreadyExistsException"


@pytest.mark.parametrize(
    ("operation", "parameters", "message"),
    [
        ("DescribeStacks", {}, "Stack with id nothing does not exist"),
        ("DescribeStackEvents", {}, "Stack [nothing] does not exist"),
        ("DescribeStackResources", {}, "Stack with id nothing does not exist"),
        ("ListStackResources", {}, "Stack with id nothing does not exist"),
        ("GetTemplate", {}, "Stack with id nothing does not exist"),
    ],
)
def test_a_stack_that_does_not_exist(cloudformation, operation, parameters, message):
    with pytest.raises(ServiceError) as error:
        cloudformation(operation, StackName="nothing", **parameters)
    assert (error.value.code, error.value.message) == ("ValidationError", message)


def test_a_resource_that_does_not_exist(cloudformation, unique):
    cloudformation.create(unique, BUCKET)
    with pytest.raises(ServiceError, match=f"Resource Foo does not exist for stack {unique}"):
        cloudformation.physical_id(unique, "Foo")
    with pytest.raises(ServiceError, match="Stack for vpc-0 does not exist"):
        cloudformation("DescribeStackResources", PhysicalResourceId="vpc-0")


@pytest.mark.parametrize("operation", ["RollbackStack", "SetStackPolicy", "SignalResource"])
def test_refused_by_name(cloudformation, operation):
    with pytest.raises(ServiceError) as error:
        cloudformation(operation, StackName="a")
    assert f"cloudformation:{operation}" in error.value.message


def test_validation_of_a_template(cloudformation):
    body = """
    Description: d
    Parameters: {P: {Type: String, Default: 1, NoEcho: true, Description: p}, Q: {Type: String}}
    Resources: {R: {Type: AWS::IAM::Role}}
    """
    assert cloudformation("ValidateTemplate", TemplateBody=body) == {
        "Description": "d",
        "Parameters": [
            {"ParameterKey": "P", "DefaultValue": "1", "NoEcho": True, "Description": "p"},
            {"ParameterKey": "Q", "NoEcho": False},
        ],
        "Capabilities": ["CAPABILITY_IAM"],
        "CapabilitiesReason": "The following resource(s) require capabilities: [AWS::IAM::Role]",
    }


def test_validation_needs_no_parameters_but_references_that_exist(cloudformation):
    with pytest.raises(ServiceError, match="Unresolved resource dependencies"):
        cloudformation(
            "ValidateTemplate", TemplateBody="Resources: {R: {Type: AWS::EC2::VPC, DependsOn: S}}"
        )


def test_summary_of_a_template(cloudformation, unique):
    """Source: docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/
    API_GetTemplateSummary.html."""
    body = """
    Transform: AWS::LanguageExtensions
    Metadata: {by: us}
    Parameters: {P: {Type: Number, Default: 1, AllowedValues: [1, 2]}}
    Resources: {R: {Type: AWS::IAM::Role}, S: {Type: AWS::EC2::VPC}}
    """
    assert cloudformation("GetTemplateSummary", TemplateBody=body) == {
        "Parameters": [
            {
                "ParameterKey": "P",
                "DefaultValue": "1",
                "NoEcho": False,
                "ParameterType": "Number",
                "ParameterConstraints": {"AllowedValues": ["1", "2"]},
            }
        ],
        "ResourceTypes": ["AWS::EC2::VPC", "AWS::IAM::Role"],
        "Version": "2010-09-09",
        "Metadata": '{"by": "us"}',
        "DeclaredTransforms": ["AWS::LanguageExtensions"],
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        "CapabilitiesReason": "The following resource(s) require capabilities: [AWS::IAM::Role]",
    }


@pytest.mark.parametrize("token", ["x", "-1", "1e3"])
def test_a_token_that_is_none(cloudformation, unique, token):
    cloudformation.create(unique, BUCKET)
    with pytest.raises(ServiceError, match="NextToken is not valid"):
        cloudformation("DescribeStackEvents", StackName=unique, NextToken=token)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"OnFailure": "NEVER"}, "Value 'NEVER' at 'onFailure' failed to satisfy constraint"),
        ({"ClientRequestToken": "a b"}, "at 'clientRequestToken' failed to satisfy constraint"),
        ({"Tags": [{"Key": "aws:x", "Value": "y"}]}, "aws: prefixed tag key names"),
        ({"Tags": [{"Key": "x", "Value": "y"}] * 2}, "Duplicate tag keys found: x"),
    ],
    ids=["no such wish", "no token", "a tag of AWS's", "a tag twice"],
)
def test_a_malformed_request(cloudformation, unique, parameters, message):
    with pytest.raises(ServiceError) as error:
        cloudformation("CreateStack", StackName=unique, TemplateBody=BUCKET, **parameters)
    assert error.value.code == "ValidationError"
    assert message in error.value.message
