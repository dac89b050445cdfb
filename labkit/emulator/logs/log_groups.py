"""Log groups where moto takes what AWS refuses: retention, and tags of what does not exist."""

from __future__ import annotations

from typing import Any

from botocore import xform_name

from labkit.emulator.operations import Call, Operations
from labkit.emulator.refusal import ServiceError
from labkit.emulator.upstream import Clients

# fmt: off
RETENTION_DAYS = (
    1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731,
    1096, 1827, 2192, 2557, 2922, 3288, 3653,
)
# fmt: on
"""Source: docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/
API_PutRetentionPolicy.html
"""

TAGGING = ("TagResource", "UntagResource", "ListTagsForResource")


class LogGroups:
    """The operations on log groups that are ours.

    Args:
        inner: clients straight to moto, which keeps the groups.
    """

    def __init__(self, inner: Clients):
        self._inner = inner

    def operations(self) -> Operations:
        return {
            ("logs", "PutRetentionPolicy"): self.put_retention_policy,
            **{("logs", name): self._tag for name in TAGGING},
        }

    def put_retention_policy(self, call: Call) -> dict[str, Any]:
        days = call.parameters["retentionInDays"]
        if days not in RETENTION_DAYS:
            allowed = ", ".join(str(one) for one in RETENTION_DAYS)
            raise ServiceError(
                "InvalidParameterException",
                f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to "
                f"satisfy constraint: Member must satisfy enum value set: [{allowed}]",
            )
        return self._forward(call)

    def _tag(self, call: Call) -> dict[str, Any]:
        """Tag, or list the tags of, a log group; nothing else of Logs' is here to be tagged."""
        arn = call.parameters["resourceArn"]
        name = arn.partition(":log-group:")[2]
        if not arn.startswith("arn:aws:logs:") or not name or name.endswith(":*"):
            raise ServiceError("InvalidParameterException", f"{arn} is not a log group's ARN.")
        logs = self._inner("logs", call.region)
        groups = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        if name not in {group["logGroupName"] for group in groups}:
            message = "The specified resource does not exist."
            raise ServiceError("ResourceNotFoundException", message)
        return self._forward(call)

    def _forward(self, call: Call) -> dict[str, Any]:
        logs = self._inner("logs", call.region)
        answer = getattr(logs, xform_name(call.operation))(**call.parameters)
        answer.pop("ResponseMetadata")
        return answer
