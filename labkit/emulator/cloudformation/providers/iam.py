"""Roles and instance profiles."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from labkit.emulator.cloudformation.providers.provider import (
    Attributes,
    Context,
    Properties,
    Provider,
    picked,
)
from labkit.emulator.cloudformation.providers.tags import tag_changes

_SESSION_S = 3600
"""How long a session of a role may last, where nothing else is said."""


class Role(Provider):
    type = "AWS::IAM::Role"
    honors = (
        "AssumeRolePolicyDocument",
        "Description",
        "ManagedPolicyArns",
        "MaxSessionDuration",
        "Path",
        "PermissionsBoundary",
        "Policies",
        "RoleName",
        "Tags",
    )
    attributes = ("Arn", "RoleId")
    in_place = frozenset(honors) - {"Path", "RoleName"}

    def create(self, context: Context, properties: Properties) -> Attributes:
        iam = context.client("iam")
        name = properties.get("RoleName") or context.name(64)
        role = iam.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=policy_text(properties["AssumeRolePolicyDocument"]),
            Tags=context.tag_list(properties),
            **picked(properties, "Description", "MaxSessionDuration", "Path"),
            **picked(properties, "PermissionsBoundary"),
        )["Role"]
        context.exists(name)
        _set_policies(iam, name, {}, properties)
        return {"Arn": role["Arn"], "RoleId": role["RoleId"]}

    def update(
        self, context: Context, physical_id: str, old: Properties, new: Properties
    ) -> Attributes:
        iam, name = context.client("iam"), {"RoleName": physical_id}
        trust = policy_text(new["AssumeRolePolicyDocument"])
        iam.update_assume_role_policy(**name, PolicyDocument=trust)
        iam.update_role(
            **name,
            Description=new.get("Description", ""),
            MaxSessionDuration=new.get("MaxSessionDuration", _SESSION_S),
        )
        if "PermissionsBoundary" in new:
            iam.put_role_permissions_boundary(**name, **picked(new, "PermissionsBoundary"))
        elif "PermissionsBoundary" in old:
            if_there(iam.delete_role_permissions_boundary, **name)
        _set_policies(iam, physical_id, old, new)
        put, gone = tag_changes(old, new)
        if gone:
            iam.untag_role(**name, TagKeys=gone)
        if put:
            iam.tag_role(**name, Tags=put)
        role = iam.get_role(**name)["Role"]
        return {"Arn": role["Arn"], "RoleId": role["RoleId"]}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        """Take off what the template put on; what someone else attached makes it fail."""
        iam = context.client("iam")
        _set_policies(iam, physical_id, properties, {})
        iam.delete_role(RoleName=physical_id)


def _set_policies(iam: Any, role: str, old: Properties, new: Properties) -> None:
    """Give a role the policies of new properties, and take off those of the old ones only."""
    arns, names = new.get("ManagedPolicyArns", []), {}
    for policy in new.get("Policies", []):
        names[policy["PolicyName"]] = policy_text(policy["PolicyDocument"])
    for arn in old.get("ManagedPolicyArns", []):
        if arn not in arns:
            if_there(iam.detach_role_policy, RoleName=role, PolicyArn=arn)
    for policy in old.get("Policies", []):
        if policy["PolicyName"] not in names:
            if_there(iam.delete_role_policy, RoleName=role, PolicyName=policy["PolicyName"])
    for arn in arns:
        iam.attach_role_policy(RoleName=role, PolicyArn=arn)
    for name, document in names.items():
        iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=document)


class InstanceProfile(Provider):
    type = "AWS::IAM::InstanceProfile"
    honors = ("InstanceProfileName", "Path", "Roles")
    attributes = ("Arn",)
    in_place = frozenset({"Roles"})

    def create(self, context: Context, properties: Properties) -> Attributes:
        iam = context.client("iam")
        name = properties.get("InstanceProfileName") or context.name(128)
        profile = iam.create_instance_profile(
            InstanceProfileName=name, **picked(properties, "Path")
        )["InstanceProfile"]
        context.exists(name)
        for role in properties["Roles"]:
            iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=role)
        return {"Arn": profile["Arn"]}

    def update(
        self, context: Context, physical_id: str, old: Properties, new: Properties
    ) -> Attributes:
        iam, name = context.client("iam"), {"InstanceProfileName": physical_id}
        profile = iam.get_instance_profile(**name)["InstanceProfile"]
        roles = [role["RoleName"] for role in profile["Roles"]]
        for role in roles:
            if role not in new["Roles"]:
                iam.remove_role_from_instance_profile(**name, RoleName=role)
        for role in new["Roles"]:
            if role not in roles:
                iam.add_role_to_instance_profile(**name, RoleName=role)
        return {"Arn": profile["Arn"]}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        iam = context.client("iam")
        for role in properties["Roles"]:
            remove = iam.remove_role_from_instance_profile
            if_there(remove, InstanceProfileName=physical_id, RoleName=role)
        iam.delete_instance_profile(InstanceProfileName=physical_id)


def policy_text(document: Any) -> str:
    """Return a policy as the API takes it: as a text."""
    return document if isinstance(document, str) else json.dumps(document)


def if_there(operation: Callable[..., Any], **parameters: str) -> None:
    """Take something away that may be gone already."""
    try:
        operation(**parameters)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchEntity":
            raise
