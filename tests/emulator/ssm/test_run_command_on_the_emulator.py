"""Concurrency, errors and output to S3 by AWS's API alone, with real scripts."""

import json

import pytest
from real_network import Network, within

FINAL = ("Success", "Failed", "TimedOut", "Cancelled")


@pytest.fixture(scope="module")
def network(session):
    return Network(session, "run-command")


@pytest.fixture
def run(network):
    """Sends lines to both nodes; returns the command and its invocations when all have ended."""
    ids = [instance["InstanceId"] for instance in network.instances]

    def run(*lines, **more):
        sent = network.ssm.send_command(
            InstanceIds=ids,
            DocumentName="AWS-RunShellScript",
            Parameters={"commands": list(lines)},
            **more,
        )
        asked = {"CommandId": sent["Command"]["CommandId"]}
        within(20, lambda: network.ssm.list_commands(**asked)["Commands"][0]["Status"] in FINAL)
        (command,) = network.ssm.list_commands(**asked)["Commands"]
        invocations = within(20, lambda: listed(network, asked))  # which come a moment later
        return command, [one["CommandPlugins"][0] for one in invocations]

    return run


def listed(network, asked):
    return network.ssm.list_command_invocations(Details=True, **asked)["CommandInvocations"]


def test_one_node_after_the_other(run):
    """docs.aws.amazon.com/systems-manager/latest/userguide/send-commands-multiple.html"""
    command, (one, two) = run("sleep 0.3", MaxConcurrency="1")
    assert command["Status"] == "Success"
    assert one["ResponseFinishDateTime"] <= two["ResponseStartDateTime"]


def test_the_second_node_gets_nothing_after_the_first_one_s_error(run):
    """docs.aws.amazon.com/systems-manager/latest/userguide/send-commands-multiple.html"""
    command, (one, two) = run("exit 3", MaxConcurrency="50%", MaxErrors="0")
    assert (command["Status"], command["ErrorCount"]) == ("Failed", 1)
    assert (one["ResponseCode"], one["StatusDetails"]) == (3, "Failed")
    assert (two["ResponseCode"], two["StatusDetails"]) == (-1, "Terminated")


def test_the_whole_output_is_in_the_bucket_when_the_command_has_ended(network, run):
    """docs.aws.amazon.com/systems-manager/latest/APIReference/API_SendCommand.html"""
    bucket = "run-command-output"
    network.s3.create_bucket(Bucket=bucket)
    statement = {
        "Effect": "Allow",
        "Action": "s3:PutObject",
        "Resource": f"arn:aws:s3:::{bucket}/p/*",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    network.iam.put_role_policy(
        RoleName="run-command-node", PolicyName="put", PolicyDocument=document
    )
    command, _ = run("echo hello", OutputS3BucketName=bucket, OutputS3KeyPrefix="p")
    assert command["Status"] == "Success"
    contents = network.s3.list_objects_v2(Bucket=bucket)["Contents"]
    expected = {
        f"p/{command['CommandId']}/{instance['InstanceId']}/"
        "awsrunShellScript/0.awsrunShellScript/stdout"
        for instance in network.instances
    }
    assert {item["Key"] for item in contents} == expected
    body = network.s3.get_object(Bucket=bucket, Key=min(expected))["Body"].read()
    assert body == b"hello\n"
