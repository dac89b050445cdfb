"""Records on their way to both destinations, and what becomes of them where permission is missing.

Sources: docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html,
docs.aws.amazon.com/vpc/latest/userguide/flow-logs-cwl.html,
docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html,
docs.aws.amazon.com/vpc/latest/userguide/flow-logs-troubleshooting.html
"""

import gzip
import io
import json
import time
from dataclasses import dataclass

import pyarrow.parquet as pq
import pytest

from labkit.emulator.aggregation import FlowRecord
from labkit.emulator.flow_logs.delivery import Delivery

NOW = 1_800_000_000.0  # 2027-01-15T08:00:00Z
SLOT = int(NOW)  # a multiple of 300
HEADER = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes "
    "start end action log-status"
)


def make_record(flow_log_id, interface_id, **more):
    """A ping of five packets that arrived at the interface."""
    values = {
        "flow_log_id": flow_log_id,
        "interface_id": interface_id,
        "vpc_id": "vpc-1",
        "srcaddr": "10.0.1.4",
        "dstaddr": "10.0.1.5",
        "srcport": 0,
        "dstport": 0,
        "protocol": 1,
        "packets": 5,
        "bytes": 420,
        "start": int(NOW),
        "end": int(NOW) + 4,
        "action": "ACCEPT",
        "log_status": "OK",
        "tcp_flags": 0,
        "direction": "ingress",
        "pkt_srcaddr": "10.0.1.4",
        "pkt_dstaddr": "10.0.1.5",
        "closed_at": NOW + 5,
        **more,
    }
    return FlowRecord(**values)


@dataclass
class Clock:
    now: float = NOW + 6

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def make_delivery(registry, inner, clock):
    def make(pace="lab", clock=clock):
        return Delivery(registry, inner, inner, pace=pace, clock=clock)

    return make


@pytest.fixture
def delivery(make_delivery):
    return make_delivery()


def keys(lab):
    return [item["Key"] for item in lab.s3.list_objects_v2(Bucket=lab.bucket).get("Contents", [])]


def lines(lab, key):
    body = lab.s3.get_object(Bucket=lab.bucket, Key=key)["Body"].read()
    return gzip.decompress(body).decode().splitlines()


def messages(lab, stream):
    answer = lab.logs.get_log_events(
        logGroupName=lab.name, logStreamName=stream, startFromHead=True
    )
    return [(event["timestamp"], event["message"]) for event in answer["events"]]


def streams(lab):
    answer = lab.logs.describe_log_streams(logGroupName=lab.name)
    return [item["logStreamName"] for item in answer["logStreams"]]


def status(flow_logs, call):
    (flow_log,) = flow_logs.describe(call("ec2", "DescribeFlowLogs"))["FlowLogs"]
    return flow_log["DeliverLogsStatus"], flow_log.get("DeliverLogsErrorMessage")


# docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html
def test_records_of_one_slot_become_one_gzip_file_with_a_header(lab, create, delivery):
    """docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html."""
    (id_,) = create(**lab.to_s3(LogDestination=f"arn:aws:s3:::{lab.bucket}/p/"))["FlowLogIds"]
    later = make_record(id_, "eni-a", start=SLOT + 2)
    delivery.deliver([later, make_record(id_, "eni-b")])
    delivery.deliver_due()
    (key,) = keys(lab)
    folder, _, name = key.rpartition("/")
    assert folder == "p/AWSLogs/123456789012/vpcflowlogs/us-east-1/2027/01/15"
    assert name.startswith(f"123456789012_vpcflowlogs_us-east-1_{id_}_20270115T0800Z_")
    assert len(name.rpartition("_")[2]) == len("fe123456.log.gz")
    assert lines(lab, key) == [
        HEADER,
        f"2 123456789012 eni-b 10.0.1.4 10.0.1.5 0 0 1 5 420 {SLOT} {SLOT + 4} ACCEPT OK",
        f"2 123456789012 eni-a 10.0.1.4 10.0.1.5 0 0 1 5 420 {SLOT + 2} {SLOT + 4} ACCEPT OK",
    ]


@pytest.mark.parametrize(
    ("options", "folder"),
    [
        pytest.param({}, "vpcflowlogs/us-east-1/2027/01/15", id="by day"),
        pytest.param({"PerHourPartition": True}, "vpcflowlogs/us-east-1/2027/01/15/08", id="hour"),
        pytest.param(
            {"HiveCompatiblePartitions": True, "PerHourPartition": True},
            "aws-service=vpcflowlogs/aws-region=us-east-1/year=2027/month=01/day=15/hour=08",
            id="Hive-compatible",
        ),
    ],
)
@pytest.mark.parametrize("file_format", ["plain-text", "parquet"])
def test_destination_options_together(lab, create, delivery, options, folder, file_format):
    """docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html"""
    options = {"FileFormat": file_format, **options}
    (id_,) = create(**lab.to_s3(DestinationOptions=options))["FlowLogIds"]
    delivery.deliver([make_record(id_, "eni-a")])
    delivery.deliver_due()
    (key,) = keys(lab)
    assert key.split("/", 2)[2].rpartition("/")[0] == folder
    body = lab.s3.get_object(Bucket=lab.bucket, Key=key)["Body"].read()
    if file_format == "parquet":
        (row,) = pq.read_table(io.BytesIO(body)).to_pylist()
        assert (row["interface_id"], row["bytes"], row["dstport"]) == ("eni-a", 420, 0)
    else:
        assert gzip.decompress(body).startswith(HEADER.encode())


def test_each_slot_has_a_file_of_its_own(lab, create, delivery):
    (id_,) = create(**lab.to_s3())["FlowLogIds"]
    delivery.deliver([make_record(id_, "eni-a", end=SLOT + s) for s in (299, 4, 300)])
    delivery.deliver_due()
    files = sorted((key.split("_")[-2], len(lines(lab, key)) - 1) for key in keys(lab))
    assert files == [("20270115T0800Z", 2), ("20270115T0805Z", 1)]


# docs.aws.amazon.com/vpc/latest/userguide/flow-logs-cwl.html
def test_each_interface_has_a_stream_in_order_of_time_without_a_header(lab, create, delivery):
    """docs.aws.amazon.com/vpc/latest/userguide/flow-logs-cwl.html."""
    (id_,) = create(**lab.to_logs())["FlowLogIds"]
    starts = (SLOT + 9, SLOT)
    now = int(time.time()) - 60
    records = [make_record(id_, "eni-a", start=now + s - SLOT, end=now) for s in starts]
    delivery.deliver([*records, make_record(id_, "eni-b", start=now, end=now)])
    delivery.deliver_due()
    assert streams(lab) == ["eni-a-all", "eni-b-all"]
    line = "2 123456789012 eni-a 10.0.1.4 10.0.1.5 0 0 1 5 420 {} {} ACCEPT OK"
    assert messages(lab, "eni-a-all") == [
        (start * 1000, line.format(start, now)) for start in (now, now + 9)
    ]


@pytest.mark.parametrize("traffic_type", ["ACCEPT", "REJECT"])
def test_a_stream_is_named_by_the_traffic_type(lab, create, delivery, traffic_type):
    """docs.aws.amazon.com/vpc/latest/userguide/flow-logs-cwl.html."""
    (id_,) = create(**lab.to_logs(TrafficType=traffic_type))["FlowLogIds"]
    delivery.deliver([make_record(id_, "eni-a")])
    delivery.deliver_due()
    assert streams(lab) == [f"eni-a-{traffic_type.lower()}"]


def test_a_line_has_the_format_s_fields_and_remembers_the_interface(
    lab, create, delivery, registry
):
    instance = lab.run_instance()
    interface = instance["NetworkInterfaces"][0]["NetworkInterfaceId"]
    format_ = "${version} ${vpc-id} ${subnet-id} ${instance-id} ${az-id} ${flow-direction} ${bytes}"
    (id_,) = create(**lab.to_s3(LogFormat=format_))["FlowLogIds"]
    registry.captures(lab.read_vpc(), "us-east-1")
    lab.ec2.terminate_instances(InstanceIds=[instance["InstanceId"]])
    registry.captures(lab.read_vpc(), "us-east-1")
    delivery.deliver([make_record(id_, interface, vpc_id=lab.vpc_id)])
    delivery.deliver_due()
    assert lines(lab, keys(lab)[0]) == [
        "version vpc-id subnet-id instance-id az-id flow-direction bytes",
        f"5 {lab.vpc_id} {lab.subnet_id} {instance['InstanceId']} {lab.zone_id} ingress 420",
    ]


TAG_FORMAT = "${interface-tag} ${instance-tag} ${instance-tag-2} ${interface-tag-2} ${asg-tag}"


@pytest.mark.parametrize(
    ("specifications", "expected"),
    [
        pytest.param([], "- - - - -", id="none is asked for"),
        pytest.param(
            [{"ResourceType": "instance", "TagKeys": ["Name", "Empty"]}],
            "- w%C3%A9b%20%2F1 - - -",
            id="percent-encoded UTF-8; nothing is a dash",
        ),
        pytest.param(
            [
                {"ResourceType": "instance", "TagKeys": ["Role", "Name"]},
                {"ResourceType": "network-interface", "TagKeys": ["Owner", "none"]},
            ],
            "me a-b_c.d~ w%C3%A9b%20%2F1 - -",
            id="instance and interface, in the order of the keys",
        ),
    ],
)
def test_tag_fields(lab, create, delivery, registry, specifications, expected):
    """docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html#flow-logs-fields"""
    instance = lab.run_instance()
    interface = instance["NetworkInterfaces"][0]["NetworkInterfaceId"]
    tags = {"Name": "wéb /1", "Role": "a-b_c.d~", "Empty": ""}
    lab.ec2.create_tags(
        Resources=[instance["InstanceId"]],
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
    )
    lab.ec2.create_tags(Resources=[interface], Tags=[{"Key": "Owner", "Value": "me"}])
    more = {"TagFieldSpecifications": specifications} if specifications else {}
    (id_,) = create(**lab.to_s3(LogFormat=TAG_FORMAT, **more))["FlowLogIds"]
    registry.captures(lab.read_vpc(), "us-east-1")
    delivery.deliver([make_record(id_, interface, vpc_id=lab.vpc_id)])
    delivery.deliver_due()
    assert lines(lab, keys(lab)[0])[1] == expected


def test_tags_are_those_at_the_record_s_time(lab, create, make_delivery, clock):
    delivery = make_delivery("aws")
    made = lab.ec2.create_network_interface(SubnetId=lab.subnet_id)["NetworkInterface"]
    interface = made["NetworkInterfaceId"]
    asked = [{"ResourceType": "network-interface", "TagKeys": ["k"]}]
    format_ = {"LogFormat": "${interface-tag}", "TagFieldSpecifications": asked}
    (id_,) = create(**lab.to_s3(**format_))["FlowLogIds"]
    for value in ("before", "after"):
        lab.ec2.create_tags(Resources=[interface], Tags=[{"Key": "k", "Value": value}])
        delivery.deliver([make_record(id_, interface)])
        delivery.deliver_due()
    clock.now += 3600
    delivery.deliver_due()
    assert lines(lab, keys(lab)[0])[1:] == ["before", "after"]


def test_records_of_a_deleted_flow_log_are_dropped(lab, create, delivery, flow_logs, call):
    (id_,) = create(**lab.to_s3())["FlowLogIds"]
    flow_logs.delete(call("ec2", "DeleteFlowLogs", FlowLogIds=[id_]))
    delivery.deliver([make_record(id_, "eni-a")])
    delivery.deliver_due()
    assert keys(lab) == []


# -- what policies say ---------------------------------------------------------------------


def test_a_bucket_policy_broken_later_loses_records_in_silence(
    lab, create, delivery, flow_logs, call, caplog
):
    (id_,) = create(**lab.to_s3())["FlowLogIds"]
    lab.s3.delete_bucket_policy(Bucket=lab.bucket)
    delivery.deliver([make_record(id_, "eni-a")])
    delivery.deliver_due()
    assert keys(lab) == []
    assert status(flow_logs, call) == ("SUCCESS", None)
    assert f"{id_}: 1 records were not delivered to S3 and are lost" in caplog.text


def test_a_bucket_that_is_gone_loses_records_in_silence(lab, create, delivery, caplog):
    (id_,) = create(**lab.to_s3())["FlowLogIds"]
    lab.s3.delete_bucket(Bucket=lab.bucket)
    delivery.deliver([make_record(id_, "eni-a")])
    delivery.deliver_due()
    assert "NoSuchBucket" in caplog.text


PUT, STREAM = "logs:PutLogEvents", "logs:CreateLogStream"


@pytest.mark.parametrize(
    ("actions", "resource", "message"),
    [
        pytest.param([PUT, STREAM], None, None, id="what delivery needs"),
        pytest.param(["logs:*"], "*", None, id="everything"),
        pytest.param([PUT], None, "Access error", id="no new streams"),
        pytest.param([STREAM], None, "Access error", id="no events"),
        pytest.param(
            [PUT, STREAM],
            "arn:aws:logs:us-east-1:123456789012:log-group:other:*",
            "Access error",
            id="another group",
        ),
    ],
)
def test_what_the_role_must_allow(
    lab, create, delivery, flow_logs, call, actions, resource, message
):
    """docs.aws.amazon.com/vpc/latest/userguide/flow-logs-iam-role.html."""
    (id_,) = create(**lab.to_logs())["FlowLogIds"]
    lab.grant(actions, resource)
    delivery.deliver([make_record(id_, "eni-a", start=int(time.time()))])
    delivery.deliver_due()
    assert status(flow_logs, call) == ("FAILED" if message else "SUCCESS", message)
    arrived = len(messages(lab, "eni-a-all")) if "eni-a-all" in streams(lab) else 0
    assert arrived == (0 if message else 1)


def test_after_a_repair_delivery_goes_on_and_the_lost_records_stay_lost(
    lab, create, delivery, flow_logs, call
):
    (id_,) = create(**lab.to_logs())["FlowLogIds"]
    now = int(time.time())
    for actions, bytes_ in (([], 1), ([PUT, STREAM], 2)):
        lab.grant(actions or "logs:Nothing")
        delivery.deliver([make_record(id_, "eni-a", start=now, bytes=bytes_)])
        delivery.deliver_due()
    assert status(flow_logs, call) == ("SUCCESS", None)
    assert [message.split()[9] for _, message in messages(lab, "eni-a-all")] == ["2"]


def test_a_trust_broken_later_fails(lab, create, delivery, flow_logs, call):
    """docs.aws.amazon.com/vpc/latest/userguide/flow-logs-troubleshooting.html."""
    (id_,) = create(**lab.to_logs())["FlowLogIds"]
    nobody = {"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [nobody]})
    lab.iam.update_assume_role_policy(RoleName=lab.name, PolicyDocument=document)
    delivery.deliver([make_record(id_, "eni-a")])
    delivery.deliver_due()
    assert status(flow_logs, call) == ("FAILED", "Access error")


@pytest.mark.parametrize(
    ("actions", "comes_back"),
    [
        pytest.param([PUT, STREAM], False, id="not without logs:CreateLogGroup"),
        pytest.param([PUT, STREAM, "logs:CreateLogGroup"], True, id="with it"),
    ],
)
def test_does_a_deleted_log_group_come_back(
    lab, create, delivery, flow_logs, call, actions, comes_back
):
    (id_,) = create(**lab.to_logs())["FlowLogIds"]
    lab.grant(actions)
    lab.logs.delete_log_group(logGroupName=lab.name)
    delivery.deliver([make_record(id_, "eni-a", start=int(time.time()))])
    delivery.deliver_due()
    found = lab.logs.describe_log_groups(logGroupNamePrefix=lab.name)["logGroups"]
    assert (lab.name in [group["logGroupName"] for group in found]) is comes_back
    assert status(flow_logs, call)[0] == ("SUCCESS" if comes_back else "FAILED")


# -- when ----------------------------------------------------------------------------------


def test_at_the_pace_of_aws_cloudwatch_logs_gets_records_five_minutes_late(
    lab, create, make_delivery, clock
):
    delivery = make_delivery("aws")
    (id_,) = create(**lab.to_logs())["FlowLogIds"]
    delivery.deliver([make_record(id_, "eni-a", closed_at=NOW + 60)])
    clock.now = NOW + 359
    assert delivery.deliver_due() == NOW + 360
    assert streams(lab) == []
    clock.now = NOW + 360
    assert delivery.deliver_due() is None
    assert streams(lab) == ["eni-a-all"]


def test_at_the_pace_of_aws_files_appear_at_five_minute_marks_about_ten_minutes_late(
    lab, create, make_delivery, clock
):
    """docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html."""
    delivery = make_delivery("aws")
    (id_,) = create(**lab.to_s3())["FlowLogIds"]
    delivery.deliver([make_record(id_, "eni-a", closed_at=NOW + s) for s in (60, 120)])
    next_at = delivery.deliver_due()
    assert next_at == NOW + 600
    clock.now = next_at - 1
    delivery.deliver_due()
    assert keys(lab) == []
    clock.now = next_at
    delivery.deliver_due()
    assert len(keys(lab)) == 1


def test_what_waits_when_its_flow_log_is_deleted_is_still_delivered(
    lab, create, make_delivery, clock, flow_logs, call
):
    delivery = make_delivery("aws")
    (id_,) = create(**lab.to_s3())["FlowLogIds"]
    delivery.deliver([make_record(id_, "eni-a")])
    flow_logs.delete(call("ec2", "DeleteFlowLogs", FlowLogIds=[id_]))
    clock.now += 3600
    delivery.deliver_due()
    assert len(keys(lab)) == 1


def test_the_thread_delivers_what_comes(lab, create, make_delivery):
    delivery = make_delivery(clock=time.time)
    delivery.start()
    (id_,) = create(**lab.to_s3())["FlowLogIds"]
    for _ in range(3):
        delivery.deliver([make_record(id_, "eni-a")])
    deadline = time.monotonic() + 10
    while sum(len(lines(lab, key)) - 1 for key in keys(lab)) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    delivery.stop()
