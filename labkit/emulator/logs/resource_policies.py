"""Resource policies of CloudWatch Logs: moto keeps any text for one.

They are kept and not judged: nothing of another account writes here.
"""

from __future__ import annotations

import json
from typing import Any

from labkit.emulator.operations import Call, Operations
from labkit.emulator.refusal import ServiceError
from labkit.emulator.upstream import Clients


class ResourcePolicies:
    """PutResourcePolicy with a look at the policy.

    Args:
        inner: clients straight to moto, which keeps the policies.
    """

    def __init__(self, inner: Clients):
        self._inner = inner

    def operations(self) -> Operations:
        return {("logs", "PutResourcePolicy"): self.put}

    def put(self, call: Call) -> dict[str, Any]:
        """Keep a policy under a name.

        Source: docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/
        API_PutResourcePolicy.html
        """
        asked = call.parameters
        for name in ("policyName", "policyDocument"):
            if not asked.get(name):
                raise ServiceError("InvalidParameterException", f"{name} is required.")
        _check(asked["policyDocument"])
        answer = self._inner("logs", call.region).put_resource_policy(
            policyName=asked["policyName"], policyDocument=asked["policyDocument"]
        )
        answer.pop("ResponseMetadata")
        return answer


def _check(text: str) -> None:
    try:
        policy = json.loads(text)
    except ValueError:
        policy = None
    if not isinstance(policy, dict) or "Statement" not in policy:
        raise ServiceError("InvalidParameterException", "policyDocument is not a policy in JSON.")
