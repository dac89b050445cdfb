"""What a resource provider is: how one type of resource is made and deleted by the ordinary API.

AWS's own providers do the same: their handlers call the service's API with the caller's rights.
Source: docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-types.html
"""

from __future__ import annotations

import random
import string
import time
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

Properties = Mapping[str, Any]
Attributes = dict[str, Any]
"""What `Fn::GetAtt` yields, by name; a function is called when the attribute is asked for."""

Description = dict[str, Any]
Tag = dict[str, str]

_SUFFIX_LENGTH = 12


class HandlerError(Exception):
    """A provider gives up: the reason that the event will show, and AWS's name for its kind.

    Source: docs.aws.amazon.com/cloudformation-cli/latest/userguide/ (handler error codes)
    """

    def __init__(self, message: str, code: str = "GeneralServiceException"):
        super().__init__(message)
        self.message = message
        self.code = code


class NestedStacks(Protocol):
    """What the provider of nested stacks is given: the stacks below the one at work."""

    def create(self, context: Context, properties: Properties) -> Attributes:
        """Make a stack, report its id, and return its outputs once it is complete."""
        ...

    def update(self, context: Context, physical_id: str, properties: Properties) -> Attributes:
        """Update a stack and return its outputs."""
        ...

    def delete(self, physical_id: str) -> None:
        """Delete a stack with all its resources."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """What a provider is given beside the properties.

    Attributes:
        client: the boto3 client of a service, in the stack's Region.
        stack_name: part of the names that are made up.
        logical_id: likewise.
        region: the stack's Region.
        tags: those of the stack.
        system_tags: those that CloudFormation adds itself, if the type takes them; users may not.
        exists: to be called with the physical id as soon as there is one, so that a failure
            later on does not leave the resource behind.
        nested: the stacks below this one.
    """

    client: Callable[[str], Any]
    stack_name: str
    logical_id: str
    region: str
    tags: Mapping[str, str]
    system_tags: Mapping[str, str]
    exists: Callable[[str], None]
    nested: NestedStacks | None = None

    def tag_list(self, properties: Properties, *, system: bool = True) -> list[Tag]:
        """Return all tags; where a key is in the template and the stack, the template's."""
        own = {tag["Key"]: tag["Value"] for tag in properties.get("Tags", [])}
        tags = {**(self.system_tags if system else {}), **self.tags, **own}
        return [{"Key": key, "Value": value} for key, value in tags.items()]

    def tag_specifications(self, kind: str, properties: Properties) -> list[dict[str, Any]]:
        """Return all tags as EC2 takes them, for one kind of resource such as `subnet`."""
        tags = self.tag_list(properties)
        return [{"ResourceType": kind, "Tags": tags}] if tags else []

    def name(self, longest: int, *, lower: bool = False) -> str:
        """Make up a physical name `stack-resource-random`, cut to a length, as AWS does.

        Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/ (Name type)
        """
        suffix = "".join(random.choices(string.ascii_letters + string.digits, k=_SUFFIX_LENGTH))
        resource = self.logical_id[: longest // 2]
        stack = self.stack_name[: longest - len(resource) - _SUFFIX_LENGTH - 2].rstrip("-")
        name = f"{stack}-{resource}-{suffix}"
        return name.lower() if lower else name


class Provider(Protocol):
    """Makes, changes and deletes the resources of one type.

    Attributes:
        type: its name, such as `AWS::EC2::VPC`.
        honors: the properties that it passes on; others are refused.
        attributes: what `Fn::GetAtt` may ask of it.
        in_place: the properties that `update` can change without another resource.
    """

    type: str
    honors: tuple[str, ...]
    attributes: Container[str]
    in_place: frozenset[str] = frozenset()

    def create(self, context: Context, properties: Properties) -> Attributes:
        """Make the resource, report its physical id, and return all attributes once it is ready.

        Raises:
            HandlerError: it cannot be made.
            botocore.exceptions.ClientError: the service refuses.
        """
        ...

    def update(
        self, context: Context, physical_id: str, old: Properties, new: Properties
    ) -> Attributes:
        """Change the resource from the old properties to the new ones; return all attributes.

        Only properties of `in_place` differ. Where the type takes tags, both `Tags` hold those of
        the stack, too. Called with the two swapped to take a change back, also one that failed.

        Raises:
            HandlerError: it cannot be changed.
            botocore.exceptions.ClientError: the service refuses.
        """
        raise HandlerError(f"Resources of type {self.type} cannot be updated.", "NotUpdatable")

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        """Delete the resource. One that is gone already may raise the service's NotFound."""
        ...


def wait(
    look: Callable[[], Description],
    state: Callable[[Description], str],
    *,
    until: str,
    what: str,
    patience_s: float = 60.0,
) -> Description:
    """Look until the state is as wished; return what was seen then.

    Raises:
        HandlerError: it is not after `patience_s`.
    """
    give_up_at = time.monotonic() + patience_s
    pause_s = 0.005
    while state(seen := look()) != until:
        if time.monotonic() > give_up_at:
            raise HandlerError(f"{what} is {state(seen)}, not {until}", "NotStabilized")
        time.sleep(pause_s)
        pause_s = min(pause_s * 2, 0.5)
    return seen


def picked(properties: Properties, *names: str) -> dict[str, Any]:
    """Return the properties of these names that are there."""
    return {name: properties[name] for name in names if name in properties}
