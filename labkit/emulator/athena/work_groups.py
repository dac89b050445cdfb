"""Workgroups of Athena: kept with their settings. moto cannot change one.

Source: docs.aws.amazon.com/athena/latest/ug/workgroups-settings.html
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from labkit.emulator.constraints import check
from labkit.emulator.operations import Call, Operations
from labkit.emulator.refusal import ServiceError, not_emulated

PRIMARY = "primary"
ENGINE = "Athena engine version 3"
CONFIGURATION = {
    "EnforceWorkGroupConfiguration": True,
    "PublishCloudWatchMetricsEnabled": True,
    "RequesterPaysEnabled": False,
}
"""How a new workgroup is where nothing else is said."""

Place = tuple[str, str]


@dataclass(slots=True)
class WorkGroup:
    """A workgroup; its configuration is complete."""

    name: str
    description: str
    configuration: dict[str, Any]
    tags: dict[str, str] = field(default_factory=dict)
    state: str = "ENABLED"
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))


class WorkGroups:
    """The operations on workgroups; each Region has a primary one from the start."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._groups: dict[Place, WorkGroup] = {}

    def operations(self) -> Operations:
        ours = {
            "CreateWorkGroup": self.create,
            "DeleteWorkGroup": self.delete,
            "GetWorkGroup": self.get,
            "ListTagsForResource": self.list_tags,
            "ListWorkGroups": self.list,
            "TagResource": self.tag,
            "UntagResource": self.untag,
            "UpdateWorkGroup": self.update,
        }
        return {("athena", name): operation for name, operation in ours.items()}

    def existing(self, region: str, name: str) -> WorkGroup:
        """Return a workgroup.

        Raises:
            ServiceError: there is none of that name.
        """
        with self._lock:
            if name == PRIMARY:
                primary = WorkGroup(PRIMARY, "", _complete({}))
                return self._groups.setdefault((region, PRIMARY), primary)
            if (region, name) not in self._groups:
                raise _invalid(f"WorkGroup {name} is not found.")
            return self._groups[region, name]

    def create(self, call: Call) -> dict[str, Any]:
        asked, name = _checked(call), call.parameters["Name"]
        with self._lock:
            if name == PRIMARY or (call.region, name) in self._groups:
                raise _invalid(f"WorkGroup {name} already exists")
            self._groups[call.region, name] = WorkGroup(
                name=name,
                description=asked.get("Description", ""),
                configuration=_complete(asked.get("Configuration", {})),
                tags={tag["Key"]: tag["Value"] for tag in asked.get("Tags", ())},
            )
        return {}

    def get(self, call: Call) -> dict[str, Any]:
        group = self.existing(call.region, _checked(call)["WorkGroup"])
        shown = {**_summary(group), "Configuration": group.configuration}
        shown.pop("EngineVersion")
        return {"WorkGroup": shown}

    def list(self, call: Call) -> dict[str, Any]:
        _checked(call)
        self.existing(call.region, PRIMARY)
        with self._lock:
            here = [group for (region, _), group in self._groups.items() if region == call.region]
        return {"WorkGroups": [_summary(group) for group in here]}

    def update(self, call: Call) -> dict[str, Any]:
        """Change what is said; the rest stays.

        Source: docs.aws.amazon.com/athena/latest/APIReference/API_UpdateWorkGroup.html
        """
        asked = _checked(call)
        with self._lock:
            group = self.existing(call.region, asked["WorkGroup"])
            changed = _updated(group.configuration, asked.get("ConfigurationUpdates", {}))
            group.configuration = _complete(changed)
            group.description = asked.get("Description", group.description)
            group.state = asked.get("State", group.state)
        return {}

    def delete(self, call: Call) -> dict[str, Any]:
        name = _checked(call)["WorkGroup"]
        if name == PRIMARY:
            raise _invalid("The primary workgroup cannot be deleted")
        with self._lock:
            self.existing(call.region, name)
            del self._groups[call.region, name]
        return {}

    def tag(self, call: Call) -> dict[str, Any]:
        group = self._of_arn(call)
        group.tags.update({tag["Key"]: tag["Value"] for tag in call.parameters["Tags"]})
        return {}

    def untag(self, call: Call) -> dict[str, Any]:
        group = self._of_arn(call)
        for key in call.parameters["TagKeys"]:
            group.tags.pop(key, None)
        return {}

    def list_tags(self, call: Call) -> dict[str, Any]:
        tags = self._of_arn(call).tags
        return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}

    def _of_arn(self, call: Call) -> WorkGroup:
        """Return the workgroup that an ARN names; nothing else of Athena's has tags here."""
        arn = _checked(call)["ResourceARN"]
        start = f"arn:aws:athena:{call.region}:{call.account_id}:workgroup/"
        if not arn.startswith(start):
            raise _invalid(f"{arn} is not a workgroup's ARN.")
        return self.existing(call.region, arn.removeprefix(start))


def _checked(call: Call) -> dict[str, Any]:
    check("athena", call.operation, call.parameters)
    if "NextToken" in call.parameters:
        raise not_emulated("athena", f"{call.operation} with NextToken")
    return call.parameters


def _complete(configuration: dict[str, Any]) -> dict[str, Any]:
    engine = {"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": ENGINE}
    asked = configuration.get("EngineVersion", {}).get("SelectedEngineVersion", "AUTO")
    if asked not in ("AUTO", ENGINE):
        raise _invalid(f"The engine version {asked} is not available.")
    return {
        **CONFIGURATION,
        **configuration,
        "EngineVersion": {**engine, "SelectedEngineVersion": asked},
    }


def _updated(configuration: dict[str, Any], updates: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration with its updates: what is to be removed, they say by Remove..."""
    result = {**configuration, **_wanted(updates)}
    result.pop("ResultConfigurationUpdates", None)
    for name in _removed(updates):
        result.pop(name, None)
    if "ResultConfigurationUpdates" in updates:
        results = updates["ResultConfigurationUpdates"]
        kept = {**configuration.get("ResultConfiguration", {}), **_wanted(results)}
        for name in _removed(results):
            kept.pop(name, None)
        result["ResultConfiguration"] = kept
    return result


def _wanted(updates: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in updates.items() if not name.startswith("Remove")}


def _removed(updates: dict[str, Any]) -> list[str]:
    return [
        name.removeprefix("Remove")
        for name, value in updates.items()
        if name.startswith("Remove") and value
    ]


def _summary(group: WorkGroup) -> dict[str, Any]:
    return {
        "Name": group.name,
        "State": group.state,
        "Description": group.description,
        "CreationTime": group.created_at,
        "EngineVersion": group.configuration["EngineVersion"],
    }


def _invalid(message: str) -> ServiceError:
    return ServiceError("InvalidRequestException", message)
