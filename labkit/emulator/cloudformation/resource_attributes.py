"""One resource as a template declares it: what stands beside its properties.

Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-product-attribute-reference.html
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from labkit.emulator.cloudformation import limits
from labkit.emulator.cloudformation.validation import ValidationError, format_error

ATTRIBUTES = frozenset(
    {
        "Condition",
        "CreationPolicy",
        "DeletionPolicy",
        "DependsOn",
        "Metadata",
        "Properties",
        "Type",
        "UpdatePolicy",
        "UpdateReplacePolicy",
    }
)
DELETION_POLICIES = frozenset({"Delete", "Retain", "RetainExceptOnCreate", "Snapshot"})
UPDATE_REPLACE_POLICIES = frozenset({"Delete", "Retain", "Snapshot"})


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource as the template declares it; properties still hold their functions."""

    logical_id: str
    type: str
    properties: dict[str, Any] = field(default_factory=dict)
    depends_on: tuple[str, ...] = ()
    condition: str | None = None
    deletion_policy: str = "Delete"
    update_replace_policy: str = "Delete"
    update_policy: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)


def read_resource(logical_id: str, declared: Any) -> Resource:
    """Return a resource.

    Raises:
        ValidationError: in AWS's wording, when it is none.
    """
    limits.check_name("Resource", logical_id)
    if not isinstance(declared, dict) or not isinstance(declared.get("Type"), str):
        raise format_error(
            f"[/Resources/{logical_id}] Every Resources object must contain a Type member."
        )
    unknown = sorted(declared.keys() - ATTRIBUTES)
    if unknown:
        raise ValidationError(f"Invalid template resource property '{unknown[0]}'")
    if "CreationPolicy" in declared:
        raise format_error(
            f"The emulator does not emulate CreationPolicy of resource {logical_id}: no signal "
            "could reach the stack, and it would wait for ever."
        )
    return Resource(
        logical_id=logical_id,
        type=declared["Type"],
        properties=_mapping(declared, "Properties"),
        depends_on=_depends_on(declared.get("DependsOn", [])),
        condition=_condition(declared.get("Condition")),
        deletion_policy=_policy(logical_id, declared, "DeletionPolicy", DELETION_POLICIES),
        update_replace_policy=_policy(
            logical_id, declared, "UpdateReplacePolicy", UPDATE_REPLACE_POLICIES
        ),
        update_policy=_mapping(declared, "UpdatePolicy"),
        metadata=_mapping(declared, "Metadata"),
    )


def _mapping(declared: dict[str, Any], name: str) -> dict[str, Any]:
    value = declared.get(name, {})
    if not isinstance(value, dict):
        raise format_error(f"{name} must be an object.")
    return value


def _depends_on(value: Any) -> tuple[str, ...]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise format_error("DependsOn must be a string or list of strings.")
    return tuple(names)


def _condition(value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise format_error("Every Condition member must be a string.")
    return value


def _policy(logical_id: str, declared: dict[str, Any], name: str, allowed: frozenset[str]) -> str:
    """Return a policy; nothing that the emulator makes can leave a snapshot.

    Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-attribute-deletionpolicy.html
    """
    policy = declared.get(name, "Delete")
    if not isinstance(policy, str) or policy not in allowed:
        raise format_error(f"Unrecognized {name} {policy} for resource {logical_id}")
    if policy == "Snapshot":
        kind = "deletion" if name == "DeletionPolicy" else "update replace"
        raise ValidationError(
            f"Template error: resource type {declared['Type']} does not support {kind} policy "
            "Snapshot"
        )
    return policy
