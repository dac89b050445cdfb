"""PutRetentionPolicy with the numbers of days that AWS takes; moto takes any."""

from __future__ import annotations

from typing import Any

from labkit.emulator.operations import Call, Operations
from labkit.emulator.refusal import ServiceError
from labkit.emulator.upstream import Clients

DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557),
    *(2922, 3288, 3653),
)
"""Source: docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
"""


class Retention:
    """The one operation on retention that is ours.

    Args:
        inner: clients straight to moto, which keeps the number.
    """

    def __init__(self, inner: Clients):
        self._inner = inner

    def operations(self) -> Operations:
        return {("logs", "PutRetentionPolicy"): self.put}

    def put(self, call: Call) -> dict[str, Any]:
        """Keep a group's retention. Nothing expires here."""
        days = call.parameters["retentionInDays"]
        if days not in DAYS:
            message = (
                f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to "
                f"satisfy constraint: Member must satisfy enum value set: {sorted(DAYS)}"
            )
            raise ServiceError("InvalidParameterException", message)
        self._inner("logs", call.region).put_retention_policy(**call.parameters)
        return {}
