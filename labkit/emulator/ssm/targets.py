"""Which nodes a command goes to: by their ids, or by the tags of the instances.

Source: docs.aws.amazon.com/systems-manager/latest/userguide/send-commands-multiple.html
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from labkit.emulator.refusal import ServiceError, not_emulated

MAX_TARGETS_BY_ID = 50


def instance_ids(
    asked: Mapping[str, Any], *, account_id: str, ec2: Any, is_valid: Callable[[str], bool]
) -> list[str]:
    """Return the ids of the nodes that SendCommand goes to; Targets may match none.

    Args:
        asked: the operation's parameters.
        account_id: for AWS's words.
        ec2: a client, to find instances by their tags.
        is_valid: whether a command may be sent to an instance.

    Raises:
        ServiceError: InvalidInstanceId if an id is not that of a managed node.
    """
    ids, targets = list(asked.get("InstanceIds", ())), asked.get("Targets", ())
    if ids and targets:
        message = "InstanceIds and Targets cannot be used together."
        raise ServiceError("ValidationException", message)
    if targets:
        return [id_ for id_ in _by_targets(targets, ec2) if is_valid(id_)]
    if len(set(ids)) < len(ids):
        raise ServiceError("DuplicateInstanceId", "An instance id is given more than once.")
    invalid = [id_ for id_ in ids if not is_valid(id_)]
    if invalid or not ids:
        raise ServiceError(
            "InvalidInstanceId",
            f"Instances [[{', '.join(invalid)}]] not in a valid state for account {account_id}",
        )
    return ids


def max_concurrency(asked: Mapping[str, Any], count: int) -> int:
    """Return how many of count nodes may run the command at the same time: at least one."""
    return max(_number_of_nodes(asked.get("MaxConcurrency", "50"), count), 1)


def max_errors(asked: Mapping[str, Any], count: int) -> int:
    """Return how many errors there may be before no other node gets the command."""
    return _number_of_nodes(asked.get("MaxErrors", "0"), count)


def _number_of_nodes(text: str, count: int) -> int:
    """Read a number or a percentage, rounded down: how AWS rounds is not documented."""
    return count * int(text[:-1]) // 100 if text.endswith("%") else int(text)


def _by_targets(targets: Sequence[Mapping[str, Any]], ec2: Any) -> list[str]:
    """Return the instances that match all the targets."""
    filters = [_filter(target) for target in targets]
    pages = ec2.get_paginator("describe_instances").paginate(Filters=filters)
    return [
        instance["InstanceId"]
        for page in pages
        for reservation in page["Reservations"]
        for instance in reservation["Instances"]
    ]


def _filter(target: Mapping[str, Any]) -> dict[str, Any]:
    key, values = target.get("Key", ""), target.get("Values", [])
    name = "instance-id" if key == "InstanceIds" else key
    if name != "instance-id" and name != "tag-key" and not name.startswith("tag:"):
        raise not_emulated("ssm", f"SendCommand with the target {key}")
    return {"Name": name, "Values": values}
