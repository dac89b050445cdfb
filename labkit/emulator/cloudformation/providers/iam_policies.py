"""Policies as resources of their own: inline ones of roles, and managed ones.

Users and groups are refused: the emulator judges roles only.
"""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from labkit.emulator.cloudformation.providers.iam import if_there, policy_text
from labkit.emulator.cloudformation.providers.provider import (
    Attributes,
    Context,
    HandlerError,
    Properties,
    Provider,
    picked,
)

MOST_VERSIONS = 5


class Policy(Provider):
    """An inline policy of some roles."""

    type = "AWS::IAM::Policy"
    honors = ("PolicyDocument", "PolicyName", "Roles")
    attributes = ("Id",)
    in_place = frozenset(honors)

    def create(self, context: Context, properties: Properties) -> Attributes:
        if not properties.get("Roles"):
            raise HandlerError("At least one of [Groups,Roles,Users] must be non-empty.")
        name = context.name(128)
        context.exists(name)  # before the first role has it: a second one may not exist
        _put(context.client("iam"), properties)
        return {"Id": name}

    def update(
        self, context: Context, physical_id: str, old: Properties, new: Properties
    ) -> Attributes:
        iam = context.client("iam")
        _put(iam, new)
        kept = new.get("Roles", []) if old["PolicyName"] == new["PolicyName"] else []
        _take_off(iam, old, [role for role in old.get("Roles", []) if role not in kept])
        return {"Id": physical_id}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        _take_off(context.client("iam"), properties, properties.get("Roles", []))


def _put(iam: Any, properties: Properties) -> None:
    document = policy_text(properties["PolicyDocument"])
    for role in properties.get("Roles", []):
        iam.put_role_policy(
            RoleName=role, PolicyName=properties["PolicyName"], PolicyDocument=document
        )


def _take_off(iam: Any, properties: Properties, roles: list[str]) -> None:
    for role in roles:
        if_there(iam.delete_role_policy, RoleName=role, PolicyName=properties["PolicyName"])


class RolePolicy(Provider):
    """An inline policy of one role."""

    type = "AWS::IAM::RolePolicy"
    honors = ("PolicyDocument", "PolicyName", "RoleName")
    attributes = ()
    in_place = frozenset({"PolicyDocument"})

    def create(self, context: Context, properties: Properties) -> Attributes:
        _put_one(context.client("iam"), properties)
        context.exists(f"{properties['PolicyName']}|{properties['RoleName']}")
        return {}

    def update(
        self, context: Context, physical_id: str, old: Properties, new: Properties
    ) -> Attributes:
        _put_one(context.client("iam"), new)
        return {}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        key = picked(properties, "PolicyName", "RoleName")
        context.client("iam").delete_role_policy(**key)


def _put_one(iam: Any, properties: Properties) -> None:
    if "PolicyDocument" not in properties:
        raise HandlerError("A policy needs a PolicyDocument.", "InvalidRequest")
    iam.put_role_policy(
        **picked(properties, "PolicyName", "RoleName"),
        PolicyDocument=policy_text(properties["PolicyDocument"]),
    )


class ManagedPolicy(Provider):
    type = "AWS::IAM::ManagedPolicy"
    honors = ("Description", "ManagedPolicyName", "Path", "PolicyDocument", "Roles")
    attributes = (
        "AttachmentCount",
        "CreateDate",
        "DefaultVersionId",
        "IsAttachable",
        "PolicyArn",
        "PolicyId",
        "UpdateDate",
    )
    in_place = frozenset({"PolicyDocument", "Roles"})

    def create(self, context: Context, properties: Properties) -> Attributes:
        iam = context.client("iam")
        arn = iam.create_policy(
            PolicyName=properties.get("ManagedPolicyName") or context.name(128),
            PolicyDocument=policy_text(properties["PolicyDocument"]),
            **picked(properties, "Description", "Path"),
        )["Policy"]["Arn"]
        context.exists(arn)
        for role in properties.get("Roles", []):
            iam.attach_role_policy(RoleName=role, PolicyArn=arn)
        return _attributes(iam, arn)

    def update(
        self, context: Context, physical_id: str, old: Properties, new: Properties
    ) -> Attributes:
        iam = context.client("iam")
        if old["PolicyDocument"] != new["PolicyDocument"]:
            _add_version(iam, physical_id, policy_text(new["PolicyDocument"]))
        for role in new.get("Roles", []):
            iam.attach_role_policy(RoleName=role, PolicyArn=physical_id)
        for role in old.get("Roles", []):
            if role not in new.get("Roles", []):
                if_there(iam.detach_role_policy, RoleName=role, PolicyArn=physical_id)
        return _attributes(iam, physical_id)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        iam = context.client("iam")
        for role in properties.get("Roles", []):
            if_there(iam.detach_role_policy, RoleName=role, PolicyArn=physical_id)
        for version in _versions(iam, physical_id):
            if not version["IsDefaultVersion"]:
                iam.delete_policy_version(PolicyArn=physical_id, VersionId=version["VersionId"])
        iam.delete_policy(PolicyArn=physical_id)


def _add_version(iam: Any, arn: str, document: str) -> None:
    """Make a new default version; the oldest one goes where there are five already.

    Source: docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_managed-versioning.html
    """
    others = [item for item in _versions(iam, arn) if not item["IsDefaultVersion"]]
    if len(others) + 1 >= MOST_VERSIONS:
        oldest = min(others, key=lambda item: item["CreateDate"])
        iam.delete_policy_version(PolicyArn=arn, VersionId=oldest["VersionId"])
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=document, SetAsDefault=True)


def _versions(iam: Any, arn: str) -> list[dict[str, Any]]:
    try:
        return iam.list_policy_versions(PolicyArn=arn)["Versions"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchEntity":
            raise
        return []


def _attributes(iam: Any, arn: str) -> Attributes:
    policy = iam.get_policy(PolicyArn=arn)["Policy"]
    return {
        "AttachmentCount": lambda: iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"],
        "CreateDate": policy["CreateDate"].isoformat(),
        "DefaultVersionId": policy["DefaultVersionId"],
        "IsAttachable": policy["IsAttachable"],
        "PolicyArn": arn,
        "PolicyId": policy["PolicyId"],
        "UpdateDate": policy["UpdateDate"].isoformat(),
    }
