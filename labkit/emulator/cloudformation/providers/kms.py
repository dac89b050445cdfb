"""Keys and aliases of KMS: their metadata only, nothing is encrypted with them."""

from __future__ import annotations

import json
from typing import Any

from labkit.emulator.cloudformation.providers.provider import (
    Attributes,
    Context,
    Properties,
    Provider,
    picked,
)
from labkit.emulator.cloudformation.providers.tags import tag_changes

_DAYS = 30
"""How long a key waits for its deletion, where nothing else is said."""


class Key(Provider):
    type = "AWS::KMS::Key"
    honors = (
        "Description",
        "EnableKeyRotation",
        "Enabled",
        "KeyPolicy",
        "KeySpec",
        "KeyUsage",
        "PendingWindowInDays",
        "Tags",
    )
    attributes = ("Arn", "KeyId")
    in_place = frozenset(honors) - {"KeySpec", "KeyUsage"}

    def create(self, context: Context, properties: Properties) -> Attributes:
        kms = context.client("kms")
        key = kms.create_key(
            **picked(properties, "Description", "KeySpec", "KeyUsage"),
            **_policy(properties),
            Tags=[_tag(tag) for tag in context.tag_list(properties)],
        )["KeyMetadata"]
        context.exists(key["KeyId"])
        _set(kms, key["KeyId"], properties)
        return picked(key, "Arn", "KeyId")

    def update(
        self, context: Context, physical_id: str, old: Properties, new: Properties
    ) -> Attributes:
        kms, key = context.client("kms"), {"KeyId": physical_id}
        if old.get("Description") != new.get("Description"):
            kms.update_key_description(**key, Description=new.get("Description", ""))
        if "KeyPolicy" in new and old.get("KeyPolicy") != new["KeyPolicy"]:
            kms.put_key_policy(**key, PolicyName="default", **_policy(new))
        _set(kms, physical_id, {"EnableKeyRotation": False, "Enabled": True, **new})
        put, gone = tag_changes(old, new)
        if gone:
            kms.untag_resource(**key, TagKeys=gone)
        if put:
            kms.tag_resource(**key, Tags=[_tag(tag) for tag in put])
        return picked(kms.describe_key(**key)["KeyMetadata"], "Arn", "KeyId")

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        """Let the key go after its waiting time: it stays to be seen, as on AWS.

        Source: docs.aws.amazon.com/kms/latest/developerguide/deleting-keys.html
        """
        kms = context.client("kms")
        state = kms.describe_key(KeyId=physical_id)["KeyMetadata"]["KeyState"]
        if state != "PendingDeletion":
            days = properties.get("PendingWindowInDays", _DAYS)
            kms.schedule_key_deletion(KeyId=physical_id, PendingWindowInDays=days)


def _policy(properties: Properties) -> dict[str, str]:
    if "KeyPolicy" not in properties:
        return {}
    document = properties["KeyPolicy"]
    return {"Policy": document if isinstance(document, str) else json.dumps(document)}


def _tag(tag: dict[str, str]) -> dict[str, str]:
    return {"TagKey": tag["Key"], "TagValue": tag["Value"]}


def _set(kms: Any, key_id: str, properties: Properties) -> None:
    if "EnableKeyRotation" in properties:
        rotates = properties["EnableKeyRotation"]
        change = kms.enable_key_rotation if rotates else kms.disable_key_rotation
        change(KeyId=key_id)
    if "Enabled" in properties:
        change = kms.enable_key if properties["Enabled"] else kms.disable_key
        change(KeyId=key_id)


class Alias(Provider):
    type = "AWS::KMS::Alias"
    honors = ("AliasName", "TargetKeyId")
    attributes = ()
    in_place = frozenset({"TargetKeyId"})

    def create(self, context: Context, properties: Properties) -> Attributes:
        context.client("kms").create_alias(**properties)
        context.exists(properties["AliasName"])
        return {}

    def update(
        self, context: Context, physical_id: str, old: Properties, new: Properties
    ) -> Attributes:
        context.client("kms").update_alias(**new)
        return {}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("kms").delete_alias(AliasName=physical_id)
