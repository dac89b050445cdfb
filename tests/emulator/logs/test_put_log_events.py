"""docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html."""

import pytest

from labkit.emulator.logs.put_log_events import DAY_MS, HOUR_MS, PutLogEvents, check_batch, split
from labkit.emulator.refusal import ServiceError

NOW_MS = 1_700_000_000_000
OLD, EXPIRED, FINE, NEW = -15 * DAY_MS, -3 * DAY_MS, -HOUR_MS, 3 * HOUR_MS
RETENTION_MS = 1 * DAY_MS


def events(*ages_ms):
    return [{"timestamp": NOW_MS + age, "message": str(n)} for n, age in enumerate(ages_ms)]


@pytest.mark.parametrize(
    ("ages", "retention_ms", "kept", "rejected"),
    [
        pytest.param([FINE], None, "0", {}, id="all are kept"),
        pytest.param(
            [OLD, OLD, FINE],
            None,
            "2",
            {"tooOldLogEventEndIndex": 2},
            id="too old: the index is that of the first one kept",
        ),
        pytest.param([OLD], None, "", {"tooOldLogEventEndIndex": 1}, id="one, and that too old"),
        pytest.param(
            [FINE, NEW, NEW],
            None,
            "0",
            {"tooNewLogEventStartIndex": 1},
            id="too new: the index of the first",
        ),
        pytest.param(
            [EXPIRED, FINE],
            RETENTION_MS,
            "1",
            {"expiredLogEventEndIndex": 1},
            id="older than the retention",
        ),
        pytest.param([EXPIRED, FINE], None, "01", {}, id="kept forever"),
    ],
)
def test_what_is_rejected(ages, retention_ms, kept, rejected):
    """API_RejectedLogEventsInfo.html: the ends are exclusive, the start is inclusive."""
    left, told = split(events(*ages), NOW_MS, retention_ms)
    assert "".join(event["message"] for event in left) == kept
    assert told == rejected


@pytest.mark.parametrize(
    "batch",
    [
        pytest.param(events(FINE, FINE - 1), id="out of order"),
        pytest.param(events(FINE - DAY_MS - 1, FINE), id="longer than 24 hours"),
        pytest.param(events(*[FINE] * 10_001), id="too many"),
        pytest.param([{"timestamp": NOW_MS, "message": "ä" * 524_276}], id="too many bytes"),
    ],
)
def test_a_batch_that_breaks_a_limit_is_refused(batch):
    with pytest.raises(ServiceError) as refused:
        check_batch(batch)
    assert refused.value.code == "InvalidParameterException"


def test_a_batch_at_the_limits_is_taken():
    check_batch(events(FINE - DAY_MS, FINE))
    check_batch(events(*[FINE] * 10_000))
    check_batch([{"timestamp": NOW_MS, "message": "ä" * 524_275}])


@pytest.mark.parametrize("missing", ["group", "stream", "stream of that very name"])
def test_the_group_and_the_stream_must_be_there(inner, call, unique, missing):
    logs = inner("logs", "us-east-1")
    if missing != "group":
        logs.create_log_group(logGroupName=unique)
    if missing == "stream of that very name":
        logs.create_log_stream(logGroupName=unique, logStreamName="s-2")
    put = PutLogEvents(inner, clock=lambda: NOW_MS / 1000).put_log_events
    asked = {"logGroupName": unique, "logStreamName": "s", "logEvents": events(OLD)}
    with pytest.raises(ServiceError) as refused:
        put(call("logs", "PutLogEvents", **asked))
    assert refused.value.code == "ResourceNotFoundException"


def test_the_ends_of_what_is_kept():
    """Older than 14 days and more than two hours ahead is rejected, not what is just that."""
    at = (NOW_MS - 14 * DAY_MS, NOW_MS + 2 * HOUR_MS)
    on_the_edge = [{"timestamp": when, "message": "m"} for when in at]
    assert split(on_the_edge, NOW_MS, None) == (on_the_edge, {})
