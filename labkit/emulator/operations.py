"""What an operation of ours is, and which operations moto answers for us."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an AWS operation, parsed: parameters named as botocore names them.

    Absent parameters are absent; datetimes are naive UTC, as moto parses them.
    """

    service: str
    operation: str
    region: str
    account_id: str
    access_key_id: str
    parameters: dict[str, Any]


Operation = Callable[[Call], dict[str, Any]]
"""Takes a call, returns the answer as botocore's output shape, or raises a ServiceError."""

Operations = dict[tuple[str, str], Operation]
"""Keyed by service and operation, for example ("ec2", "CreateFlowLogs")."""

FORWARDED: dict[str, frozenset[str]] = {
    "ec2": frozenset({"DescribeVpcs"}),
}
