"""Stacks, told by scripted answers in the shapes of CloudFormation's API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from labkit import stacks
from labkit.errors import StackFailed, StackMissing, StackNotOurs
from labkit.stacks import Event, Stack

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
NAME = "flow-logs-lab-alice"
ID = f"arn:aws:cloudformation:us-east-1:123456789012:stack/{NAME}/11111111"
STACK = "AWS::CloudFormation::Stack"
CANCELLED = "Resource creation cancelled"
ALICE = "arn:aws:iam::123456789012:user/alice"


def event(index: int, logical_id: str, status: str, reason: str = "", type_: str = "") -> dict:
    is_stack = logical_id == NAME
    return {
        "EventId": f"e{index}", "Timestamp": NOON + timedelta(seconds=index),
        "StackId": ID, "StackName": NAME, "LogicalResourceId": logical_id,
        "ResourceType": STACK if is_stack else type_ or f"AWS::EC2::{logical_id}",
        "PhysicalResourceId": ID if is_stack else f"id-{logical_id}",
        "ResourceStatus": status, **({"ResourceStatusReason": reason} if reason else {}),
    }  # fmt: skip


def missing(stack_name: str, operation: str) -> ClientError:
    message = f"Stack with id {stack_name} does not exist"
    return ClientError({"Error": {"Code": "ValidationError", "Message": message}}, operation)


class ScriptedCloudFormation:
    """Answers as CloudFormation does: the story moves on by some events with each look."""

    def __init__(self, *story: tuple[str, list[dict]], tags: dict[str, str] | None = None) -> None:
        self.story = list(story)
        self.tags = tags or {}
        self.told: list[dict] = []
        self.status = ""
        self.deletions = 0
        self.deletion: list[tuple[str, list[dict]]] = []
        self.pages_read = 0
        self.others: list[dict] = []
        self.resources: list[dict] = []
        self.retained: list[str] | None = None
        self.nested: dict[str, list[dict]] = {}

    def describe_stacks(self, StackName: str) -> dict:
        if self.story:
            self.status, happened = self.story.pop(0)
            self.told += happened
        if not self.status or (self.status == "DELETE_COMPLETE" and StackName == NAME):
            raise missing(StackName, "DescribeStacks")
        return {"Stacks": [self._stack()]}

    def _stack(self) -> dict:
        return {
            "StackName": NAME, "StackId": ID, "StackStatus": self.status,
            "CreationTime": NOON,
            "Outputs": [{"OutputKey": "VpcId", "OutputValue": "vpc-1"}],
            "Parameters": [{"ParameterKey": "ImageId", "ParameterValue": "/aws/service/x",
                            "ResolvedValue": "ami-1"}],
            "Tags": [{"Key": key, "Value": value} for key, value in self.tags.items()],
        }  # fmt: skip

    def describe_stack_resources(self, StackName: str) -> dict:
        if not self.resources:
            raise missing(StackName, "DescribeStackResources")
        return {"StackResources": self.resources}

    def delete_stack(self, StackName: str, RetainResources: list[str] | None = None) -> dict:
        self.deletions += 1
        self.retained = RetainResources
        self.story += self.deletion
        return {}

    def get_paginator(self, operation: str) -> Any:
        return Pages(self, operation)


class Pages:
    def __init__(self, script: ScriptedCloudFormation, operation: str) -> None:
        self.script = script
        self.operation = operation

    def paginate(self, **parameters: str):
        if self.operation == "describe_stacks":
            yield {"Stacks": self.script.others}
            return
        told = self.script.nested.get(parameters["StackName"], self.script.told)
        newest_first = told[::-1]
        for start in range(0, len(newest_first), 2):
            self.script.pages_read += 1
            yield {"StackEvents": newest_first[start : start + 2]}


CREATED = [
    ("CREATE_IN_PROGRESS", [event(1, NAME, "CREATE_IN_PROGRESS"),
                            event(2, "VPC", "CREATE_IN_PROGRESS")]),
    ("CREATE_IN_PROGRESS", []),
    ("CREATE_IN_PROGRESS", [event(3, "VPC", "CREATE_COMPLETE"),
                            event(4, "Subnet", "CREATE_IN_PROGRESS"),
                            event(5, "Subnet", "CREATE_COMPLETE")]),
    ("CREATE_COMPLETE", [event(6, NAME, "CREATE_COMPLETE")]),
]  # fmt: skip
ROLLED_BACK = [
    ("CREATE_IN_PROGRESS", [event(1, NAME, "CREATE_IN_PROGRESS"),
                            event(2, "VPC", "CREATE_IN_PROGRESS")]),
    ("ROLLBACK_IN_PROGRESS", [event(3, "Subnet", "CREATE_FAILED", CANCELLED),
                              event(4, "Instance", "CREATE_FAILED", "no t4g.micro in us-east-1e"),
                              event(5, "Bucket", "CREATE_FAILED", CANCELLED),
                              event(6, "Route", "CREATE_FAILED", "later"),
                              event(7, NAME, "ROLLBACK_IN_PROGRESS", "The following ...")]),
    ("ROLLBACK_COMPLETE", [event(8, NAME, "ROLLBACK_COMPLETE")]),
]  # fmt: skip
DELETED = [
    ("DELETE_IN_PROGRESS", [event(21, NAME, "DELETE_IN_PROGRESS")]),
    ("DELETE_COMPLETE", [event(22, "VPC", "DELETE_COMPLETE"),
                         event(23, NAME, "DELETE_COMPLETE")]),
]  # fmt: skip
DELETE_FAILED = [
    ("DELETE_IN_PROGRESS", [event(11, NAME, "DELETE_IN_PROGRESS")]),
    ("DELETE_FAILED", [event(12, "Bucket", "DELETE_FAILED", "The bucket is not empty"),
                       event(13, NAME, "DELETE_FAILED", "failed to delete: [Bucket]")]),
]  # fmt: skip


def events_of(story) -> list[Event]:
    script = ScriptedCloudFormation()
    script.told = [one for _, told in story for one in told]
    return stacks.events(script, NAME)


def heard(seen: list) -> list[str]:
    return [one.id for one in seen if isinstance(one, Event)]


def test_events_come_oldest_first_and_none_older_than_the_known_one_is_asked_for():
    script = ScriptedCloudFormation()
    script.told = [event(index, "VPC", "CREATE_IN_PROGRESS") for index in range(1, 10)]
    assert [one.id for one in stacks.events(script, NAME)] == [f"e{n}" for n in range(1, 10)]
    script.pages_read = 0
    assert [one.id for one in stacks.events(script, NAME, after="e7")] == ["e8", "e9"]
    assert script.pages_read == 2


def test_follow_tells_each_event_once_and_returns_the_stack():
    seen: list = []
    stack = stacks.follow(ScriptedCloudFormation(*CREATED), NAME, watch=seen.append)
    assert heard(seen) == ["e1", "e2", "e3", "e4", "e5", "e6"]
    assert (stack.status, stack.outputs) == ("CREATE_COMPLETE", {"VpcId": "vpc-1"})
    assert stack.parameters == {"ImageId": "ami-1"}, "the value, not the name of a parameter"


def test_follow_raises_the_first_cause():
    with pytest.raises(StackFailed) as caught:
        stacks.follow(ScriptedCloudFormation(*ROLLED_BACK), NAME)
    assert caught.value.status == "ROLLBACK_COMPLETE"
    assert caught.value.cause.logical_id == "Instance"
    assert "no t4g.micro in us-east-1e" in str(caught.value)
    assert "99_clean_up" in str(caught.value)


def test_follow_refuses_a_missing_stack():
    with pytest.raises(StackMissing, match="run 01_deploy first"):
        stacks.follow(ScriptedCloudFormation(), NAME)


@pytest.mark.parametrize(
    ("story", "cause"),
    [
        pytest.param(CREATED, None, id="nothing failed"),
        pytest.param(ROLLED_BACK, "e4", id="the earliest that was not cancelled"),
        pytest.param(ROLLED_BACK + DELETE_FAILED, "e12", id="of the last operation only"),
        pytest.param(
            [("CREATE_FAILED", [event(1, NAME, "CREATE_IN_PROGRESS"),
                                event(2, NAME, "CREATE_FAILED", "validation failed")])],
            "e2", id="the stack itself if no resource failed",
        ),
    ],
)  # fmt: skip
def test_first_cause(story, cause):
    found = stacks.first_cause(events_of(story))
    assert (found.id if found else None) == cause


@pytest.mark.parametrize(
    ("story", "says"),
    [
        pytest.param(ROLLED_BACK, "ROLLBACK_COMPLETE: it can only be deleted; run 99_clean_up",
                     id="a stack that rolled back"),
        pytest.param(CREATED + DELETE_FAILED, r"DELETE_FAILED: run 99_clean_up.*Bucket .AWS::EC2",
                     id="a stack whose deletion failed"),
        pytest.param(CREATED[:1], "CREATE_IN_PROGRESS: wait until it has settled",
                     id="a stack under way"),
    ],
)  # fmt: skip
def test_find_says_why_a_stack_is_of_no_use(story, says):
    script = ScriptedCloudFormation()
    script.told = [one for _, told in story for one in told]
    script.status = story[-1][0]
    with pytest.raises(StackFailed, match=says) as caught:
        stacks.find(script, NAME)
    assert "\n" not in str(caught.value)


def test_find_returns_a_stack_that_is_ready():
    script = ScriptedCloudFormation()
    script.status = "CREATE_COMPLETE"
    assert stacks.find(script, NAME).id == ID


def test_find_names_the_stacks_of_the_lab_that_exist():
    def other(name: str, parameters: list[str]) -> dict:
        listed = [{"ParameterKey": key, "ParameterValue": ""} for key in parameters]
        return {"StackName": name, "StackId": name, "StackStatus": "CREATE_COMPLETE",
                "Parameters": listed}  # fmt: skip

    script = ScriptedCloudFormation()
    script.others = [other("flow-logs-lab-bob", sorted(stacks.LAB_PARAMETERS)),
                     other("payroll", ["Prefix"])]  # fmt: skip
    with pytest.raises(StackMissing, match=f"no stack {NAME}: run 01_deploy first") as caught:
        stacks.find(script, NAME)
    assert "flow-logs-lab-bob: is the prefix right?" in str(caught.value)
    assert caught.value.existing == ("flow-logs-lab-bob",)


@pytest.mark.parametrize(
    ("status", "owner", "outcome"),
    [
        pytest.param("", ALICE, None, id="the name is free"),
        pytest.param("CREATE_COMPLETE", ALICE, "CREATE_COMPLETE", id="ours, ready"),
        pytest.param("CREATE_IN_PROGRESS", ALICE, "CREATE_IN_PROGRESS", id="ours, under way"),
        pytest.param("ROLLBACK_COMPLETE", ALICE, StackFailed, id="ours, failed"),
        pytest.param("DELETE_IN_PROGRESS", ALICE, StackFailed, id="ours, going"),
        pytest.param("CREATE_COMPLETE", ALICE.replace("alice", "bob"), StackNotOurs, id="taken"),
    ],
)  # fmt: skip
def test_look_for(status, owner, outcome):
    script = ScriptedCloudFormation(tags={"Owner": owner})
    script.status = status
    script.told = [event(1, NAME, "CREATE_IN_PROGRESS")]
    if isinstance(outcome, type):
        with pytest.raises(outcome):
            stacks.look_for(script, NAME, owner=ALICE)
    else:
        stack = stacks.look_for(script, NAME, owner=ALICE)
        assert (stack.status if stack else None) == outcome


SSO = "arn:aws:sts::123456789012:assumed-role/Students/"


@pytest.mark.parametrize(
    ("owner", "arn", "refused"),
    [
        pytest.param(ALICE, ALICE, False, id="one's own"),
        pytest.param(ALICE, ALICE.replace("alice", "bob"), True, id="a colleague's"),
        pytest.param(None, ALICE, True, id="nobody's"),
        pytest.param(SSO + "a@example.com", SSO + "b@example.com", True, id="one role, two people"),
        pytest.param(SSO + "botocore-session-1760000000", SSO + "botocore-session-1760009999",
                     False, id="one role, session names from the clock"),
        pytest.param(SSO + "botocore-session-1760000000", SSO + "b@example.com", True,
                     id="a role against a person of it"),
    ],
)  # fmt: skip
def test_check_owner(owner, arn, refused):
    stack = Stack(NAME, ID, "CREATE_COMPLETE", tags={"Owner": owner} if owner else {})
    if refused:
        with pytest.raises(StackNotOurs, match="hoose another prefix"):
            stacks.check_owner(stack, arn)
    else:
        stacks.check_owner(stack, arn)


CHILD = ID.replace(NAME, f"{NAME}-Network-1A2B3C").replace("11111111", "22222222")
EMBEDDED = f"Embedded stack {CHILD} was not successfully created: ... failed to create: [Subnet]"


def in_child(at: float, logical_id: str, status: str, reason: str = "") -> dict:
    """An event of the nested stack, half a second after that of the same number around it."""
    own = logical_id == "child"
    return {
        **event(0, logical_id, status, reason),
        "EventId": f"c{at}", "Timestamp": NOON + timedelta(seconds=at), "StackId": CHILD,
        **({"ResourceType": STACK, "PhysicalResourceId": CHILD} if own else {}),
    }  # fmt: skip


def nested(index: int, status: str, reason: str = "") -> dict:
    return event(index, "Network", status, reason, type_=STACK) | {"PhysicalResourceId": CHILD}


NESTED_FAILURE = [
    event(1, NAME, "CREATE_IN_PROGRESS"),
    event(2, "Network", "CREATE_IN_PROGRESS", type_=STACK) | {"PhysicalResourceId": ""},
    nested(3, "CREATE_IN_PROGRESS", "Resource creation Initiated"),
    event(7, "Bucket", "CREATE_FAILED", CANCELLED),
    nested(8, "CREATE_FAILED", EMBEDDED),
    event(9, NAME, "ROLLBACK_IN_PROGRESS"),
    event(12, NAME, "ROLLBACK_COMPLETE"),
]
IN_CHILD = [
    in_child(2.5, "child", "CREATE_IN_PROGRESS"),
    in_child(4, "VPC", "CREATE_COMPLETE"),
    in_child(5, "Subnet", "CREATE_FAILED", "The CIDR '10.0.0.0/24' conflicts with another subnet"),
    in_child(5.5, "child", "ROLLBACK_IN_PROGRESS"),
]


def with_nested(*story: tuple[str, list[dict]]) -> ScriptedCloudFormation:
    script = ScriptedCloudFormation(*story)
    script.nested = {CHILD: IN_CHILD}
    return script


def test_events_of_nested_stacks_are_told_in_the_order_of_their_times():
    seen: list = []
    script = with_nested(("CREATE_IN_PROGRESS", NESTED_FAILURE[:4]),
                         ("ROLLBACK_COMPLETE", NESTED_FAILURE[4:]))  # fmt: skip
    with pytest.raises(StackFailed):
        stacks.follow(script, NAME, watch=seen.append)
    told = heard(seen)
    assert told == ["e1", "e2", "c2.5", "e3", "c4", "c5", "c5.5", "e7", "e8", "e9", "e12"]
    subnet = next(one for one in seen if isinstance(one, Event) and one.id == "c5")
    assert str(subnet).startswith("12:00:05 CREATE_FAILED Network/Subnet AWS::EC2::Subnet (The")


def test_the_cause_is_found_in_a_nested_stack_and_comes_with_a_hint():
    script = with_nested(("ROLLBACK_COMPLETE", NESTED_FAILURE))
    with pytest.raises(StackFailed) as caught:
        stacks.follow(script, NAME)
    assert caught.value.cause.name == "Network/Subnet"
    said = str(caught.value)
    assert "First cause: Network/Subnet (AWS::EC2::Subnet): The CIDR '10.0.0.0/24'" in said
    assert said.endswith("Hint: The subnet's addresses overlap with those of another one: choose "
                         "a CidrBlock of its own.")  # fmt: skip


def test_without_the_events_of_the_nested_stack_its_own_failure_is_the_cause():
    script = ScriptedCloudFormation()
    script.told = NESTED_FAILURE
    assert stacks.first_cause(stacks.events(script, NAME)).logical_id == "Network"


def test_a_resource_that_is_a_stack_begins_no_operation():
    update = [event(20, NAME, "UPDATE_IN_PROGRESS"),
              event(21, "Instance", "UPDATE_FAILED", "no such type"),
              nested(22, "UPDATE_IN_PROGRESS"), nested(23, "UPDATE_COMPLETE")]  # fmt: skip
    script = ScriptedCloudFormation()
    script.told = NESTED_FAILURE + update
    assert stacks.first_cause(stacks.events(script, NAME)).id == "e21"


def test_of_an_update_only_its_own_events_are_told_of_nested_stacks_too():
    script = deletable(("DELETE_IN_PROGRESS", [event(21, NAME, "DELETE_IN_PROGRESS"),
                                               nested(22, "DELETE_IN_PROGRESS")]),
                       ("DELETE_COMPLETE", [event(24, NAME, "DELETE_COMPLETE")]))  # fmt: skip
    script.nested = {CHILD: [*IN_CHILD, in_child(23, "VPC", "DELETE_COMPLETE")]}
    seen: list = []
    stacks.delete(script, NAME, timeout_s=10, watch=seen.append)
    assert heard(seen) == ["e21", "e22", "c23", "e24"]


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        ("REVIEW_IN_PROGRESS", "execute it, or delete the stack"),
        ("UPDATE_ROLLBACK_FAILED", "continue_update_rollback"),
        ("UPDATE_FAILED", "mend the cause and deploy again"),
        ("UPDATE_IN_PROGRESS", "wait until it has settled"),
        ("ROLLBACK_FAILED", "it can only be deleted"),
    ],
)
def test_each_state_of_no_use_says_what_to_do(status, advice):
    script = ScriptedCloudFormation()
    script.status = status
    with pytest.raises(StackFailed, match=advice):
        stacks.find(script, NAME)


def deletable(*deletion) -> ScriptedCloudFormation:
    script = ScriptedCloudFormation(*CREATED)
    while script.story:
        script.describe_stacks(NAME)
    script.deletion = list(deletion)
    return script


def test_delete_waits_until_the_stack_is_gone_and_tells_only_its_events():
    script, seen = deletable(*DELETED), []
    stacks.delete(script, NAME, timeout_s=10, watch=seen.append)
    assert heard(seen) == ["e21", "e22", "e23"]
    assert stacks.describe(script, NAME) is None


def test_delete_does_not_take_the_state_before_it_for_the_outcome():
    script = deletable(("CREATE_COMPLETE", []), *DELETED)
    stacks.delete(script, NAME, timeout_s=10)
    assert script.status == "DELETE_COMPLETE"


def test_delete_names_what_stayed():
    with pytest.raises(StackFailed, match=r"What stayed: Bucket .*The bucket is not empty"):
        stacks.delete(deletable(*DELETE_FAILED), NAME, timeout_s=10)


def test_delete_of_nothing_is_fine():
    script = ScriptedCloudFormation()
    stacks.delete(script, NAME, timeout_s=10)
    assert script.deletions == 0


def test_delete_may_leave_something_alone():
    script = deletable(*DELETED)
    stacks.delete(script, NAME, timeout_s=10, retain=["FlowLogToS3"])
    assert script.retained == ["FlowLogToS3"]


def test_resources_are_named_as_aws_names_them():
    script = ScriptedCloudFormation()
    script.resources = [{"LogicalResourceId": "VPC", "ResourceType": "AWS::EC2::VPC",
                         "PhysicalResourceId": "vpc-1", "ResourceStatus": "CREATE_COMPLETE",
                         "StackName": NAME},
                        {"LogicalResourceId": "Subnet", "ResourceType": "AWS::EC2::Subnet",
                         "ResourceStatus": "CREATE_IN_PROGRESS"}]  # fmt: skip
    frame = stacks.resources(script, NAME)
    assert list(frame.columns) == [
        "LogicalResourceId", "ResourceType", "PhysicalResourceId", "ResourceStatus",
    ]  # fmt: skip
    assert frame.PhysicalResourceId.isna().tolist() == [False, True]


def test_resources_of_a_missing_stack():
    with pytest.raises(StackMissing, match="run 01_deploy first"):
        stacks.resources(ScriptedCloudFormation(), NAME)
