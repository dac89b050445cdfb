"""The properties of each resource type: what is allowed, and what a given set breaks.

`schemas.json` holds the part of AWS's resource schemas that our providers honor. It is made from
those that cfn-lint ships, by `tests/emulator/cloudformation/make_schemas.py`.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.emulator.cloudformation.json_schema import JsonSchema, coerce, problems


@dataclass(frozen=True, slots=True)
class ResourceSchema:
    """The schema of one resource type.

    Attributes:
        properties: a JSON schema of the properties that our provider honors.
        definitions: what `$ref` in it points at.
        read_only: properties that AWS sets, never the template.
        create_only: properties whose change means a new resource in the old one's place.
        not_honored: properties that AWS knows and our provider does not.
        taggable: whether the type takes tags.
        system_tags: whether CloudFormation adds tags of its own (`aws:cloudformation:...`).
    """

    properties: JsonSchema
    definitions: dict[str, JsonSchema]
    read_only: frozenset[str]
    create_only: frozenset[str]
    not_honored: frozenset[str]
    taggable: bool
    system_tags: bool

    def coerce(self, properties: dict[str, Any]) -> dict[str, Any]:
        """Return properties with texts turned into numbers and booleans, or back, as declared."""
        return coerce(self.properties, properties, self.definitions)

    def problems(self, properties: Any) -> list[str]:
        """Return what is wrong with properties, in the wording of AWS's validation."""
        if not isinstance(properties, dict):  # a function stood in the place of them all
            return list(problems({"type": "object"}, properties, "#", {}))
        refused = [
            f"#: [{name}] is a property that the emulator does not honor"
            for name in sorted(self.not_honored & properties.keys())
        ]
        known = {key: value for key, value in properties.items() if key not in self.not_honored}
        return refused + list(problems(self.properties, known, "#", self.definitions))


class _Schemas(dict[str, ResourceSchema]):
    """The schemas by type; a type without a provider may have any property: it is not made."""

    def __missing__(self, type_name: str) -> ResourceSchema:
        nothing: frozenset[str] = frozenset()
        return ResourceSchema({}, {}, nothing, nothing, nothing, False, False)


@functools.cache
def schemas() -> dict[str, ResourceSchema]:
    """Return the schema of each resource type that has a provider."""
    made = {
        name: ResourceSchema(
            properties=entry["properties"],
            definitions=entry["definitions"],
            read_only=frozenset(entry["readOnly"]),
            create_only=frozenset(entry["createOnly"]),
            not_honored=frozenset(entry["notHonored"]),
            taggable=entry["taggable"],
            system_tags=entry["systemTags"],
        )
        for name, entry in _file()["types"].items()
    }
    return _Schemas(made)


@functools.cache
def known_types() -> frozenset[str]:
    """Return all resource types of AWS, whether or not a provider makes them."""
    return frozenset(
        f"{service}::{name}"
        for service, names in _file()["known"].items()
        for name in names.split()
    )


@functools.cache
def _file() -> dict[str, Any]:
    return json.loads(Path(__file__).with_name("schemas.json").read_text(encoding="utf-8"))
