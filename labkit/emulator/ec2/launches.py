"""What RunInstances is asked together with a launch template.

Source: docs.aws.amazon.com/AWSEC2/latest/UserGuide/launch-instances-from-launch-template.html
"""

from __future__ import annotations

from typing import Any

from labkit.emulator.refusal import ServiceError


def merged(asked: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    """Return a request in which the launch template says what the request does not.

    Tags are taken from both; where a key is in both, the request's.

    Raises:
        ServiceError: they contradict each other.
    """
    of_instance = {"SubnetId", "SecurityGroupIds", "PrivateIpAddress"}
    if "NetworkInterfaces" in data and asked.keys() & of_instance:
        raise ServiceError(
            "InvalidParameterCombination",
            "Network interfaces and an instance-level "
            f"{sorted(asked.keys() & of_instance)[0]} may not be specified on the same request",
        )
    if "NetworkInterfaces" in asked:
        data = {name: value for name, value in data.items() if name not in of_instance}
    request = {**data, **asked}
    specifications = _tags(data.get("TagSpecifications", []), asked.get("TagSpecifications", []))
    return {**request, "TagSpecifications": specifications} if specifications else request


def _tags(*sources: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return tag specifications with one for each kind of resource; later sources win."""
    kinds: dict[str, dict[str, str]] = {}
    for source in sources:
        for specification in source:
            tags = kinds.setdefault(specification["ResourceType"], {})
            tags.update({tag["Key"]: tag["Value"] for tag in specification.get("Tags", [])})
    return [
        {"ResourceType": kind, "Tags": [{"Key": key, "Value": tags[key]} for key in tags]}
        for kind, tags in kinds.items()
    ]
