"""A real ping through the emulator, and its records read at both destinations."""

from datetime import timedelta

import matplotlib as mpl
import matplotlib.pyplot as plt
import pandas as pd
import pyarrow.compute as pc
import pytest

from labkit import charts, cli, flowlogs, ping, run_command, stacks
from labkit.flowlogs.filters import Filter

PREFIX = "records-and-charts"
COUNT = 4


@pytest.fixture(scope="module")
def outputs(session):
    cloudformation = session.client("cloudformation")
    cloudformation.create_stack(
        StackName=PREFIX,
        TemplateBody=stacks.TEMPLATE.read_text(),
        Parameters=[{"ParameterKey": "Prefix", "ParameterValue": PREFIX}],
        Capabilities=["CAPABILITY_IAM"],
    )
    return stacks.follow(cloudformation, PREFIX, timeout_s=60).outputs


@pytest.fixture(scope="module")
def instances(outputs):
    return {outputs[f"Instance{n}Id"]: outputs[f"Instance{n}PrivateIp"] for n in (1, 2)}


@pytest.fixture(scope="module")
def runs(session, outputs, instances):
    ssm = session.client("ssm")
    run_command.nodes(ssm, list(instances), timeout_s=60)
    line = f"ping -c {COUNT} -i 0.2 {outputs['Instance2PrivateIp']}"
    run_command.run(ssm, outputs["Instance1Id"], [line])
    return ping.overlapping(ping.runs(run_command.history(ssm, instances)))


@pytest.fixture(scope="module")
def logs(session, outputs, instances, runs):
    """The records in S3 and in CloudWatch Logs."""
    expected = ping.expected_packets(runs, instances)
    start = runs[0].started_at - timedelta(minutes=2)
    readers = (
        lambda: flowlogs.s3.read(session, outputs["FlowLogBucketName"], start=start),
        lambda: flowlogs.cloudwatch.read(session, outputs["FlowLogGroupName"], start=start),
    )
    return [flowlogs.wait_for(read, expected, patience_s=20) for read in readers]


def test_both_destinations_give_the_same_frame(logs, instances, runs):
    in_s3, in_cloudwatch = (flowlogs.find_ping(log, instances.values(), runs) for log in logs)
    pd.testing.assert_frame_equal(in_s3, in_cloudwatch)
    assert flowlogs.compare.destinations(in_s3, in_cloudwatch).agree


def test_packets_and_bytes_are_what_ping_printed(logs, instances, runs):
    expected = ping.expected_packets(runs, instances)
    sums = flowlogs.sum_packets(flowlogs.find_ping(logs[0], instances.values(), runs))
    assert flowlogs.agrees(sums, expected)
    assert sums.packets.tolist() == [COUNT] * 4
    assert sums.bytes.tolist() == [84 * COUNT] * 4


def test_the_command_prints_the_same_from_both(
    capsys, monkeypatch, emulator_home, outputs, logs, instances
):
    monkeypatch.setenv("LABKIT_HOME", str(emulator_home))
    wanted = ("findip", *instances.values(), "--filter", "protocol=icmp")
    printed = []
    for source in (
        f"s3://{outputs['FlowLogBucketName']}",
        f"log-group:{outputs['FlowLogGroupName']}",
    ):
        assert cli.main(["records", source, *wanted]) == 0
        printed.append(sorted(capsys.readouterr().out.splitlines()))
    assert printed[0] == printed[1]
    assert sum(int(line.split()[8]) for line in printed[0]) == 4 * COUNT


@pytest.mark.parametrize("pushed_down", [Filter(action="ACCEPT", port=443), Filter(address=[
    "10.0.1.6", "10.0.1.7", "10.0.1.8"]), Filter(action="REJECT")])  # fmt: skip
def test_a_filter_pushed_down_loses_nothing(session, outputs, logs, pushed_down):
    group = outputs["FlowLogGroupName"]
    end = logs[1].end.max()
    all_of_them = flowlogs.cloudwatch.scan(session, group, end=end)
    expected = sum(pc.sum(pushed_down.mask(table)).as_py() for table in all_of_them)
    found = flowlogs.cloudwatch.read(session, group, end=end, filter=pushed_down)
    assert len(found) == expected
    assert found.attrs["read"].filtered == 0


def test_the_diagnosis_finds_the_records(session, outputs, runs, logs):
    advices = [each.advice for each in flowlogs.diagnose(session, outputs, runs).findings]
    assert advices == ["the records of the ping are there."] * 2


def test_files_and_delays_are_told(session, outputs, runs, logs):
    bucket, group = outputs["FlowLogBucketName"], outputs["FlowLogGroupName"]
    assert set(flowlogs.s3.keys(session, bucket).flow_log_id) == {outputs["FlowLogToS3Id"]}
    delays = flowlogs.delivery_delays(
        session, bucket, group, start=runs[0].started_at - timedelta(minutes=1)
    )
    assert set(delays.destination) == {"S3", "CloudWatch Logs"}
    assert delays.delay_s.between(0, 60).all()


def test_names_are_found_for_instances_and_endpoints(session, outputs, logs):
    names = charts.names(session.client("ec2"), outputs)
    assert names[outputs["Instance1PrivateIp"]] == "Instance1"
    pinged = logs[0][logs[0].protocol == 1]  # the agents' own connections are in the log, too
    assert set(pinged.interface_id.map(names)) == {"Instance1", "Instance2"}
    assert {"ssm endpoint", "ssmmessages endpoint"} < set(names.values())


def test_the_topology_is_drawn(session, outputs):
    mpl.use("Agg")
    ax = charts.topology(session.client("ec2"), outputs)
    drawn = {text.get_text() for text in ax.texts}
    assert {"VPC", "Private subnet", "Instance1", "Instance2"} < drawn
    assert {"ssm endpoint", "ssmmessages endpoint", "S3 bucket"} < drawn
    ids = [value for key, value in outputs.items() if key.endswith("Id")]
    assert [one for one in ids if one not in "\n".join(drawn)] == []
    plt.close("all")
