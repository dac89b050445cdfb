"""Records from a log group, at a local server that answers as CloudWatch Logs documents it."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from botocore.exceptions import ClientError
from log_service import Answer, Group, Service, serving

from labkit.errors import LabError, ParameterError, RecordFormatError
from labkit.fields import DEFAULT_FIELDS, DEFAULT_FORMAT
from labkit.flowlogs import cloudwatch
from labkit.flowlogs.filters import Filter
from labkit.flowlogs.records import parse
from labkit.waiting import State

NOW = datetime.now(UTC).replace(microsecond=0)


def line(start, end=None, *, action="ACCEPT", packets=5, eni="eni-0e61c483ca317dd54"):
    first, last = (int(each.timestamp()) for each in (start, end or start))
    return (
        f"2 123456789012 {eni} 10.0.1.22 10.0.1.25 0 0 1 {packets} {84 * packets} "
        f"{first} {last} {action} OK"
    )


def minutes(count):
    return timedelta(minutes=count)


@pytest.fixture
def service():
    with serving(Service()) as service:
        service.groups["logs"] = Group(formats=[DEFAULT_FORMAT])
        yield service


@pytest.fixture
def group(service):
    return service.groups["logs"]


@pytest.fixture
def session(service, connect):
    return connect(service.url)


def test_the_frame_is_that_of_the_lines(session, group):
    lines = [line(NOW - minutes(2), NOW - minutes(1)), line(NOW - minutes(1), NOW, packets=9)]
    for each in lines:
        group.put(each)
    log = cloudwatch.read(session, "logs", start=NOW - minutes(5))
    pd.testing.assert_frame_equal(log, parse(lines))
    read = log.attrs["read"]
    assert (read.events, read.lines, read.records) == (2, 2, 2)
    assert read.text_bytes == sum(len(each) + 1 for each in lines)
    assert str(read) == "2 events; 2 lines: 2 records"


@pytest.mark.parametrize(
    ("start", "end", "kept"),
    [
        pytest.param(-12, -9, True, id="began before the span and reaches into it"),
        pytest.param(-12, -10, True, id="ends with the first second"),
        pytest.param(-12, -11, False, id="ends before"),
        pytest.param(-1, 0, True, id="begins with the last second"),
        pytest.param(-0.5, 0, False, id="begins after"),
    ],
)
def test_a_record_counts_if_it_overlaps(session, group, start, end, kept):
    """An event's time is its record's start, and a record lasts up to ten minutes.

    docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
    """
    group.put(line(NOW + minutes(start), NOW + minutes(end)))
    log = cloudwatch.read(session, "logs", start=NOW - minutes(10), end=NOW - minutes(1))
    assert len(log) == kept
    read = log.attrs["read"]
    assert read.events == (-12 <= start <= -1)
    assert read.outside == read.events - kept


def test_without_a_span_everything_is_read(session, service, group):
    days = [NOW - timedelta(days=days) for days in (400, 90, 1, 0)]
    for day in days:
        group.put(line(day))
    log = cloudwatch.read(session, "logs")
    assert log.start.tolist() == days
    assert len(service.requests) < 20


def test_the_format_is_asked_of_the_flow_logs(session, group):
    group.formats = ["${start} ${flow-direction} ${some-day}"]
    group.put(f"{NOW.timestamp():.0f} egress new", at=int(NOW.timestamp()) * 1000)
    log = cloudwatch.read(session, "logs", start=NOW)
    assert list(log.columns) == ["start", "flow_direction", "some_day"]
    assert log.iloc[0].tolist() == [NOW, "egress", "new"]


SHORT = "${start} ${end} ${bytes}"
SWAPPED = DEFAULT_FORMAT.replace("${srcaddr} ${dstaddr}", "${dstaddr} ${srcaddr}")
LATER = DEFAULT_FORMAT.replace("${start} ${end}", "${end} ${start}")
OTHER = "${action} " + DEFAULT_FORMAT.replace(" ${action}", "")


@pytest.mark.parametrize(
    ("formats", "messages", "expected"),
    [
        pytest.param(
            [DEFAULT_FORMAT, SHORT],
            [f"{NOW:%s} {NOW:%s} 7", line(NOW), f"{NOW:%s} {NOW:%s} 8"],
            [7, 420, 8],
            id="another number of fields",
        ),
        pytest.param(
            [DEFAULT_FORMAT, SHORT],
            [f"{NOW:%s}  {NOW:%s} 7", line(NOW)],
            [7, 420],
            id="another number of fields, and an odd message",
        ),
        pytest.param(
            [DEFAULT_FORMAT, OTHER],
            [line(NOW), "REJECT " + line(NOW, packets=2).replace(" ACCEPT", "")],
            [420, 168],
            id="as many fields: by what can stand where",
        ),
        pytest.param(
            [DEFAULT_FORMAT, LATER],
            [line(NOW, NOW + minutes(1)), line(NOW + minutes(1), NOW)],
            [420, 420],
            id="as many fields, of the same form: by the event's time, which is the start",
        ),
    ],
)
def test_each_event_gets_the_format_that_it_fits(session, group, formats, messages, expected):
    group.formats = formats
    for message in messages:
        group.put(message, at=int(NOW.timestamp()) * 1000)
    log = cloudwatch.read(session, "logs", start=NOW - minutes(1))
    assert log.bytes.tolist() == expected
    assert (log.start == NOW).all()
    assert log.attrs["read"].records == len(messages)


@pytest.mark.parametrize(
    ("formats", "says"),
    [
        pytest.param(
            [DEFAULT_FORMAT, SWAPPED],
            "fits 2 log formats .* say fields=…, and streams=…",
            id="addresses in either order",
        ),
        pytest.param([], "No flow log of this account delivers .* say fields=…", id="none"),
        pytest.param([SHORT], "14 fields where the log format has 3", id="another one"),
    ],
)
def test_what_nobody_can_know_is_refused(session, group, formats, says):
    group.formats = formats
    group.put(line(NOW))
    with pytest.raises(RecordFormatError, match=f"(?s){says}"):
        cloudwatch.read(session, "logs", start=NOW)
    log = cloudwatch.read(session, "logs", start=NOW, fields=DEFAULT_FIELDS)
    assert log.srcaddr.tolist() == ["10.0.1.22"]


@pytest.mark.parametrize(
    ("formats", "columns"),
    [
        pytest.param([DEFAULT_FORMAT], [name.replace("-", "_") for name in DEFAULT_FIELDS],
                     id="of the default format"),
        pytest.param([SHORT], ["start", "end", "bytes"], id="of another format"),
        pytest.param([], [name.replace("-", "_") for name in DEFAULT_FIELDS],
                     id="without a flow log those of the default format"),
    ],
)  # fmt: skip
def test_an_empty_group_has_no_rows_and_the_columns(session, group, formats, columns):
    group.formats = formats
    for start in (NOW, NOW + timedelta(days=1), None):
        log = cloudwatch.read(session, "logs", start=start)
        assert (len(log), list(log.columns)) == (0, columns)
        assert str(log.start.dtype) == "datetime64[s, UTC]"


def test_a_missing_group_answers_in_the_words_of_aws(session):
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        cloudwatch.read(session, "no-such-group", start=NOW)


def test_a_time_without_a_zone_is_refused_before_anything_is_asked(session, service):
    with pytest.raises(ParameterError, match="has no time zone"):
        cloudwatch.read(session, "logs", start=NOW.replace(tzinfo=None))
    assert service.requests == []


@pytest.mark.parametrize(
    ("streams", "expected", "calls"),
    [
        pytest.param(None, range(250), 1, id="all"),
        pytest.param("eni-7-all", [7], 1, id="one"),
        pytest.param(["eni-8-all", "eni-3-all", "eni-8-all"], [3, 8], 1, id="some, one twice"),
        pytest.param([f"eni-{n}-all" for n in range(250)], range(250), 3,
                     id="more than one call may name"),
    ],
)  # fmt: skip
def test_streams(session, service, group, streams, expected, calls):
    """At most 100 streams a call.

    docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
    """
    for number in range(250):
        group.put(line(NOW, packets=number), stream=f"eni-{number}-all")
    log = cloudwatch.read(session, "logs", start=NOW, streams=streams)
    assert log.packets.tolist() == list(expected)
    assert len(service.requests) == calls


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        pytest.param("2 123456789012 eni-1 10.0.1.22", "4 fields where", id="cut off"),
        pytest.param(line(NOW).replace(" 420 ", " many "), "bytes is 'many'", id="no number"),
        pytest.param(line(NOW) + " " + line(NOW), "28 fields where", id="two records"),
        pytest.param(line(NOW) + "\n" + line(NOW), "28 fields where", id="two lines"),
        pytest.param("<html>", "1 fields where", id="something else"),
        pytest.param(line(NOW).replace("eni-", "e\0ni-"), "a NUL byte", id="NUL"),
    ],
)
@pytest.mark.parametrize("formats", [[DEFAULT_FORMAT], [DEFAULT_FORMAT, SHORT]])
def test_a_malformed_event_is_an_error_or_set_aside(session, group, formats, message, reason):
    group.formats = formats
    at = int(NOW.timestamp()) * 1000
    group.put(line(NOW))
    group.put(message, at=at)
    group.put(line(NOW, packets=9))
    when = f"{NOW:%FT%TZ}"
    with pytest.raises(RecordFormatError, match=f"Log group logs, event of {when}.*{reason}"):
        cloudwatch.read(session, "logs", start=NOW)
    log = cloudwatch.read(session, "logs", start=NOW, malformed="keep")
    assert log.packets.tolist() == [5, 9]
    read = log.attrs["read"]
    assert (read.events, read.lines, read.records, read.malformed) == (3, 3, 2, 1)
    assert [(each.text, reason in each.reason) for each in read.set_aside] == [(message, True)]


@pytest.mark.parametrize(
    ("message", "counted"),
    [
        pytest.param(line(NOW) + "\n", "records", id="a newline at the end"),
        pytest.param(line(NOW).replace(" ", "  ") + "\r\n", "records", id="runs of whitespace"),
        pytest.param("", "blank", id="nothing"),
        pytest.param(" \n", "blank", id="a blank line"),
        pytest.param(" ".join(DEFAULT_FIELDS), "header", id="the names of the fields"),
        pytest.param("2 123456789012 eni-1 - - - - - - - 1431280876 1431280934 - NODATA",
                     "nodata", id="no data"),
        pytest.param("2 123456789012 eni-1 - - - - - - - 1431280876 1431280934 - SKIPDATA",
                     "skipdata", id="skipped data"),
    ],
)  # fmt: skip
def test_every_event_is_accounted_for(session, group, message, counted):
    at = int(NOW.timestamp()) * 1000
    for each in (line(NOW), message, line(NOW)):
        group.put(each, at=at)
    read = cloudwatch.read(session, "logs").attrs["read"]
    counts = {name: getattr(read, name) for name in ("header", "blank", "nodata", "skipdata")}
    expected = dict.fromkeys(counts, 0) | ({} if counted == "records" else {counted: 1})
    assert (read.events, read.lines, counts) == (3, 3, expected)
    assert read.records == (3 if counted == "records" else 2)


def test_a_filter_is_pushed_down_and_applied(session, service, group):
    """The stand-in knows no patterns, so what it lets through must be sorted out here."""
    group.put(line(NOW))
    group.put(line(NOW, action="REJECT", packets=9))
    log = cloudwatch.read(
        session, "logs", start=NOW, filter=Filter(action="REJECT"), columns=["packets"]
    )
    assert log.to_dict("list") == {"packets": [9]}
    assert log.attrs["read"].filtered == 1
    assert service.requests[0]["filterPattern"] == '"REJECT"'


def test_a_pattern_of_ones_own_takes_the_place_of_the_filters(session, service, group):
    cloudwatch.read(session, "logs", pattern="?a ?b", filter=Filter(action="REJECT"))
    assert service.requests[0]["filterPattern"] == "?a ?b"


def test_columns_are_those_wanted_in_this_order(session, group):
    group.formats = [DEFAULT_FORMAT, SHORT]
    group.put(line(NOW))
    group.put(f"{NOW:%s} {NOW:%s} 7", at=int(NOW.timestamp()) * 1000)
    log = cloudwatch.read(session, "logs", columns=["bytes", "srcaddr"])
    assert list(log.columns) == ["bytes", "srcaddr"]
    assert log.bytes.tolist() == [420, 7] and log.srcaddr.isna().tolist() == [False, True]
    with pytest.raises(ParameterError, match=r"has the columns \['vpc_id'\]; they have version"):
        cloudwatch.read(session, "logs", columns=["vpc_id"])


def test_the_time_of_ingestion_comes_along(session, group):
    group.put("", at=int(NOW.timestamp()) * 1000)
    group.put(line(NOW))
    (table,) = cloudwatch.scan(session, "logs", columns=["end"], ingestion_time=True)
    assert table.to_pylist() == [{"end": NOW, "ingestion_time": NOW + timedelta(seconds=90)}]


def fill(group, count, page_events=100):
    """Lay in records, one a second up to now, whose packets are numbered."""
    group.page_events = page_events
    for number in range(count):
        group.put(line(NOW - timedelta(seconds=count - number), packets=number))


def test_pages_and_slices_give_each_event_once_and_in_order(session, service, group):
    fill(group, 7000)
    log = cloudwatch.read(session, "logs")
    assert log.packets.tolist() == list(range(7000))
    assert any("nextToken" in asked for asked in service.requests)
    assert len({asked.get("startTime") for asked in service.requests}) > 3


def test_empty_pages_are_not_the_end(session, service, group):
    """A page may be empty although others follow.

    docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
    """
    group.put(line(NOW))
    empty = Answer(body=b'{"events":[],"nextToken":"0"}')
    service.fault = lambda number, asked: empty if "nextToken" not in asked else None
    log = cloudwatch.read(session, "logs")
    assert len(log) == 1


@pytest.mark.parametrize(
    "trouble",
    [
        pytest.param(Answer.error("ThrottlingException", "Rate exceeded"), id="throttled"),
        pytest.param(Answer.error("ServiceUnavailableException", status=503), id="unavailable"),
        pytest.param(Answer(body=b"x" * 1000, is_cut=True), id="the connection breaks"),
    ],
)
def test_passing_trouble_is_waited_out(session, service, group, trouble):
    """FilterLogEvents answers 5 to 25 times a second, by Region.

    docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
    """
    fill(group, 300)
    service.fault = lambda number, asked: trouble if number in (2, 3) else None
    log = cloudwatch.read(session, "logs", start=NOW - minutes(5))
    assert log.packets.tolist() == list(range(300))


def test_after_an_error_in_the_middle_the_reading_goes_on_where_it_stopped(session, service, group):
    fill(group, 500)
    denied = Answer.error("AccessDeniedException", "no longer")
    service.fault = lambda number, asked: denied if number == 3 else None
    scan = cloudwatch.scan(session, "logs", start=NOW - minutes(15))
    rows = []
    with pytest.raises(ClientError, match="AccessDenied"):
        rows.extend(row for table in scan for row in table["packets"].to_pylist())
    asked_before = len(service.requests)
    assert rows == list(range(len(rows))) and len(rows) < 500
    rows.extend(row for table in scan for row in table["packets"].to_pylist())
    assert rows == list(range(500))
    assert scan.summary.events == scan.summary.records == 500
    assert len(service.requests) - asked_before <= 4, "what was read is not asked for again"


def test_an_error_behind_pages_without_a_row_loses_nothing_either(session, service, group):
    fill(group, 500)
    denied = Answer.error("AccessDeniedException", "no longer")
    service.fault = lambda number, asked: denied if number == 3 else None
    rejected = Filter(action="REJECT")
    scan = cloudwatch.scan(session, "logs", start=NOW - minutes(15), filter=rejected)
    with pytest.raises(ClientError, match="AccessDenied"):
        list(scan)
    assert list(scan) == []
    assert scan.summary.events == scan.summary.filtered == 500


def test_denied_access_is_an_error_and_no_short_log(session, service, group):
    fill(group, 500)
    denied = Answer.error("AccessDeniedException", "User is not authorized to perform")
    service.fault = lambda number, asked: denied if number >= 3 else None
    with pytest.raises(ClientError, match="not authorized"):
        cloudwatch.read(session, "logs", start=NOW - minutes(15))


def test_progress_is_told(session, group):
    fill(group, 250)
    ticks = []
    cloudwatch.read(session, "logs", start=NOW - minutes(5), watch=ticks.append)
    assert [tick.state for tick in ticks][-2:] == [State.WAITING, State.DONE]
    assert ticks[-1].seen.startswith("250 events") and ticks[-1].records == 250
    assert [tick.records for tick in ticks] == sorted(tick.records for tick in ticks)


def test_the_answers_are_read_to_the_letter_where_arrow_will_not(session, service, group):
    """A half of a surrogate pair is JSON, and no UTF-8."""
    text = line(NOW).replace("OK", "O\\ud800K")
    body = f'{{"events":[{{"timestamp":{NOW:%s}000.0,"message":"{text}"}}]}}'
    service.fault = lambda number, asked: Answer(body=body.encode())
    log = cloudwatch.read(session, "logs", start=NOW)
    assert log.log_status.tolist() == ["O\\ud800K"]


def test_an_answer_that_is_no_json_is_an_error(session, service):
    service.fault = lambda number, asked: Answer(body=b"<html>a proxy's page</html>")
    with pytest.raises(LabError, match=r"no JSON.*html"):
        cloudwatch.read(session, "logs", start=NOW)
