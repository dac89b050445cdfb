"""Taking a stack down: on the emulator, and by scripted answers where AWS is nastier than it."""

from __future__ import annotations

import json
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from labkit import clean_up, second_subnet, stacks
from labkit.errors import StackFailed, StackNotOurs
from labkit.inventory import Foreign, Inventory, Resource
from labkit.stacks import Stack


@pytest.fixture(scope="module")
def owner(session):
    return session.client("sts").get_caller_identity()["Arn"]


@pytest.fixture
def deploy(session, owner):
    """Return a function that deploys the lab's template and returns the stack's name."""

    def deploy_it(owner: str = owner, **parameters: str) -> str:
        name = f"clean-{uuid.uuid4().hex[:8]}"
        session.client("cloudformation").create_stack(
            StackName=name,
            TemplateBody=stacks.TEMPLATE.read_text(encoding="utf-8"),
            Capabilities=["CAPABILITY_IAM"],
            Parameters=[
                {"ParameterKey": key, "ParameterValue": value}
                for key, value in {"Owner": owner, **parameters}.items()
            ],
            Tags=[{"Key": "Owner", "Value": owner}],
        )
        return name

    return deploy_it


@pytest.fixture
def cloudformation(session):
    return session.client("cloudformation")


def test_everything_of_a_stack_goes_and_the_receipt_says_so(session, cloudformation, deploy):
    name = deploy()
    outputs = stacks.follow(cloudformation, name).outputs
    session.client("s3").put_object(Bucket=outputs["FlowLogBucketName"], Key="a", Body=b"1")
    receipt = clean_up.clean_up(session, name)
    assert receipt.clean and receipt.remaining == []
    types = {row.type: row.seen for row in receipt.rows}
    for type_ in ("EC2::VPC", "EC2::Instance", "EC2::VPCEndpoint", "EC2::FlowLog", "S3::Bucket",
                  "Logs::LogGroup", "IAM::Role", "EC2::SecurityGroup"):  # fmt: skip
        assert types[f"AWS::{type_}"] == "not found"
    assert types["AWS::CloudFormation::Stack"] == "DELETE_COMPLETE"
    assert stacks.describe(cloudformation, name) is None
    again = clean_up.clean_up(session, name)
    assert again.clean and again.rows == ()
    assert str(again) == f"There was no stack {name}: nothing to remove, nothing is left."


def test_the_steps_one_by_one_each_of_them_twice(session, cloudformation, deploy):
    name = deploy()
    bucket = stacks.follow(cloudformation, name).outputs["FlowLogBucketName"]
    found = clean_up.inventory(session, name)
    assert len(found.flow_log_ids) == 2 and found.bucket == bucket and found.foreign == ()
    assert "AWS::EC2::VPC" in found._repr_html_() and name in str(found)
    assert sorted(clean_up.delete_flow_logs(session, found)) == sorted(found.flow_log_ids)
    assert clean_up.delete_flow_logs(session, found) == []
    for _ in range(2):
        left = clean_up.stop_delivery(session, found)
        assert [statement["Effect"] for statement in left] == ["Deny"], "TLS only stays"
    policy = session.client("s3").get_bucket_policy(Bucket=bucket)["Policy"]
    assert json.loads(policy)["Statement"] == left
    for key in ("a", "b"):
        session.client("s3").put_object(Bucket=bucket, Key=key, Body=b"1")
    assert clean_up.empty_bucket(session, found) >= 2  # ours, and records of the agents
    assert clean_up.empty_bucket(session, found) == 0
    assert not clean_up.receipt(session, found, timeout_s=0).clean
    for _ in range(2):
        clean_up.delete_stack(session, found)
    receipt = clean_up.receipt(session, found)
    assert receipt.clean and "all of them are gone" in receipt._repr_html_()
    assert clean_up.stop_delivery(session, found) == []
    assert clean_up.empty_bucket(session, found) == 0


def test_versions_and_delete_markers_go_too(session, deploy, cloudformation):
    name = deploy()
    stacks.follow(cloudformation, name)
    found = clean_up.inventory(session, name)
    s3 = session.client("s3")
    s3.put_bucket_versioning(Bucket=found.bucket, VersioningConfiguration={"Status": "Enabled"})
    for _ in range(2):
        s3.put_object(Bucket=found.bucket, Key="a", Body=b"1")
    s3.delete_object(Bucket=found.bucket, Key="a")
    assert clean_up.empty_bucket(session, found) >= 3  # ours, and records of the agents
    assert clean_up.clean_up(session, name).clean


def test_the_learners_own_flow_log_goes_too(session, deploy, cloudformation):
    name = deploy()
    outputs = stacks.follow(cloudformation, name).outputs
    made = session.client("ec2").create_flow_logs(
        ResourceIds=[outputs["VpcId"]], ResourceType="VPC", TrafficType="REJECT",
        LogDestinationType="s3", LogDestination=f"arn:aws:s3:::{outputs['FlowLogBucketName']}",
    )  # fmt: skip
    assert made["FlowLogIds"][0] in clean_up.inventory(session, name).flow_log_ids
    receipt = clean_up.clean_up(session, name)
    assert made["FlowLogIds"][0] in [row.id for row in receipt.rows]
    assert receipt.clean


def test_an_add_on_goes_with_the_stack_and_before_it(session, deploy, cloudformation):
    name = deploy()
    lab = stacks.follow(cloudformation, name)
    asked = second_subnet.parameters(session.client("ec2"), lab)
    add_on = second_subnet.stack_name(name)
    cloudformation.create_stack(
        StackName=add_on,
        TemplateBody=second_subnet.TEMPLATE.read_text(encoding="utf-8"),
        Parameters=[{"ParameterKey": key, "ParameterValue": asked[key]} for key in asked],
    )
    stacks.follow(cloudformation, add_on)
    found = clean_up.inventory(session, name)
    assert [one.name for one in found.add_ons] == [add_on]
    assert len(found.flow_log_ids) == 4 and found.foreign == ()
    assert f"{add_on}: CREATE_COMPLETE" in str(found)
    receipt = clean_up.clean_up(session, name)
    assert receipt.clean
    gone = [row.id for row in receipt.rows if row.type == "AWS::CloudFormation::Stack"]
    assert gone == [name, add_on]
    assert second_subnet.add_ons(cloudformation, name) == []


def test_after_a_deploy_that_failed(session, deploy, cloudformation):
    name = deploy(AvailabilityZone="us-east-1z")
    with pytest.raises(StackFailed, match="PrivateSubnet"):
        stacks.follow(cloudformation, name)
    assert clean_up.inventory(session, name).resources == (), "what was rolled back is not there"
    assert clean_up.clean_up(session, name).clean
    assert stacks.describe(cloudformation, name) is None


def test_someone_elses_stack_is_not_touched(session, deploy, cloudformation, owner):
    bob = owner.rsplit("/", 1)[0] + "/bob"
    name = deploy(owner=bob)
    stack = stacks.follow(cloudformation, name)
    with pytest.raises(StackNotOurs, match=r"belongs to .*bob"):
        clean_up.clean_up(session, name)
    assert stacks.find(cloudformation, name).id == stack.id
    flow_logs = [stack.outputs["FlowLogToS3Id"], stack.outputs["FlowLogToCloudWatchLogsId"]]
    session.client("ec2").delete_flow_logs(FlowLogIds=flow_logs)
    bucket = session.resource("s3").Bucket(stack.outputs["FlowLogBucketName"])
    bucket.Policy().delete()
    bucket.objects.delete()  # the agents' records
    stacks.delete(cloudformation, name)


def test_what_the_stack_did_not_make_is_named(session, deploy, cloudformation):
    name = deploy()
    vpc_id = stacks.follow(cloudformation, name).outputs["VpcId"]
    ec2 = session.client("ec2")
    group_id = ec2.create_security_group(
        VpcId=vpc_id, GroupName="GuardDutyManagedSecurityGroup", Description="GuardDuty"
    )["GroupId"]
    stranger = Foreign("security group", group_id, "GuardDutyManagedSecurityGroup")
    assert clean_up.inventory(session, name).foreign == (stranger,)
    with pytest.raises(StackFailed, match=f"security group {group_id} .GuardDuty") as caught:
        clean_up.clean_up(session, name)
    assert "then run 99_clean_up again" in str(caught.value)
    ec2.delete_security_group(GroupId=group_id)
    assert clean_up.clean_up(session, name).clean


class LateDelivery:
    """A session whose stack fails to be deleted some times, since records still arrive."""

    def __init__(self, late_objects: int, gone_flow_log: bool = False) -> None:
        self.late = late_objects
        self.objects = 0
        self.gone_flow_log = gone_flow_log
        self.retained: list[list[str]] = []
        self.status = "CREATE_COMPLETE"
        self.events = 0

    def client(self, service: str) -> Any:
        return self

    def describe_stacks(self, StackName: str) -> dict:
        return {"Stacks": [{"StackName": "alice", "StackId": "id", "StackStatus": self.status}]}

    def delete_stack(self, StackName: str, RetainResources: list[str] | None = None) -> None:
        self.retained.append(RetainResources or [])
        self.events += 1
        self.objects += self.late > 0
        self.late -= 1
        stays = self.objects > 0 or (self.gone_flow_log and not RetainResources)
        self.status = "DELETE_FAILED" if stays else "DELETE_COMPLETE"

    def describe_stack_resources(self, StackName: str) -> dict:
        types = {"Bucket": "AWS::S3::Bucket", "FlowLog": "AWS::EC2::FlowLog"}
        return {"StackResources": [
            {"LogicalResourceId": name, "ResourceType": type_, "PhysicalResourceId": name,
             "ResourceStatus": "DELETE_FAILED"} for name, type_ in types.items()]}  # fmt: skip

    def describe_flow_logs(self, Filter: list) -> dict:
        return {"FlowLogs": []}

    def head_bucket(self, Bucket: str) -> None:
        pass

    def delete_objects(self, Bucket: str, Delete: dict) -> dict:
        self.objects -= len(Delete["Objects"])
        return {}

    def get_paginator(self, operation: str) -> Any:
        script = self

        class Pages:
            def paginate(self, **parameters: Any):
                if operation == "describe_stacks":
                    return [script.describe_stacks("alice")]
                if operation == "list_object_versions":
                    versions = [{"Key": "late", "VersionId": "null"}] * script.objects
                    return [{"Versions": versions} if versions else {}]
                event = {"EventId": f"e{script.events}", "Timestamp": NOON,
                         "LogicalResourceId": "alice", "ResourceStatus": script.status,
                         "ResourceType": "AWS::CloudFormation::Stack"}  # fmt: skip
                return [{"StackEvents": [event]}]

        return Pages()


NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
ALICE = Inventory("alice", Stack("alice", "id", "CREATE_COMPLETE"), (), (), ())


@pytest.mark.parametrize("late", [0, 1, 3])
def test_objects_that_come_late_are_removed_and_the_stack_deleted_again(late):
    aws, seen = LateDelivery(late), []
    clean_up.delete_stack(aws, ALICE, watch=seen.append)
    assert aws.status == "DELETE_COMPLETE"
    assert len(aws.retained) == late + 1
    assert sum("1 late objects deleted" in str(one) for one in seen) == late


def test_after_three_more_tries_it_is_given_up():
    aws = LateDelivery(9)
    with pytest.raises(StackFailed, match="DELETE_FAILED"):
        clean_up.delete_stack(aws, ALICE)
    assert len(aws.retained) == 4


def test_a_flow_log_that_cloudformation_cannot_delete_since_it_is_gone_is_left_out():
    aws = LateDelivery(0, gone_flow_log=True)
    clean_up.delete_stack(aws, ALICE)
    assert aws.retained == [[], ["FlowLog"]], "not the bucket, which is still there"


def test_an_answer_that_forbids_is_no_proof_that_a_thing_is_gone():
    class Forbidding(LateDelivery):
        def head_bucket(self, Bucket: str) -> None:
            raise ClientError({"Error": {"Code": "403", "Message": "Forbidden"}}, "HeadBucket")

    found = replace(ALICE, resources=(Resource("Bucket", "AWS::S3::Bucket", "b", ""),))
    with pytest.raises(ClientError, match="403"):
        clean_up.receipt(Forbidding(0), found)
