"""Stacks in a stack: made, told, changed and deleted through their parent.

Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-nested-stacks.html
"""

import re

import pytest
from test_updates import bad_vpc, given, group, groups_of, parameter, template, value_of

from labkit.emulator.cloudformation.providers.ssm import Parameter
from labkit.emulator.refusal import ServiceError

ROLE = (
    "  Role: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: "
    "{Version: '2012-10-17', Statement: []}}}"
)


def nested(name, url, needs="", **parameters):
    given = "".join(f"{key}: {value}, " for key, value in parameters.items())
    depends = f", DependsOn: {needs}" if needs else ""
    return (
        f"  {name}: {{Type: AWS::CloudFormation::Stack{depends}, Properties: "
        f"{{TemplateURL: {url}, Parameters: {{{given}}}}}}}"
    )


@pytest.fixture
def put(inner, unique):
    """Puts a template into a bucket; returns its URL."""
    s3 = inner("s3", "us-east-1")
    s3.create_bucket(Bucket=f"{unique}-templates")

    def put(name, body):
        s3.put_object(Bucket=f"{unique}-templates", Key=name, Body=body.encode())
        return f"https://{unique}-templates.s3.amazonaws.com/{name}"

    return put


def child_of(cloudformation, name, logical_id="Child"):
    return cloudformation.settled(cloudformation.physical_id(name, logical_id))


def reason(cloudformation, stack_id, name, status):
    return cloudformation.reason(stack_id, name, status)


# --- Creation


def test_a_stack_in_a_stack(cloudformation, inner, unique, put):
    child = put("child", template(parameter("P", "!Ref Word"), Physical="!Ref P"))
    body = template(
        nested("Child", child, Word="!Ref Word"),
        parameter("Q", "!GetAtt Child.Outputs.Physical"),
        Sub="!Sub '${Child.Outputs.Physical}'",
    )
    stack = cloudformation.create(
        unique, body, Parameters=given(Word="hello"), Tags=[{"Key": "course", "Value": "x"}]
    )
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    made = child_of(cloudformation, unique)
    assert made["StackStatus"] == "CREATE_COMPLETE"
    assert re.fullmatch(rf"{unique}-Child-[A-Za-z0-9]{{12}}", made["StackName"])
    assert (made["ParentId"], made["RootId"]) == (stack["StackId"], stack["StackId"])
    assert made["Tags"] == [{"Key": "course", "Value": "x"}]
    assert "ParentId" not in stack
    physical_id = cloudformation.physical_id(made["StackId"], "P")
    assert value_of(inner, physical_id) == "hello"
    assert value_of(inner, cloudformation.physical_id(unique, "Q")) == physical_id
    assert stack["Outputs"][0]["OutputValue"] == physical_id


def test_each_has_events_of_its_own(cloudformation, unique, put):
    child = put("child", template(parameter("P", "a")))
    cloudformation.create(unique, template(nested("Child", child)))
    made = child_of(cloudformation, unique)
    assert cloudformation.events(unique) == [
        (unique, "CREATE_IN_PROGRESS"),
        ("Child", "CREATE_IN_PROGRESS"),
        ("Child", "CREATE_IN_PROGRESS"),
        ("Child", "CREATE_COMPLETE"),
        (unique, "CREATE_COMPLETE"),
    ]
    assert cloudformation.events(made["StackId"]) == [
        (made["StackName"], "CREATE_IN_PROGRESS"),
        ("P", "CREATE_IN_PROGRESS"),
        ("P", "CREATE_IN_PROGRESS"),
        ("P", "CREATE_COMPLETE"),
        (made["StackName"], "CREATE_COMPLETE"),
    ]


def test_three_levels(cloudformation, unique, put):
    leaf = put("leaf", template(parameter("P", "a"), Out="!Ref P"))
    middle = put("middle", template(nested("Leaf", leaf), Out="!GetAtt Leaf.Outputs.Out"))
    stack = cloudformation.create(
        unique, template(nested("Middle", middle), Out="!GetAtt Middle.Outputs.Out")
    )
    made = child_of(cloudformation, unique, "Middle")
    lowest = child_of(cloudformation, made["StackId"], "Leaf")
    assert (lowest["ParentId"], lowest["RootId"]) == (made["StackId"], stack["StackId"])
    physical_id = cloudformation.physical_id(lowest["StackId"], "P")
    assert stack["Outputs"][0]["OutputValue"] == physical_id
    assert cloudformation.delete(unique)["StackStatus"] == "DELETE_COMPLETE"
    assert cloudformation.settled(lowest["StackId"])["StackStatus"] == "DELETE_COMPLETE"


@pytest.mark.parametrize(
    ("body", "parameters", "why"),
    [
        pytest.param(None, {}, "S3 error: The specified key does not exist.", id="no template"),
        pytest.param("Resources: {}", {}, "Template format error: At least one Resources member "
                     "must be defined.", id="no resources"),
        pytest.param(template(parameter("P", "a")), {"Nope": "x"},
                     "Parameters: [Nope] do not exist in the template", id="unknown parameter"),
        pytest.param("Parameters: {P: {Type: String}}\n" + template(parameter("Q", "a")).split(
                     "\n", 1)[1], {}, "Parameters: [P] must have values", id="missing parameter"),
        pytest.param("Resources:\n" + ROLE, {}, "Requires capabilities : [CAPABILITY_IAM]",
                     id="capabilities"),
    ],
)  # fmt: skip
def test_a_nested_stack_that_cannot_begin(cloudformation, unique, put, body, parameters, why):
    url = put("child", body) if body else put("other", "x").replace("other", "missing")
    stack = cloudformation.create(
        unique, template(nested("Child", url, **parameters)), Capabilities=[]
    )
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert why in cloudformation.reason(unique, "Child", "CREATE_FAILED")


def test_capabilities_reach_the_nested_stack(cloudformation, unique, put):
    """CAPABILITY_AUTO_EXPAND is for macros only.

    Source: docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
    """
    url = put("child", "Resources:\n" + ROLE)
    stack = cloudformation.create(
        unique, template(nested("Child", url)), Capabilities=["CAPABILITY_IAM"]
    )
    assert stack["StackStatus"] == "CREATE_COMPLETE"


def test_an_output_that_the_nested_stack_does_not_have(cloudformation, unique, put):
    url = put("child", template(parameter("P", "a")))
    body = template(nested("Child", url), parameter("Q", "!GetAtt Child.Outputs.Nope"))
    assert cloudformation.create(unique, body)["StackStatus"] == "ROLLBACK_COMPLETE"
    why = cloudformation.reason(unique, "Q", "CREATE_FAILED")
    assert re.fullmatch(r"Output 'Nope' not found in stack 'arn:aws:cloudformation:\S+'", why)


def test_a_failure_below_rolls_the_whole_tree_back(cloudformation, inner, unique, put):
    good = put("good", template(group("G", f"{unique}-g")))
    bad = put("bad", template(group("H", f"{unique}-h"), bad_vpc("Vpc", "H")))
    body = template(nested("Good", good), nested("Bad", bad, needs="Good"))
    stack = cloudformation.create(unique, body)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert not groups_of(inner, f"{unique}-")
    below = child_of(cloudformation, unique, "Bad")
    assert below["StackStatus"] == "DELETE_COMPLETE"
    name = below["StackName"]
    assert [status for one, status in cloudformation.events(below["StackId"]) if one == name] == [
        "CREATE_IN_PROGRESS", "CREATE_FAILED", "DELETE_IN_PROGRESS", "DELETE_COMPLETE",
    ]  # fmt: skip
    assert cloudformation.reason(unique, "Bad", "CREATE_FAILED") == (
        f"Embedded stack {below['StackId']} was not successfully created: The following "
        "resource(s) failed to create: [Vpc]. "
    )


def test_a_failure_above_cancels_what_is_below(cloudformation, inner, unique, put, monkeypatch):
    real, parent_failed = Parameter.create, []

    def fails_later(self, context, properties):
        if properties["Value"] == "wait":
            while not parent_failed:
                events = cloudformation.events(unique)
                parent_failed.extend(one for one in events if one == ("Vpc", "CREATE_FAILED"))
        return real(self, context, properties)

    monkeypatch.setattr(Parameter, "create", fails_later)
    child = put("child", template(parameter("P", "wait"), parameter("Q", "!Ref P")))
    stack = cloudformation.create(unique, template(nested("Child", child), bad_vpc("Vpc")))
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    below = child_of(cloudformation, unique)
    assert ("Q", "CREATE_IN_PROGRESS") not in cloudformation.events(below["StackId"])
    assert "Resource creation cancelled" in cloudformation.reason(unique, "Child", "CREATE_FAILED")
    assert below["StackStatus"] == "DELETE_COMPLETE"


def test_a_nested_stack_with_a_type_that_is_not_made(cloudformation, inner, unique, put):
    """As with templates that empty their bucket by a Lambda function."""
    function = (
        "  Function: {Type: AWS::Lambda::Function, DependsOn: G, Properties: "
        "{Role: r, Code: {ZipFile: x}}}"
    )
    child = put("child", template(group("G", f"{unique}-g"), function))
    stack = cloudformation.create(unique, template(nested("Child", child)))
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    below = child_of(cloudformation, unique)
    why = cloudformation.reason(below["StackId"], "Function", "CREATE_FAILED")
    assert "The emulator does not make resources of type AWS::Lambda::Function" in why
    assert not groups_of(inner, f"{unique}-")


@pytest.mark.parametrize("name", ["TimeoutInMinutes: 5", "NotificationARNs: [a]"])
def test_properties_of_nested_stacks_that_are_refused(cloudformation, unique, put, name):
    child = put("child", template(parameter("P", "a")))
    body = template(nested("Child", child)).replace("Parameters: {}", name)
    assert cloudformation.create(unique, body)["StackStatus"] == "ROLLBACK_COMPLETE"
    why = cloudformation.reason(unique, "Child", "CREATE_FAILED")
    assert f"[{name.split(':')[0]}] is a property that the emulator does not honor" in why


# --- Deletion


def test_what_cannot_go_below(cloudformation, inner, unique, put):
    child = put("child", "Resources: {Bucket: {Type: AWS::S3::Bucket}}")
    cloudformation.create(unique, template(nested("Child", child)))
    below = child_of(cloudformation, unique)
    bucket = cloudformation.physical_id(below["StackId"], "Bucket")
    inner("s3", "us-east-1").put_object(Bucket=bucket, Key="a", Body=b"a")
    assert cloudformation.delete(unique)["StackStatus"] == "DELETE_FAILED"
    assert cloudformation.settled(below["StackId"])["StackStatus"] == "DELETE_FAILED"
    assert cloudformation.reason(unique, "Child", "DELETE_FAILED") == (
        f"Embedded stack {below['StackId']} was not successfully deleted: The following "
        "resource(s) failed to delete: [Bucket]. "
    )
    forced = cloudformation.delete(unique, DeletionMode="FORCE_DELETE_STACK")
    assert forced["StackStatus"] == "DELETE_COMPLETE"
    assert ("Bucket", "DELETE_SKIPPED") in cloudformation.events(below["StackId"])


def test_the_roots_termination_protection_holds_below(cloudformation, unique, put):
    """Source: docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/
    API_UpdateTerminationProtection.html."""
    child = put("child", template(parameter("P", "a")))
    cloudformation.create(
        unique, template(nested("Child", child)), EnableTerminationProtection=True
    )
    below = child_of(cloudformation, unique)
    assert below["EnableTerminationProtection"]
    with pytest.raises(ServiceError, match="TerminationProtection is enabled"):
        cloudformation("DeleteStack", StackName=below["StackId"])
    with pytest.raises(ServiceError, match="change it on its root stack"):
        cloudformation("UpdateTerminationProtection", StackName=below["StackId"],
                       EnableTerminationProtection=False)  # fmt: skip


# --- Update


def test_an_update_reaches_the_nested_stack(cloudformation, inner, unique, put):
    child = put("child", template(parameter("P", "!Ref Word"), Out="!Ref Word"))
    body = template(nested("Child", child, Word="!Ref Word"), O="!GetAtt Child.Outputs.Out")
    cloudformation.create(unique, body)
    stack = cloudformation.update(unique, Parameters=given(Word="two"))
    below = child_of(cloudformation, unique)
    assert (stack["StackStatus"], below["StackStatus"]) == ("UPDATE_COMPLETE", "UPDATE_COMPLETE")
    assert value_of(inner, cloudformation.physical_id(below["StackId"], "P")) == "two"
    assert stack["Outputs"][0]["OutputValue"] == "two"


def test_another_template_at_the_same_url(cloudformation, unique, put):
    """Nested stacks are always looked at."""
    child = put("child", template(parameter("P", "a")))
    cloudformation.create(unique, template(nested("Child", child)))
    put("child", template(parameter("P", "b"), parameter("Q", "c")))
    assert cloudformation.update(unique)["StackStatus"] == "UPDATE_COMPLETE"
    below = child_of(cloudformation, unique)
    assert cloudformation.physical_id(below["StackId"], "Q")


def test_a_nested_stack_without_changes_has_no_events(cloudformation, unique, put):
    child = put("child", template(parameter("P", "a")))
    cloudformation.create(unique, template(nested("Child", child), parameter("Q", "a")))
    cloudformation.update(unique, template(nested("Child", child), parameter("Q", "b")))
    below = child_of(cloudformation, unique)
    assert below["StackStatus"] == "CREATE_COMPLETE"


def test_a_failure_above_takes_the_update_below_back(cloudformation, inner, unique, put):
    """Also what was replaced is there again: the old one goes only when all is done."""

    def child(name, value):
        return put(value, template(group("G", f"{unique}-{name}"), parameter("P", value)))

    cloudformation.create(unique, template(nested("Child", child("old", "one"))))
    body = template(nested("Child", child("new", "two")), bad_vpc("Vpc", "Child"))
    stack = cloudformation.update(unique, body)
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    below = child_of(cloudformation, unique)
    assert below["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert groups_of(inner, f"{unique}-") == {f"{unique}-old"}
    assert value_of(inner, cloudformation.physical_id(below["StackId"], "P")) == "one"
    own = [
        status for name, status in cloudformation.events(below["StackId"])
        if name == below["StackName"]
    ]  # fmt: skip
    assert own[2:] == [
        "UPDATE_IN_PROGRESS",
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE",
    ]


def test_a_failure_below_takes_the_update_above_back(cloudformation, inner, unique, put):
    cloudformation.create(
        unique,
        template(parameter("P", "a"), nested("Child", put("1", template(parameter("Q", "a"))))),
    )
    bad = put("2", template(parameter("Q", "b"), bad_vpc("Vpc", "Q")))
    stack = cloudformation.update(
        unique, template(parameter("P", "b"), nested("Child", bad, needs="P"))
    )
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    below = child_of(cloudformation, unique)
    assert below["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert value_of(inner, cloudformation.physical_id(unique, "P")) == "a"
    assert value_of(inner, cloudformation.physical_id(below["StackId"], "Q")) == "a"
    assert cloudformation.reason(unique, "Child", "UPDATE_FAILED") == (
        f"Embedded stack {below['StackId']} was not successfully updated: The following "
        "resource(s) failed to create: [Vpc]. "
    )


def test_a_nested_stack_that_is_no_longer_wanted_goes(cloudformation, unique, put):
    child = put("child", template(parameter("P", "a")))
    cloudformation.create(unique, template(nested("Child", child), parameter("Q", "a")))
    below = child_of(cloudformation, unique)
    cloudformation.update(unique, template(parameter("Q", "a")))
    assert cloudformation.settled(below["StackId"])["StackStatus"] == "DELETE_COMPLETE"


def test_a_rollback_that_failed_below_goes_on_from_the_root(
    cloudformation, inner, unique, put, monkeypatch
):
    real = Parameter.update

    def one_way(self, context, physical_id, old, new):
        if new["Value"] == "one":
            raise RuntimeError("a defect")
        return real(self, context, physical_id, old, new)

    monkeypatch.setattr(Parameter, "update", one_way)
    cloudformation.create(
        unique, template(nested("Child", put("1", template(parameter("P", "one")))))
    )
    body = template(
        nested("Child", put("2", template(parameter("P", "two")))), bad_vpc("V", "Child")
    )
    assert cloudformation.update(unique, body)["StackStatus"] == "UPDATE_ROLLBACK_FAILED"
    below = child_of(cloudformation, unique)
    assert below["StackStatus"] == "UPDATE_ROLLBACK_FAILED"
    with pytest.raises(ServiceError, match="on its root stack"):
        cloudformation("ContinueUpdateRollback", StackName=below["StackId"])
    cloudformation("ContinueUpdateRollback", StackName=unique, ResourcesToSkip=["Child.P"])
    assert cloudformation.settled(unique)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert child_of(cloudformation, unique)["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"


def test_a_change_set_names_nested_stacks_as_modified(cloudformation, unique, put):
    child = put("child", template(parameter("P", "a")))
    body = template(nested("Child", child))
    cloudformation.create(unique, body)
    made = cloudformation(
        "CreateChangeSet", StackName=unique, ChangeSetName="cs", TemplateBody=body
    )
    [change] = cloudformation("DescribeChangeSet", ChangeSetName=made["Id"])["Changes"]
    assert change["ResourceChange"]["Replacement"] == "False"
    [detail] = change["ResourceChange"]["Details"]
    assert (detail["ChangeSource"], detail["Evaluation"]) == ("Automatic", "Dynamic")
