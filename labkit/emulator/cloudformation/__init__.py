"""CloudFormation: templates in, resources made by one provider per type, events as on AWS."""

from labkit.emulator.cloudformation.stacks import Stacks

__all__ = ["Stacks"]
