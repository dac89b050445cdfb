import gzip
from datetime import UTC, datetime, timedelta

from labkit.fields import DEFAULT_FIELDS
from labkit.flowlogs import delivery_delays
from labkit.flowlogs.delays import summarize


def line(end):
    second = int(end.timestamp())
    return f"2 123456789012 eni-1 10.0.1.22 10.0.1.25 0 0 1 5 420 {second - 4} {second} ACCEPT OK"


def deliver(aws, bucket):
    """Put two records in S3 and two in CloudWatch Logs; return when the last three ended."""
    now = datetime.now(UTC).replace(microsecond=0)
    logs, ended_at = aws.client("logs"), now - timedelta(minutes=5)
    key = (
        f"AWSLogs/123456789012/vpcflowlogs/us-east-1/{ended_at:%Y/%m/%d}/"
        f"123456789012_vpcflowlogs_us-east-1_fl-1_{ended_at:%Y%m%dT%H%MZ}_fe123456.log.gz"
    )
    body = "\n".join([" ".join(DEFAULT_FIELDS), line(ended_at), line(ended_at), ""])
    aws.client("s3").put_object(Bucket=bucket, Key=key, Body=gzip.compress(body.encode()))
    logs.create_log_group(logGroupName=bucket)
    logs.create_log_stream(logGroupName=bucket, logStreamName="eni-1-all")
    events = [
        {"timestamp": int(each.timestamp()) * 1000, "message": line(each)}
        for each in (ended_at - timedelta(minutes=9), ended_at)
    ]
    logs.put_log_events(logGroupName=bucket, logStreamName="eni-1-all", logEvents=events)
    return ended_at


def test_delays_of_both_destinations(aws, bucket):
    ended_at = deliver(aws, bucket)
    delays = delivery_delays(
        aws, bucket, bucket, start=ended_at - timedelta(minutes=2), fields=DEFAULT_FIELDS
    )
    assert delays.destination.tolist() == ["S3", "S3", "CloudWatch Logs"]
    assert ((delays.delay_s >= 300) & (delays.delay_s < 360)).all()
    lag = summarize(delays)
    assert lag.records.to_dict() == {"CloudWatch Logs": 1, "S3": 2}
    assert (lag.earliest <= lag["median"]).all() and (lag.p95 <= lag.latest).all()


def test_a_record_that_ends_within_the_first_second_counts_at_both(aws, bucket):
    """Records know whole seconds: one that ended at 12:00:01 may have ended at 12:00:01.9."""
    ended_at = deliver(aws, bucket)
    delays = delivery_delays(
        aws,
        bucket,
        bucket,
        start=ended_at + timedelta(milliseconds=900),
        fields=DEFAULT_FIELDS,
    )
    assert delays.destination.tolist() == ["S3", "S3", "CloudWatch Logs"]


def test_nothing_delivered_gives_no_rows(aws, bucket):
    aws.client("logs").create_log_group(logGroupName=bucket)
    delays = delivery_delays(aws, bucket, bucket, start=datetime.now(UTC))
    assert list(delays.columns) == ["destination", "end", "delay_s"]
    assert len(delays) == 0
