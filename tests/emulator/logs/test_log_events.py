"""FilterLogEvents, GetLogEvents and DescribeLogStreams over what moto keeps.

Sources: docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html,
docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html
"""

import time

import pytest
from botocore.exceptions import ClientError

from labkit.emulator.logs.log_events import LogEvents
from labkit.emulator.refusal import ServiceError

NOW = int(time.time() * 1000)
EVENTS = {
    "eni-b-all": [(NOW - 3000, "a 1 ACCEPT"), (NOW - 1000, "b 2 REJECT")],
    "eni-a-all": [(NOW - 2000, "c 3 REJECT"), (NOW, "d 4 ACCEPT")],
    "other": [(NOW - 2500, "e 5 ACCEPT")],
}


@pytest.fixture
def group(inner, unique):
    logs = inner("logs", "us-east-1")
    logs.create_log_group(logGroupName=unique)
    for stream, events in EVENTS.items():
        logs.create_log_stream(logGroupName=unique, logStreamName=stream)
        logs.put_log_events(
            logGroupName=unique,
            logStreamName=stream,
            logEvents=[{"timestamp": at, "message": message} for at, message in events],
        )
    return unique


@pytest.fixture
def find(inner, call, group):
    log_events = LogEvents(inner)

    def find(**parameters):
        asked = {"logGroupName": group, **parameters}
        if "logGroupIdentifier" in parameters:
            del asked["logGroupName"]
        return log_events.filter_log_events(call("logs", "FilterLogEvents", **asked))

    return find


def letters(answer):
    return "".join(event["message"][0] for event in answer["events"])


@pytest.mark.parametrize(
    ("parameters", "found"),
    [
        pytest.param({}, "aecbd", id="all streams in order of time"),
        pytest.param({"filterPattern": "REJECT"}, "cb", id="a term"),
        pytest.param({"filterPattern": "[x, n > 3, ...]"}, "ed", id="fields"),
        pytest.param({"logStreamNames": ["eni-a-all", "other"]}, "ecd", id="streams by name"),
        pytest.param({"logStreamNamePrefix": "eni-"}, "acbd", id="streams by prefix"),
        pytest.param({"startTime": NOW - 2500, "endTime": NOW - 1000}, "ecb", id="both inclusive"),
        pytest.param({"startFromHead": False, "startTime": NOW - 2500}, "dbce", id="newest first"),
    ],
)
def test_filtered_events(find, parameters, found):
    """docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html."""
    answer = find(**parameters)
    assert letters(answer) == found
    assert answer["searchedLogStreams"] == []
    assert "nextToken" not in answer


def test_pages_follow_one_another_without_loss(find):
    first = find(limit=2)
    second = find(limit=2, nextToken=first["nextToken"])
    third = find(limit=2, nextToken=second["nextToken"])
    assert [letters(page) for page in (first, second, third)] == ["ae", "cb", "d"]
    assert "nextToken" not in third


def test_a_page_ends_at_one_megabyte(inner, call, unique):
    logs = inner("logs", "us-east-1")
    logs.create_log_group(logGroupName=unique)
    logs.create_log_stream(logGroupName=unique, logStreamName="s")
    for _ in range(3):
        events = [{"timestamp": NOW, "message": "x" * 400_000}]
        logs.put_log_events(logGroupName=unique, logStreamName="s", logEvents=events)
    asked = call("logs", "FilterLogEvents", logGroupName=unique)
    answer = LogEvents(inner).filter_log_events(asked)
    assert len(answer["events"]) == 2
    assert "nextToken" in answer


def test_a_group_by_its_arn(find, group):
    arn = f"arn:aws:logs:us-east-1:123456789012:log-group:{group}"
    assert letters(find(logGroupIdentifier=arn)) == "aecbd"


@pytest.mark.parametrize(
    ("parameters", "code"),
    [
        pytest.param({"nextToken": "x"}, "InvalidParameterException", id="a foreign token"),
        pytest.param({"limit": 10_001}, "InvalidParameterException", id="a limit over 10,000"),
        pytest.param(
            {"logStreamNames": ["other"], "logStreamNamePrefix": "o"},
            "InvalidParameterException",
            id="streams by name and by prefix",
        ),
        pytest.param({"logStreamNames": ["none"]}, "ResourceNotFoundException", id="no stream"),
        pytest.param({"startFromHead": False}, "InvalidParameterException", id="newest of all"),
    ],
)
def test_refused_queries(find, parameters, code):
    with pytest.raises(ServiceError) as refusal:
        find(**parameters)
    assert refusal.value.code == code


def test_a_token_belongs_to_its_query(find):
    token = find(limit=2)["nextToken"]
    with pytest.raises(ServiceError, match="nextToken"):
        find(limit=2, nextToken=token, filterPattern="REJECT")


def test_a_group_that_is_not_there(inner, call, unique):
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        LogEvents(inner).filter_log_events(call("logs", "FilterLogEvents", logGroupName=unique))


@pytest.mark.parametrize(
    ("end", "found"),
    [
        pytest.param(NOW, 1, id="the end is exclusive"),
        pytest.param(NOW + 1, 2, id="a millisecond later it is in"),
    ],
)
def test_get_log_events(inner, call, group, end, found):
    """docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html."""
    asked = call("logs", "GetLogEvents", logGroupName=group, logStreamName="eni-a-all", endTime=end)
    assert len(LogEvents(inner).get_log_events(asked)["events"]) == found


def test_stored_bytes_of_a_stream_are_zero(inner, call, group):
    """docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_LogStream.html."""
    asked = call("logs", "DescribeLogStreams", logGroupIdentifier=group)
    streams = LogEvents(inner).describe_log_streams(asked)["logStreams"]
    assert [(s["logStreamName"], s["storedBytes"]) for s in streams] == [
        ("eni-a-all", 0),
        ("eni-b-all", 0),
        ("other", 0),
    ]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param({"logStreamName": "none"}, "The specified log stream does not", id="stream"),
        pytest.param({"logGroupName": "none"}, "The specified log group does not", id="group"),
    ],
)
def test_get_log_events_of_what_is_not_there(inner, call, group, name, message):
    """docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html"""
    asked = {"logGroupName": group, "logStreamName": "other", **name}
    with pytest.raises((ServiceError, ClientError), match=message):
        LogEvents(inner).get_log_events(call("logs", "GetLogEvents", **asked))


def test_get_log_events_ends_where_a_token_is_given_back(inner, call, group):
    """docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html"""
    found, sent, token = "", "", {}
    while sent != token.get("nextToken"):
        sent = token.get("nextToken")
        asked = {"logGroupName": group, "logStreamName": "eni-b-all", "limit": 1, **token}
        answer = LogEvents(inner).get_log_events(
            call("logs", "GetLogEvents", startFromHead=True, **asked)
        )
        found += letters(answer)
        token = {"nextToken": answer["nextForwardToken"]}
    assert found == "ab"


def test_get_log_events_begins_with_the_newest_page(inner, call, group):
    """docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetLogEvents.html"""
    asked = {"logGroupName": group, "logStreamName": "eni-b-all", "limit": 1}
    assert letters(LogEvents(inner).get_log_events(call("logs", "GetLogEvents", **asked))) == "b"


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        pytest.param({}, ["eni-a-all", "eni-b-all", "other"], id="by name"),
        pytest.param({"descending": True}, ["other", "eni-b-all", "eni-a-all"], id="descending"),
        pytest.param(
            {"orderBy": "LastEventTime"}, ["other", "eni-b-all", "eni-a-all"], id="by last event"
        ),
        pytest.param({"logStreamNamePrefix": "eni-a"}, ["eni-a-all"], id="by prefix"),
        pytest.param(
            {"orderBy": "LastEventTime", "logStreamNamePrefix": "eni-"},
            "Cannot order by LastEventTime with a logStreamNamePrefix",
            id="a prefix by last event",
        ),
        pytest.param({"limit": 51}, "Value '51' at 'limit'", id="more than 50"),
    ],
)
def test_describe_log_streams(inner, call, group, asked, found):
    """docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeLogStreams.html"""
    asked = call("logs", "DescribeLogStreams", logGroupName=group, **asked)
    describe = LogEvents(inner).describe_log_streams
    if isinstance(found, str):
        with pytest.raises(ClientError, match=found):
            describe(asked)
    else:
        assert [stream["logStreamName"] for stream in describe(asked)["logStreams"]] == found


def test_a_page_may_be_empty_and_have_a_token(inner, call, unique):
    """Finished is only who gets no token: a page holds what matches of the events searched.

    Source: docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
    """
    logs = inner("logs", "us-east-1")
    logs.create_log_group(logGroupName=unique)
    logs.create_log_stream(logGroupName=unique, logStreamName="eni-1-all")
    events = [{"timestamp": NOW - 2000 + n, "message": f"{n} ACCEPT"} for n in range(2500)]
    events[2400]["message"] = "2400 REJECT"
    logs.put_log_events(logGroupName=unique, logStreamName="eni-1-all", logEvents=events)
    log_events = LogEvents(inner)
    pages, token = [], {}
    while token is not None:
        asked = {"logGroupName": unique, "filterPattern": "REJECT", **token}
        answer = log_events.filter_log_events(call("logs", "FilterLogEvents", **asked))
        pages.append([event["message"] for event in answer["events"]])
        token = {"nextToken": answer["nextToken"]} if "nextToken" in answer else None
    assert pages == [[], [], ["2400 REJECT"]]
    everything = {"logGroupName": unique}
    answer = log_events.filter_log_events(call("logs", "FilterLogEvents", **everything))
    assert (len(answer["events"]), "nextToken" in answer) == (2500, False), "no pattern, one page"
