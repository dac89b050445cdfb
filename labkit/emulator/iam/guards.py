"""Operations that are moto's, once we know that what they name is there and can be read.

Source: docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html (Errors)
"""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from botocore import xform_name

from labkit.emulator.operations import Call, Operations
from labkit.emulator.refusal import ServiceError
from labkit.emulator.upstream import DEFAULT_REGION, Clients

NAMED = {
    "ListEntitiesForPolicy": ("get_policy", "PolicyArn"),
    "ListInstanceProfilesForRole": ("get_role", "RoleName"),
    "ListInstanceProfileTags": ("get_instance_profile", "InstanceProfileName"),
}
"""By operation: what says NoSuchEntity where there is none, and the parameter that names it."""

TRUST = {"CreateRole": "AssumeRolePolicyDocument", "UpdateAssumeRolePolicy": "PolicyDocument"}
"""By operation: the parameter that is a trust policy."""


class Guards:
    """The guarded operations.

    Args:
        inner: clients straight to moto, which answers.
    """

    def __init__(self, inner: Clients):
        self._inner = inner

    def operations(self) -> Operations:
        return {
            **{("iam", name): partial(self._named, *NAMED[name]) for name in NAMED},
            **{("iam", name): partial(self._trusting, TRUST[name]) for name in TRUST},
            ("iam", "DeleteUser"): self.delete_user,
        }

    def _named(self, look: str, parameter: str, call: Call) -> dict[str, Any]:
        iam = self._inner("iam", DEFAULT_REGION)
        getattr(iam, look)(**{parameter: call.parameters[parameter]})
        return self._answer(call)

    def _trusting(self, parameter: str, call: Call) -> dict[str, Any]:
        check_is_policy(call.parameters[parameter])
        return self._answer(call)

    def delete_user(self, call: Call) -> dict[str, Any]:
        """Delete a user who has no access key any more: a key outlives no user.

        Source: docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteUser.html
        """
        name = call.parameters["UserName"]
        iam = self._inner("iam", DEFAULT_REGION)
        if iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
            message = "Cannot delete entity, must delete access keys first."
            raise ServiceError("DeleteConflict", message, 409)
        return self._answer(call)

    def _answer(self, call: Call) -> dict[str, Any]:
        iam = self._inner("iam", DEFAULT_REGION)
        answer = getattr(iam, xform_name(call.operation))(**call.parameters)
        answer.pop("ResponseMetadata")
        return answer


def check_is_policy(text: str) -> None:
    """Refuse what is not a policy at all; statements are judged where they are evaluated.

    Raises:
        ServiceError: MalformedPolicyDocument.
    """
    try:
        policy = json.loads(text)
    except ValueError:
        raise _malformed("This policy contains invalid Json") from None
    if not isinstance(policy, dict) or "Statement" not in policy:
        raise _malformed("Missing required field Statement")


def _malformed(message: str) -> ServiceError:
    return ServiceError("MalformedPolicyDocument", message)
