"""Keys of KMS: their metadata only. moto lets one do anything with a key that is to be deleted.

Source: docs.aws.amazon.com/kms/latest/developerguide/key-state.html
"""

from __future__ import annotations

import json
from typing import Any

from botocore import xform_name

from labkit.emulator.constraints import check
from labkit.emulator.operations import Call, Operations
from labkit.emulator.refusal import ServiceError, not_emulated
from labkit.emulator.upstream import Clients

CREATE = frozenset({"Description", "KeySpec", "KeyUsage", "Policy", "Tags"})
"""The parameters of CreateKey that are honored; for others there would have to be key material."""

LIVING = (
    "CreateAlias",
    "DisableKey",
    "DisableKeyRotation",
    "EnableKey",
    "EnableKeyRotation",
    "PutKeyPolicy",
    "ScheduleKeyDeletion",
    "TagResource",
    "UntagResource",
    "UpdateAlias",
    "UpdateKeyDescription",
)
"""The operations that a key which is to be deleted refuses."""

WINDOW_DAYS = range(7, 31)


class Keys:
    """The operations on keys that are ours.

    Args:
        inner: clients straight to moto, which keeps the keys.
    """

    def __init__(self, inner: Clients):
        self._inner = inner

    def operations(self) -> Operations:
        return {
            ("kms", "CreateKey"): self.create,
            ("kms", "CancelKeyDeletion"): self.cancel_deletion,
            **{("kms", name): self.change for name in LIVING},
        }

    def create(self, call: Call) -> dict[str, Any]:
        for name in sorted(set(call.parameters) - CREATE):
            raise not_emulated("kms", f"CreateKey with {name}")
        return self._forward(call)

    def change(self, call: Call) -> dict[str, Any]:
        key_id = call.parameters.get("KeyId") or call.parameters["TargetKeyId"]
        if not key_id.startswith("alias/"):  # moto refuses those, in AWS's words
            self._check_state(call.region, key_id, pending=False)
        return self._forward(call)

    def cancel_deletion(self, call: Call) -> dict[str, Any]:
        self._check_state(call.region, call.parameters["KeyId"], pending=True)
        return self._forward(call)

    def _check_state(self, region: str, key_id: str, *, pending: bool) -> None:
        key = self._inner("kms", region).describe_key(KeyId=key_id)["KeyMetadata"]
        if (key["KeyState"] == "PendingDeletion") != pending:
            state = "is not pending deletion." if pending else "is pending deletion."
            raise ServiceError("KMSInvalidStateException", f"{key['Arn']} {state}")

    def _forward(self, call: Call) -> dict[str, Any]:
        asked = call.parameters
        check("kms", call.operation, asked)
        if "Policy" in asked:
            _check_policy(asked["Policy"])
        days = asked.get("PendingWindowInDays", WINDOW_DAYS[-1])
        if days not in WINDOW_DAYS:
            message = "PendingWindowInDays must be between 7 and 30."
            raise ServiceError("ValidationException", message)
        answer = getattr(self._inner("kms", call.region), xform_name(call.operation))(**asked)
        answer.pop("ResponseMetadata")
        return answer


def _check_policy(text: str) -> None:
    """Refuse what is not a policy at all.

    Source: docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html (Errors)
    """
    try:
        policy = json.loads(text)
    except ValueError:
        policy = None
    if not isinstance(policy, dict) or "Statement" not in policy:
        message = "The new key policy is not a policy in JSON."
        raise ServiceError("MalformedPolicyDocumentException", message)
