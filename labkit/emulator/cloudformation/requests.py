"""What CreateStack and DeleteStack are asked, checked and put into types."""

from __future__ import annotations

import re
from typing import Any

from labkit.emulator.cloudformation.capabilities import missing_capabilities
from labkit.emulator.cloudformation.check import check
from labkit.emulator.cloudformation.records import Options, StackRecord
from labkit.emulator.cloudformation.template import Template, parse
from labkit.emulator.cloudformation.validation import ValidationError
from labkit.emulator.refusal import ServiceError

Asked = dict[str, Any]

_NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]*")
_LONGEST_NAME = 128
_REFUSED = (
    "DeploymentConfig",
    "NotificationARNs",
    "ResourceTypes",
    "RoleARN",
    "StackPolicyBody",
    "StackPolicyURL",
    "TimeoutInMinutes",
)


def template_of(asked: Asked) -> Template:
    """Return the template of a request, parsed and checked.

    Raises:
        ValidationError: it is missing, no template, or cannot become a stack.
    """
    if asked.get("TemplateURL"):
        raise ValidationError("The emulator does not fetch a TemplateURL: pass a TemplateBody.")
    if not asked.get("TemplateBody"):
        raise ValidationError("Either Template URL or Template Body must be specified.")
    template = parse(asked["TemplateBody"])
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


def check_capabilities(template: Template, given: list[str]) -> None:
    """Refuse a template whose IAM resources or macros the caller did not acknowledge."""
    missing = missing_capabilities(template, given)
    if missing:
        raise ServiceError(
            "InsufficientCapabilitiesException", f"Requires capabilities : [{', '.join(missing)}]"
        )


def options_of(asked: Asked) -> Options:
    """Return what a request asks beside template and parameters.

    Raises:
        ValidationError: the emulator does not emulate an option, or two exclude each other.
    """
    refused = [name for name in _REFUSED if asked.get(name)]
    if refused:
        raise ValidationError(f"The emulator does not emulate {refused} of CreateStack.")
    on_failure = asked.get("OnFailure")
    if on_failure and asked.get("DisableRollback") is not None:
        raise ValidationError("You cannot specify both OnFailure and DisableRollback")
    by_rollback = "DO_NOTHING" if asked.get("DisableRollback") else "ROLLBACK"
    return Options(
        on_failure=on_failure or by_rollback,
        capabilities=tuple(asked.get("Capabilities", [])),
        termination_protection=bool(asked.get("EnableTerminationProtection")),
        tags={tag["Key"]: tag["Value"] for tag in asked.get("Tags", [])},
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
