"""The mission as a participant plays it, by plain papermill, with the detours people take."""

import time
from datetime import UTC, datetime

import nbformat
import pytest

from labkit import flowlogs, ping, run_command, stacks

WINDOW_S = 60


@pytest.fixture(scope="module")
def deployed(lab):
    """The outputs of a lab that 01 deployed."""
    done = lab.papermill("01")
    assert done.returncode == 0, done.stdout + done.stderr
    return stacks.find(lab.session.client("cloudformation"), prefix_of(lab)).outputs


def prefix_of(lab):
    (name,) = [one.name for one in stacks.lab_stacks(lab.session.client("cloudformation"))]
    return name


def pings(lab, outputs, lines):
    ssm = lab.session.client("ssm")
    result = run_command.run(ssm, outputs["Instance1Id"], lines, check=False)
    return ping.parse(result.stdout)


def errors(lab, name):
    (path,) = lab.folder.glob(f"{name}*.ipynb")
    cells = nbformat.read(path, as_version=4).cells
    return [
        output.evalue
        for cell in cells
        for output in cell.get("outputs", [])
        if output.output_type == "error"
    ]


def test_a_notebook_before_the_one_it_needs_names_it(lab):
    done = lab.papermill("02", "-p", "prefix", "nobody")
    assert done.returncode != 0
    assert "01_deploy" in errors(lab, "02")[0]


def test_records_before_a_ping_name_the_notebook_that_pings(lab, deployed):
    for name in ("03", "04", "05"):
        assert lab.papermill(name).returncode != 0
        assert "02_ping" in errors(lab, name)[0]


def test_deploying_twice_uses_the_stack_that_is_there(lab, deployed, passes):
    passes(lab.papermill("01"))
    assert stacks.find(lab.session.client("cloudformation"), prefix_of(lab)).outputs == deployed


def test_pinging_twice_is_found_as_one_sum(lab, deployed, passes):
    passes(lab.papermill("02", "-p", "count", 2))
    passes(lab.papermill("02", "-p", "count", 3))
    for name in ("03", "04", "05"):
        passes(lab.papermill(name))


def test_a_window_that_ends_inside_a_ping_splits_records_and_no_sum(lab, deployed, passes):
    """Source: docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html."""
    started_at = datetime.now(UTC)
    time.sleep(max(0.0, WINDOW_S - 1.5 - time.time() % WINDOW_S))
    pinged = pings(lab, deployed, [f"ping -c 20 -i 0.2 {deployed['Instance2PrivateIp']}"])
    for name in ("03", "04", "05"):
        passes(lab.papermill(name))
    log = flowlogs.s3.read(lab.session, deployed["FlowLogBucketName"], start=started_at)
    records = log.query("protocol == 1")
    assert len(records) == 8 and records.start.dt.minute.nunique() == 2, records
    assert records.packets.sum() == 4 * pinged.transmitted


def test_a_rejected_ping_fails_the_notebooks_that_look_for_it(lab, deployed, passes):
    ec2 = lab.session.client("ec2")
    (group,) = ec2.describe_security_groups(
        Filters=[
            {"Name": "vpc-id", "Values": [deployed["VpcId"]]},
            {"Name": "ip-permission.protocol", "Values": ["icmp"]},
        ]
    )["SecurityGroups"]
    rule = {"GroupId": group["GroupId"], "IpPermissions": group["IpPermissions"]}
    ec2.revoke_security_group_ingress(**rule)
    assert lab.papermill("02", "-p", "count", 2).returncode != 0
    for name in ("03", "04"):
        assert lab.papermill(name).returncode != 0
        assert "on each interface, the packets each way" in errors(lab, name)[0]
    ec2.authorize_security_group_ingress(**rule)


def test_a_flow_log_that_was_deleted_is_named_in_one_sentence(lab, deployed, passes):
    flow_log_id = deployed["FlowLogToS3Id"]
    lab.session.client("ec2").delete_flow_logs(FlowLogIds=[flow_log_id])
    passes(lab.papermill("02", "-p", "count", 2))
    for name in ("03", "05"):
        assert lab.papermill(name).returncode != 0
        assert errors(lab, name) == [
            "No records of the ping are in S3. Delivery is broken: the flow log is gone; run "
            "99_clean_up, then 01_deploy again."
        ]
    assert lab.papermill("06").returncode != 0
    assert f"the flow log {flow_log_id} (FlowLogToS3) is gone" in errors(lab, "06")[0]


def test_cleaning_up_leaves_nothing_and_is_safe_twice(lab, deployed, passes):
    passes(lab.papermill("99"))
    passes(lab.papermill("99"))
    assert not lab.session.client("s3").list_buckets()["Buckets"]
    assert not lab.session.client("logs").describe_log_groups()["logGroups"]
    assert not lab.session.client("ec2").describe_flow_logs()["FlowLogs"]


@pytest.mark.parametrize("name", ["00", "07"])
def test_a_notebook_runs_from_its_own_folder_too(lab, passes, name):
    passes(lab.papermill(name, cwd=stacks.TEMPLATE.parents[1] / "notebooks"))
