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

    def create(self, context: Context, properties: Properties) -> Attributes:
        iam = context.client("iam")
        name = properties.get("RoleName") or context.name(64)
        role = iam.create_role(
            RoleName=name,
            AssumeRolePolicyDocument=_text(properties["AssumeRolePolicyDocument"]),
            Tags=context.tag_list(properties),
            **picked(properties, "Description", "MaxSessionDuration", "Path"),
            **picked(properties, "PermissionsBoundary"),
        )["Role"]
        context.exists(name)
        for arn in properties.get("ManagedPolicyArns", []):
            iam.attach_role_policy(RoleName=name, PolicyArn=arn)
        for policy in properties.get("Policies", []):
            document = _text(policy["PolicyDocument"])
            iam.put_role_policy(
                RoleName=name, PolicyName=policy["PolicyName"], PolicyDocument=document
            )
        return {"Arn": role["Arn"], "RoleId": role["RoleId"]}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        """Take off what the template put on; what someone else attached makes it fail."""
        iam = context.client("iam")
        for arn in properties.get("ManagedPolicyArns", []):
            _if_there(iam.detach_role_policy, RoleName=physical_id, PolicyArn=arn)
        for policy in properties.get("Policies", []):
            name = policy["PolicyName"]
            _if_there(iam.delete_role_policy, RoleName=physical_id, PolicyName=name)
        iam.delete_role(RoleName=physical_id)


class InstanceProfile(Provider):
    type = "AWS::IAM::InstanceProfile"
    honors = ("InstanceProfileName", "Path", "Roles")
    attributes = ("Arn",)

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

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        iam = context.client("iam")
        for role in properties["Roles"]:
            remove = iam.remove_role_from_instance_profile
            _if_there(remove, InstanceProfileName=physical_id, RoleName=role)
        iam.delete_instance_profile(InstanceProfileName=physical_id)


def _text(document: Any) -> str:
    return document if isinstance(document, str) else json.dumps(document)


def _if_there(operation: Callable[..., Any], **parameters: str) -> None:
    try:
        operation(**parameters)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchEntity":
            raise
