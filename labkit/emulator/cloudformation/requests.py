"""What the operations on stacks are asked, checked and put into types."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from labkit.emulator.cloudformation.capabilities import missing_capabilities
from labkit.emulator.cloudformation.check import check
from labkit.emulator.cloudformation.limits import URL_SIZE_LIMIT_BYTES
from labkit.emulator.cloudformation.records import Options, StackRecord
from labkit.emulator.cloudformation.template import Template, parse
from labkit.emulator.cloudformation.validation import ValidationError
from labkit.emulator.refusal import ServiceError

Asked = dict[str, Any]

_NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]*")
_LONGEST_NAME = 128
_REFUSED = (
    "DeploymentConfig",
    "DeploymentMode",
    "ImportExistingResources",
    "IncludeNestedStacks",
    "NotificationARNs",
    "ResourceTypes",
    "ResourcesToImport",
    "RoleARN",
    "RollbackConfiguration",
    "StackPolicyBody",
    "StackPolicyDuringUpdateBody",
    "StackPolicyDuringUpdateURL",
    "StackPolicyURL",
    "TimeoutInMinutes",
)

_UPDATABLE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"})
_HALF_DONE = frozenset({"CREATE_FAILED", "UPDATE_FAILED"})
"""The statuses that a failure leaves when rollback is disabled."""


def template_of(asked: Asked, fetch: Callable[[str], str]) -> Template:
    """Return the template of a request, parsed and checked.

    Args:
        asked: the request's parameters.
        fetch: the text that a TemplateURL points at.

    Raises:
        ValidationError: it is missing, no template, or cannot become a stack.
    """
    url, body = asked.get("TemplateURL"), asked.get("TemplateBody")
    if url and body:
        raise ValidationError("Only one of Template URL or Template Body may be specified.")
    if not url and not body:
        raise ValidationError("Either Template URL or Template Body must be specified.")
    template = parse(fetch(url), limit_bytes=URL_SIZE_LIMIT_BYTES) if url else parse(body or "")
    check(template)
    return template


def check_name(name: str) -> None:
    """Refuse what cannot name a stack.

    Source: docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
    """
    broken = None
    if not _NAME.fullmatch(name):
        broken = f"Member must satisfy regular expression pattern: {_NAME.pattern}"
    elif len(name) > _LONGEST_NAME:
        broken = f"Member must have length less than or equal to {_LONGEST_NAME}"
    if broken:
        raise ValidationError(
            f"1 validation error detected: Value '{name}' at 'stackName' failed to satisfy "
            f"constraint: {broken}"
        )


def check_capabilities(template: Template, given: Iterable[str]) -> None:
    """Refuse a template whose IAM resources or macros the caller did not acknowledge."""
    missing = missing_capabilities(template, given)
    if missing:
        raise ServiceError(
            "InsufficientCapabilitiesException", f"Requires capabilities : [{', '.join(missing)}]"
        )


def check_updatable(stack: StackRecord, *, keeps: bool) -> None:
    """Refuse to update a stack whose status forbids it.

    Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html
    """
    if stack.status in _HALF_DONE and not keeps:
        raise ValidationError(
            f"This stack is currently in a non-terminal [{stack.status}] state. To update the "
            "stack from this state, please use the disable-rollback parameter with update-stack "
            "API, or delete the stack."
        )
    if stack.status not in _UPDATABLE | _HALF_DONE:
        raise ValidationError(
            f"Stack:{stack.id} is in {stack.status} state and can not be updated."
        )


def refuse_unknown_options(asked: Asked, operation: str) -> None:
    """Refuse options that the emulator does not emulate."""
    refused = [name for name in _REFUSED if asked.get(name)]
    if refused:
        raise ValidationError(f"The emulator does not emulate {refused} of {operation}.")


def options_of(asked: Asked) -> Options:
    """Return what a request for a new stack asks beside template and parameters.

    Raises:
        ValidationError: two options exclude each other.
    """
    on_failure = asked.get("OnFailure") or asked.get("OnStackFailure")
    if on_failure and asked.get("DisableRollback") is not None:
        raise ValidationError("You cannot specify both OnFailure and DisableRollback")
    by_rollback = "DO_NOTHING" if asked.get("DisableRollback") else "ROLLBACK"
    return Options(
        on_failure=on_failure or by_rollback,
        capabilities=tuple(asked.get("Capabilities", [])),
        termination_protection=bool(asked.get("EnableTerminationProtection")),
        tags=tags_of(asked.get("Tags", [])),
        retain_except_on_create=bool(asked.get("RetainExceptOnCreate")),
    )


def updated_options(options: Options, asked: Asked) -> Options:
    """Return a stack's options after an update: without `Tags` the tags stay.

    Source: docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_UpdateStack.html
    """
    return replace(
        options,
        capabilities=tuple(asked.get("Capabilities", [])),
        tags=tags_of(asked["Tags"]) if "Tags" in asked else options.tags,
        retain_except_on_create=bool(asked.get("RetainExceptOnCreate")),
    )


def tags_of(tags: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Return tags by key.

    Raises:
        ValidationError: a key stands twice, or belongs to AWS.
    """
    keys = [tag["Key"] for tag in tags]
    twice = sorted({key for key in keys if keys.count(key) > 1})
    if twice:
        raise ValidationError(f"Duplicate tag keys found: {', '.join(twice)}")
    if any(key.startswith("aws:") for key in keys):
        raise ValidationError("aws: prefixed tag key names are not allowed for external use.")
    return {tag["Key"]: tag["Value"] for tag in tags}


def check_values(given: Iterable[Mapping[str, Any]]) -> None:
    """Refuse parameters with both a value and UsePreviousValue."""
    both = [one for one in given if one.get("UsePreviousValue") and one.get("ParameterValue")]
    if both:
        raise ValidationError(
            f"Invalid input for parameter key {both[0].get('ParameterKey')}. Cannot specify "
            "usePreviousValue as true and non empty value for a parameter"
        )


def deletion_mode(asked: Asked, stack: StackRecord) -> tuple[list[str], bool]:
    """Return the resources to retain, and whether to force; both need an earlier failure.

    Source: docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DeleteStack.html
    """
    retain = asked.get("RetainResources") or []
    force = asked.get("DeletionMode") == "FORCE_DELETE_STACK"
    if (retain or force) and stack.status != "DELETE_FAILED":
        raise ValidationError(
            f"Invalid operation on stack [{stack.id}]. Stack must be in DELETE_FAILED state to "
            "specify resources to retain or to force the deletion"
        )
    unknown = [name for name in retain if name not in stack.resources]
    if unknown:
        raise ValidationError(
            f"The specified resources to retain do not belong to stack [{stack.name}]: {unknown}"
        )
    return retain, force
