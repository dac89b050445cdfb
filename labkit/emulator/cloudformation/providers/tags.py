"""Tags that change with the stack; those of the system stay."""

from __future__ import annotations

from typing import Any

from labkit.emulator.cloudformation.providers.provider import Properties, Tag


def tags_of(properties: Properties) -> dict[str, str]:
    """Return the tags in properties, be they a list of pairs or, as in some types, a mapping."""
    tags = properties.get("Tags", [])
    return dict(tags) if isinstance(tags, dict) else {tag["Key"]: tag["Value"] for tag in tags}


def tag_changes(old: Properties, new: Properties) -> tuple[list[Tag], list[str]]:
    """Return the tags to set, and the keys of those to take off."""
    before, after = tags_of(old), tags_of(new)
    put = [{"Key": key, "Value": value} for key, value in after.items() if before.get(key) != value]
    return put, [key for key in before if key not in after]


def retag(ec2: Any, resource_id: str, old: Properties, new: Properties) -> None:
    """Change the tags of a resource of EC2's."""
    put, gone = tag_changes(old, new)
    if gone:
        ec2.delete_tags(Resources=[resource_id], Tags=[{"Key": key} for key in gone])
    if put:
        ec2.create_tags(Resources=[resource_id], Tags=put)
