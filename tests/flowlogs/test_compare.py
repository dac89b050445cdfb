import time

import pandas as pd
import pytest

from labkit.errors import ParameterError
from labkit.flowlogs import compare
from labkit.flowlogs.records import parse


def line(packets=5, start=1641597879, end=1641597903, *, action="ACCEPT", eni="eni-0e61c483ca317"):
    return (
        f"2 123456789012 {eni} 10.0.1.22 10.0.1.25 0 0 1 {packets} {84 * packets} "
        f"{start} {end} {action} OK"
    )


NODATA = "2 123456789012 eni-0e61c483ca317 - - - - - - - 1641597879 1641597903 - NODATA"


@pytest.mark.parametrize(
    ("s3", "cloudwatch", "agree", "matched", "only_in_s3", "only_in_cloudwatch_logs"),
    [
        pytest.param([line()], [line()], True, 1, 0, 0, id="the same"),
        pytest.param([], [], True, 0, 0, 0, id="nothing in either"),
        pytest.param([line()], [], False, 0, 1, 0, id="only in S3"),
        pytest.param([], [line()], False, 0, 0, 1, id="only in CloudWatch Logs"),
        pytest.param(
            [line(3), line(2, start=1641597904)],
            [line(5)],
            True,
            0,
            2,
            1,
            id="the same packets, intervals cut elsewhere",
        ),
        pytest.param([line(5)], [line(4)], False, 0, 1, 1, id="a packet less"),
        pytest.param(
            [line(action="ACCEPT")],
            [line(action="REJECT")],
            False,
            0,
            1,
            1,
            id="another action is another flow",
        ),
        pytest.param([line(), line()], [line()], False, 1, 1, 0, id="twice and once"),
        pytest.param([line(), line()], [line(), line()], True, 2, 0, 0, id="twice and twice"),
        pytest.param([line(), NODATA], [line()], True, 1, 0, 0, id="NODATA is no flow"),
        pytest.param(
            [line(), line(9, eni="eni-2")], [line()], False, 1, 1, 0, id="another interface"
        ),
    ],
)
def test_destinations(s3, cloudwatch, agree, matched, only_in_s3, only_in_cloudwatch_logs):
    comparison = compare.destinations(parse(s3), parse(cloudwatch))
    assert comparison.agree is agree
    assert len(comparison.matched) == matched
    assert len(comparison.only_in_s3) == only_in_s3
    assert len(comparison.only_in_cloudwatch_logs) == only_in_cloudwatch_logs


def test_sums_stand_side_by_side():
    comparison = compare.destinations(parse([line(3), line(2, start=1)]), parse([line(4)]))
    assert comparison.sums.reset_index().iloc[0][7:].to_dict() == {
        "packets_s3": 5,
        "packets_cloudwatch_logs": 4,
        "bytes_s3": 420,
        "bytes_cloudwatch_logs": 336,
        "records_s3": 2,
        "records_cloudwatch_logs": 1,
    }
    pd.testing.assert_frame_equal(comparison.differences, comparison.sums)


@pytest.mark.parametrize(
    ("s3", "cloudwatch", "sentences"),
    [
        pytest.param(
            [line()],
            [line()],
            ["1 flow compared", "agree", "1 in both, 0 only in S3"],
            id="agreement",
        ),
        pytest.param(
            [line()],
            [line(), line(7, end=1641597963)],
            ["differ in 1", "CloudWatch Logs at 23:26:03", "on its way to S3"],
            id="S3 is later",
        ),
        pytest.param([], [], ["both destinations are empty"], id="nothing"),
    ],
)
def test_it_says_so_in_text_and_in_a_notebook(s3, cloudwatch, sentences):
    comparison = compare.destinations(parse(s3), parse(cloudwatch))
    for text in (str(comparison), comparison._repr_html_()):
        for sentence in sentences:
            assert sentence in text


@pytest.mark.parametrize(
    ("record", "has_ports"),
    [
        pytest.param(line(), False, id="ICMP"),
        pytest.param(line().replace(" 0 0 1 ", " 40000 443 6 ", 1), True, id="TCP"),
    ],
)
def test_its_table_shows_ports_where_there_are_some_and_names_that_may_wrap(record, has_ports):
    shown = compare.destinations(parse([record]), parse([record]))._repr_html_()
    assert ("dstport" in shown) is has_ports
    assert "<th>packets CloudWatch Logs</th>" in shown and "_cloudwatch_logs" not in shown


@pytest.mark.parametrize(
    ("s3", "cloudwatch", "causes"),
    [
        pytest.param([line()], [line(), line(7, end=1641597963)],
                     [("CloudWatch Logs", "late")], id="ends after all that S3 has"),
        pytest.param([line(), line(7, end=1641597963)], [line(), line(7, end=1641597963), line(3)],
                     [("CloudWatch Logs", "missing")], id="ends before, so it is lost"),
        pytest.param([], [line()], [("CloudWatch Logs", "late")], id="nothing arrived yet"),
        pytest.param([line(3), line(2, start=1641597904)], [line(5)],
                     [("S3", "cut differently")] * 2 + [("CloudWatch Logs", "cut differently")],
                     id="the same packets, intervals cut elsewhere"),
        pytest.param([line(), line()], [line()], [("S3", "duplicated")], id="twice and once"),
        pytest.param([line(9), line(9), line(1, end=1641597999)], [line(1, end=1641597999)],
                     [("S3", "missing"), ("S3", "duplicated")], id="twice and not at all"),
    ],
)  # fmt: skip
def test_a_record_without_its_like_has_a_cause(s3, cloudwatch, causes):
    comparison = compare.destinations(parse(s3), parse(cloudwatch))
    found = zip(comparison.unmatched.only_in, comparison.unmatched.why, strict=True)
    assert sorted(found) == sorted(causes)
    for destination, why in causes:
        assert comparison.counts.loc[destination, why] == causes.count((destination, why))
        assert why in str(comparison)


def test_copies_are_told_by_destination():
    comparison = compare.destinations(parse([line(3)] * 3 + [line(1)]), parse([line(3)] * 2))
    assert comparison.duplicated[["packets", "copies_s3", "copies_cloudwatch_logs"]].to_dict(
        "list"
    ) == {"packets": [3], "copies_s3": [3], "copies_cloudwatch_logs": [2]}
    assert "More than once in one of them: 1 record." in str(comparison)


def test_logs_are_compared_by_the_fields_that_both_have():
    other = parse(["7 420 eni-0e61c483ca317 10.0.1.22"],
                  fields=["packets", "bytes", "interface-id", "srcaddr"])  # fmt: skip
    other["end"] = other["start"] = parse([line()]).end
    comparison = compare.destinations(parse([line(7)]), other)
    assert list(comparison.sums.index.names) == ["interface_id", "srcaddr"]
    assert not comparison.agree
    with pytest.raises(ParameterError, match="by packets and bytes"):
        compare.destinations(parse([line()]), other.drop(columns="bytes"))


def many(count):
    """Return lines of so many records, each another one."""
    return [
        f"2 123456789012 eni-{n % 50} 10.0.{n % 256}.{n % 200} 10.1.{n % 99}.{n % 250} "
        f"{1024 + n % 60_000} 443 6 {1 + n % 900} {84 * (1 + n % 900)} {1641597879 + n // 55} "
        f"{1641597938 + n // 55} ACCEPT OK"
        for n in range(count)
    ]


def test_hundreds_of_thousands_of_records():
    """In about a second of this process's own time; the machine may be shared."""
    lines = many(300_000)
    s3 = parse([*lines[10:], lines[50], lines[50]])
    cloudwatch = parse(lines[:-30][::-1])
    began = time.process_time()
    comparison = compare.destinations(s3, cloudwatch)
    text = str(comparison)
    assert time.process_time() - began < 5
    assert len(comparison.matched) == 299_960
    assert comparison.counts.to_dict("index") == {
        "S3": {"late": 30, "duplicated": 2, "cut differently": 0, "missing": 0},
        "CloudWatch Logs": {"late": 0, "duplicated": 0, "cut differently": 0, "missing": 10},
    }
    assert len(comparison.differences) == 41
    assert "299,960 in both, 32 only in S3 (30 late, 2 duplicated)" in text
    assert comparison.matched.start.is_monotonic_increasing
    sums = comparison.sums
    assert len(sums) == 300_000 and sums.index.is_monotonic_increasing
    assert sums.packets_cloudwatch_logs.sum() == sum(1 + n % 900 for n in range(300_000 - 30))
