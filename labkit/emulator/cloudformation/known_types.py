"""Resource types: which exist on AWS, and why the emulator does not make some that do.

A type that AWS does not know is refused with the template; one that AWS knows and the emulator
does not make lets the stack fail at that resource, with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from labkit.emulator.cloudformation.schema import known_types

STACK = "AWS::CloudFormation::Stack"

_CUSTOM = re.compile(r"Custom::[A-Za-z0-9_@-]{1,60}")

REASONS = {
    "AWS::CloudFormation::CustomResource": "no Lambda function or topic could answer it",
    "AWS::CloudFormation::WaitCondition": "no signal could reach it, and it would wait for ever",
    "AWS::EC2::EIP": "there is no public address here that could be reached",
    "AWS::EC2::NetworkInterfaceAttachment": (
        "an interface is attached when its instance starts: name it in the instance's "
        "NetworkInterfaces"
    ),
    "AWS::EC2::NatGateway": "packets that leave the VPC are dropped",
    "AWS::Lambda::Function": "no code runs here but what Run Command starts on an instance",
    "AWS::Logs::SubscriptionFilter": "nothing here would take the log events that it sends",
}
"""Type -> why the emulator does not make it, for those that templates like ours often have."""


def exists(type_name: str) -> bool:
    """Return whether AWS knows a type; custom resources are called as one likes."""
    return is_custom(type_name) or type_name in known_types()


def is_custom(type_name: str) -> bool:
    """Return whether a type is that of a custom resource, which takes any property.

    Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/
    aws-resource-cloudformation-customresource.html
    """
    custom = "AWS::CloudFormation::CustomResource"
    return type_name == custom or bool(_CUSTOM.fullmatch(type_name))


def refusal(type_name: str, made: Iterable[str]) -> str:
    """Return why the emulator does not make a type, and, of its service, which it does make."""
    custom = "AWS::CloudFormation::CustomResource"
    reason = REASONS.get(custom if is_custom(type_name) else type_name)
    service = type_name.rpartition("::")[0] + "::"
    others = ", ".join(sorted(name for name in made if name.startswith(service)))
    return (
        f"The emulator does not make resources of type {type_name}"
        + (f": {reason}." if reason else ".")
        + (f" Of this service it makes: {others}." if others and not reason else "")
    )
