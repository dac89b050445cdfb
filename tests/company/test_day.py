"""A made-up day is what it says it is: its truth, found again from the records alone."""

from __future__ import annotations

import gzip
import ipaddress
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from labkit.company import DAY, directory, files, hosts, truth
from labkit.flowlogs import layout
from labkit.flowlogs.records import parse

OURS = set(hosts.BY_ADDRESS)
TCP, UDP = 6, 17


@pytest.fixture(scope="module", params=[1, 2])
def seed(request):
    return request.param


@pytest.fixture(scope="module")
def log_files(seed):
    return list(files.log_files(seed))


@pytest.fixture(scope="module")
def log(log_files):
    """The day as the reader's strict parser takes it from the files' own text."""
    texts = [gzip.decompress(file.body).decode() for file in log_files]
    header = texts[0].splitlines()[0]
    assert all(text.startswith(header + "\n") for text in texts)
    return parse("".join(texts), header.split())


@pytest.fixture(scope="module")
def flows(log):
    """The records with a flow, with plain types, seconds since midnight, and who recorded them."""
    frame = log.query("log_status == 'OK'").astype(
        {"srcaddr": object, "dstaddr": object, "action": object}
    )
    by_interface = {host.interface_id: host.address for host in hosts.HOSTS}
    return frame.assign(
        begin=(frame.start - DAY).dt.total_seconds(),
        finish=(frame.end - DAY).dt.total_seconds(),
        at=frame.interface_id.astype(object).map(by_interface),
    )


def test_each_line_is_accounted_for(log, log_files):
    read = log.attrs["read"]
    assert read.blank == read.skipdata == 0
    assert read.header == len(log_files)
    assert read.lines == read.header + read.records + read.nodata
    assert 100_000 < read.records < 300_000 and read.nodata > 0


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(log_files, seed):
    again = list(files.log_files(seed))
    assert again == log_files and [one.body for one in again] == [one.body for one in log_files]
    others = {file.key for file in files.log_files(seed + 10)}
    assert not others & {file.key for file in log_files}


def test_the_files_have_the_names_that_aws_gives_and_hold_the_records_of_their_slot(log_files):
    """Source: docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html."""
    for file in log_files[::20]:
        name = layout.parse_key(file.key)
        folder = f"AWSLogs/{name.account_id}/vpcflowlogs/{name.region}/{name.slot:%Y/%m/%d}/"
        assert file.key.startswith(folder)
        lines = gzip.decompress(file.body).decode().splitlines()
        ends = parse(lines[1:], lines[0].split()).end
        assert ends.min() >= name.slot and ends.max() < name.slot + timedelta(minutes=5)
    slots = [layout.parse_key(file.key).slot for file in log_files]
    assert slots == sorted(slots) and len(set(slots)) == 288 < len(slots)


def test_numbers_are_plausible(flows):
    assert (flows.packets > 0).all()
    assert (flows.begin <= flows.finish).all()
    assert (flows.begin >= 0).all() and (flows.finish < 86_400).all()
    assert (flows.begin // 60 == flows.finish // 60).all(), "no longer than an interval"
    size = flows.bytes / flows.packets
    is_tcp = flows.protocol == TCP
    assert size[is_tcp].between(40, 1500).all() and size[~is_tcp].between(28, 1500).all()
    assert (flows.begin == flows.finish)[flows.packets == 1].all()
    assert set(flows.version) == {5}, "flow-direction is a field of version 5"


def test_addresses_are_private_or_kept_for_documentation(flows):
    networks = [*hosts.INTERNET_CIDRS, hosts.VPC_CIDR, hosts.OFFICE_CIDR]
    allowed = [ipaddress.ip_network(cidr) for cidr in networks]
    for address in set(flows.srcaddr) | set(flows.dstaddr):
        assert any(ipaddress.ip_address(address) in network for network in allowed), address


def test_tcp_flags_are_those_that_aws_reports(flows):
    """Source: docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html, tcp-flags."""
    assert set(flows.tcp_flags[flows.protocol == TCP]) <= {0, 1, 2, 3, 6, 18, 19}
    assert set(flows.tcp_flags[flows.protocol == UDP]) == {0}
    assert set(flows.tcp_flags[flows.action == "REJECT"]) == {2}, "nothing but SYN was refused"


def test_each_interface_records_its_own_side(flows):
    is_out = flows.flow_direction == "egress"
    assert (flows["at"] == flows.srcaddr.where(is_out, flows.dstaddr)).all()
    assert set(flows["at"]) <= OURS


def test_what_one_host_sends_another_receives_to_the_byte(flows):
    within = flows[flows.srcaddr.isin(OURS) & flows.dstaddr.isin(OURS)]
    key = ["srcaddr", "dstaddr", "srcport", "dstport", "protocol", "begin", "packets", "bytes"]
    sides = [
        within[within.flow_direction == side][key].sort_values(key).reset_index(drop=True)
        for side in ("egress", "ingress")
    ]
    pd.testing.assert_frame_equal(*sides)


def test_what_was_accepted_was_answered_and_what_was_rejected_was_not(flows):
    seen = flows[flows.flow_direction == "ingress"]
    rejected = seen[seen.action == "REJECT"]
    way = ["srcaddr", "srcport", "dstaddr", "dstport"]
    back = ["dstaddr", "dstport", "srcaddr", "srcport"]
    answers = set(flows[flows.flow_direction == "egress"][back].itertuples(index=False, name=None))
    asked = set(rejected[way].itertuples(index=False, name=None))
    assert len(asked) > 1000 and not asked & answers
    opened = seen[(seen.action == "ACCEPT") & seen.tcp_flags.isin([2, 3, 6])]
    assert set(opened[way].itertuples(index=False, name=None)) <= answers


def test_only_open_ports_let_in_and_all_else_is_rejected(flows):
    asked = flows[(flows.flow_direction == "ingress") & flows.tcp_flags.isin([2, 3, 6])]
    is_open = [
        port in hosts.BY_ADDRESS[to].listens
        for to, port in zip(asked.dstaddr, asked.dstport, strict=True)
    ]
    assert ((asked.action == "ACCEPT") == is_open).all()


def test_customers_keep_their_hours(flows):
    web = flows[flows.dstport.isin([80, 443]) & (flows.flow_direction == "ingress")]
    by_hour = web.groupby(web.start.dt.hour).size()
    assert by_hour[19] > 5 * by_hour[3]


def test_a_silent_interface_has_nodata_and_no_record_in_that_minute(log):
    silent = log.query("log_status == 'NODATA'")
    minute = silent.start.dt.floor("min")
    heard = log.query("log_status == 'OK'")
    pairs = set(zip(heard.interface_id, heard.start.dt.floor("min"), strict=True))
    assert not pairs & set(zip(silent.interface_id, minute, strict=True))
    assert (silent.end - silent.start == timedelta(seconds=59)).all()
    assert silent[["srcaddr", "packets", "action", "tcp_flags"]].isna().all(axis=None)
    assert hosts.BY_NAME["spare-1"].interface_id in set(silent.interface_id)


def test_the_port_scan_is_there(flows, seed):
    scan = truth(seed).port_scan
    asked = flows[(flows.srcaddr == scan.source) & (flows.flow_direction == "ingress")]
    assert set(asked.dstaddr) == {scan.target}
    assert set(asked.dstport) == set(range(scan.first_port, scan.last_port + 1))
    assert asked.begin.min() >= scan.began_s - 5 and asked.finish.max() <= scan.ended_s + 5
    answered = flows[(flows.dstaddr == scan.source) & (flows.tcp_flags == 18)]
    assert set(answered.srcport) == scan.open_ports == set(asked.dstport[asked.action == "ACCEPT"])
    others = flows[(flows.action == "REJECT") & (flows.srcaddr != scan.source)]
    assert others.groupby("srcaddr").dstport.nunique().max() < 20, "nobody else tries so many"


def test_the_beacon_is_there_and_the_only_clock_that_leads_outside(flows, seed):
    beacon = truth(seed).beacon
    outside = flows[~flows.dstaddr.isin(OURS) & ~flows.dstaddr.str.startswith("192.168.")]
    calls = outside[outside.tcp_flags.isin([2, 3])].sort_values("begin")
    gaps = calls.groupby(["srcaddr", "dstaddr"]).begin.diff()
    spread = gaps.groupby([calls.srcaddr, calls.dstaddr]).agg(["count", "median", "std"])
    spread = spread[spread["count"] >= 10]
    ratio = (spread["std"] / spread["median"]).sort_values()
    assert ratio.index[0] == (beacon.source, beacon.destination)
    assert ratio.iloc[0] < 0.05 < 0.3 < ratio.iloc[1]
    assert spread["median"][ratio.index[0]] == pytest.approx(beacon.interval_s, abs=2)
    ours = calls[calls.dstaddr == beacon.destination]
    assert len(ours) == pytest.approx(86_400 / beacon.interval_s, abs=2)


def test_the_leak_is_there_and_hides_in_the_totals(flows, seed):
    leak = truth(seed).leak
    sent = flows[(flows.srcaddr == leak.source) & (flows.dstaddr == leak.destination)]
    assert leak.payload_bytes < sent.bytes.sum() < 1.06 * leak.payload_bytes
    assert sent.begin.min() == pytest.approx(leak.began_s, abs=1)
    assert sent.finish.max() == pytest.approx(leak.ended_s, abs=1)
    out = flows[
        (flows.flow_direction == "egress") & ~flows.dstaddr.str.startswith(("10.", "192.168"))
    ]
    assert out.groupby("srcaddr").bytes.sum().idxmax() != leak.source
    assert flows.groupby(["srcaddr", "dstaddr"]).bytes.sum().idxmax() != (
        leak.source, leak.destination,
    )  # fmt: skip
    night = out[out.begin < 6 * 3600].groupby(["srcaddr", "dstaddr"]).bytes.sum()
    assert night.idxmax() == (leak.source, leak.destination)
    assert night.max() > 10 * night.nlargest(2).iloc[1]


def test_the_retries_are_there_and_seen_from_both_sides(flows, seed):
    retry = truth(seed).retry
    asked = flows[
        (flows.srcaddr == retry.source)
        & (flows.dstaddr == retry.destination)
        & (flows.dstport == retry.port)
    ]
    by_side = asked.groupby("flow_direction").action.agg(set).to_dict()
    assert by_side == {"egress": {"ACCEPT"}, "ingress": {"REJECT"}}
    assert asked.begin.min() == pytest.approx(retry.began_s, abs=1)
    tries = np.sort(asked[asked.flow_direction == "egress"].groupby("srcport").begin.min())
    assert len(tries) > 1000 and np.median(np.diff(tries)) == pytest.approx(retry.every_s, abs=1)
    assert flows[flows.action == "REJECT"].srcaddr.value_counts().idxmax() == retry.source


@pytest.mark.parametrize("other", range(3, 40))
def test_the_four_of_any_day_are_strangers_to_each_other(other):
    one = truth(other)
    outside = {one.port_scan.source, one.beacon.destination, one.leak.destination}
    assert len(outside) == 3 and not outside & OURS
    assert {one.beacon.source, one.leak.source, one.retry.source, one.port_scan.target} <= OURS
    assert one.retry.port not in hosts.BY_ADDRESS[one.retry.destination].listens


def test_the_truth_does_not_show_itself():
    one = truth(1)
    for shown in (repr(one), repr(one.leak), repr(one.port_scan), str(one.beacon), str(one.retry)):
        assert not any(
            character.isdigit() for character in shown.replace("0x", "").split(" at ")[0]
        )
    assert (
        "10.20" in directory().to_string() and one.port_scan.source not in directory().to_string()
    )
