"""A record as a line, by the examples of the guide.

Sources: docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html,
docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
"""

from dataclasses import replace

import pytest

from labkit.emulator.aggregation import FlowRecord
from labkit.emulator.flow_logs.lines import InterfaceFacts, Surroundings, header, line, version_of
from labkit.fields import BY_NAME, DEFAULT_FIELDS, FIELDS

# docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html
ACCEPTED = FlowRecord(
    flow_log_id="fl-1",
    interface_id="eni-1235b8ca123456789",
    vpc_id="vpc-abcdefab012345678",
    srcaddr="172.31.16.139",
    dstaddr="172.31.16.21",
    srcport=20641,
    dstport=22,
    protocol=6,
    packets=20,
    bytes=4249,
    start=1418530010,
    end=1418530070,
    action="ACCEPT",
    log_status="OK",
    tcp_flags=3,
    direction="ingress",
    pkt_srcaddr="172.31.16.139",
    pkt_dstaddr="172.31.16.21",
    closed_at=1418530100.0,
)
PING = replace(
    ACCEPTED,
    srcaddr="203.0.113.12",
    dstaddr="172.31.16.139",
    srcport=0,
    dstport=0,
    protocol=1,
    packets=4,
    bytes=336,
    start=1432917027,
    end=1432917142,
)
NODATA = replace(ACCEPTED, log_status="NODATA", start=1431280876, end=1431280934)

OWN = InterfaceFacts(
    id="eni-1235b8ca123456789",
    vpc_id="vpc-abcdefab012345678",
    subnet_id="subnet-aaaaaaaa012345678",
    availability_zone_id="use1-az1",
    region="us-east-1",
    private_ips=("172.31.16.21",),
    instance_id="i-01234567890123456",
    vpc_cidr_blocks=("172.31.0.0/16",),
)
OTHER = replace(
    OWN,
    id="eni-endpoint",
    subnet_id="subnet-b",
    availability_zone_id="use1-az2",
    instance_id=None,
    interface_type="vpc_endpoint",
)
AROUND = Surroundings("123456789010", 2, OWN, OTHER)


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        pytest.param(
            ACCEPTED,
            "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 "
            "1418530010 1418530070 ACCEPT OK",
            id="accepted traffic",
        ),
        pytest.param(
            PING,
            "2 123456789010 eni-1235b8ca123456789 203.0.113.12 172.31.16.139 0 0 1 4 336 "
            "1432917027 1432917142 ACCEPT OK",
            id="a ping's ports are 0, not missing",
        ),
        pytest.param(
            NODATA,
            "2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - NODATA",
            id="no data",
        ),
        pytest.param(
            replace(NODATA, log_status="SKIPDATA", interface_id="eni-11111111aaaaaaaaa"),
            "2 123456789010 eni-11111111aaaaaaaaa - - - - - - - 1431280876 1431280934 - SKIPDATA",
            id="skipped data",
        ),
    ],
)
def test_the_guide_s_lines_in_the_default_format(record, expected):
    assert line(DEFAULT_FIELDS, record, AROUND) == expected


EGRESS = replace(
    ACCEPTED,
    direction="egress",
    srcaddr="172.31.16.21",
    dstaddr="172.31.16.139",
    pkt_dstaddr="172.31.16.139",
)


@pytest.mark.parametrize(
    ("fields", "record", "around", "expected"),
    [
        pytest.param(
            "version vpc-id subnet-id instance-id interface-id type tcp-flags",
            ACCEPTED,
            replace(AROUND, version=3),
            "3 vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-01234567890123456 "
            "eni-1235b8ca123456789 IPv4 3",
            id="version 3",
        ),
        pytest.param("region az-id sublocation-type", ACCEPTED, AROUND, "us-east-1 use1-az1 -"),
        pytest.param("flow-direction traffic-path", ACCEPTED, AROUND, "ingress -", id="ingress"),
        pytest.param("flow-direction traffic-path", EGRESS, AROUND, "egress 1", id="egress"),
        pytest.param(
            "traffic-path",
            EGRESS,
            replace(AROUND, own=replace(OWN, vpc_cidr_blocks=("10.0.0.0/16", "172.31.0.0/16"))),
            "1",
            id="egress into one of the VPC's ranges",
        ),
        pytest.param(
            "traffic-path", replace(EGRESS, pkt_dstaddr="8.8.8.8"), AROUND, "-", id="out of the VPC"
        ),
        pytest.param("instance-id interface-type", ACCEPTED, AROUND, "i-01234567890123456 -"),
        pytest.param(
            "instance-id interface-type",
            ACCEPTED,
            replace(AROUND, own=OTHER),
            "- vpc_endpoint",
            id="an endpoint's interface",
        ),
        pytest.param(
            "next-hop-interface-id next-hop-az-id next-hop-interface-type",
            EGRESS,
            AROUND,
            "eni-endpoint use1-az2 vpc_endpoint",
            id="the next hop",
        ),
        pytest.param(
            "next-hop-interface-id",
            replace(EGRESS, action="REJECT"),
            AROUND,
            "-",
            id="nobody received what was rejected on the way out",
        ),
        pytest.param(
            "next-hop-interface-id subnet-id",
            EGRESS,
            replace(AROUND, own=None, next_hop=None),
            "- -",
            id="an interface that nobody remembers",
        ),
        pytest.param("ecs-cluster-arn reject-reason", ACCEPTED, AROUND, "- -", id="not here"),
        pytest.param(
            "bytes log-status vpc-id srcaddr flow-direction tcp-flags type",
            NODATA,
            AROUND,
            "- NODATA vpc-abcdefab012345678 - - - -",
            id="no data in a custom format",
        ),
    ],
)
def test_custom_formats(fields, record, around, expected):
    assert line(fields.split(), record, around) == expected


@pytest.mark.parametrize("version", sorted({field.version for field in FIELDS}))
def test_the_version_is_the_highest_of_the_fields(version):
    fields = [field.name for field in FIELDS if field.version <= version]
    assert version_of(fields) == version


TAGS = {"instance-tag": "web", "interface-tag-2": "me"}


# Each field of docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html, in its order
EGRESS_VALUES = """
version=11 account-id=123456789010 interface-id=eni-1235b8ca123456789 srcaddr=172.31.16.21
dstaddr=172.31.16.139 srcport=22 dstport=20641 protocol=6 packets=20 bytes=4249 start=1418530010
end=1418530070 action=ACCEPT log-status=OK vpc-id=vpc-abcdefab012345678
subnet-id=subnet-aaaaaaaa012345678 instance-id=i-01234567890123456 tcp-flags=3 type=IPv4
pkt-srcaddr=172.31.16.21 pkt-dstaddr=172.31.16.139 region=us-east-1 az-id=use1-az1
sublocation-type=- sublocation-id=- pkt-src-aws-service=- pkt-dst-aws-service=-
flow-direction=egress traffic-path=1 ecs-cluster-arn=- ecs-cluster-name=-
ecs-container-instance-arn=- ecs-container-instance-id=- ecs-container-id=-
ecs-second-container-id=- ecs-service-name=- ecs-task-definition-arn=- ecs-task-arn=-
ecs-task-id=- reject-reason=- resource-id=- encryption-status=- instance-tag=web instance-tag-2=-
interface-tag=- interface-tag-2=me asg-tag=- asg-tag-2=- interface-type=-
next-hop-interface-id=eni-endpoint next-hop-subnet-id=subnet-b next-hop-az-id=use1-az2
next-hop-vpc-id=vpc-abcdefab012345678 next-hop-interface-type=vpc_endpoint
"""


def test_each_field_of_versions_2_to_11():
    expected = dict(pair.split("=") for pair in EGRESS_VALUES.split())
    around = replace(AROUND, version=11, tags=TAGS)
    record = replace(
        EGRESS,
        srcaddr="172.31.16.21",
        dstaddr="172.31.16.139",
        pkt_srcaddr="172.31.16.21",
        pkt_dstaddr="172.31.16.139",
        srcport=22,
        dstport=20641,
    )
    names = list(expected)
    assert len(names) == 54
    assert dict(zip(names, line(names, record, around).split(" "), strict=True)) == expected


def test_every_field_has_a_value_or_a_dash():
    names = [field.name for field in FIELDS]
    values = line(names, EGRESS, AROUND).split(" ")
    assert len(values) == len(BY_NAME)
    assert header(names).split(" ") == names
