"""DescribeTags with the resource type that AWS gives flow logs; moto calls them by another.

Source: docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeTags.html
"""

from __future__ import annotations

from typing import Any

from labkit.emulator.operations import Call, Operations
from labkit.emulator.upstream import Clients

AWS_NAME, MOTO_NAME = "vpc-flow-log", "flow-logs"


class Tags:
    """The one operation on tags that is ours.

    Args:
        inner: clients straight to moto, which keeps the tags.
    """

    def __init__(self, inner: Clients):
        self._inner = inner

    def operations(self) -> Operations:
        return {("ec2", "DescribeTags"): self.describe}

    def describe(self, call: Call) -> dict[str, Any]:
        asked = dict(call.parameters)
        if "Filters" in asked:
            asked["Filters"] = [_to_moto(filter_) for filter_ in asked["Filters"]]
        answer = self._inner("ec2", call.region).describe_tags(**asked)
        return {**answer, "Tags": [_from_moto(tag) for tag in answer["Tags"]]}


def _to_moto(filter_: dict[str, Any]) -> dict[str, Any]:
    if filter_["Name"] != "resource-type":
        return filter_
    values = [MOTO_NAME if value == AWS_NAME else value for value in filter_["Values"]]
    return {**filter_, "Values": values}


def _from_moto(tag: dict[str, Any]) -> dict[str, Any]:
    return {**tag, "ResourceType": AWS_NAME} if tag["ResourceType"] == MOTO_NAME else tag
