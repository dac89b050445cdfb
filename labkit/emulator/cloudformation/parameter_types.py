"""The types of parameters: which there are, and how a given text becomes a value.

Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/
cloudformation-supplied-parameter-types.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from labkit.emulator.cloudformation.validation import format_error

_FROM_SSM = re.compile(r"AWS::SSM::Parameter::Value<(.+)>")
_LIST = re.compile(r"List<(.+)>")

SSM_NAME = "AWS::SSM::Parameter::Name"
OF_AWS = frozenset(
    {
        "AWS::EC2::AvailabilityZone::Name",
        "AWS::EC2::Image::Id",
        "AWS::EC2::Instance::Id",
        "AWS::EC2::KeyPair::KeyName",
        "AWS::EC2::SecurityGroup::GroupName",
        "AWS::EC2::SecurityGroup::Id",
        "AWS::EC2::Subnet::Id",
        "AWS::EC2::VPC::Id",
        "AWS::EC2::Volume::Id",
    }
)
"""Types whose values must exist in the account and Region."""

REFUSED = frozenset({"AWS::Route53::HostedZone::Id"})
_NO_LIST = frozenset({"AWS::EC2::KeyPair::KeyName", "CommaDelimitedList", SSM_NAME})
_SCALARS = OF_AWS | {"String", "Number", "CommaDelimitedList", SSM_NAME}


@dataclass(frozen=True, slots=True)
class ParameterType:
    """A type, taken apart.

    Attributes:
        item: what one value is: `String`, `Number` or a type of AWS's own.
        is_list: whether its value is a list of those.
        from_ssm: whether what is given is the name of a parameter that holds the value.
    """

    item: str
    is_list: bool
    from_ssm: bool

    def value(self, text: str) -> str | list[str]:
        """Return what `Ref` yields for a text."""
        return [item.strip() for item in text.split(",")] if self.is_list else text


def read_type(declared: str) -> ParameterType:
    """Return a type.

    Raises:
        ValidationError: AWS does not know it, or the emulator refuses it by name.
    """
    from_ssm = _FROM_SSM.fullmatch(declared)
    inner = from_ssm[1] if from_ssm else declared
    in_list = _LIST.fullmatch(inner)
    item = in_list[1] if in_list else inner
    if item in REFUSED:
        raise format_error(f"The emulator does not emulate the parameter type {declared}.")
    if item not in _SCALARS or (in_list and item in _NO_LIST) or (from_ssm and item == SSM_NAME):
        raise format_error(f"Unrecognized parameter type: {declared}")
    is_list = in_list is not None or item == "CommaDelimitedList"
    return ParameterType(
        "String" if item == "CommaDelimitedList" else item, is_list, bool(from_ssm)
    )
