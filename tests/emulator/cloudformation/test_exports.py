"""Exports: unique in a Region, imported by others, and kept while they are in use.

Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html
"""

import pytest
from test_updates import parameter, template, value_of

from labkit.emulator.refusal import ServiceError


def exporting(name, value="a", resource="P"):
    body = template(parameter(resource, value), Plain="x")
    return f"{body}\n  Word: {{Value: {value}, Export: {{Name: {name}}}}}"


def importing(name):
    return template(parameter("P", f"!ImportValue {name}"))


@pytest.fixture
def two(cloudformation, unique):
    """A stack that exports, and one that imports."""
    exporter, importer = f"{unique}-exporter", f"{unique}-importer"
    cloudformation.create(exporter, exporting(f"{unique}-x"))
    cloudformation.create(importer, importing(f"{unique}-x"))
    return exporter, importer


def test_a_value_goes_from_stack_to_stack(cloudformation, inner, unique, two):
    exporter, importer = two
    assert value_of(inner, cloudformation.physical_id(importer, "P")) == "a"
    exports = cloudformation("ListExports")["Exports"]
    exporting_id = cloudformation.settled(exporter)["StackId"]
    assert {"ExportingStackId": exporting_id, "Name": f"{unique}-x", "Value": "a"} in exports
    assert cloudformation("ListImports", ExportName=f"{unique}-x")["Imports"] == [importer]


def test_an_export_that_nobody_imports(cloudformation, unique):
    cloudformation.create(unique, exporting(f"{unique}-x"))
    with pytest.raises(ServiceError) as error:
        cloudformation("ListImports", ExportName=f"{unique}-x")
    assert error.value.message == f"Export '{unique}-x' is not imported by any stack."


def test_an_import_of_nothing(cloudformation, unique):
    stack = cloudformation.create(unique, importing(f"{unique}-x"))
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    reason = cloudformation.reason(unique, "P", "CREATE_FAILED")
    assert reason == f"No export named {unique}-x found."


def test_an_export_of_another_region_is_none(cloudformation, unique):
    cloudformation.create(unique, exporting(f"{unique}-x"))
    there = cloudformation(
        "CreateStack", StackName=unique, TemplateBody=exporting(f"{unique}-x"), region="eu-west-1"
    )
    assert there["StackId"]
    exports = cloudformation("ListExports", region="us-west-2")["Exports"]
    assert f"{unique}-x" not in [one["Name"] for one in exports]


def test_a_name_that_is_taken(cloudformation, unique):
    cloudformation.create(f"{unique}-a", exporting(f"{unique}-x"))
    stack = cloudformation.create(f"{unique}-b", exporting(f"{unique}-x"))
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert f"Export with name {unique}-x is already exported by stack {unique}-a." in (
        stack_reason(cloudformation, f"{unique}-b", "ROLLBACK_IN_PROGRESS")
    )
    cloudformation.delete(f"{unique}-a")
    cloudformation.delete(f"{unique}-b")
    again = cloudformation.create(f"{unique}-b", exporting(f"{unique}-x"))
    assert again["StackStatus"] == "CREATE_COMPLETE"


def stack_reason(cloudformation, name, status):
    return cloudformation.reason(name, name, status)


def test_a_stack_whose_export_is_in_use_stays(cloudformation, unique, two):
    exporter, importer = two
    cloudformation("DeleteStack", StackName=exporter)
    stack = cloudformation.settled(exporter)
    assert (stack["StackStatus"], stack["StackStatusReason"]) == (
        "CREATE_COMPLETE",
        f"Export {unique}-x cannot be deleted as it is in use by {importer}",
    )
    assert cloudformation.physical_id(exporter, "P")
    cloudformation.delete(importer)
    assert cloudformation.delete(exporter)["StackStatus"] == "DELETE_COMPLETE"


@pytest.mark.parametrize(
    ("body", "what"),
    [
        pytest.param(lambda name: template(parameter("P", "a"), Plain="y"), "deleted", id="gone"),
        pytest.param(lambda name: exporting(name, "b"), "updated", id="another value"),
    ],
)
def test_an_export_that_is_in_use_cannot_change(cloudformation, inner, unique, two, body, what):
    exporter, importer = two
    stack = cloudformation.update(exporter, body(f"{unique}-x"))
    assert stack["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert stack_reason(cloudformation, exporter, "UPDATE_ROLLBACK_IN_PROGRESS") == (
        f"Export {unique}-x cannot be {what} as it is in use by {importer}"
    )
    assert value_of(inner, cloudformation.physical_id(exporter, "P")) == "a"
    cloudformation.update(importer, template(parameter("P", "own")))
    assert cloudformation.update(exporter, body(f"{unique}-x"))["StackStatus"] == "UPDATE_COMPLETE"


def test_a_rolled_back_stack_imports_nothing(cloudformation, unique):
    cloudformation.create(f"{unique}-a", exporting(f"{unique}-x"))
    body = importing(f"{unique}-x") + (
        "\n  Vpc: {Type: AWS::EC2::VPC, DependsOn: P, Properties: {CidrBlock: 10.0.0.0/99}}"
    )
    assert cloudformation.create(f"{unique}-b", body)["StackStatus"] == "ROLLBACK_COMPLETE"
    assert cloudformation.delete(f"{unique}-a")["StackStatus"] == "DELETE_COMPLETE"
