"""The Filters of describe operations that are ours: all filters, any value, * and ? as wildcards.

Source: docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from labkit.emulator.refusal import ServiceError

Items = list[dict[str, Any]]


def matching(items: Items, filters: Iterable[Mapping[str, Any]], names: Mapping[str, str]) -> Items:
    """Return the items that pass every filter.

    Args:
        items: as they are described, with Tags where they have tags.
        filters: as AWS's operations take them.
        names: from a filter's name to the key of an item; tag-key and tag:... come on top.

    Raises:
        ServiceError: a filter with another name.
    """
    for item in filters:
        name, patterns = item["Name"], item.get("Values", ())
        items = [
            found
            for found in items
            if any(_fits(v, p) for v in _values(found, name, names) for p in patterns)
        ]
    return items


def _values(item: Mapping[str, Any], name: str, names: Mapping[str, str]) -> list[str]:
    tags = {tag["Key"]: tag["Value"] for tag in item.get("Tags", ())}
    if name == "tag-key":
        return list(tags)
    if name.startswith("tag:"):
        key = name.removeprefix("tag:")
        return [tags[key]] if key in tags else []
    if name not in names:
        raise ServiceError("InvalidParameterValue", f"The filter '{name}' is invalid")
    value = item.get(names[name])
    values = value if isinstance(value, list) else [value]
    return [str(v).lower() if isinstance(v, bool) else str(v) for v in values if v is not None]


def _fits(value: str, pattern: str) -> bool:
    return fnmatchcase(value, pattern.replace("[", "[[]"))
