"""Logs and results that are not of our making: AWS's documentation, and the peer library.

Sources: docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html
    docs.aws.amazon.com/vpc/latest/tgw/tgw-flow-logs.html
"""

import gzip
from datetime import UTC

import pytest

from labkit.fields import BY_NAME, DEFAULT_FIELDS, KNOWN, TRANSIT_GATEWAY_FIELDS
from labkit.flowlogs import files
from labkit.flowlogs.records import parse, write

pytestmark = pytest.mark.usefixtures("each_parser")

flowlogs_reader = pytest.importorskip("flowlogs_reader")

V3 = (
    "version vpc-id subnet-id instance-id interface-id account-id type srcaddr dstaddr srcport "
    "dstport pkt-srcaddr pkt-dstaddr protocol bytes packets start end action tcp-flags log-status\n"
    "3 vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-01234567890123456 "
    "eni-1235b8ca123456789 123456789010 IPv4 52.213.180.42 10.0.0.62 43416 5001 52.213.180.42 "
    "10.0.0.62 6 568 8 1566848875 1566848933 ACCEPT 2 OK\n"
    "3 vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-01234567890123456 "
    "eni-1235b8ca123456789 123456789010 IPv4 10.0.0.62 52.213.180.42 5001 43416 10.0.0.62 "
    "52.213.180.42 6 376 7 1566848875 1566848933 ACCEPT 18 OK\n"
)
V5 = (
    "version srcaddr dstaddr srcport dstport protocol start end type packets bytes account-id "
    "vpc-id subnet-id instance-id interface-id region az-id sublocation-type sublocation-id action "
    "tcp-flags pkt-srcaddr pkt-dstaddr pkt-src-aws-service pkt-dst-aws-service traffic-path "
    "flow-direction log-status\n"
    "5 52.95.128.179 10.0.0.71 80 34210 6 1616729292 1616729349 IPv4 14 15044 123456789012 "
    "vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-0c50d5961bcb2d47b eni-1235b8ca123456789 "
    "ap-southeast-2 apse2-az3 - - ACCEPT 19 52.95.128.179 10.0.0.71 S3 - - ingress OK\n"
    "5 10.0.0.71 52.95.128.179 34210 80 6 1616729292 1616729349 IPv4 7 471 123456789012 "
    "vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-0c50d5961bcb2d47b eni-1235b8ca123456789 "
    "ap-southeast-2 apse2-az3 - - ACCEPT 3 10.0.0.71 52.95.128.179 - S3 8 egress OK\n"
)
V2 = " ".join(DEFAULT_FIELDS) + (
    "\n2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 "
    "1418530010 1418530070 ACCEPT OK\n"
    "2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - NODATA\n"
    "2 123456789010 eni-11111111aaaaaaaaa - - - - - - - 1431280876 1431280934 - SKIPDATA\n"
)


@pytest.fixture(params=[V2, V3, V5], ids=["version 2", "version 3", "version 5"])
def sample(request, tmp_path):
    path = tmp_path / "sample.log.gz"
    path.write_bytes(gzip.compress(request.param.encode()))
    return request.param, path


def test_a_sample_of_the_user_guide_reads_and_writes_back(sample):
    text, path = sample
    assert write(files.read(path), text.splitlines()[0].split()) == text


def test_the_peer_reads_the_same_records(sample):
    """flowlogs_reader, from PyPI, on the same lines; its times have no zone, but are of UTC."""
    text, path = sample
    header, *lines = text.splitlines()
    fields = tuple(name.replace("-", "_") for name in header.split())
    log = files.read(path)
    for each, (_, row) in zip(lines, log.iterrows(), strict=True):
        theirs = flowlogs_reader.FlowRecord.from_cwl_event({"message": each}, fields).to_dict()
        ours = row.dropna().to_dict()
        for name in ("start", "end"):
            theirs[name] = theirs[name].replace(tzinfo=UTC)
        assert {name: value for name, value in ours.items() if name in theirs} == theirs
        assert ours.keys() >= theirs.keys()


def test_where_the_peer_is_wrong_we_are_not():
    """It takes the port 0 of ICMP for a missing one."""
    line = (
        "2 123456789010 eni-1235b8ca123456789 203.0.113.12 172.31.16.139 0 0 1 4 336 "
        "1432917027 1432917142 ACCEPT OK"
    )
    theirs = flowlogs_reader.FlowRecord.from_cwl_event({"message": line})
    assert theirs.to_message().split()[5:7] == ["-", "-"]
    assert write(parse(line), header=False) == line + "\n"


def test_a_transit_gateway_log_has_its_own_fields():
    """Names, versions and types of the Transit Gateway guide's table."""
    assert len(TRANSIT_GATEWAY_FIELDS) == 36
    version_6 = {name for name in TRANSIT_GATEWAY_FIELDS if KNOWN[name].version == 6}
    assert len(version_6) == 18
    assert not version_6 & BY_NAME.keys()
    line = (
        "6 TransitGateway 123456789012 tgw-1 tgw-attach-1 123456789012 210987654321 vpc-1 vpc-2 "
        "subnet-1 subnet-2 eni-1 eni-2 use1-az1 use1-az2 tgw-attach-2 10.0.0.1 10.1.0.1 40000 443 "
        "6 10 840 1670000000 1670000059 OK IPv4 0 1 0 0 18 us-east-1 ingress - S3\n"
    )
    log = parse(line, TRANSIT_GATEWAY_FIELDS)
    assert log.packets_lost_blackhole.tolist() == [1]
    assert str(log.dtypes["packets_lost_no_route"]) == "int64[pyarrow]"
    assert write(log, TRANSIT_GATEWAY_FIELDS, header=False) == line
