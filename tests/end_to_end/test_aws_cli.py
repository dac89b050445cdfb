"""The AWS CLI in a learner's shell, and a reader of flow logs that we did not write."""

import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from labkit import stacks

flowlogs_reader = pytest.importorskip("flowlogs_reader")
STACK = "by-hand"
BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def shell(lab):
    """A shell after `eval "$(labkit emulator env)"`: takes a command line, gives what it says."""

    def run(line, *, check=True):
        script = f'set -e; eval "$(labkit emulator env)"; {line}'
        environment = lab.environment | {"PATH": f"{BIN}:{lab.environment['PATH']}"}
        done = subprocess.run(
            ["bash", "-c", script],
            env=environment | {"AWS_PROFILE": "someone-elses", "AWS_SESSION_TOKEN": "stale"},
            cwd=stacks.TEMPLATE.parents[1],
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout) if check and done.stdout.startswith(("{", "[")) else done

    return run


@pytest.fixture(scope="module")
def outputs(shell):
    shell(
        f"aws cloudformation create-stack --stack-name {STACK} --capabilities CAPABILITY_IAM"
        " --template-body file://cfn/lab.yaml"
        f" && aws cloudformation wait stack-create-complete --stack-name {STACK}"
    )
    (stack,) = shell(f"aws cloudformation describe-stacks --stack-name {STACK}")["Stacks"]
    return {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}


def ping(shell, outputs, count):
    """Ping the second instance from the first by the CLI; return the finished invocation."""
    line = f"ping -c {count} -i 0.2 -W 1 {outputs['Instance2PrivateIp']}"
    command_id = shell(
        f"aws ssm send-command --instance-ids {outputs['Instance1Id']}"
        f" --document-name AWS-RunShellScript --parameters 'commands=[\"{line}\"]'"
    )["Command"]["CommandId"]
    which = f"--command-id {command_id} --instance-id {outputs['Instance1Id']}"
    shell(f"aws ssm wait command-executed {which}", check=False)
    return shell(f"aws ssm get-command-invocation {which}")


@pytest.fixture(scope="module")
def pinged(shell, outputs):
    invocation = ping(shell, outputs, 4)
    assert invocation["Status"] == "Success"
    assert "4 packets transmitted, 4 received" in invocation["StandardOutputContent"]
    return 4


def test_the_objects_are_listed(shell, outputs, pinged):
    listed = shell(f"aws s3 ls --recursive s3://{outputs['FlowLogBucketName']}/").stdout
    name = r"123456789012_vpcflowlogs_us-east-1_fl-[0-9a-f]{17}_\d{8}T\d{4}Z_[0-9a-f]{8}\.log\.gz"
    assert re.search(
        rf"AWSLogs/123456789012/vpcflowlogs/us-east-1/\d{{4}}/\d\d/\d\d/{name}", listed
    )


def test_the_events_are_filtered(shell, outputs, pinged):
    pattern = "[version, account, interface, src, dst, sport, dport, protocol=1, ...]"
    events = shell(
        f"aws logs filter-log-events --log-group-name {outputs['FlowLogGroupName']}"
        f" --filter-pattern '{pattern}'"
    )["events"]
    packets = [int(event["message"].split()[8]) for event in events]
    sizes = [int(event["message"].split()[9]) for event in events]
    assert (sum(packets), sum(sizes)) == (4 * pinged, 4 * pinged * 84)


def test_somebody_elses_reader_reads_both_destinations(lab, outputs, pinged):
    """flowlogs_reader, from PyPI: a program that knows nothing of us."""
    s3 = flowlogs_reader.S3FlowLogsReader(
        outputs["FlowLogBucketName"],
        include_accounts={"123456789012"},
        include_regions={"us-east-1"},
        boto_client=lab.session.client("s3"),
    )
    logs = flowlogs_reader.FlowLogsReader(
        outputs["FlowLogGroupName"], boto_client=lab.session.client("logs")
    )
    for reader in (s3, logs):
        icmp = [record for record in reader if record.protocol == 1]
        assert len({record.interface_id for record in icmp}) == 2
        assert sum(record.packets for record in icmp) == 4 * pinged
        assert sum(record.bytes for record in icmp) == 4 * 84 * pinged
        assert {record.action for record in icmp} == {"ACCEPT"}


def test_a_rule_changed_by_the_cli_judges_the_next_new_ping_and_spares_a_running_one(
    shell, outputs, lab
):
    """A tracked connection outlives the rule that let it in.

    Source: docs.aws.amazon.com/AWSEC2/latest/UserGuide/security-group-connection-tracking.html
    """
    groups = shell(
        f"aws ec2 describe-security-groups --filters Name=vpc-id,Values={outputs['VpcId']}"
        " Name=ip-permission.protocol,Values=icmp"
    )["SecurityGroups"]
    (group_id,) = [group["GroupId"] for group in groups]
    rule = "--ip-permissions IpProtocol=icmp,FromPort=8,ToPort=-1,IpRanges=[{CidrIp=10.0.1.0/24}]"
    ssm = lab.session.client("ssm")
    running = ssm.send_command(
        InstanceIds=[outputs["Instance1Id"]],
        DocumentName="AWS-RunShellScript",
        Parameters={"commands": [f"ping -c 40 -i 0.2 {outputs['Instance2PrivateIp']}"]},
    )["Command"]["CommandId"]
    time.sleep(1)
    shell(f"aws ec2 revoke-security-group-ingress --group-id {group_id} {rule}")
    invocation = ping(shell, outputs, 2)
    assert invocation["Status"] == "Failed"
    assert "2 packets transmitted, 0 received" in invocation["StandardOutputContent"]
    which = f"--command-id {running} --instance-id {outputs['Instance1Id']}"
    shell(f"aws ssm wait command-executed {which}")
    text = ssm.get_command_invocation(CommandId=running, InstanceId=outputs["Instance1Id"])
    assert "40 packets transmitted, 40 received" in text["StandardOutputContent"]
    shell(f"aws ec2 authorize-security-group-ingress --group-id {group_id} {rule}")
    assert ping(shell, outputs, 2)["Status"] == "Success"


def test_the_stack_is_deleted_once_its_bucket_is_empty(shell, outputs):
    shell(f"aws cloudformation delete-stack --stack-name {STACK}")
    wait = f"aws cloudformation wait stack-delete-complete --stack-name {STACK}"
    assert shell(wait, check=False).returncode != 0
    (stack,) = shell(f"aws cloudformation describe-stacks --stack-name {STACK}")["Stacks"]
    assert stack["StackStatus"] == "DELETE_FAILED"
    shell(f"aws s3 rm --quiet --recursive s3://{outputs['FlowLogBucketName']}")
    shell(f"aws cloudformation delete-stack --stack-name {STACK} && {wait}")
    assert not shell("aws s3api list-buckets")["Buckets"]
