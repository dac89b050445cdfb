"""Make labkit/emulator/cloudformation/schemas.json from the resource schemas that cfn-lint ships.

Run it after a provider honors another property, or after cfn-lint's version was raised:

    python tests/emulator/cloudformation/make_schemas.py
"""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path
from typing import Any

import cfnlint
from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from labkit.emulator import cloudformation
from labkit.emulator.cloudformation.providers import PROVIDERS

TARGET = Path(cloudformation.__file__).with_name("schemas.json")
SCHEMAS = Path(cfnlint.__file__).parent / "data" / "schemas"
REGION = "us-east-1"
LEFT_OUT = {"default", "description", "examples", "format", "insertionOrder", "relationshipRef"}
KEPT_ON_TOP = (
    "additionalProperties",
    "dependentExcluded",
    "dependentRequired",
    "required",
    "requiredOr",
    "requiredXor",
)


def main() -> None:
    TARGET.write_text(text(), encoding="utf-8")


def text() -> str:
    """Return what the file should hold, the same on each run."""
    source = f"cfn-lint {metadata.version('cfn-lint')}, {REGION}; made by {Path(__file__).name}"
    types = {name: entry(name) for name in sorted(PROVIDERS)}
    made = {"source": source, "types": types, "known": known()}
    return json.dumps(made, indent=1, sort_keys=True) + "\n"


def known() -> dict[str, str]:
    """Return the names of all types by service: `AWS::EC2` -> `VPC Subnet ...`."""
    services: dict[str, list[str]] = {}
    for name in sorted(provided()):
        service, _, resource = name.rpartition("::")
        services.setdefault(service, []).append(resource)
    return {service: " ".join(names) for service, names in services.items()}


def provided() -> dict[str, str]:
    """Return the types that cfn-lint knows, and where it has their schemas."""
    return json.loads((SCHEMAS / "providers" / f"{REGION}.json").read_text())


def entry(type_name: str) -> dict[str, Any]:
    """Return one type's schema, cut down to what its provider honors."""
    full = full_schema(type_name)
    honors = PROVIDERS[type_name].honors
    read_only, create_only = (
        {path.split("/")[2] for path in full.get(key, []) if path.count("/") == 2}
        for key in ("readOnlyProperties", "createOnlyProperties")
    )
    properties = {"type": "object", **{key: full[key] for key in KEPT_ON_TOP if key in full}}
    properties["properties"] = {name: trimmed(full["properties"][name]) for name in honors}
    tagging = full.get("tagging", {})
    return {
        "properties": properties,
        "definitions": reachable(properties, full.get("definitions", {})),
        "readOnly": sorted(read_only),
        "createOnly": sorted(create_only & set(honors)),
        "notHonored": sorted(full["properties"].keys() - read_only - set(honors)),
        "taggable": tagging.get("taggable", True),
        "systemTags": tagging.get("cloudFormationSystemTags", True),
    }


def full_schema(type_name: str) -> dict[str, Any]:
    """Return a type's schema as cfn-lint ships it."""
    return json.loads((SCHEMAS / "resources" / f"{provided()[type_name]}.json").read_text())


def attributes(type_name: str) -> set[str]:
    """Return what cfn-lint lets `Fn::GetAtt` ask of a type."""
    return set(PROVIDER_SCHEMA_MANAGER.get_type_getatts(type_name, REGION))


def trimmed(schema: Any) -> Any:
    """Return a schema without what does not decide anything."""
    if isinstance(schema, list):
        return [trimmed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {}
    for key, value in schema.items():
        if key in {"properties", "patternProperties"}:
            kept[key] = {in_python(name): trimmed(inner) for name, inner in value.items()}
        elif key in {"anyOf", "oneOf"} and {} in trimmed(value):
            continue  # one alternative takes everything
        elif key == "pattern":
            kept[key] = in_python(value)
        elif key not in LEFT_OUT:
            kept[key] = trimmed(value)
    return kept


def in_python(pattern: str) -> str:
    """Return a pattern without the Unicode classes that Python's `re` does not know."""
    return pattern.replace(r"\p{L}\p{Z}\p{N}", r"\w\s")


def reachable(schema: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    """Return the definitions that a schema points at, and those that they point at."""
    found: dict[str, Any] = {}
    waiting = references(schema)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found[name] = trimmed(definitions[name])
            waiting |= references(found[name])
    return found


def references(schema: Any) -> set[str]:
    """Return the names of the definitions that a schema points at."""
    if isinstance(schema, list):
        return set().union(*map(references, schema)) if schema else set()
    if not isinstance(schema, dict):
        return set()
    own = {schema["$ref"].rsplit("/", 1)[1]} if isinstance(schema.get("$ref"), str) else set()
    return own.union(*map(references, schema.values()))


if __name__ == "__main__":
    main()
