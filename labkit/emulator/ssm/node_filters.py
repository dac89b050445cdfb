"""The filters of DescribeInstanceInformation.

Source: docs.aws.amazon.com/systems-manager/latest/APIReference/
API_InstanceInformationStringFilter.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from labkit.emulator.refusal import ServiceError, not_emulated

Nodes = list[dict[str, Any]]

KEYS = {
    "InstanceIds": "InstanceId",
    "PingStatus": "PingStatus",
    "AgentVersion": "AgentVersion",
    "PlatformType": "PlatformType",
    "PlatformTypes": "PlatformType",
    "ResourceType": "ResourceType",
    "SourceIds": "SourceId",
    "SourceTypes": "SourceType",
}
NOT_EMULATED = ("ActivationIds", "AssociationStatus", "IamRole")


def keep(nodes: Nodes, asked: Mapping[str, Any], ec2: Any) -> Nodes:
    """Return the nodes that pass all filters, of the new kind or of the old.

    Args:
        nodes: as they are described.
        asked: the operation's parameters.
        ec2: a client, to read the instances' tags.
    """
    for key, values in _filters(asked):
        nodes = [node for node in nodes if _passes(node, key, values, ec2)]
    return nodes


def asks_for(asked: Mapping[str, Any], instance_id: str) -> bool:
    """Return whether an instance's id passes: others need not be described, which takes time."""
    by_id = (values for key, values in _filters(asked) if key == "InstanceIds")
    return all(instance_id in values for values in by_id)


def _filters(asked: Mapping[str, Any]) -> list[tuple[str, Sequence[str]]]:
    """Return all filters, by key and values, once they are checked."""
    old, new = asked.get("InstanceInformationFilterList", ()), asked.get("Filters", ())
    if old and new:
        message = "Filters and InstanceInformationFilterList cannot be used together."
        raise ServiceError("ValidationException", message)
    wanted = [(f["Key"], f["Values"]) for f in new] + [(f["key"], f["valueSet"]) for f in old]
    for key, _ in wanted:
        _check(key)
    return wanted


def _check(key: str) -> None:
    if key in NOT_EMULATED:
        raise not_emulated("ssm", f"DescribeInstanceInformation with the filter {key}")
    if key not in KEYS and key != "tag-key" and not key.startswith("tag:"):
        raise ServiceError("InvalidFilterKey", f"The filter key {key} is not valid.")


def _passes(node: Mapping[str, Any], key: str, values: Sequence[str], ec2: Any) -> bool:
    if key == "tag-key":
        return any(name in values for name in _tags(ec2, node["InstanceId"]))
    if key.startswith("tag:"):
        return _tags(ec2, node["InstanceId"]).get(key.removeprefix("tag:")) in values
    return node[KEYS[key]] in values


def _tags(ec2: Any, instance_id: str) -> dict[str, str]:
    filters = [{"Name": "resource-id", "Values": [instance_id]}]
    return {tag["Key"]: tag["Value"] for tag in ec2.describe_tags(Filters=filters)["Tags"]}
