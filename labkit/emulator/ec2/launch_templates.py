"""Launch templates and their versions. moto tells of fifteen only, and mixes tags into their data.

Source: docs.aws.amazon.com/AWSEC2/latest/UserGuide/create-launch-template.html
"""

from __future__ import annotations

import re
import secrets
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from labkit.emulator.ec2.filters import matching
from labkit.emulator.ec2.vpc_endpoint_request import tags
from labkit.emulator.operations import Call, Operations
from labkit.emulator.refusal import ServiceError, not_emulated
from labkit.emulator.upstream import ACCOUNT_ID, USER_NAME

CREATED_BY = f"arn:aws:iam::{ACCOUNT_ID}:user/{USER_NAME}"
HONORED = {
    "CreateLaunchTemplate": {"LaunchTemplateName", "TagSpecifications"},
    "CreateLaunchTemplateVersion": {"LaunchTemplateId", "LaunchTemplateName"},
    "DescribeLaunchTemplates": {"LaunchTemplateIds", "LaunchTemplateNames", "Filters"},
    "DescribeLaunchTemplateVersions": {"LaunchTemplateId", "LaunchTemplateName", "Versions"},
    "ModifyLaunchTemplate": {"LaunchTemplateId", "LaunchTemplateName", "DefaultVersion"},
    "DeleteLaunchTemplate": {"LaunchTemplateId", "LaunchTemplateName"},
}
COMMON = {"ClientToken", "DryRun", "LaunchTemplateData", "MaxResults", "VersionDescription"}
_NAME = re.compile(r"[a-zA-Z0-9().\-/_]{3,128}")


@dataclass(frozen=True, slots=True)
class Version:
    """One version: numbered from 1, never changed."""

    number: int
    data: dict[str, Any]
    description: str
    created_at: datetime


@dataclass(slots=True)
class Template:
    """A launch template with all its versions, oldest first."""

    id: str
    name: str
    region: str
    tags: list[dict[str, str]]
    versions: list[Version] = field(default_factory=list)
    default: int = 1


class LaunchTemplates:
    """The operations on launch templates; what one says, for RunInstances."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._templates: dict[str, Template] = {}

    def operations(self) -> Operations:
        ours = {
            "CreateLaunchTemplate": self.create,
            "CreateLaunchTemplateVersion": self.create_version,
            "DeleteLaunchTemplate": self.delete,
            "DescribeLaunchTemplateVersions": self.describe_versions,
            "DescribeLaunchTemplates": self.describe,
            "ModifyLaunchTemplate": self.modify,
        }
        return {("ec2", name): operation for name, operation in ours.items()}

    def data(self, region: str, asked: dict[str, Any]) -> dict[str, Any]:
        """Return what a version says that RunInstances names; by default the default version.

        Raises:
            ServiceError: there is no such launch template or version.
        """
        with self._lock:
            template = self._named(region, asked)
            return _version(template, asked.get("Version", "$Default")).data

    def create(self, call: Call) -> dict[str, Any]:
        asked = _checked(call)
        name = asked["LaunchTemplateName"]
        if not _NAME.fullmatch(name):
            raise ServiceError(
                "InvalidLaunchTemplateName.MalformedException",
                f"The launch template name {name} is not valid: 3 to 128 letters, digits and "
                "().-/_",
            )
        own_tags = tags(asked.get("TagSpecifications", ()))
        template = Template(f"lt-0{secrets.token_hex(8)}", name, call.region, own_tags)
        _add_version(template, asked)
        with self._lock:
            if any(item.name == name for item in self._in(call.region)):
                raise ServiceError(
                    "InvalidLaunchTemplateName.AlreadyExistsException",
                    "Launch template name already in use.",
                )
            self._templates[template.id] = template
        return {"LaunchTemplate": _described(template)}

    def create_version(self, call: Call) -> dict[str, Any]:
        asked = _checked(call)
        with self._lock:
            template = self._named(call.region, asked)
            version = _add_version(template, asked)
            return {"LaunchTemplateVersion": _described_version(template, version)}

    def describe(self, call: Call) -> dict[str, Any]:
        asked = _checked(call)
        with self._lock:
            wanted = [
                self._named(call.region, {f"LaunchTemplate{kind}": value})
                for kind in ("Id", "Name")
                for value in asked.get(f"LaunchTemplate{kind}s", ())
            ]
            found = [_described(item) for item in wanted or self._in(call.region)]
        names = {"launch-template-name": "LaunchTemplateName"}
        return {"LaunchTemplates": matching(found, asked.get("Filters", ()), names)}

    def describe_versions(self, call: Call) -> dict[str, Any]:
        """Return versions, newest first: all of one, or the latest and default ones of all."""
        asked = _checked(call)
        with self._lock:
            if asked.keys() & {"LaunchTemplateId", "LaunchTemplateName"}:
                template = self._named(call.region, asked)
                numbers = asked.get("Versions") or [v.number for v in template.versions[::-1]]
                found = [_described_version(template, _version(template, n)) for n in numbers]
            else:
                found = self._of_all(call.region, asked.get("Versions", ()))
        return {"LaunchTemplateVersions": found}

    def _of_all(self, region: str, versions: Any) -> list[dict[str, Any]]:
        if not versions or set(versions) - {"$Latest", "$Default"}:
            message = "Of all launch templates, only the versions $Latest and $Default are told."
            raise ServiceError("InvalidParameterValue", message)
        return [
            _described_version(template, _version(template, version))
            for template in self._in(region)
            for version in versions
        ]

    def modify(self, call: Call) -> dict[str, Any]:
        """Make another version the default one."""
        asked = _checked(call)
        with self._lock:
            template = self._named(call.region, asked)
            if version := asked.get("DefaultVersion"):
                template.default = _version(template, version).number
            return {"LaunchTemplate": _described(template)}

    def delete(self, call: Call) -> dict[str, Any]:
        with self._lock:
            template = self._named(call.region, _checked(call))
            described = _described(template)
            del self._templates[template.id]
        return {"LaunchTemplate": described}

    def _in(self, region: str) -> list[Template]:
        return [item for item in self._templates.values() if item.region == region]

    def _named(self, region: str, asked: dict[str, Any]) -> Template:
        id_, name = asked.get("LaunchTemplateId"), asked.get("LaunchTemplateName")
        if not id_ and not name:
            raise ServiceError(
                "MissingParameter", "Either launch template ID or launch template name is required"
            )
        for item in self._in(region):
            if (id_ and item.id == id_) or (not id_ and item.name == name):
                return item
        if id_:
            raise ServiceError(
                "InvalidLaunchTemplateId.NotFound",
                f"The launch template ID '{id_}' does not exist",
            )
        raise ServiceError(
            "InvalidLaunchTemplateName.NotFoundException",
            f"The specified launch template, with template name {name}, does not exist.",
        )


def _described(template: Template) -> dict[str, Any]:
    return {
        "LaunchTemplateId": template.id,
        "LaunchTemplateName": template.name,
        "CreateTime": template.versions[0].created_at,
        "CreatedBy": CREATED_BY,
        "DefaultVersionNumber": template.default,
        "LatestVersionNumber": template.versions[-1].number,
        "Tags": template.tags,
    }


def _checked(call: Call) -> dict[str, Any]:
    """Return the parameters; one that would be ignored is refused."""
    for name in sorted(set(call.parameters) - HONORED[call.operation] - COMMON):
        raise not_emulated("ec2", f"{call.operation} with {name}")
    return call.parameters


def _add_version(template: Template, asked: dict[str, Any]) -> Version:
    data = asked["LaunchTemplateData"]
    if not data:
        raise ServiceError(
            "MissingParameter", "The request must contain the parameter LaunchTemplateData"
        )
    version = Version(
        number=len(template.versions) + 1,
        data=data,
        description=asked.get("VersionDescription", ""),
        created_at=datetime.now(UTC),
    )
    template.versions.append(version)
    return version


def _version(template: Template, wanted: Any) -> Version:
    named = {"$Latest": len(template.versions), "$Default": template.default}
    number = str(named.get(wanted, wanted))
    for version in template.versions:
        if str(version.number) == number:
            return version
    raise ServiceError(
        "InvalidLaunchTemplateId.VersionNotFound",
        f"Could not find the specified version {wanted} for the launch template with ID "
        f"{template.id}.",
    )


def _described_version(template: Template, version: Version) -> dict[str, Any]:
    return {
        "LaunchTemplateId": template.id,
        "LaunchTemplateName": template.name,
        "VersionNumber": version.number,
        "VersionDescription": version.description,
        "CreateTime": version.created_at,
        "CreatedBy": CREATED_BY,
        "DefaultVersion": version.number == template.default,
        "LaunchTemplateData": version.data,
    }
