"""Run Command from SendCommand to its end, with hosts that do what the test says.

Sources: docs.aws.amazon.com/systems-manager/latest/APIReference/API_SendCommand.html,
docs.aws.amazon.com/systems-manager/latest/userguide/monitor-commands.html
"""

import json

import pytest

from labkit.emulator.data_plane.messages import CommandOutcome, CommandSpec
from labkit.emulator.refusal import ServiceError

NOW = 1_800_000_000.0  # 2027-01-15T08:00:00Z
ONE, TWO = "i-00000000000000001", "i-00000000000000002"


@pytest.fixture
def send(ssm):
    """Sends lines to the first node and returns the command's id."""

    def send(*lines, to=(ONE,), **more):
        asked = {"InstanceIds": list(to), "Parameters": {"commands": list(lines or ["true"])}}
        asked = {"DocumentName": "AWS-RunShellScript", **asked, **more}
        asked = {name: value for name, value in asked.items() if value is not None}
        return ssm("SendCommand", **asked)["Command"]["CommandId"]

    return send


@pytest.fixture
def finish(dispatch, clock):
    """Tells how a command ended, as the data plane does."""

    def finish(command_id, instance_id=ONE, status="Success", exit_code=0, **more):
        details = more.pop("status_details", status)
        values = {"stdout": "", "stderr": "", "started_at": NOW + 1, "ended_at": NOW + 4.05}
        dispatch.on_finished(
            CommandOutcome(
                command_id, instance_id, status, details, exit_code, **{**values, **more}
            )
        )
        clock.now = max(clock.now, NOW + 5)

    return finish


def refused(ssm, operation, **asked):
    with pytest.raises(ServiceError) as refusal:
        ssm(operation, **asked)
    return refusal.value.code, refusal.value.message


def get(ssm, command_id, instance_id=ONE):
    return ssm("GetCommandInvocation", CommandId=command_id, InstanceId=instance_id)


# -- one command's life --------------------------------------------------------------------


def test_the_answer_to_send_command_knows_nothing_yet(ssm, data_plane):
    answer = ssm(
        "SendCommand",
        DocumentName="AWS-RunShellScript",
        InstanceIds=[ONE],
        Parameters={"commands": ["ping -c 4 10.0.1.5"], "executionTimeout": ["60"]},
        Comment="hello",
        TimeoutSeconds=600,
    )["Command"]
    assert len(answer["CommandId"]) == 36
    assert (answer["Status"], answer["StatusDetails"]) == ("Pending", "Pending")
    assert (answer["TargetCount"], answer["CompletedCount"], answer["ErrorCount"]) == (0, 0, 0)
    assert answer["InstanceIds"] == [ONE]
    assert answer["Comment"] == "hello"
    assert answer["RequestedDateTime"].timestamp() == NOW
    assert answer["ExpiresAfter"].timestamp() == NOW + 660
    (spec,) = data_plane.specs
    assert spec == CommandSpec(
        answer["CommandId"],
        ONE,
        ("ping -c 4 10.0.1.5",),
        None,
        60,
        {
            "SSM_COMMAND_ID": answer["CommandId"],
            "AWS_SSM_INSTANCE_ID": ONE,
            "AWS_SSM_REGION_NAME": "us-east-1",
        },
    )


def test_a_command_from_pending_to_success(ssm, send, dispatch, clock, finish):
    id_ = send("echo hello")
    code, _ = refused(ssm, "GetCommandInvocation", CommandId=id_, InstanceId=ONE)
    assert code == "InvocationDoesNotExist"
    clock.now += 0.2
    assert get(ssm, id_)["Status"] == "Pending"
    dispatch.on_started(id_, ONE, NOW + 1)
    running = get(ssm, id_)
    assert (running["Status"], running["StatusDetails"]) == ("InProgress", "InProgress")
    assert running["ResponseCode"] == -1
    assert running["ExecutionStartDateTime"] == "2027-01-15T08:00:01.000Z"
    assert (running["ExecutionEndDateTime"], running["ExecutionElapsedTime"]) == ("", "")
    assert running["StandardOutputContent"] == ""
    finish(id_, stdout="hello\n")
    ended = get(ssm, id_)
    assert (ended["Status"], ended["StatusDetails"]) == ("Success", "Success")
    assert ended["ResponseCode"] == 0
    assert ended["ExecutionElapsedTime"] == "PT3.05S"
    assert ended["ExecutionEndDateTime"] == "2027-01-15T08:00:04.050Z"
    assert ended["StandardOutputContent"] == "hello\n"
    assert ended["PluginName"] == "aws:runShellScript"


# docs.aws.amazon.com/systems-manager/latest/userguide/monitor-commands.html
@pytest.mark.parametrize(
    ("status", "details", "exit_code"),
    [
        pytest.param("Failed", "Failed", 1, id="an exit code"),
        pytest.param("TimedOut", "ExecutionTimedOut", 137, id="too long"),
        pytest.param("Cancelled", "Cancelled", 137, id="cancelled"),
    ],
)
def test_how_a_command_may_end_badly(ssm, send, finish, status, details, exit_code):
    id_ = send()
    output = {"stdout": "so far", "stderr": "why"}
    finish(id_, status=status, status_details=details, exit_code=exit_code, **output)
    ended = get(ssm, id_)
    assert (ended["Status"], ended["ResponseCode"]) == (status, exit_code)
    assert ended["StatusDetails"] == details
    assert ended["StandardOutputContent"] == "so far"
    assert ended["StandardErrorContent"] == "why"
    (command,) = ssm("ListCommands")["Commands"]
    assert command["Status"] == status


def test_output_is_cut_at_24000_and_8000_characters(ssm, send, finish):
    """docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetCommandInvocation.html."""
    id_ = send()
    finish(id_, stdout="o" * 30_000, stderr="e" * 30_000, status="Failed", exit_code=1)
    ended = get(ssm, id_)
    assert len(ended["StandardOutputContent"]) == 24_000
    assert len(ended["StandardErrorContent"]) == 8_000


def test_details_show_the_plugin_and_both_outputs_together(ssm, send, finish):
    """docs.aws.amazon.com/systems-manager/latest/APIReference/API_CommandPlugin.html."""
    id_ = send()
    finish(id_, stdout="out\n", stderr="err\n", status="Failed", exit_code=3)
    (bare,) = ssm("ListCommandInvocations")["CommandInvocations"]
    assert bare["CommandPlugins"] == []
    (one,) = ssm("ListCommandInvocations", Details=True)["CommandInvocations"]
    assert one["InstanceName"] == "ip-10-0-1-11.x"
    (plugin,) = one["CommandPlugins"]
    assert (plugin["Name"], plugin["ResponseCode"]) == ("aws:runShellScript", 3)
    assert plugin["Output"] == "out\n\n----------ERROR-------\nerr\n"
    assert plugin["ResponseFinishDateTime"].timestamp() == NOW + 4.05


# -- several nodes -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statuses", "together", "counts"),
    [
        pytest.param(("Success", "Success"), "Success", (2, 0), id="all well"),
        pytest.param(("Success", "Failed"), "Failed", (2, 1), id="one failed"),
        pytest.param(("Failed", "TimedOut"), "Failed", (2, 1), id="one failed, one timed out"),
        pytest.param(("Success", "Cancelled"), "Cancelled", (2, 0), id="one cancelled"),
        pytest.param(("Success", None), "InProgress", (1, 0), id="one still on its way"),
    ],
)
def test_a_command_s_status_sums_up_its_invocations(ssm, send, finish, statuses, together, counts):
    """docs.aws.amazon.com/systems-manager/latest/userguide/monitor-commands.html."""
    id_ = send(to=(ONE, TWO))
    for instance_id, status in zip((ONE, TWO), statuses, strict=True):
        if status:
            finish(id_, instance_id, status=status)
    (command,) = ssm("ListCommands", CommandId=id_)["Commands"]
    assert command["Status"] == together
    assert (command["CompletedCount"], command["ErrorCount"]) == counts
    assert command["TargetCount"] == 2


def sent_to(data_plane):
    return [spec.instance_id for spec in data_plane.specs]


def statuses(ssm, command_id):
    answer = ssm("ListCommandInvocations", CommandId=command_id)["CommandInvocations"]
    return [(one["Status"], one["StatusDetails"]) for one in answer]


def test_max_concurrency_holds_the_second_node_back(ssm, send, data_plane, finish, clock):
    """docs.aws.amazon.com/systems-manager/latest/userguide/send-commands-multiple.html"""
    id_ = send(to=(ONE, TWO), MaxConcurrency="1")
    clock.now += 1
    assert sent_to(data_plane) == [ONE]
    assert statuses(ssm, id_) == [("Pending", "Pending")] * 2
    finish(id_, ONE)
    assert sent_to(data_plane) == [ONE, TWO]
    assert ssm("ListCommands")["Commands"][0]["Status"] == "InProgress"
    finish(id_, TWO)
    (command,) = ssm("ListCommands")["Commands"]
    assert (command["Status"], command["MaxConcurrency"]) == ("Success", "1")


@pytest.mark.parametrize(
    ("max_errors", "status", "goes_on"),
    [
        pytest.param("0", "Failed", False, id="the first error stops it"),
        pytest.param("0", "Success", True, id="no error"),
        pytest.param("1", "Failed", True, id="one error is allowed"),
        pytest.param("50%", "Failed", True, id="half of the nodes may fail"),
        pytest.param("49%", "Failed", False, id="less than one node may fail"),
    ],
)
def test_max_errors(ssm, send, data_plane, finish, max_errors, status, goes_on):
    """docs.aws.amazon.com/systems-manager/latest/userguide/send-commands-multiple.html"""
    id_ = send(to=(ONE, TWO), MaxConcurrency="1", MaxErrors=max_errors)
    finish(id_, ONE, status=status)
    assert sent_to(data_plane) == ([ONE, TWO] if goes_on else [ONE])
    if not goes_on:
        assert statuses(ssm, id_) == [("Failed", "Failed"), ("Cancelled", "Terminated")]
        (command,) = ssm("ListCommands")["Commands"]
        assert (command["Status"], command["CompletedCount"]) == ("Failed", 2)
        assert get(ssm, id_, TWO)["ResponseCode"] == -1


def test_an_execution_that_timed_out_counts_as_an_error(send, data_plane, finish):
    """docs.aws.amazon.com/systems-manager/latest/userguide/monitor-commands.html"""
    id_ = send(to=(ONE, TWO), MaxConcurrency="1")
    finish(id_, ONE, status="TimedOut", status_details="ExecutionTimedOut")
    assert sent_to(data_plane) == [ONE]


def test_what_waits_for_its_turn_can_be_cancelled(ssm, send, data_plane, finish):
    id_ = send(to=(ONE, TWO), MaxConcurrency="1")
    ssm("CancelCommand", CommandId=id_, InstanceIds=[TWO])
    finish(id_, ONE)
    assert sent_to(data_plane) == [ONE]
    assert statuses(ssm, id_) == [("Success", "Success"), ("Cancelled", "Cancelled")]


def test_what_waits_for_its_turn_times_out_with_its_command(ssm, send, data_plane, clock):
    """docs.aws.amazon.com/systems-manager/latest/APIReference/API_Command.html, ExpiresAfter"""
    id_ = send(to=(ONE, TWO), MaxConcurrency="1", TimeoutSeconds=30)
    clock.now += 3631
    assert statuses(ssm, id_)[1] == ("TimedOut", "DeliveryTimedOut")
    assert sent_to(data_plane) == [ONE]


@pytest.mark.parametrize(
    ("targets", "found"),
    [
        pytest.param([{"Key": "tag:Role", "Values": ["a", "b"]}], [0, 1], id="either value"),
        pytest.param([{"Key": "tag:Role", "Values": ["b"]}], [1], id="one value"),
        pytest.param(
            [{"Key": "tag:Role", "Values": ["a", "b"]}, {"Key": "tag-key", "Values": ["Extra"]}],
            [0],
            id="all targets",
        ),
    ],
)
def test_targets_by_tag(world, inner, send, data_plane, targets, found):
    """docs.aws.amazon.com/systems-manager/latest/userguide/send-commands-multiple.html."""
    ids = run_tagged_instances(world, inner)
    send(to=(), InstanceIds=None, Targets=targets)
    assert [ids.index(spec.instance_id) for spec in data_plane.specs] == found


def test_targets_that_no_node_matches(ssm, send, data_plane):
    """docs.aws.amazon.com/systems-manager/latest/userguide/monitor-commands.html (No Instances In
    Tag).
    """
    id_ = send(to=(), InstanceIds=None, Targets=[{"Key": "tag:none", "Values": ["b"]}])
    (found,) = ssm("ListCommands", CommandId=id_)["Commands"]
    assert (found["Status"], found["StatusDetails"]) == ("Success", "NoInstancesInTag")
    assert (found["TargetCount"], found["CompletedCount"], found["ErrorCount"]) == (0, 0, 0)
    assert ssm("ListCommandInvocations", CommandId=id_)["CommandInvocations"] == []
    assert data_plane.specs == []
    of_that_status = [{"key": "Status", "value": "NoInstancesInTag"}]
    assert ssm("ListCommands", Filters=of_that_status)["Commands"][0]["CommandId"] == id_


def run_tagged_instances(world, inner):
    """Give the world two instances that moto has, too, with tags."""
    ec2 = inner("ec2", "us-east-1")
    old = ec2.describe_instances(Filters=[{"Name": "tag-key", "Values": ["Role"]}])
    for reservation in old["Reservations"]:
        for instance in reservation["Instances"]:
            ec2.terminate_instances(InstanceIds=[instance["InstanceId"]])
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    made = ec2.run_instances(ImageId=image, MinCount=2, MaxCount=2, InstanceType="t4g.micro")
    ids = [instance["InstanceId"] for instance in made["Instances"]]
    for id_, role, like in zip(ids, "ab", (ONE, TWO), strict=True):
        ec2.create_tags(Resources=[id_], Tags=[{"Key": "Role", "Value": role}])
        world.rename(like, id_)
    ec2.create_tags(Resources=ids[:1], Tags=[{"Key": "Extra", "Value": ""}])
    return ids


# -- output to S3 --------------------------------------------------------------------------


PUT = {"Effect": "Allow", "Action": "s3:PutObject"}


@pytest.fixture
def bucket(inner, unique):
    inner("s3", "us-east-1").create_bucket(Bucket=f"output-{unique}")
    return f"output-{unique}"


@pytest.fixture
def objects(inner, bucket):
    """Reads all objects of the bucket: texts by key."""
    s3 = inner("s3", "us-east-1")

    def read():
        keys = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
        bodies = {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}
        return {key: body.decode() for key, body in bodies.items()}

    return read


@pytest.fixture
def allow(iam, unique, bucket):
    """Lets the nodes' role put objects under a prefix of the bucket."""

    def allow(prefix=""):
        statement = {**PUT, "Resource": f"arn:aws:s3:::{bucket}/{prefix}*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_role_policy(RoleName=unique, PolicyName="put", PolicyDocument=document)

    return allow


@pytest.mark.parametrize(
    ("prefix", "folder"),
    [
        pytest.param(None, "", id="no prefix"),
        pytest.param("a/b", "a/b/", id="a prefix"),
        pytest.param("a/", "a/", id="a prefix that ends in a slash"),
    ],
)
def test_output_in_s3(ssm, send, finish, bucket, objects, allow, prefix, folder):
    """docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetCommandInvocation.html"""
    allow()
    id_ = send(OutputS3BucketName=bucket, OutputS3KeyPrefix=prefix)
    finish(id_, stdout="o" * 30_000, stderr="why", status="Failed", exit_code=1)
    plugin = f"{folder}{id_}/{ONE}/awsrunShellScript/0.awsrunShellScript"
    assert objects() == {f"{plugin}/stdout": "o" * 30_000, f"{plugin}/stderr": "why"}
    ended = get(ssm, id_)
    url = f"https://s3.us-east-1.amazonaws.com/{bucket}/{plugin}"
    assert ended["StandardOutputUrl"] == f"{url}/stdout"
    assert ended["StandardErrorUrl"] == f"{url}/stderr"
    assert len(ended["StandardOutputContent"]) == 24_000
    (one,) = ssm("ListCommandInvocations", Details=True)["CommandInvocations"]
    assert one["StandardOutputUrl"] == one["CommandPlugins"][0]["StandardOutputUrl"]
    assert one["StandardOutputUrl"] == f"{url}/stdout"
    assert one["CommandPlugins"][0]["OutputS3BucketName"] == bucket
    (command,) = ssm("ListCommands")["Commands"]
    assert command["OutputS3BucketName"] == bucket
    assert command["OutputS3KeyPrefix"] == (prefix or "")


def test_what_is_empty_is_not_uploaded(send, finish, bucket, objects, allow):
    allow()
    finish(send(OutputS3BucketName=bucket), stdout="hello\n")
    assert [key.rpartition("/")[2] for key in objects()] == ["stdout"]


@pytest.mark.parametrize(
    "prefix",
    [
        pytest.param(None, id="AmazonSSMManagedInstanceCore alone"),
        pytest.param("elsewhere/", id="another folder"),
    ],
)
def test_without_permission_there_is_no_output_and_the_command_succeeds(
    ssm, send, finish, bucket, objects, allow, caplog, prefix
):
    """docs.aws.amazon.com/systems-manager/latest/userguide/setup-instance-permissions.html"""
    if prefix:
        allow(prefix)
    id_ = send(OutputS3BucketName=bucket)
    finish(id_, stdout="hello\n")
    assert objects() == {}
    assert get(ssm, id_)["Status"] == "Success"
    assert "its role does not allow s3:PutObject" in caplog.text


def test_a_bucket_that_is_gone_does_not_hold_the_command_up(
    inner, ssm, send, finish, bucket, allow, caplog
):
    allow()
    id_ = send(OutputS3BucketName=bucket)
    inner("s3", "us-east-1").delete_bucket(Bucket=bucket)
    finish(id_, stdout="hello\n")
    assert get(ssm, id_)["Status"] == "Success"
    assert "NoSuchBucket" in caplog.text


# -- nodes that are not there --------------------------------------------------------------


def test_an_instance_that_is_no_managed_node(ssm, world, send):
    world.set_ingress_of_endpoints()
    with pytest.raises(ServiceError) as refusal:
        send()
    assert refusal.value.code == "InvalidInstanceId"
    assert refusal.value.message == (
        f"Instances [[{ONE}]] not in a valid state for account 123456789012"
    )


def test_a_stopped_node_gets_its_command_when_it_runs_again(ssm, world, send, data_plane, clock):
    send()
    world.set_state(ONE, "stopped")
    id_ = send()
    clock.now += 1
    assert len(data_plane.specs) == 1
    assert get(ssm, id_)["Status"] == "InProgress"
    world.set_state(ONE, "running")
    assert get(ssm, id_)["Status"] == "Pending"
    get(ssm, id_)
    assert [spec.command_id for spec in data_plane.specs][1:] == [id_]


def test_a_command_to_a_stopped_node_times_out_at_last(ssm, world, send, data_plane, clock):
    send()
    world.set_state(ONE, "stopped")
    id_ = send(TimeoutSeconds=30, Parameters={"commands": ["true"], "executionTimeout": ["10"]})
    clock.now += 41
    ended = get(ssm, id_)
    assert (ended["Status"], ended["StatusDetails"]) == ("TimedOut", "DeliveryTimedOut")
    assert ended["ResponseCode"] == -1
    (command,) = ssm("ListCommands", CommandId=id_)["Commands"]
    assert command["DeliveryTimedOutCount"] == 1
    world.set_state(ONE, "running")
    get(ssm, id_)
    assert len(data_plane.specs) == 1


def test_a_terminated_node_gets_nothing(world, send):
    send()
    world.set_state(ONE, "terminated")
    with pytest.raises(ServiceError, match="not in a valid state"):
        send()


# -- cancelling ----------------------------------------------------------------------------


def test_cancel_asks_the_host_and_says_so(ssm, send, data_plane, clock, finish):
    id_ = send()
    assert ssm("CancelCommand", CommandId=id_) == {}
    assert data_plane.cancelled == [(id_, ONE)]
    clock.now += 1
    assert get(ssm, id_)["Status"] == "Cancelling"
    finish(id_, status="Cancelled", exit_code=137)
    assert get(ssm, id_)["Status"] == "Cancelled"


def test_cancel_leaves_alone_what_has_ended(ssm, send, data_plane, finish):
    """docs.aws.amazon.com/systems-manager/latest/APIReference/API_CancelCommand.html."""
    id_ = send()
    finish(id_)
    ssm("CancelCommand", CommandId=id_, InstanceIds=[ONE])
    assert data_plane.cancelled == []
    assert get(ssm, id_)["Status"] == "Success"


def test_cancel_of_a_waiting_command_needs_no_host(ssm, world, send, data_plane, clock):
    send()
    world.set_state(ONE, "stopped")
    id_ = send()
    ssm("CancelCommand", CommandId=id_)
    clock.now += 1
    assert get(ssm, id_)["Status"] == "Cancelled"
    assert data_plane.cancelled == []


# -- lists ---------------------------------------------------------------------------------


@pytest.fixture
def three(send, finish, clock):
    """Three commands, a minute apart: succeeded, failed, on its way (to the second node)."""
    ids = []
    for minutes, to in enumerate((ONE, ONE, TWO)):
        clock.now = NOW + 60 * minutes
        ids.append(send(to=(to,)))
    finish(ids[0])
    finish(ids[1], status="Failed", exit_code=1)
    clock.now += 1
    return ids


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        pytest.param({}, [2, 1, 0], id="newest first"),
        pytest.param({"InstanceId": ONE}, [1, 0], id="of a node"),
        pytest.param({"filter": ("Status", "Failed")}, [1], id="by status"),
        pytest.param({"filter": ("ExecutionStage", "Complete")}, [1, 0], id="complete"),
        pytest.param({"filter": ("ExecutionStage", "Executing")}, [2], id="executing"),
        pytest.param({"filter": ("InvokedAfter", "2027-01-15T08:01:00Z")}, [2, 1], id="after"),
        pytest.param({"filter": ("InvokedBefore", "2027-01-15T08:01:00Z")}, [0], id="before"),
        pytest.param({"filter": ("DocumentName", "AWS-RunShellScript")}, [2, 1, 0], id="document"),
        pytest.param({"filter": ("DocumentName", "AWS-RunRemoteScript")}, [], id="another one"),
    ],
)
@pytest.mark.parametrize(
    ("operation", "key"),
    [("ListCommands", "Commands"), ("ListCommandInvocations", "CommandInvocations")],
)
def test_lists_and_their_filters(ssm, three, operation, key, asked, found):
    """docs.aws.amazon.com/systems-manager/latest/APIReference/API_CommandFilter.html."""
    asked = dict(asked)
    if "filter" in asked:
        name, value = asked.pop("filter")
        asked["Filters"] = [{"key": name, "value": value}]
    answer = ssm(operation, **asked)
    assert [three.index(item["CommandId"]) for item in answer[key]] == found
    assert "NextToken" not in answer


@pytest.mark.parametrize("operation", ["ListCommands", "ListCommandInvocations"])
def test_lists_come_in_pages(ssm, three, operation):
    """docs.aws.amazon.com/systems-manager/latest/APIReference/API_ListCommands.html."""
    first = ssm(operation, MaxResults=2)
    second = ssm(operation, MaxResults=2, NextToken=first["NextToken"])
    key = operation.removeprefix("List")
    assert [item["CommandId"] for item in first[key] + second[key]] == three[::-1]
    assert "NextToken" not in second


# -- wrong input ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "code", "told"),
    [
        pytest.param({"InstanceIds": []}, "InvalidInstanceId", "Instances [[]]", id="no node"),
        pytest.param({"InstanceIds": [ONE, ONE]}, "DuplicateInstanceId", "", id="a node twice"),
        pytest.param(
            {"InstanceIds": ["web-1"]},
            "ValidationException",
            "Value 'web-1' at 'instanceIds.1.member' failed to satisfy constraint: Member must "
            "satisfy regular expression pattern",
            id="no instance id",
        ),
        pytest.param(
            {"InstanceIds": [ONE] * 51},
            "ValidationException",
            "at 'instanceIds' failed to satisfy constraint: Member must have length less than or "
            "equal to 50",
            id="51 nodes",
        ),
        pytest.param({"DocumentName": "No-Such"}, "InvalidDocument", "No-Such", id="no document"),
        pytest.param(
            {"DocumentName": "AWS-RunRemoteScript"},
            "UnsupportedOperation",
            "AWS-RunRemoteScript",
            id="a document that is not emulated",
        ),
        pytest.param({"DocumentVersion": "7"}, "InvalidDocumentVersion", "7", id="no such version"),
        pytest.param({"Parameters": {}}, "InvalidParameters", "commands", id="no commands"),
        pytest.param(
            {"Parameters": {"commands": ["x"], "shell": ["bash"]}},
            "InvalidParameters",
            "shell",
            id="an unknown parameter",
        ),
        pytest.param(
            {"Parameters": {"commands": ["x"], "executionTimeout": ["172801"]}},
            "InvalidParameters",
            "172801",
            id="a timeout over two days",
        ),
        pytest.param(
            {"Parameters": {"commands": ["x"], "workingDirectory": ["/", "/tmp"]}},
            "InvalidParameters",
            "workingDirectory",
            id="two directories",
        ),
        pytest.param(
            {"Parameters": {"commands": ["x" * 100_000]}}, "MaxDocumentSizeExceeded", "", id="97 KB"
        ),
        pytest.param(
            {"TimeoutSeconds": 29},
            "ValidationException",
            "1 validation error detected: Value '29' at 'timeoutSeconds' failed to satisfy "
            "constraint: Member must have value greater than or equal to 30",
            id="too short a timeout",
        ),
        pytest.param(
            {"Comment": "c" * 101},
            "ValidationException",
            "at 'comment' failed to satisfy constraint: Member must have length less than or "
            "equal to 100",
            id="too long a comment",
        ),
        pytest.param(
            {"OutputS3BucketName": "no-such-bucket"},
            "InvalidOutputFolder",
            "The S3 bucket doesn't exist.",
            id="output to a bucket that does not exist",
        ),
        pytest.param(
            {"MaxConcurrency": "0"}, "ValidationException", "maxConcurrency", id="none at a time"
        ),
        pytest.param({"MaxErrors": "-1"}, "ValidationException", "maxErrors", id="under no errors"),
        pytest.param(
            {"Targets": [{"Key": "tag:a", "Values": ["b"]}] * 6},
            "ValidationException",
            "less than or equal to 5",
            id="six targets",
        ),
        pytest.param(
            {"CloudWatchOutputConfig": {"CloudWatchOutputEnabled": True}},
            "UnsupportedOperation",
            "CloudWatch Logs",
            id="output to CloudWatch Logs",
        ),
        pytest.param(
            {"Targets": [{"Key": "tag:a", "Values": ["b"]}]},
            "ValidationException",
            "together",
            id="nodes by id and by tag",
        ),
        pytest.param(
            {"InstanceIds": None, "Targets": [{"Key": "resource-groups:Name", "Values": ["b"]}]},
            "UnsupportedOperation",
            "resource-groups:Name",
            id="a resource group",
        ),
    ],
)
def test_what_send_command_refuses(ssm, send, data_plane, change, code, told):
    with pytest.raises(ServiceError) as refusal:
        send(**change)
    assert refusal.value.code == code
    assert told in refusal.value.message
    assert data_plane.specs == []
    assert ssm("ListCommands")["Commands"] == []


def test_a_timeout_under_five_seconds_becomes_an_hour(send, data_plane):
    send(Parameters={"commands": ["x"], "executionTimeout": ["4"]})
    assert data_plane.specs[0].execution_timeout_s == 3600


NOWHERE = "00000000-0000-0000-0000-000000000000"


@pytest.mark.parametrize(
    ("operation", "asked", "code"),
    [
        ("GetCommandInvocation", {"CommandId": NOWHERE, "InstanceId": ONE}, "InvalidCommandId"),
        ("GetCommandInvocation", {"CommandId": "x", "InstanceId": ONE}, "ValidationException"),
        ("GetCommandInvocation", {"InstanceId": TWO}, "InvocationDoesNotExist"),
        (
            "GetCommandInvocation",
            {"InstanceId": ONE, "PluginName": "aws:runPowerShellScript"},
            "InvalidPluginName",
        ),
        ("CancelCommand", {"CommandId": NOWHERE}, "InvalidCommandId"),
        ("CancelCommand", {"InstanceIds": [TWO]}, "InvalidInstanceId"),
        ("ListCommands", {"CommandId": NOWHERE}, "InvalidCommandId"),
        ("ListCommands", {"NextToken": "x"}, "InvalidNextToken"),
        ("ListCommands", {"MaxResults": 51}, "ValidationException"),
        (
            "ListCommandInvocations",
            {"Filters": [{"key": "InvokedAfter", "value": "yesterday"}]},
            "ValidationException",
        ),
        (
            "ListCommandInvocations",
            {"Filters": [{"key": "Color", "value": "red"}]},
            "ValidationException",
        ),
    ],
)
def test_what_the_others_refuse(ssm, send, clock, operation, asked, code):
    id_ = send()
    clock.now += 1
    assert refused(ssm, operation, **{"CommandId": id_, **asked})[0] == code
