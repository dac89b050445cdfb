"""Whether IAM policy documents allow a request: the few elements that the lab's policies use.

Source: docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache
from typing import Any


class Decision(Enum):
    ALLOW = "allow"
    DENY = "explicit deny"
    IMPLICIT_DENY = "implicit deny"


class UnsupportedPolicy(Exception):
    """A statement that would decide holds an element or operator that is not evaluated here."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request as a policy sees it.

    Attributes:
        action: such as ``s3:PutObject``.
        resource: its ARN; None for a trust policy, whose statements name no resource.
        service: the AWS service that asks (``delivery.logs.amazonaws.com``), where the policy is
            one of a resource or of trust; None where it is the asking role's own.
        context: the condition keys and their values.
    """

    action: str
    resource: str | None = None
    service: str | None = None
    context: Mapping[str, str] = field(default_factory=dict)


def decide(documents: Iterable[Mapping[str, Any]], request: Request) -> Decision:
    """Return what the documents together say: a deny beats an allow, silence is a deny.

    Raises:
        UnsupportedPolicy: a statement that would count needs more than is evaluated here.
    """
    effects = {
        statement["Effect"]
        for document in documents
        for statement in statements(document)
        if _applies(statement, request)
    }
    if "Deny" in effects:
        return Decision.DENY
    return Decision.ALLOW if "Allow" in effects else Decision.IMPLICIT_DENY


def statements(document: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the document's statements, of which there may be one without a list around it."""
    return _list(document.get("Statement", []))


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _applies(statement: Mapping[str, Any], request: Request) -> bool:
    parts = (_principal_matches, _action_matches, _resource_matches, _conditions_hold)
    return all(part(statement, request) for part in parts)


def _refuse(statement: Mapping[str, Any], element: str) -> None:
    if element in statement:
        raise UnsupportedPolicy(f"the policy element {element}")


def _principal_matches(statement: Mapping[str, Any], request: Request) -> bool:
    if request.service is None:
        return True
    _refuse(statement, "NotPrincipal")
    principal = statement.get("Principal", {})
    if isinstance(principal, str):
        return principal == "*"
    return request.service in _list(principal.get("Service", [])) or "*" in _list(
        principal.get("AWS", [])
    )


def _action_matches(statement: Mapping[str, Any], request: Request) -> bool:
    _refuse(statement, "NotAction")
    asked = request.action.lower()
    return any(like(action.lower(), asked) for action in _list(statement.get("Action", [])))


def _resource_matches(statement: Mapping[str, Any], request: Request) -> bool:
    if request.resource is None:
        return True
    _refuse(statement, "NotResource")
    resource = request.resource
    return any(like(pattern, resource) for pattern in _list(statement.get("Resource", [])))


def _conditions_hold(statement: Mapping[str, Any], request: Request) -> bool:
    """Return whether every key of every operator holds; of a key's values, one suffices.

    Source: docs.aws.amazon.com/IAM/latest/UserGuide/
    reference_policies_condition-logic-multiple-context-keys-or-values.html
    """
    context = {key.lower(): value for key, value in request.context.items()}
    held = []
    for operator, keys in statement.get("Condition", {}).items():
        if operator not in OPERATORS:
            raise UnsupportedPolicy(f"the condition operator {operator}")
        for key, wanted in keys.items():
            value = context.get(key.lower())
            matches = OPERATORS[operator]
            held.append(value is not None and any(matches(one, value) for one in _list(wanted)))
    return all(held)


def like(pattern: str, text: str) -> bool:
    """Return whether a pattern with * (any characters) and ? (one) covers the whole text."""
    if "${" in pattern:
        raise UnsupportedPolicy(f"the policy variable in {pattern}")
    return _compiled(pattern).fullmatch(text) is not None


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.compile("".join(parts), re.DOTALL)


def _arn_like(pattern: str, arn: str) -> bool:
    """Compare two ARNs component by component: a * does not reach over one of its colons.

    Source: docs.aws.amazon.com/IAM/latest/UserGuide/
    reference_policies_elements_condition_operators.html#Conditions_ARN
    """
    wanted, given = pattern.split(":", 5), arn.split(":", 5)
    return len(wanted) == len(given) and all(map(like, wanted, given))


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


OPERATORS: dict[str, Callable[[Any, str], bool]] = {
    "StringEquals": lambda wanted, value: _text(wanted) == value,
    "StringLike": lambda wanted, value: like(_text(wanted), value),
    "ArnEquals": lambda wanted, value: _arn_like(_text(wanted), value),
    "ArnLike": lambda wanted, value: _arn_like(_text(wanted), value),
    "Bool": lambda wanted, value: _text(wanted).lower() == value.lower(),
}
