"""Network ACL entries with the ICMP type and code that moto loses (5.2.5).

moto keeps all else of an entry; the type and code are kept here, beside it.
"""

from __future__ import annotations

from typing import Any

from labkit.emulator.ec2 import existence
from labkit.emulator.operations import Call, Operations
from labkit.emulator.refusal import ServiceError
from labkit.emulator.upstream import Clients

Items = list[dict[str, Any]]
Key = tuple[str, bool, int]  # network ACL, egress, rule number
ICMP = ("1", "icmp")


class NetworkAcls:
    """The operations on network ACLs and their entries that are ours."""

    def __init__(self, inner: Clients):
        self._inner = inner
        self._icmp: dict[Key, dict[str, int]] = {}

    def operations(self) -> Operations:
        return {
            ("ec2", "CreateNetworkAclEntry"): self.create_entry,
            ("ec2", "ReplaceNetworkAclEntry"): self.replace_entry,
            ("ec2", "DeleteNetworkAclEntry"): self.delete_entry,
            ("ec2", "DescribeNetworkAcls"): self.describe,
            ("ec2", "DeleteNetworkAcl"): self.delete,
        }

    def create_entry(self, call: Call) -> dict[str, Any]:
        _check(call.parameters)
        self._inner("ec2", call.region).create_network_acl_entry(**call.parameters)
        self._keep(call.parameters)
        return {}

    def replace_entry(self, call: Call) -> dict[str, Any]:
        _check(call.parameters)
        if not self._entry(call):
            raise _no_entry(call.parameters)
        self._inner("ec2", call.region).replace_network_acl_entry(**call.parameters)
        self._keep(call.parameters)
        return {}

    def delete_entry(self, call: Call) -> dict[str, Any]:
        if not self._entry(call):
            raise _no_entry(call.parameters)
        self._inner("ec2", call.region).delete_network_acl_entry(**call.parameters)
        self._icmp.pop(_key(call.parameters), None)
        return {}

    def describe(self, call: Call) -> dict[str, Any]:
        existence.check(
            self._inner("ec2", call.region), call.parameters.get("NetworkAclIds", ()), "acl"
        )
        answer = self._inner("ec2", call.region).describe_network_acls(**call.parameters)
        answer.pop("ResponseMetadata")
        return {**answer, "NetworkAcls": self.amended(answer["NetworkAcls"])}

    def delete(self, call: Call) -> dict[str, Any]:
        acl_id = call.parameters["NetworkAclId"]
        ec2 = self._inner("ec2", call.region)
        existence.check(ec2, [acl_id], "acl")
        found = ec2.describe_network_acls(NetworkAclIds=[acl_id])["NetworkAcls"]
        if found[0]["IsDefault"]:
            raise ServiceError(
                "Client.CannotDelete", f"cannot delete default network ACL {acl_id}."
            )
        ec2.delete_network_acl(**call.parameters)
        for key in [key for key in self._icmp if key[0] == acl_id]:
            del self._icmp[key]
        return {}

    def amended(self, acls: Items) -> Items:
        """Return network ACLs whose ICMP entries have their type and code."""
        return [
            {**acl, "Entries": [self._amend(acl["NetworkAclId"], e) for e in acl["Entries"]]}
            for acl in acls
        ]

    def _amend(self, acl_id: str, entry: dict[str, Any]) -> dict[str, Any]:
        icmp = self._icmp.get((acl_id, entry["Egress"], entry["RuleNumber"]))
        return {**entry, "IcmpTypeCode": icmp} if icmp else entry

    def _keep(self, asked: dict[str, Any]) -> None:
        self._icmp.pop(_key(asked), None)
        if asked["Protocol"] in ICMP:
            self._icmp[_key(asked)] = {"Type": -1, "Code": -1, **asked["IcmpTypeCode"]}

    def _entry(self, call: Call) -> bool:
        """Say whether the entry exists; moto fails where it does not."""
        acl_id, egress, number = _key(call.parameters)
        ec2 = self._inner("ec2", call.region)
        existence.check(ec2, [acl_id], "acl")
        found = ec2.describe_network_acls(NetworkAclIds=[acl_id])["NetworkAcls"]
        return any(
            (entry["Egress"], entry["RuleNumber"]) == (egress, number)
            for entry in found[0]["Entries"]
        )


def _key(asked: dict[str, Any]) -> Key:
    return asked["NetworkAclId"], asked["Egress"], asked["RuleNumber"]


def _check(asked: dict[str, Any]) -> None:
    """Hold an entry to what EC2 requires.

    Source: docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateNetworkAclEntry.html
    """
    if asked["Protocol"] in ICMP and "IcmpTypeCode" not in asked:
        raise ServiceError(
            "MissingParameter", "The request must contain the parameter icmpTypeCode"
        )
    if asked["Protocol"] in ("6", "17", "tcp", "udp") and "PortRange" not in asked:
        raise ServiceError("MissingParameter", "The request must contain the parameter portRange")
    if not 1 <= asked["RuleNumber"] <= 32766:
        raise ServiceError("InvalidParameterValue", "The rule number must be between 1 and 32766.")


def _no_entry(asked: dict[str, Any]) -> ServiceError:
    acl_id, egress, number = _key(asked)
    direction = "egress" if egress else "ingress"
    return ServiceError(
        "InvalidNetworkAclEntry.NotFound",
        f"The {direction} entry with rule number {number} does not exist in network ACL {acl_id}",
    )
