"""Resources in parallel: made and deleted at once, cancelled together, never left in progress.

Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-failure-options.html
"""

import threading

import pytest
from botocore.exceptions import ClientError
from test_lab_stack import settled
from test_updates import bad_vpc, group, groups_of, parameter, template

from labkit.emulator.cloudformation import workers
from labkit.emulator.cloudformation.providers.logs import LogGroup
from labkit.emulator.cloudformation.providers.ssm import Parameter

GROUPS = template(*(f"  G{n}: {{Type: AWS::Logs::LogGroup}}" for n in range(workers.WIDTH)))


@pytest.mark.parametrize("operation", ["create", "delete"])
def test_independent_resources_at_once(cloudformation, unique, monkeypatch, operation):
    """Nobody passes the barrier before all resources are being worked on."""
    barrier, real = threading.Barrier(workers.WIDTH), getattr(LogGroup, operation)

    def together(*asked):
        barrier.wait(timeout=20)
        return real(*asked)

    monkeypatch.setattr(LogGroup, operation, together)
    assert cloudformation.create(unique, GROUPS)["StackStatus"] == "CREATE_COMPLETE"
    assert cloudformation.delete(unique)["StackStatus"] == "DELETE_COMPLETE"


def test_the_failure_of_one_cancels_the_others(cloudformation, inner, unique, monkeypatch):
    """Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/ (troubleshooting)."""
    failed, real = threading.Event(), Parameter.create

    def waits(self, context, properties):
        made = real(self, context, properties)
        if properties["Value"] == "slow":
            assert failed.wait(20)
        return made

    def note(self, record, status, reason=None, real=None):
        real(self, record, status, reason)
        if status == "CREATE_FAILED":
            failed.set()

    from labkit.emulator.cloudformation.records import StackRecord

    real_note = StackRecord.note_resource
    monkeypatch.setattr(Parameter, "create", waits)
    monkeypatch.setattr(StackRecord, "note_resource", lambda *asked: note(*asked, real=real_note))
    body = template(parameter("Slow", "slow"), bad_vpc("Vpc"), parameter("Later", "!Ref Slow"))
    stack = cloudformation.create(unique, body)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert cloudformation.reason(unique, "Slow", "CREATE_FAILED") == "Resource creation cancelled"
    assert cloudformation.reason(unique, unique, "ROLLBACK_IN_PROGRESS") == (
        "The following resource(s) failed to create: [Vpc, Slow]. Rollback requested by user."
    )
    events = cloudformation.events(unique)
    assert ("Later", "CREATE_IN_PROGRESS") not in events
    failures = [name for name, status in events if status == "CREATE_FAILED"]
    assert failures == ["Vpc", "Slow"]  # the cause comes first
    gone = cloudformation.physical_id(unique, "Slow")
    with pytest.raises(ClientError):
        inner("ssm", "us-east-1").get_parameter(Name=gone)


def test_rollback_disabled_goes_on_with_what_does_not_need_the_failed_one(
    cloudformation, inner, unique
):
    """A failure on one path does not concern the others.

    Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-failure-options.html
    """
    body = template(
        bad_vpc("Vpc"),
        f"  Needs: {{Type: AWS::Logs::LogGroup, DependsOn: Vpc, Properties: "
        f"{{LogGroupName: {unique}-needs}}}}",
        *(group(f"G{n}", f"{unique}-{n}") for n in range(9)),
        f"  Last: {{Type: AWS::Logs::LogGroup, DependsOn: G8, Properties: "
        f"{{LogGroupName: {unique}-last}}}}",
    )
    stack = cloudformation.create(unique, body, DisableRollback=True)
    assert stack["StackStatus"] == "CREATE_FAILED"
    assert groups_of(inner, f"{unique}-") == {f"{unique}-{n}" for n in (*range(9), "last")}


@pytest.mark.parametrize("error", [KeyError("x"), SystemExit(1), RecursionError(), MemoryError()],
                         ids=lambda error: type(error).__name__)  # fmt: skip
@pytest.mark.parametrize("operation", ["create", "delete"])
def test_no_stack_stays_in_progress_whatever_a_provider_raises(
    cloudformation, unique, monkeypatch, operation, error
):
    def raises(*_):
        raise error

    if operation == "create":
        monkeypatch.setattr(LogGroup, "create", raises)
        status = cloudformation.create(unique, GROUPS)["StackStatus"]
        assert status in {"ROLLBACK_COMPLETE", "CREATE_FAILED"}
    else:
        cloudformation.create(unique, GROUPS)
        monkeypatch.setattr(LogGroup, "delete", raises)
        assert cloudformation.delete(unique)["StackStatus"] == "DELETE_FAILED"
        monkeypatch.undo()
        assert cloudformation.delete(unique)["StackStatus"] == "DELETE_COMPLETE"


def test_no_stack_stays_in_progress_when_an_update_breaks(cloudformation, unique, monkeypatch):
    def raises(*_):
        raise SystemExit

    cloudformation.create(unique, template(parameter("P", "a")))
    monkeypatch.setattr(Parameter, "update", raises)
    stack = cloudformation.update(unique, template(parameter("P", "b")))
    assert stack["StackStatus"] in {"UPDATE_FAILED", "UPDATE_ROLLBACK_FAILED"}


def test_what_is_in_use_is_tried_again_once_something_else_is_gone(
    cloudformation, unique, monkeypatch
):
    """As where a template does not say that one resource uses another.

    Source: docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
    """
    real, refused, gone = LogGroup.delete, threading.Event(), threading.Event()

    def delete(self, context, physical_id, properties):
        if context.logical_id == "Used" and not gone.is_set():
            refused.set()
            raise ClientError(
                {
                    "Error": {"Code": "DependencyViolation", "Message": "has a dependent object"},
                    "ResponseMetadata": {"HTTPStatusCode": 400, "RequestId": "r"},
                },
                "DeleteSecurityGroup",
            )
        if context.logical_id == "User":
            assert refused.wait(20)
        real(self, context, physical_id, properties)
        if context.logical_id == "User":
            gone.set()

    body = template(*(f"  {name}: {{Type: AWS::Logs::LogGroup}}" for name in ("User", "Used")))
    cloudformation.create(unique, body)
    monkeypatch.setattr(LogGroup, "delete", delete)
    stack = cloudformation.delete(unique)
    assert stack["StackStatus"] == "DELETE_COMPLETE"
    events = cloudformation.events(stack["StackId"])
    assert events.count(("Used", "DELETE_IN_PROGRESS")) == 1
    assert ("Used", "DELETE_FAILED") not in events


@pytest.fixture
def real_cloudformation(session):
    """The one of a running emulator, whose gateway refuses what EC2 refuses."""
    return session.client("cloudformation")


def test_what_stays_in_use_is_told(real_cloudformation, session, unique):
    """A group that someone else's interface is in."""
    body = """
    Resources:
      Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
      Subnet: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.0.0/24}}
      Group:
        Type: AWS::EC2::SecurityGroup
        Properties: {VpcId: !Ref Vpc, GroupDescription: d}
    """
    name, ec2 = f"in-use-{unique}", session.client("ec2")
    stack_id = real_cloudformation.create_stack(StackName=name, TemplateBody=body)["StackId"]
    settled(real_cloudformation, stack_id)
    resources = {
        one["LogicalResourceId"]: one["PhysicalResourceId"]
        for one in real_cloudformation.describe_stack_resources(StackName=name)["StackResources"]
    }
    interface = ec2.create_network_interface(
        SubnetId=resources["Subnet"], Groups=[resources["Group"]]
    )["NetworkInterface"]["NetworkInterfaceId"]
    real_cloudformation.delete_stack(StackName=name)
    stack = settled(real_cloudformation, stack_id)
    assert stack["StackStatus"] == "DELETE_FAILED"
    events = real_cloudformation.describe_stack_events(StackName=stack_id)["StackEvents"]
    failed = {
        one["LogicalResourceId"]: one["ResourceStatusReason"]
        for one in events
        if one["ResourceStatus"] == "DELETE_FAILED" and one["LogicalResourceId"] != name
    }
    assert "has a dependent object" in failed["Group"]
    assert "has dependencies and cannot be deleted" in failed["Subnet"]
    ec2.delete_network_interface(NetworkInterfaceId=interface)
    real_cloudformation.delete_stack(StackName=name)
    assert settled(real_cloudformation, stack_id)["StackStatus"] == "DELETE_COMPLETE"
