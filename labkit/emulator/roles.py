"""What an IAM role lets its holder do, and who may assume it, read by the IAM API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from labkit.emulator.policies import Decision, Request, decide


def role_name(arn: str) -> str:
    """Return the name in a role's ARN, which may hold a path before it."""
    return arn.rsplit("/", 1)[-1]


def may_assume(iam: Any, arn: str, *, service: str, context: Mapping[str, str]) -> bool:
    """Return whether the role exists and its trust policy lets the AWS service assume it.

    Raises:
        UnsupportedPolicy: the trust policy needs more than is evaluated here.
    """
    role = _role(iam, arn)
    if role is None:
        return False
    request = Request("sts:AssumeRole", service=service, context=context)
    return decide([role["AssumeRolePolicyDocument"]], request) is Decision.ALLOW


@dataclass(frozen=True, slots=True)
class Permissions:
    """What a role's policies say: its own and, if it has one, its boundary's; all must allow."""

    layers: tuple[tuple[dict[str, Any], ...], ...]

    def allow(self, action: str, resource: str) -> bool:
        """Return whether they allow the action on the resource's ARN.

        Raises:
            UnsupportedPolicy: a policy needs more than is evaluated here.
        """
        request = Request(action, resource)
        return all(decide(documents, request) is Decision.ALLOW for documents in self.layers)


def permissions(iam: Any, arn: str) -> Permissions:
    """Read a role's policies as they are now; a role that is not there allows nothing.

    Source: docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
    """
    role = _role(iam, arn)
    if role is None:
        return Permissions(((),))
    own = (*_inline(iam, role["RoleName"]), *_attached(iam, role["RoleName"]))
    boundary = role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    return Permissions((own, (_document(iam, boundary),)) if boundary else (own,))


def profile_role_arns(iam: Any, profile_arn: str) -> list[str]:
    """Return the ARNs of the roles in an instance profile: one or, if it is gone or empty, none."""
    try:
        answer = iam.get_instance_profile(InstanceProfileName=role_name(profile_arn))
    except iam.exceptions.NoSuchEntityException:
        return []
    return [role["Arn"] for role in answer["InstanceProfile"]["Roles"]]


def _role(iam: Any, arn: str) -> dict[str, Any] | None:
    name = role_name(arn)
    if not name:
        return None
    try:
        role = iam.get_role(RoleName=name)["Role"]
    except iam.exceptions.NoSuchEntityException:
        return None
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":  # no name of a role at all
            return None
        raise
    return role if role["Arn"] == arn else None


def _inline(iam: Any, name: str) -> list[dict[str, Any]]:
    pages = iam.get_paginator("list_role_policies").paginate(RoleName=name)
    names = [policy for page in pages for policy in page["PolicyNames"]]
    return [iam.get_role_policy(RoleName=name, PolicyName=n)["PolicyDocument"] for n in names]


def _attached(iam: Any, name: str) -> list[dict[str, Any]]:
    pages = iam.get_paginator("list_attached_role_policies").paginate(RoleName=name)
    return [_document(iam, p["PolicyArn"]) for page in pages for p in page["AttachedPolicies"]]


def _document(iam: Any, policy_arn: str) -> dict[str, Any]:
    version = iam.get_policy(PolicyArn=policy_arn)["Policy"]["DefaultVersionId"]
    answer = iam.get_policy_version(PolicyArn=policy_arn, VersionId=version)
    return answer["PolicyVersion"]["Document"]
