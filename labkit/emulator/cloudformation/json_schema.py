"""As much of JSON Schema as resource schemas use, with the wording of AWS's validator.

AWS validates by the Java library everit-org/json-schema; its sentences are what learners meet.
Beside the standard's keywords these are known: requiredXor and requiredOr, which cfn-lint adds.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import Any

JsonSchema = dict[str, Any]


def _resolve(schema: JsonSchema, definitions: dict[str, JsonSchema]) -> JsonSchema:
    reference = schema.get("$ref")
    return definitions[reference.rsplit("/", 1)[1]] if reference else schema


def _types(schema: JsonSchema) -> list[str]:
    declared = schema.get("type", [])
    return [declared] if isinstance(declared, str) else declared


def coerce(schema: JsonSchema, value: Any, definitions: dict[str, JsonSchema]) -> Any:
    """Return a value with texts turned into numbers and booleans, or back, as declared."""
    schema = _resolve(schema, definitions)
    if isinstance(value, dict):
        inner = schema.get("properties", {})
        return {key: coerce(inner.get(key, {}), item, definitions) for key, item in value.items()}
    if isinstance(value, list):
        return [coerce(schema.get("items", {}), item, definitions) for item in value]
    types = _types(schema)
    if len(types) != 1:
        return value
    return _coerce_scalar(types[0], value)


def _coerce_scalar(wanted: str, value: Any) -> Any:
    if wanted == "string" and isinstance(value, bool):
        return str(value).lower()
    if wanted == "string" and isinstance(value, int | float):
        return str(value)
    if wanted == "boolean" and value in {"true", "false", "True", "False"}:
        return value in {"true", "True"}
    if wanted == "integer" and isinstance(value, str) and re.fullmatch(r"-?\d+", value):
        return int(value)
    if wanted == "number" and isinstance(value, str) and re.fullmatch(r"-?\d+(\.\d+)?", value):
        return float(value)
    return value


_PYTHON_TYPES: dict[str, type | tuple[type, ...]] = {
    "array": list,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
    "object": dict,
    "string": str,
}
_JAVA_NAMES = {
    bool: "Boolean",
    dict: "JSONObject",
    float: "Double",
    int: "Integer",
    list: "JSONArray",
    str: "String",
}


def _is_a(name: str, value: Any) -> bool:
    if isinstance(value, bool) and name != "boolean":
        return False
    return isinstance(value, _PYTHON_TYPES[name])


def problems(
    schema: JsonSchema, value: Any, path: str, definitions: dict[str, JsonSchema]
) -> Iterator[str]:
    """Yield what a value breaks, each with its path (`#/Rules/0: ...`)."""
    schema = _resolve(schema, definitions)
    types = _types(schema)
    if types and not any(_is_a(name, value) for name in types):
        found = _JAVA_NAMES.get(type(value), type(value).__name__)
        yield f"{path}: expected type: {types[0].title()}, found: {found}"
        return
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path}: {value} is not a valid enum value"
    if isinstance(value, dict):
        yield from _problems_of_object(schema, value, path, definitions)
    elif isinstance(value, list):
        yield from _problems_of_array(schema, value, path, definitions)
    elif isinstance(value, str):
        yield from _problems_of_string(schema, value, path)
    elif not isinstance(value, bool):
        yield from _problems_of_number(schema, value, path)
    for choice in ("anyOf", "oneOf"):
        options = schema.get(choice)
        if options and all(any(problems(one, value, path, definitions)) for one in options):
            yield f"{path}: #: no subschema matched out of the total {len(options)} subschemas"


def _problems_of_object(
    schema: JsonSchema, value: dict[str, Any], path: str, definitions: dict[str, JsonSchema]
) -> Iterator[str]:
    for key, item in value.items():
        inner = _schema_of_key(schema, key)
        if inner is not None:
            yield from problems(inner, item, f"{path}/{key}", definitions)
        elif schema.get("additionalProperties") is False:
            yield f"{path}: extraneous key [{key}] is not permitted"
    for key in schema.get("required", []):
        if key not in value:
            yield f"{path}: required key [{key}] not found"
    yield from _problems_among_keys(schema, value.keys(), path)


def _schema_of_key(schema: JsonSchema, key: str) -> JsonSchema | None:
    if key in schema.get("properties", {}):
        return schema["properties"][key]
    patterns = schema.get("patternProperties", {}).items()
    return next((inner for pattern, inner in patterns if re.search(pattern, key)), None)


def _problems_among_keys(schema: JsonSchema, keys: Collection[str], path: str) -> Iterator[str]:
    for key, others in schema.get("dependentRequired", {}).items():
        for other in set(others).difference(keys) if key in keys else ():
            yield f"{path}: property [{other}] is required with [{key}]"
    for key, others in schema.get("dependentExcluded", {}).items():
        for other in set(others).intersection(keys) if key in keys else ():
            yield f"{path}: property [{other}] is not allowed with [{key}]"
    exclusive, alternative = schema.get("requiredXor", []), schema.get("requiredOr", [])
    if exclusive and len(set(exclusive).intersection(keys)) != 1:
        yield f"{path}: exactly one of {exclusive} is required"
    if alternative and not set(alternative).intersection(keys):
        yield f"{path}: at least one of {alternative} is required"


def _problems_of_array(
    schema: JsonSchema, value: list[Any], path: str, definitions: dict[str, JsonSchema]
) -> Iterator[str]:
    for index, item in enumerate(value):
        yield from problems(schema.get("items", {}), item, f"{path}/{index}", definitions)
    if len(value) < schema.get("minItems", 0):
        yield f"{path}: expected minimum item count: {schema['minItems']}, found: {len(value)}"
    if len(value) > schema.get("maxItems", len(value)):
        yield f"{path}: expected maximum item count: {schema['maxItems']}, found: {len(value)}"
    if schema.get("uniqueItems") and any(item in value[:at] for at, item in enumerate(value)):
        yield f"{path}: array items are not unique"


def _problems_of_string(schema: JsonSchema, value: str, path: str) -> Iterator[str]:
    if len(value) < schema.get("minLength", 0):
        yield f"{path}: expected minLength: {schema['minLength']}, actual: {len(value)}"
    if len(value) > schema.get("maxLength", len(value)):
        yield f"{path}: expected maxLength: {schema['maxLength']}, actual: {len(value)}"
    pattern = schema.get("pattern")
    if pattern and not re.search(pattern, value):
        yield f"{path}: string [{value}] does not match pattern {pattern}"


def _problems_of_number(schema: JsonSchema, value: float, path: str) -> Iterator[str]:
    if value < schema.get("minimum", value):
        yield f"{path}: {value} is not greater or equal to {schema['minimum']}"
    if value > schema.get("maximum", value):
        yield f"{path}: {value} is not less or equal to {schema['maximum']}"
