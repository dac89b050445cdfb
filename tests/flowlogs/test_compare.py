import pandas as pd
import pytest

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
