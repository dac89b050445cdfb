import pytest

from labkit.emulator.logs.log_groups import LogGroups
from labkit.emulator.refusal import ServiceError


@pytest.mark.parametrize(
    ("days", "is_taken"),
    [
        pytest.param(1, True, id="a day"),
        pytest.param(2, False, id="two days"),
        pytest.param(3653, True, id="ten years"),
        pytest.param(0, False, id="none"),
    ],
)
def test_numbers_of_days(inner, call, unique, days, is_taken):
    """docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html"""
    logs = inner("logs", "us-east-1")
    logs.create_log_group(logGroupName=unique)
    asked = call("logs", "PutRetentionPolicy", logGroupName=unique, retentionInDays=days)
    if is_taken:
        assert LogGroups(inner).put_retention_policy(asked) == {}
    else:
        with pytest.raises(ServiceError, match="enum value set") as refusal:
            LogGroups(inner).put_retention_policy(asked)
        assert refusal.value.code == "InvalidParameterException"
    (group,) = logs.describe_log_groups(logGroupNamePrefix=unique)["logGroups"]
    assert group.get("retentionInDays") == (days if is_taken else None)
