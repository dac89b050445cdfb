"""AssumeRole as far as it can be honest: the role must exist, what it allows is not judged."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from labkit.emulator.operations import Call, Operations
from labkit.emulator.refusal import ServiceError
from labkit.emulator.upstream import Clients


class Identities:
    """The operations of STS that are ours."""

    def __init__(self, inner: Clients):
        self._inner = inner

    def operations(self) -> Operations:
        return {("sts", "AssumeRole"): self.assume_role}

    def assume_role(self, call: Call) -> dict[str, Any]:
        """Give the temporary key of a role; moto gives one of any role, be it there or not."""
        arn = call.parameters["RoleArn"]
        iam = self._inner("iam", call.region)
        try:
            role = iam.get_role(RoleName=arn.rpartition("/")[2])["Role"]
        except ClientError:
            role = {}
        if role.get("Arn") != arn:
            raise ServiceError(
                "AccessDenied",
                "The caller is not authorized to perform: sts:AssumeRole on resource: "
                f"{arn} (there is no such role)",
                403,
            )
        answer = self._inner("sts", call.region).assume_role(**call.parameters)
        answer.pop("ResponseMetadata")
        return answer
