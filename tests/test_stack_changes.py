"""Deploying by change sets, against the emulator's CloudFormation through its API."""

import json

import pytest

from labkit import stacks
from labkit.errors import StackFailed


@pytest.fixture
def cloudformation(session):
    return session.client("cloudformation")


@pytest.fixture
def name(cloudformation, request):
    stack_name = "changes-" + request.node.name.replace("_", "-")[:60].strip("-")
    yield stack_name
    stacks.delete(cloudformation, stack_name, timeout_s=60)


def template(**resources) -> str:
    """Return a template of log groups: logical id -> its properties."""
    return json.dumps(
        {
            "Parameters": {"Days": {"Type": "Number", "Default": 7}},
            "Resources": {
                logical_id: {"Type": "AWS::Logs::LogGroup", "Properties": properties}
                for logical_id, properties in resources.items()
            },
            "Outputs": {"Days": {"Value": {"Ref": "Days"}}},
        }
    )


DAYS = {"RetentionInDays": {"Ref": "Days"}}


def test_a_new_stack_is_planned_then_made(cloudformation, name):
    seen: list = []
    stack = stacks.deploy(cloudformation, name, template(Flow=DAYS), watch=seen.append)
    assert (stack.status, stack.outputs) == ("CREATE_COMPLETE", {"Days": "7"})
    told = [one for one in seen if isinstance(one, stacks.Change)]
    assert [str(one) for one in told] == ["Add Flow AWS::Logs::LogGroup"]
    events = [one.status for one in seen if isinstance(one, stacks.Event)]
    assert events[0] == "CREATE_IN_PROGRESS"
    assert events[-1] == "CREATE_COMPLETE"


def test_a_plan_alone_makes_nothing(cloudformation, name):
    planned = stacks.plan(cloudformation, name, template(Flow=DAYS))
    assert planned.stack.status == "REVIEW_IN_PROGRESS"
    assert stacks.resources(cloudformation, name).empty
    with pytest.raises(StackFailed, match="a change set waits"):
        stacks.find(cloudformation, name)
    assert stacks.execute(cloudformation, planned).status == "CREATE_COMPLETE"


def test_a_plan_says_what_changes_in_place_what_is_replaced_and_what_goes(cloudformation, name):
    before = template(Kept=DAYS, Renamed={"LogGroupName": f"{name}-a"}, Gone={})
    stacks.deploy(cloudformation, name, before)
    after = template(Kept=DAYS, Renamed={"LogGroupName": f"{name}-b"}, New={})
    planned = stacks.plan(cloudformation, name, after, parameters={"Days": "14"})
    changes = planned.frame().set_index("resource")
    assert changes.action.to_dict() == {
        "Kept": "Modify", "Renamed": "Modify", "New": "Add", "Gone": "Remove",
    }  # fmt: skip
    assert changes.replacement[["Kept", "Renamed"]].tolist() == ["False", "True"]
    assert changes.because_of[["Kept", "Renamed"]].tolist() == ["RetentionInDays", "LogGroupName"]
    assert stacks.execute(cloudformation, planned).status == "UPDATE_COMPLETE"
    groups = stacks.resources(cloudformation, name).set_index("LogicalResourceId")
    assert set(groups.index) == {"Kept", "Renamed", "New"}
    assert groups.PhysicalResourceId["Renamed"] == f"{name}-b"


def test_a_parameter_that_is_left_out_keeps_its_value(cloudformation, name):
    stacks.deploy(cloudformation, name, template(Flow=DAYS), parameters={"Days": "30"})
    stack = stacks.deploy(cloudformation, name, template(Flow=DAYS, Second={}))
    assert stack.outputs == {"Days": "30"}


def test_only_the_events_of_the_update_are_told(cloudformation, name):
    stacks.deploy(cloudformation, name, template(Flow=DAYS))
    seen: list = []
    stacks.deploy(cloudformation, name, template(Flow=DAYS, Second={}), watch=seen.append)
    events = [one for one in seen if isinstance(one, stacks.Event)]
    assert events[0].status == "UPDATE_IN_PROGRESS"
    assert {one.logical_id for one in events} == {name, "Second"}


def test_a_stack_that_is_as_wanted_stays_as_it_is(cloudformation, name):
    stacks.deploy(cloudformation, name, template(Flow=DAYS))
    planned = stacks.plan(cloudformation, name, template(Flow=DAYS))
    assert len(planned) == 0
    assert stacks.execute(cloudformation, planned).status == "CREATE_COMPLETE"
    left = cloudformation.list_change_sets(StackName=name)["Summaries"]
    assert [one["ExecutionStatus"] for one in left] == ["EXECUTE_COMPLETE"], "that of the creation"


def test_a_failed_update_is_undone_and_says_why(cloudformation, name):
    stacks.deploy(cloudformation, name, template(Flow={"LogGroupName": f"{name}-a"}))
    taken = template(Flow={"LogGroupName": f"{name}-a"}, Second={"LogGroupName": f"{name}-a"})
    with pytest.raises(StackFailed, match=r"UPDATE_ROLLBACK_COMPLETE.*Second.*already exists") as e:
        stacks.deploy(cloudformation, name, taken)
    assert "Hint: Something of that name" in str(e.value)
    assert stacks.find(cloudformation, name).status == "UPDATE_ROLLBACK_COMPLETE"


def test_a_stack_that_rolled_back_can_only_be_deleted(cloudformation, name):
    cloudformation.create_stack(
        StackName=name, TemplateBody=template(A={"LogGroupName": "x/" + "y" * 600})
    )
    with pytest.raises(StackFailed):
        stacks.follow(cloudformation, name)
    with pytest.raises(StackFailed, match="ROLLBACK_COMPLETE: it can only be deleted"):
        stacks.plan(cloudformation, name, template(Flow=DAYS))
