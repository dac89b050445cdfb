"""The tag fields of version 11: which keys a flow log asks for, and the values of a record's tags.

Source: docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html#flow-logs-fields
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any
from urllib.parse import quote

from labkit.emulator.flow_logs.flow_log import FlowLog
from labkit.emulator.refusal import ServiceError, not_emulated
from labkit.emulator.upstream import Clients

FIELDS = {
    "instance": ("instance-tag", "instance-tag-2"),
    "network-interface": ("interface-tag", "interface-tag-2"),
}
"""The fields of a resource type: for its first tag key, and for its second."""
AUTO_SCALING_GROUP = "auto-scaling-group"
MAX_SPECIFICATIONS = 3

TagKeys = tuple[tuple[str, str], ...]
"""Fields and the tag keys whose values they hold."""


def tag_keys(specifications: Sequence[Mapping[str, Any]]) -> TagKeys:
    """Return what TagFieldSpecifications ask for.

    Raises:
        ServiceError: too many, a resource type twice or unknown; a refusal of Auto Scaling groups,
            which are not emulated.

    Source: docs.aws.amazon.com/AWSEC2/latest/APIReference/API_TagFieldSpecificationRequest.html
    """
    types = [one.get("ResourceType", "") for one in specifications]
    if len(types) > MAX_SPECIFICATIONS or len(set(types)) < len(types):
        raise _invalid("TagFieldSpecifications: at most three, each for another ResourceType.")
    return tuple(pair for one in specifications for pair in _pairs(one))


def _pairs(specification: Mapping[str, Any]) -> list[tuple[str, str]]:
    kind, keys = specification.get("ResourceType"), specification.get("TagKeys", [])
    if kind == AUTO_SCALING_GROUP:
        raise not_emulated("ec2", f"CreateFlowLogs with TagFieldSpecifications for {kind}")
    if kind not in FIELDS:
        raise _invalid(f"TagFieldSpecifications: invalid ResourceType {kind}")
    if not 1 <= len(set(keys)) == len(keys) <= len(FIELDS[kind]):
        raise _invalid("TagFieldSpecifications: give one or two different TagKeys.")
    return list(zip(FIELDS[kind], keys, strict=False))


def _invalid(message: str) -> ServiceError:
    return ServiceError("InvalidParameter", message)


class TagValues:
    """The tags of instances and interfaces as they are now, read once each.

    Args:
        inner: clients straight to moto, which keeps the tags.
    """

    def __init__(self, inner: Clients):
        self._inner = inner
        self._tags = cache(self._read)

    def of(
        self, flow_log: FlowLog, *, interface_id: str, instance_id: str | None
    ) -> dict[str, str]:
        """Return the tag fields that have a value, percent-encoded as UTF-8.

        Which characters AWS leaves as they are is not documented: here, those that RFC 3986 calls
        unreserved.
        """
        ids = {"instance": instance_id, "network-interface": interface_id}
        id_of = {field: ids[kind] for kind, fields in FIELDS.items() for field in fields}
        found = {
            field: self._tags(flow_log.region, id_of[field]).get(key)
            for field, key in flow_log.settings.tag_keys
        }
        return {field: quote(value, safe="") for field, value in found.items() if value}

    def _read(self, region: str, resource_id: str | None) -> dict[str, str]:
        if resource_id is None:
            return {}
        filters = [{"Name": "resource-id", "Values": [resource_id]}]
        tags = self._inner("ec2", region).describe_tags(Filters=filters)["Tags"]
        return {tag["Key"]: tag["Value"] for tag in tags}
