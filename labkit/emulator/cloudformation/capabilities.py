"""What the caller of CreateStack must acknowledge.

Source: docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html
"""

from __future__ import annotations

from collections.abc import Iterable

from labkit.emulator.cloudformation.template import Template

_IAM_NAMES = {
    "AWS::IAM::AccessKey": "",
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::GroupPolicy": "",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Policy": "",
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::RolePolicy": "",
    "AWS::IAM::User": "UserName",
    "AWS::IAM::UserPolicy": "",
    "AWS::IAM::UserToGroupAddition": "",
}
"""Type -> the property that gives it a name of one's own, if that asks for more."""


def required_capabilities(template: Template) -> list[str]:
    """Return what must be acknowledged; of the two for IAM only the stronger one."""
    iam = [item for item in template.resources.values() if item.type in _IAM_NAMES]
    needed = []
    if any(_IAM_NAMES[item.type] in item.properties for item in iam):
        needed.append("CAPABILITY_NAMED_IAM")
    elif iam:
        needed.append("CAPABILITY_IAM")
    return [*needed, "CAPABILITY_AUTO_EXPAND"] if template.extended else needed


def missing_capabilities(template: Template, given: Iterable[str]) -> list[str]:
    """Return what a template needs and the caller did not acknowledge."""
    acknowledged = set(given)
    if "CAPABILITY_NAMED_IAM" in acknowledged:
        acknowledged.add("CAPABILITY_IAM")
    return [name for name in required_capabilities(template) if name not in acknowledged]


def iam_types(template: Template) -> list[str]:
    """Return the types in a template that require a capability."""
    return sorted({item.type for item in template.resources.values()} & _IAM_NAMES.keys())
