"""Updates: what is kept, changed, replaced and removed, and how a failed one goes back.

Sources: docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_UpdateStack.html,
docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-update-behaviors.html
"""

import threading

import pytest

from labkit.emulator.cloudformation.providers.logs import LogGroup
from labkit.emulator.cloudformation.providers.provider import HandlerError
from labkit.emulator.cloudformation.providers.ssm import Parameter
from labkit.emulator.refusal import ServiceError

PARAMETER = "{Type: AWS::SSM::Parameter, Properties: {Type: String, Value: %s}}"


def template(*resources, **outputs):
    lines = ["Parameters: {Word: {Type: String, Default: one}}", "Resources:", *resources]
    if outputs:
        lines += ["Outputs:", *(f"  {name}: {{Value: {value}}}" for name, value in outputs.items())]
    return "\n".join(lines)


def parameter(name, value):
    return f"  {name}: {PARAMETER % value}"


def group(name, physical, rest=""):
    return (
        f"  {name}: {{Type: AWS::Logs::LogGroup, Properties: {{LogGroupName: {physical}}}{rest}}}"
    )


def bad_vpc(name, needs=None):
    depends = f", DependsOn: {needs}" if needs else ""
    return f"  {name}: {{Type: AWS::EC2::VPC, Properties: {{CidrBlock: 10.0.0.0/99}}{depends}}}"


ONE = template(parameter("P", "!Ref Word"))


def value_of(inner, name):
    return inner("ssm", "us-east-1").get_parameter(Name=name)["Parameter"]["Value"]


def groups_of(inner, prefix):
    found = inner("logs", "us-east-1").describe_log_groups(logGroupNamePrefix=prefix)["logGroups"]
    return {group["logGroupName"] for group in found}


def since_update(cloudformation, name):
    events = cloudformation.events(name)
    return events[events.index((name, "UPDATE_IN_PROGRESS")) :]


def given(**values):
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]


# --- What succeeds


def test_a_property_that_can_be_changed_in_place(cloudformation, inner, unique):
    cloudformation.create(unique, ONE)
    physical_id = cloudformation.physical_id(unique, "P")
    stack = cloudformation.update(unique, Parameters=given(Word="two"))
    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    assert stack["LastUpdatedTime"] > stack["CreationTime"]
    assert cloudformation.physical_id(unique, "P") == physical_id
    assert value_of(inner, physical_id) == "two"
    assert since_update(cloudformation, unique) == [
        (unique, "UPDATE_IN_PROGRESS"),
        ("P", "UPDATE_IN_PROGRESS"),
        ("P", "UPDATE_COMPLETE"),
        (unique, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"),
        (unique, "UPDATE_COMPLETE"),
    ]


def test_a_create_only_property_makes_a_new_resource_before_the_old_one_goes(
    cloudformation, inner, unique
):
    """Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/ (update behaviors)."""
    cloudformation.create(unique, template(group("G", f"{unique}-old")))
    cloudformation.update(unique, template(group("G", f"{unique}-new")))
    assert cloudformation.physical_id(unique, "G") == f"{unique}-new"
    assert groups_of(inner, f"{unique}-") == {f"{unique}-new"}
    assert since_update(cloudformation, unique) == [
        (unique, "UPDATE_IN_PROGRESS"),
        ("G", "UPDATE_IN_PROGRESS"),
        ("G", "UPDATE_IN_PROGRESS"),
        ("G", "UPDATE_COMPLETE"),
        (unique, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"),
        ("G", "DELETE_IN_PROGRESS"),
        ("G", "DELETE_COMPLETE"),
        (unique, "UPDATE_COMPLETE"),
    ]
    assert "hence creating one" in cloudformation.reason(unique, "G", "UPDATE_IN_PROGRESS")
    assert cloudformation.delete(unique)["StackStatus"] == "DELETE_COMPLETE"
    assert not groups_of(inner, f"{unique}-")


def test_what_is_replaced_stays_if_its_update_replace_policy_says_so(cloudformation, inner, unique):
    """docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/
    aws-attribute-updatereplacepolicy.html.
    """
    retain = ", UpdateReplacePolicy: Retain"
    cloudformation.create(unique, template(group("G", f"{unique}-old", retain)))
    cloudformation.update(unique, template(group("G", f"{unique}-new", retain)))
    assert groups_of(inner, f"{unique}-") == {f"{unique}-old", f"{unique}-new"}
    assert ("G", "DELETE_SKIPPED") in since_update(cloudformation, unique)


def test_the_replacement_goes_at_a_rollback_whatever_the_deletion_policy(
    cloudformation, inner, unique
):
    """Else its name would be taken when the update is tried again."""
    retain = ", DeletionPolicy: Retain"
    cloudformation.create(unique, template(group("G", f"{unique}-old", retain)))
    after = template(group("G", f"{unique}-new", retain), bad_vpc("Vpc", "G"))
    assert cloudformation.update(unique, after)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert groups_of(inner, f"{unique}-") == {f"{unique}-old"}


def test_what_refers_to_a_replaced_resource_is_updated(cloudformation, inner, unique):
    def body(name):
        return template(group("G", name), parameter("P", "!Ref G"), Out="!Ref G")

    cloudformation.create(unique, body(f"{unique}-a"))
    stack = cloudformation.update(unique, body(f"{unique}-b"))
    assert value_of(inner, cloudformation.physical_id(unique, "P")) == f"{unique}-b"
    assert stack["Outputs"][0]["OutputValue"] == f"{unique}-b"


def test_resources_are_added_and_removed(cloudformation, inner, unique):
    cloudformation.create(unique, template(group("Old", f"{unique}-o"), parameter("P", "a")))
    stack = cloudformation.update(
        unique, template(group("New", f"{unique}-n"), parameter("P", "a"))
    )
    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    assert groups_of(inner, f"{unique}-") == {f"{unique}-n"}
    names = {
        one["LogicalResourceId"]
        for one in cloudformation("DescribeStackResources", StackName=unique)["StackResources"]
    }
    assert names == {"New", "P"}
    events = since_update(cloudformation, unique)
    assert ("P", "UPDATE_IN_PROGRESS") not in events
    assert events.index(("New", "CREATE_COMPLETE")) < events.index(("Old", "DELETE_IN_PROGRESS"))


@pytest.mark.parametrize(
    ("policy", "change", "stays"),
    [
        pytest.param("", "rename", False, id="replaced"),
        pytest.param(", DeletionPolicy: Retain", "remove", True, id="retained when removed"),
        pytest.param(", DeletionPolicy: Retain", "rename", False, id="a policy for the other case"),
    ],
)
def test_policies_of_what_is_no_longer_wanted(cloudformation, inner, unique, policy, change, stays):
    other = parameter("P", "a")
    cloudformation.create(unique, template(group("G", f"{unique}-old", policy), other))
    after = [other] if change == "remove" else [group("G", f"{unique}-new", policy), other]
    cloudformation.update(unique, template(*after))
    assert (f"{unique}-old" in groups_of(inner, unique)) == stays
    assert (("G", "DELETE_SKIPPED") in cloudformation.events(unique)) == stays


def test_a_condition_that_no_longer_holds_removes_its_resource(cloudformation, inner, unique):
    body = template(parameter("P", "!Ref Word"), group("G", f"{unique}-g", ", Condition: IsOne"))
    body += "\nConditions: {IsOne: !Equals [!Ref Word, one]}"
    cloudformation.create(unique, body)
    assert groups_of(inner, unique)
    cloudformation.update(unique, Parameters=given(Word="two"))
    assert not groups_of(inner, unique)


def test_only_an_output_changes(cloudformation, unique):
    cloudformation.create(unique, ONE)
    stack = cloudformation.update(unique, template(parameter("P", "!Ref Word"), O="x"))
    assert [one["OutputValue"] for one in stack["Outputs"]] == ["x"]


def test_tags_stay_unless_they_are_given(cloudformation, unique):
    """Source: docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_UpdateStack.html."""
    tags = [{"Key": "course", "Value": "networks"}]
    cloudformation.create(unique, ONE, Tags=tags)
    assert cloudformation.update(unique, Parameters=given(Word="2"))["Tags"] == tags
    assert cloudformation.update(unique, Parameters=given(Word="3"), Tags=[])["Tags"] == []


def test_previous_values_and_a_default_that_comes_back(cloudformation, inner, unique):
    cloudformation.create(unique, ONE, Parameters=given(Word="two"))
    before = [{"ParameterKey": "Word", "UsePreviousValue": True}]
    body = template(parameter("P", "!Ref Word"), parameter("Q", "b"))
    cloudformation.update(unique, body, Parameters=before)
    assert value_of(inner, cloudformation.physical_id(unique, "P")) == "two"
    cloudformation.update(unique)
    assert value_of(inner, cloudformation.physical_id(unique, "P")) == "one"


# --- What is refused at once


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"UsePreviousTemplate": True}, "No updates are to be performed."),
        ({"TemplateBody": ONE}, "No updates are to be performed."),
        ({"TemplateBody": ONE.replace("SSM::Parameter", "Logs::LogGroup")},
         "Update of resource type is not permitted. The new template modifies resource type of "
         "the following resources: [P]"),
        ({}, "Either Template URL or Template Body must be specified."),
        ({"UsePreviousTemplate": True,
          "Parameters": [{"ParameterKey": "X", "UsePreviousValue": True}]},
         "Invalid input for parameter key X. Cannot specify usePreviousValue as true for a "
         "parameter key not in the previous template"),
        ({"UsePreviousTemplate": True, "StackPolicyBody": "{}"},
         "The emulator does not emulate ['StackPolicyBody'] of UpdateStack."),
    ],
    ids=["nothing changed", "the same template", "another type", "no template",
         "no previous value", "a stack policy"],
)  # fmt: skip
def test_an_update_that_is_refused(cloudformation, unique, parameters, message):
    cloudformation.create(unique, ONE)
    with pytest.raises(ServiceError) as error:
        cloudformation("UpdateStack", StackName=unique, **parameters)
    assert error.value.message == message
    assert cloudformation.settled(unique)["StackStatus"] == "CREATE_COMPLETE"


def test_a_stack_that_rolled_back_can_only_be_deleted(cloudformation, unique):
    """Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html."""
    stack = cloudformation.create(unique, template(bad_vpc("Vpc")))
    with pytest.raises(ServiceError) as error:
        cloudformation.update(unique, ONE)
    assert error.value.message == (
        f"Stack:{stack['StackId']} is in ROLLBACK_COMPLETE state and can not be updated."
    )


def test_a_stack_that_does_not_exist(cloudformation):
    with pytest.raises(ServiceError, match=r"Stack \[nothing\] does not exist"):
        cloudformation("UpdateStack", StackName="nothing", TemplateBody=ONE)


# --- What fails, and goes back


def test_a_failed_update_goes_back(cloudformation, inner, unique):
    before = template(group("G", f"{unique}-old"), parameter("P", "a"), Out="!Ref G")
    cloudformation.create(unique, before)
    after = template(
        group("G", f"{unique}-new"), parameter("P", "b"), parameter("Q", "c"),
        bad_vpc("Vpc", "[G, P, Q]"), Out="!Ref G",
    )  # fmt: skip
    stack = cloudformation.update(unique, after)
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert stack["Outputs"][0]["OutputValue"] == f"{unique}-old"
    assert cloudformation("GetTemplate", StackName=unique)["TemplateBody"] == before
    assert groups_of(inner, f"{unique}-") == {f"{unique}-old"}
    assert cloudformation.physical_id(unique, "G") == f"{unique}-old"
    assert value_of(inner, cloudformation.physical_id(unique, "P")) == "a"
    names = {
        one["LogicalResourceId"]
        for one in cloudformation("DescribeStackResources", StackName=unique)["StackResources"]
    }
    assert names == {"G", "P"}
    assert cloudformation.reason(unique, unique, "UPDATE_ROLLBACK_IN_PROGRESS") == (
        "The following resource(s) failed to create: [Vpc]. "
    )
    own = [status for name, status in cloudformation.events(unique) if name == unique]
    assert own[2:] == [
        "UPDATE_IN_PROGRESS",
        "UPDATE_ROLLBACK_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE",
    ]
    assert cloudformation.update(unique, before.replace(": a}", ": z}"))["StackStatus"] == (
        "UPDATE_COMPLETE"
    )


def test_a_property_that_the_provider_cannot_change(cloudformation, unique, monkeypatch):
    monkeypatch.setattr(Parameter, "in_place", frozenset())
    cloudformation.create(unique, ONE)
    stack = cloudformation.update(unique, Parameters=given(Word="two"))
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert cloudformation.reason(unique, "P", "UPDATE_FAILED") == (
        "The emulator's provider cannot update property Value of AWS::SSM::Parameter in place"
    )
    assert cloudformation.reason(unique, unique, "UPDATE_ROLLBACK_IN_PROGRESS") == (
        "The following resource(s) failed to update: [P]. "
    )


def test_an_update_that_fails_half_way_is_taken_back(cloudformation, inner, unique, monkeypatch):
    """The provider is called again, with old and new swapped."""
    calls, real = [], Parameter.update

    def fails_late(self, context, physical_id, old, new):
        real(self, context, physical_id, old, new)
        calls.append((old["Value"], new["Value"]))
        if new["Value"] == "two":
            raise HandlerError("too late")
        return {"Value": new["Value"], "Type": "String"}

    monkeypatch.setattr(Parameter, "update", fails_late)
    cloudformation.create(unique, ONE)
    stack = cloudformation.update(unique, Parameters=given(Word="two"))
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert calls == [("one", "two"), ("two", "one")]
    assert value_of(inner, cloudformation.physical_id(unique, "P")) == "one"


def test_rollback_disabled_leaves_what_succeeded(cloudformation, inner, unique):
    """Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-failure-options.html."""
    cloudformation.create(unique, template(group("G", f"{unique}-old"), parameter("P", "a")))
    after = template(group("G", f"{unique}-new"), parameter("P", "b"), bad_vpc("Vpc", "G"))
    stack = cloudformation.update(unique, after, DisableRollback=True)
    assert stack["StackStatus"] == "UPDATE_FAILED"
    assert stack["StackStatusReason"] == "The following resource(s) failed to create: [Vpc]. "
    assert value_of(inner, cloudformation.physical_id(unique, "P")) == "b"
    assert groups_of(inner, f"{unique}-") == {f"{unique}-old", f"{unique}-new"}
    mended = after.replace("10.0.0.0/99", "10.0.0.0/24")
    with pytest.raises(ServiceError, match="please use the disable-rollback parameter"):
        cloudformation.update(unique, mended)
    stack = cloudformation.update(unique, mended, DisableRollback=True)
    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    assert groups_of(inner, f"{unique}-") == {f"{unique}-new"}
    assert cloudformation.physical_id(unique, "Vpc").startswith("vpc-")


def test_a_failed_creation_that_was_left_goes_on(cloudformation, unique):
    body = template(parameter("P", "a"), bad_vpc("Vpc", "P"))
    stack = cloudformation.create(unique, body, OnFailure="DO_NOTHING")
    assert stack["StackStatus"] == "CREATE_FAILED"
    kept = cloudformation.physical_id(unique, "P")
    mended = body.replace("10.0.0.0/99", "10.0.0.0/24")
    stack = cloudformation.update(unique, mended, DisableRollback=True)
    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    assert cloudformation.physical_id(unique, "P") == kept


def test_a_failed_creation_is_retried_as_it_was(cloudformation, inner, unique):
    """What hindered it was outside of the template."""
    logs = inner("logs", "us-east-1")
    logs.create_log_group(logGroupName=f"{unique}-g")
    body = template(group("G", f"{unique}-g"))
    stack = cloudformation.create(unique, body, DisableRollback=True)
    assert stack["StackStatus"] == "CREATE_FAILED"
    logs.delete_log_group(logGroupName=f"{unique}-g")
    stack = cloudformation.update(unique, body, DisableRollback=True)
    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    assert groups_of(inner, f"{unique}-") == {f"{unique}-g"}


def test_what_a_failed_update_left_goes_with_the_stack(cloudformation, inner, unique):
    cloudformation.create(unique, template(group("G", f"{unique}-old")))
    after = template(group("G", f"{unique}-new"), bad_vpc("Vpc", "G"))
    cloudformation.update(unique, after, DisableRollback=True)
    assert cloudformation.delete(unique)["StackStatus"] == "DELETE_COMPLETE"
    assert not groups_of(inner, f"{unique}-")


def test_what_cannot_be_cleaned_up_is_left_behind(cloudformation, inner, unique, monkeypatch):
    """Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html."""
    cloudformation.create(unique, template(group("G", f"{unique}-old")))

    def refuses(*_):
        raise HandlerError("in use")

    monkeypatch.setattr(LogGroup, "delete", refuses)
    stack = cloudformation.update(unique, template(group("G", f"{unique}-new")))
    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    assert ("G", "DELETE_FAILED") in cloudformation.events(unique)
    assert cloudformation.physical_id(unique, "G") == f"{unique}-new"


# --- A rollback that fails


@pytest.fixture
def stuck(cloudformation, unique, monkeypatch):
    """A stack in UPDATE_ROLLBACK_FAILED; calling it lets its parameter be updated again."""
    real = Parameter.update

    def one_way(self, context, physical_id, old, new):
        if new["Value"] == "one":
            raise HandlerError("no way back")
        return real(self, context, physical_id, old, new)

    monkeypatch.setattr(Parameter, "update", one_way)
    cloudformation.create(unique, ONE)
    after = template(parameter("P", "!Ref Word"), bad_vpc("Vpc", "P"))
    stack = cloudformation.update(unique, after, Parameters=given(Word="two"))
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_FAILED"
    assert stack["StackStatusReason"] == "The following resource(s) failed to update: [P]. "
    return lambda: monkeypatch.setattr(Parameter, "update", real)


def test_a_rollback_goes_on_once_its_cause_is_mended(cloudformation, inner, unique, stuck):
    """Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/
    using-cfn-updating-stacks-continueupdaterollback.html."""
    stuck()
    cloudformation("ContinueUpdateRollback", StackName=unique)
    assert cloudformation.settled(unique)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert value_of(inner, cloudformation.physical_id(unique, "P")) == "one"


def test_a_rollback_goes_on_without_what_is_skipped(cloudformation, inner, unique, stuck):
    cloudformation("ContinueUpdateRollback", StackName=unique, ResourcesToSkip=["P"])
    assert cloudformation.settled(unique)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert value_of(inner, cloudformation.physical_id(unique, "P")) == "two"


def test_only_what_failed_can_be_skipped(cloudformation, unique, stuck):
    with pytest.raises(ServiceError, match="Only resources in UPDATE_FAILED state"):
        cloudformation("ContinueUpdateRollback", StackName=unique, ResourcesToSkip=["Vpc"])


@pytest.mark.usefixtures("stuck")
def test_a_rollback_that_fails_again(cloudformation, unique):
    cloudformation("ContinueUpdateRollback", StackName=unique)
    assert cloudformation.settled(unique)["StackStatus"] == "UPDATE_ROLLBACK_FAILED"
    assert cloudformation.delete(unique)["StackStatus"] == "DELETE_COMPLETE"


def test_only_a_failed_rollback_can_be_continued(cloudformation, unique):
    cloudformation.create(unique, ONE)
    with pytest.raises(ServiceError, match="can not continue update rollback"):
        cloudformation("ContinueUpdateRollback", StackName=unique)


# --- While it is under way


@pytest.fixture
def slow(monkeypatch):
    """Lets an update of a parameter begin (`begun`), and waits for `goes_on`."""
    begun, goes_on, real = threading.Event(), threading.Event(), Parameter.update

    def waits(self, context, physical_id, old, new):
        begun.set()
        assert goes_on.wait(20)
        return real(self, context, physical_id, old, new)

    monkeypatch.setattr(Parameter, "update", waits)
    yield begun, goes_on
    goes_on.set()


def test_a_cancelled_update_goes_back(cloudformation, inner, unique, slow):
    """Source: docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/
    API_CancelUpdateStack.html."""
    begun, goes_on = slow
    cloudformation.create(unique, ONE)
    body = template(parameter("P", "!Ref Word"), "  Vpc: {Type: AWS::EC2::VPC, DependsOn: P, "
                    "Properties: {CidrBlock: 10.0.0.0/24}}")  # fmt: skip
    cloudformation("UpdateStack", StackName=unique, TemplateBody=body, Parameters=given(Word="2"))
    assert begun.wait(20)
    cloudformation("CancelUpdateStack", StackName=unique)
    goes_on.set()
    stack = cloudformation.settled(unique)
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert cloudformation.reason(unique, "P", "UPDATE_FAILED") == "Resource update cancelled"
    assert value_of(inner, cloudformation.physical_id(unique, "P")) == "one"
    assert ("Vpc", "CREATE_IN_PROGRESS") not in cloudformation.events(unique)


def test_nothing_else_is_done_to_a_stack_meanwhile(cloudformation, unique, slow):
    begun, goes_on = slow
    stack = cloudformation.create(unique, ONE)
    cloudformation("UpdateStack", StackName=unique, TemplateBody=ONE, Parameters=given(Word="2"))
    assert begun.wait(20)
    for operation, parameters, message in (
        ("UpdateStack", {"TemplateBody": ONE, "Parameters": given(Word="3")},
         f"Stack:{stack['StackId']} is in UPDATE_IN_PROGRESS state and can not be updated."),
        ("DeleteStack", {},
         f"Stack [{stack['StackId']}] cannot be deleted while in status UPDATE_IN_PROGRESS"),
    ):  # fmt: skip
        with pytest.raises(ServiceError) as error:
            cloudformation(operation, StackName=unique, **parameters)
        assert error.value.message == message
    goes_on.set()
    assert cloudformation.settled(unique)["StackStatus"] == "UPDATE_COMPLETE"


def test_only_an_update_can_be_cancelled(cloudformation, unique):
    cloudformation.create(unique, ONE)
    with pytest.raises(ServiceError) as error:
        cloudformation("CancelUpdateStack", StackName=unique)
    assert error.value.message == (
        "CancelUpdateStack cannot be called from current stack status [CREATE_COMPLETE]"
    )


def test_an_update_that_is_asked_for_twice_is_done_once(cloudformation, unique):
    cloudformation.create(unique, ONE)
    asked = {"StackName": unique, "UsePreviousTemplate": True, "Parameters": given(Word="2")}
    first = cloudformation("UpdateStack", **asked, ClientRequestToken=f"t-{unique}")
    again = cloudformation("UpdateStack", **asked, ClientRequestToken=f"t-{unique}")
    assert first == again
    cloudformation.settled(unique)
    own = [status for name, status in cloudformation.events(unique) if name == unique]
    assert own.count("UPDATE_IN_PROGRESS") == 1
