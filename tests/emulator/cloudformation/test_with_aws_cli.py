"""The AWS CLI's own commands around stacks: package, deploy, wait, change sets, exports.

Source: docs.aws.amazon.com/cli/latest/reference/cloudformation/
"""

import json
import time

import pytest
from test_lab_stack import settled
from test_updates import template

CHILD = """
Parameters: {Word: {Type: String}}
Resources:
  P: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: !Ref Word}}
Outputs: {Value: {Value: !GetAtt P.Value}}
"""

PARENT = """
Parameters: {Word: {Type: String, Default: one}, Other: {Type: String, Default: x}}
Resources:
  Child:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: child.yaml, Parameters: {Word: !Ref Word}}
Outputs: {Value: {Value: !GetAtt Child.Outputs.Value}, Other: {Value: !Ref Other}}
"""


@pytest.fixture
def cloudformation(session):
    return session.client("cloudformation")


@pytest.fixture
def name(unique):
    return f"cli-{unique}"


@pytest.fixture
def run(aws):
    """Runs a command that must succeed; returns what it says, decoded if it is JSON."""

    def run(*arguments):
        done = aws(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        said = done.stdout
        return json.loads(said) if said.lstrip().startswith(("{", "[")) else said

    return run


def outputs(cloudformation, name):
    [stack] = cloudformation.describe_stacks(StackName=name)["Stacks"]
    return {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}


@pytest.fixture
def packaged(run, session, name, tmp_path):
    """The parent's template as `package` writes it, with the URL of the child's in it."""
    session.client("s3").create_bucket(Bucket=f"{name}-artifacts")
    (tmp_path / "child.yaml").write_text(CHILD)
    (tmp_path / "parent.yaml").write_text(PARENT)
    target = tmp_path / "packaged.yaml"
    run(
        "package", "--template-file", str(tmp_path / "parent.yaml"),
        "--s3-bucket", f"{name}-artifacts", "--output-template-file", str(target),
    )  # fmt: skip
    return target


def test_package_and_deploy(run, cloudformation, packaged, emulator, name):
    """Source: docs.aws.amazon.com/cli/latest/reference/cloudformation/package.html."""
    assert f"TemplateURL: {emulator.endpoint_url}/{name}-artifacts/" in packaged.read_text()
    deploy = ("deploy", "--stack-name", name, "--template-file", str(packaged))
    said = run(*deploy, "--parameter-overrides", "Word=two", "Other=y", "--tags", "course=x")
    assert f"Successfully created/updated stack - {name}" in said
    assert outputs(cloudformation, name) == {"Value": "two", "Other": "y"}
    time.sleep(1)  # the CLI names a change set by the second
    run(*deploy, "--parameter-overrides", "Word=three")
    assert outputs(cloudformation, name) == {"Value": "three", "Other": "y"}
    run("delete-stack", "--stack-name", name)
    run("wait", "stack-delete-complete", "--stack-name", name)


def test_deploy_through_s3_and_twice(run, cloudformation, session, name, tmp_path):
    """With --s3-bucket the template itself goes through S3, as a TemplateURL."""
    session.client("s3").create_bucket(Bucket=f"{name}-artifacts")
    path = tmp_path / "plain.yaml"
    path.write_text(template("  G: {Type: AWS::Logs::LogGroup}", Word="!Ref Word"))
    deploy = ("deploy", "--stack-name", name, "--template-file", str(path),
              "--s3-bucket", f"{name}-artifacts")  # fmt: skip
    run(*deploy)
    time.sleep(1)
    said = run(*deploy, "--no-fail-on-empty-changeset")
    assert "No changes to deploy" in said


def test_deploy_says_what_failed(aws, cloudformation, name, tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text("Resources: {V: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/99}}}")
    done = aws("deploy", "--stack-name", name, "--template-file", str(path))
    assert done.returncode != 0
    assert "Failed to create/update the stack" in done.stderr
    again = aws("deploy", "--stack-name", name, "--template-file", str(path))
    assert "is in ROLLBACK_COMPLETE state and can not be updated." in again.stderr


def test_deploy_without_capabilities(aws, name, tmp_path):
    path = tmp_path / "role.yaml"
    path.write_text("Resources: {R: {Type: AWS::IAM::Role, Properties: "
                    "{AssumeRolePolicyDocument: {}}}}")  # fmt: skip
    done = aws("deploy", "--stack-name", name, "--template-file", str(path))
    assert "InsufficientCapabilitiesException" in done.stderr
    assert "Requires capabilities : [CAPABILITY_IAM]" in done.stderr


def test_change_sets_by_hand(run, cloudformation, name, tmp_path):
    path = tmp_path / "t.yaml"
    path.write_text(template("  G: {Type: AWS::Logs::LogGroup}"))
    which = ("--stack-name", name, "--change-set-name", "first")
    run("create-change-set", *which, "--change-set-type", "CREATE",
        "--template-body", f"file://{path}")  # fmt: skip
    run("wait", "change-set-create-complete", *which)
    [change] = run("describe-change-set", *which)["Changes"]
    assert change["ResourceChange"]["Action"] == "Add"
    run("execute-change-set", *which)
    assert settled(cloudformation, name)["StackStatus"] == "CREATE_COMPLETE"
    run("wait", "stack-create-complete", "--stack-name", name)
    assert run("list-change-sets", "--stack-name", name)["Summaries"][0]["ExecutionStatus"] == (
        "EXECUTE_COMPLETE"
    )
    summary = run("get-template-summary", "--stack-name", name)
    assert summary["ResourceTypes"] == ["AWS::Logs::LogGroup"]
    assert summary["Parameters"][0]["ParameterType"] == "String"


def test_update_wait_events_and_resources(run, cloudformation, name, tmp_path):
    path = tmp_path / "t.yaml"
    path.write_text(template("  G: {Type: AWS::Logs::LogGroup}", Word="!Ref Word"))
    run("create-stack", "--stack-name", name, "--template-body", f"file://{path}")
    settled(cloudformation, name)
    run("update-stack", "--stack-name", name, "--use-previous-template",
        "--parameters", "ParameterKey=Word,ParameterValue=two")  # fmt: skip
    settled(cloudformation, name)
    run("wait", "stack-update-complete", "--stack-name", name)
    assert outputs(cloudformation, name) == {"Word": "two"}
    events = run("describe-stack-events", "--stack-name", name)["StackEvents"]
    assert events[0]["ResourceStatus"] == "UPDATE_COMPLETE"
    assert len({one["OperationId"] for one in events}) == 2
    assert run("list-stack-resources", "--stack-name", name)["StackResourceSummaries"]
    assert run("get-template", "--stack-name", name)["TemplateBody"] == path.read_text()
    assert run("list-exports")["Exports"] == []
