"""Where a record's file lies in the bucket.

Source: docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html
"""

import pytest

from labkit.emulator.flow_logs.s3_keys import Layout, folder, object_key, slot_of

SLOT = 1529511600  # 2018-06-20T16:20:00Z
NAME = "123456789012_vpcflowlogs_us-east-1_fl-1234abcd_20180620T1620Z_fe123456.log.gz"


# docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html
@pytest.mark.parametrize(
    ("layout", "folders"),
    [
        pytest.param(
            Layout(), "AWSLogs/123456789012/vpcflowlogs/us-east-1/2018/06/20/", id="by default"
        ),
        pytest.param(
            Layout("my/prefix/"),
            "my/prefix/AWSLogs/123456789012/vpcflowlogs/us-east-1/2018/06/20/",
            id="with a prefix",
        ),
        pytest.param(
            Layout(per_hour=True),
            "AWSLogs/123456789012/vpcflowlogs/us-east-1/2018/06/20/16/",
            id="per hour",
        ),
        pytest.param(
            Layout(hive_compatible=True),
            "AWSLogs/aws-account-id=123456789012/aws-service=vpcflowlogs/aws-region=us-east-1/"
            "year=2018/month=06/day=20/",
            id="Hive-compatible",
        ),
        pytest.param(
            Layout(hive_compatible=True, per_hour=True),
            "AWSLogs/aws-account-id=123456789012/aws-service=vpcflowlogs/aws-region=us-east-1/"
            "year=2018/month=06/day=20/hour=16/",
            id="Hive-compatible and per hour",
        ),
    ],
)
def test_the_guide_s_keys(layout, folders):
    key = object_key(
        layout,
        SLOT,
        account_id="123456789012",
        region="us-east-1",
        flow_log_id="fl-1234abcd",
        unique="fe123456",
    )
    assert key == folders + NAME
    assert key.startswith(folder(layout, "123456789012"))


@pytest.mark.parametrize(
    ("end", "slot"),
    [
        pytest.param(SLOT, SLOT, id="16:20:00 opens the slot"),
        pytest.param(SLOT + 299, SLOT, id="16:24:59 is its last second"),
        pytest.param(SLOT + 300, SLOT + 300, id="16:25:00 is in the next"),
    ],
)
def test_the_slot_of_a_record_s_end(end, slot):
    assert slot_of(end) == slot


# seen in the wild: the guide's examples show text files only
def test_a_parquet_file_has_another_ending():
    key = object_key(
        Layout(file_format="parquet"),
        SLOT,
        account_id="123456789012",
        region="us-east-1",
        flow_log_id="fl-1234abcd",
        unique="fe123456",
    )
    assert key.endswith("_20180620T1620Z_fe123456.log.parquet")
