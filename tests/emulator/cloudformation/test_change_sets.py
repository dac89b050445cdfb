"""Change sets: what they tell, when they can be executed, and what becomes of the stack.

Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-updating-stacks-changesets.html
"""  # noqa: E501

import json
import time

import pytest
from test_updates import ONE, bad_vpc, given, group, parameter, template

from labkit.emulator.refusal import ServiceError


def create(cloudformation, name, body, kind="UPDATE", **parameters):
    """Create a change set; return it described."""
    made = cloudformation(
        "CreateChangeSet", StackName=name, ChangeSetName="cs", ChangeSetType=kind,
        TemplateBody=body, **parameters,
    )  # fmt: skip
    return cloudformation("DescribeChangeSet", ChangeSetName=made["Id"])


def execute(cloudformation, change_set, **parameters):
    cloudformation("ExecuteChangeSet", ChangeSetName=change_set["ChangeSetId"], **parameters)
    return cloudformation.settled(change_set["StackId"])


def changes(change_set):
    return {
        change["ResourceChange"]["LogicalResourceId"]: change["ResourceChange"]
        for change in change_set["Changes"]
    }


def test_one_for_a_new_stack(cloudformation, unique):
    change_set = create(cloudformation, unique, ONE, "CREATE")
    assert (change_set["Status"], change_set["ExecutionStatus"]) == ("CREATE_COMPLETE", "AVAILABLE")
    assert change_set["Changes"] == [
        {
            "Type": "Resource",
            "ResourceChange": {
                "Action": "Add",
                "LogicalResourceId": "P",
                "ResourceType": "AWS::SSM::Parameter",
                "Scope": [],
                "Details": [],
            },
        }
    ]
    [stack] = cloudformation("DescribeStacks", StackName=unique)["Stacks"]
    assert stack["StackStatus"] == "REVIEW_IN_PROGRESS"
    stack = execute(cloudformation, change_set)
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    assert stack["ChangeSetId"] == change_set["ChangeSetId"]
    own = [status for name, status in cloudformation.events(unique) if name == unique]
    assert own == ["REVIEW_IN_PROGRESS", "CREATE_IN_PROGRESS", "CREATE_COMPLETE"]


def test_what_changes_and_what_is_replaced(cloudformation, unique):
    """Source: docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChange.html."""
    cloudformation.create(
        unique,
        template(
            group("G", f"{unique}-old"), parameter("P", "!Ref Word"), parameter("Q", "!Ref G"),
            parameter("Gone", "x"), parameter("Same", "y"),
        ),
    )  # fmt: skip
    after = template(
        group("G", f"{unique}-new"), parameter("P", "!Ref Word"), parameter("Q", "!Ref G"),
        parameter("Added", "x"), parameter("Same", "y"),
    )  # fmt: skip
    found = changes(create(cloudformation, unique, after, Parameters=given(Word="two")))
    assert {name: change["Action"] for name, change in found.items()} == {
        "G": "Modify", "P": "Modify", "Q": "Modify", "Gone": "Remove", "Added": "Add",
    }  # fmt: skip
    assert {name: found[name]["Replacement"] for name in "GPQ"} == {
        "G": "True", "P": "False", "Q": "False",
    }  # fmt: skip
    assert found["G"]["PhysicalResourceId"] == f"{unique}-old"
    assert found["G"]["PolicyAction"] == "ReplaceAndDelete"
    assert found["G"]["Scope"] == ["Properties"]
    assert found["G"]["Details"] == [
        {
            "Target": {
                "Attribute": "Properties", "Name": "LogGroupName", "RequiresRecreation": "Always",
            },
            "Evaluation": "Static",
            "ChangeSource": "DirectModification",
        }
    ]  # fmt: skip
    assert found["P"]["Details"] == [
        {
            "Target": {
                "Attribute": "Properties", "Name": "Value", "RequiresRecreation": "Never",
            },
            "Evaluation": "Static",
            "ChangeSource": "ParameterReference",
            "CausingEntity": "Word",
        }
    ]  # fmt: skip
    assert found["Q"]["Details"] == [
        {
            "Target": {
                "Attribute": "Properties", "Name": "Value", "RequiresRecreation": "Never",
            },
            "Evaluation": "Dynamic",
            "ChangeSource": "ResourceReference",
            "CausingEntity": "G",
        }
    ]  # fmt: skip


def test_an_attribute_of_what_is_replaced_is_named(cloudformation, unique):
    """docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ResourceChangeDetail.html."""

    def body(name):
        return template(group("G", name), parameter("Q", "!GetAtt G.Arn"))

    cloudformation.create(unique, body(f"{unique}-old"))
    found = changes(create(cloudformation, unique, body(f"{unique}-new")))
    (detail,) = found["Q"]["Details"]
    assert (detail["ChangeSource"], detail["CausingEntity"]) == ("ResourceAttribute", "G.Arn")


def test_what_may_be_replaced(cloudformation, unique):
    """A create-only property takes its value from a resource that is replaced."""

    def body(name):
        return template(group("G", name), group("H", "!Sub '${G}-h'"))

    cloudformation.create(unique, body(f"{unique}-a"))
    found = changes(create(cloudformation, unique, body(f"{unique}-b")))
    assert found["H"]["Replacement"] == "Conditional"


def test_what_is_told_comes_true(cloudformation, unique):
    cloudformation.create(unique, template(group("G", f"{unique}-a"), parameter("P", "!Ref G")))
    after = template(group("G", f"{unique}-b"), parameter("P", "!Ref G"))
    change_set = create(cloudformation, unique, after)
    stack = execute(cloudformation, change_set)
    assert stack["StackStatus"] == "UPDATE_COMPLETE"
    assert cloudformation.physical_id(unique, "G") == f"{unique}-b"
    now = cloudformation("DescribeChangeSet", ChangeSetName=change_set["ChangeSetId"])
    assert now["ExecutionStatus"] == "EXECUTE_COMPLETE"


def test_property_values_on_request(cloudformation, unique):
    cloudformation.create(unique, template(group("G", f"{unique}-a"), parameter("P", "!Ref G")))
    after = template(group("G", f"{unique}-b"), parameter("P", "!Ref G"))
    change_set_id = create(cloudformation, unique, after)["ChangeSetId"]
    found = changes(
        cloudformation("DescribeChangeSet", ChangeSetName=change_set_id, IncludePropertyValues=True)
    )
    assert json.loads(found["G"]["BeforeContext"])["Properties"]["LogGroupName"] == f"{unique}-a"
    assert json.loads(found["G"]["AfterContext"])["Properties"]["LogGroupName"] == f"{unique}-b"
    after_p = json.loads(found["P"]["AfterContext"])["Properties"]
    assert after_p == {"Type": "String", "Value": "{{changeSet:KNOWN_AFTER_APPLY}}"}


def test_one_without_changes_fails(cloudformation, unique):
    cloudformation.create(unique, ONE)
    change_set = create(cloudformation, unique, ONE)
    assert (change_set["Status"], change_set["ExecutionStatus"]) == ("FAILED", "UNAVAILABLE")
    assert change_set["StatusReason"] == (
        "The submitted information didn't contain changes. Submit different information to create "
        "a change set."
    )
    with pytest.raises(ServiceError) as error:
        execute(cloudformation, change_set)
    assert (error.value.code, error.value.message) == (
        "InvalidChangeSetStatus",
        f"ChangeSet [{change_set['ChangeSetId']}] cannot be executed in its current status of "
        "[FAILED]",
    )


def test_a_change_of_tags_only(cloudformation, unique):
    cloudformation.create(unique, ONE)
    change_set = create(cloudformation, unique, ONE, Tags=[{"Key": "a", "Value": "b"}])
    assert changes(change_set)["P"]["Scope"] == ["Tags"]
    assert execute(cloudformation, change_set)["Tags"] == [{"Key": "a", "Value": "b"}]


def test_metadata_only(cloudformation, unique):
    body = "Resources: {{G: {{Type: AWS::Logs::LogGroup, Metadata: {{note: {}}}}}}}"
    cloudformation.create(unique, body.format("a"))
    change_set = create(cloudformation, unique, body.format("b"))
    if change_set["Status"] == "CREATE_COMPLETE":
        assert changes(change_set)["G"]["Scope"] == ["Metadata"]
        execute(cloudformation, change_set)
        detail = cloudformation("DescribeStackResource", StackName=unique, LogicalResourceId="G")[
            "StackResourceDetail"
        ]
        assert json.loads(detail["Metadata"]) == {"note": "b"}


@pytest.mark.parametrize(
    ("options", "status"),
    [
        pytest.param({}, "ROLLBACK_COMPLETE", id="rolls back"),
        pytest.param({"OnStackFailure": "DO_NOTHING"}, "CREATE_FAILED", id="leaves it"),
        pytest.param({"OnStackFailure": "DELETE"}, "DELETE_COMPLETE", id="deletes it"),
    ],
)
def test_on_stack_failure(cloudformation, unique, options, status):
    body = template(parameter("P", "a"), bad_vpc("V", "P"))
    change_set = create(cloudformation, unique, body, "CREATE", **options)
    assert execute(cloudformation, change_set)["StackStatus"] == status
    assert change_set.get("OnStackFailure") == options.get("OnStackFailure")


def test_rollback_is_disabled_at_the_execution(cloudformation, unique):
    change_set = create(cloudformation, unique, template(bad_vpc("V")), "CREATE")
    stack = execute(cloudformation, change_set, DisableRollback=True)
    assert stack["StackStatus"] == "CREATE_FAILED"
    now = cloudformation("DescribeChangeSet", ChangeSetName=change_set["ChangeSetId"])
    assert now["ExecutionStatus"] == "EXECUTE_FAILED"


def test_listed_by_name_and_deleted(cloudformation, unique):
    cloudformation.create(unique, ONE)
    create(cloudformation, unique, ONE, Parameters=given(Word="2"), Description="two")
    [listed] = cloudformation("ListChangeSets", StackName=unique)["Summaries"]
    assert (listed["ChangeSetName"], listed["Description"]) == ("cs", "two")
    by_name = cloudformation("DescribeChangeSet", StackName=unique, ChangeSetName="cs")
    assert by_name["ChangeSetId"] == listed["ChangeSetId"]
    body = cloudformation("GetTemplate", StackName=unique, ChangeSetName="cs")["TemplateBody"]
    assert body == ONE
    cloudformation("DeleteChangeSet", StackName=unique, ChangeSetName="cs")
    assert cloudformation("ListChangeSets", StackName=unique)["Summaries"] == []
    with pytest.raises(ServiceError) as error:
        cloudformation("DescribeChangeSet", StackName=unique, ChangeSetName="cs")
    assert (error.value.code, error.value.status) == ("ChangeSetNotFound", 404)


def test_an_update_makes_others_obsolete(cloudformation, unique):
    cloudformation.create(unique, ONE)
    change_set = create(cloudformation, unique, ONE, Parameters=given(Word="2"))
    cloudformation.update(unique, Parameters=given(Word="3"))
    now = cloudformation("DescribeChangeSet", ChangeSetName=change_set["ChangeSetId"])
    assert now["ExecutionStatus"] == "OBSOLETE"
    with pytest.raises(ServiceError, match=r"current status of \[OBSOLETE\]"):
        execute(cloudformation, change_set)


def test_an_execution_removes_the_others(cloudformation, unique):
    cloudformation.create(unique, ONE)
    change_set = create(cloudformation, unique, ONE, Parameters=given(Word="2"))
    cloudformation(
        "CreateChangeSet", StackName=unique, ChangeSetName="other", TemplateBody=ONE,
        Parameters=given(Word="3"),
    )  # fmt: skip
    execute(cloudformation, change_set)
    listed = cloudformation("ListChangeSets", StackName=unique)["Summaries"]
    assert [one["ChangeSetName"] for one in listed] == ["cs"]
    with pytest.raises(ServiceError, match="cannot be executed"):
        execute(cloudformation, change_set)


def test_a_stack_in_review_is_there_until_it_is_deleted(cloudformation, unique):
    change_set = create(cloudformation, unique, ONE, "CREATE")
    with pytest.raises(ServiceError) as error:
        cloudformation("CreateStack", StackName=unique, TemplateBody=ONE)
    assert error.value.code == "AlreadyExistsException"
    again = cloudformation(
        "CreateChangeSet", StackName=unique, ChangeSetName="second", ChangeSetType="CREATE",
        TemplateBody=ONE,
    )  # fmt: skip
    assert again["StackId"] == change_set["StackId"]
    cloudformation("DeleteStack", StackName=unique)
    assert cloudformation.settled(change_set["StackId"])["StackStatus"] == "DELETE_COMPLETE"


@pytest.mark.parametrize(
    ("exists", "parameters", "code", "message"),
    [
        (False, {}, "ValidationError", "Stack [{}] does not exist"),
        (True, {"ChangeSetType": "CREATE"}, "ValidationError",
         "Stack [{}] already exists and cannot be created again with the changeSet [cs]."),
        (True, {"ChangeSetType": "IMPORT"}, "ValidationError",
         "The emulator does not emulate change sets of type IMPORT."),
        (True, {"IncludeNestedStacks": True}, "ValidationError",
         "The emulator does not emulate ['IncludeNestedStacks'] of CreateChangeSet."),
        (True, {"TemplateBody": "Resources: 1"}, "ValidationError",
         "Template format error: Resources must be an object."),
        (True, {"ChangeSetType": "NONE"}, "ValidationError",
         "1 validation error detected: Value 'NONE' at 'changeSetType' failed to satisfy "
         "constraint: Member must satisfy enum value set: [CREATE, UPDATE, IMPORT]"),
    ],
    ids=["no stack", "a stack", "an import", "nested ones", "no template", "no type"],
)  # fmt: skip
def test_refused(cloudformation, unique, exists, parameters, code, message):
    if exists:
        cloudformation.create(unique, ONE)
    asked = {"StackName": unique, "ChangeSetName": "cs", "TemplateBody": ONE, **parameters}
    with pytest.raises(ServiceError) as error:
        cloudformation("CreateChangeSet", **asked)
    assert (error.value.code, error.value.message) == (code, message.format(unique))


def test_a_name_that_is_taken_unless_it_is_the_same_request(cloudformation, unique):
    cloudformation.create(unique, ONE)
    asked = {"StackName": unique, "ChangeSetName": "cs", "TemplateBody": ONE,
             "Parameters": given(Word="2"), "ClientToken": "t"}  # fmt: skip
    first = cloudformation("CreateChangeSet", **asked)
    assert cloudformation("CreateChangeSet", **asked) == first
    with pytest.raises(ServiceError) as error:
        cloudformation("CreateChangeSet", **{**asked, "ClientToken": "u"})
    assert error.value.code == "AlreadyExistsException"


def test_the_answer_of_an_execution_waits_a_little_for_the_stack(cloudformation, unique):
    """The AWS CLI's deploy looks at once, and then after 30 s."""
    change_set = create(cloudformation, unique, ONE, "CREATE")
    cloudformation("ExecuteChangeSet", ChangeSetName=change_set["ChangeSetId"])
    [stack] = cloudformation("DescribeStacks", StackName=unique)["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"


def test_but_not_for_ever(cloudformation, unique, monkeypatch):
    from labkit.emulator.cloudformation.providers.ssm import Parameter

    monkeypatch.setattr("labkit.emulator.cloudformation.change_set_operations.PATIENCE_S", 0.05)
    real = Parameter.create

    def slow(self, context, properties):
        time.sleep(0.4)
        return real(self, context, properties)

    monkeypatch.setattr(Parameter, "create", slow)
    change_set = create(cloudformation, unique, ONE, "CREATE")
    cloudformation("ExecuteChangeSet", ChangeSetName=change_set["ChangeSetId"])
    [stack] = cloudformation("DescribeStacks", StackName=unique)["Stacks"]
    assert stack["StackStatus"] == "CREATE_IN_PROGRESS"
    assert cloudformation.settled(unique)["StackStatus"] == "CREATE_COMPLETE"
