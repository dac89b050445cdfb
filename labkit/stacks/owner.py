"""Whose stack is it? By the tag that 01_deploy sets."""

from __future__ import annotations

import re

from labkit.errors import StackNotOurs
from labkit.stacks.stack import Stack


def check_owner(stack: Stack, arn: str) -> None:
    """Refuse a stack that is somebody else's, by its Owner tag.

    Args:
        stack: The stack to be used or deleted.
        arn: Who asks: the Arn of GetCallerIdentity.

    Raises:
        StackNotOurs: Another Owner, or none.
    """
    owner = stack.tags.get("Owner") or stack.parameters.get("Owner")
    if not owner:
        raise StackNotOurs(
            f"The stack {stack.name} has no Owner tag, so 01_deploy did not make it: choose "
            "another prefix, or delete that stack yourself if you know it to be yours."
        )
    if _person(owner) != _person(arn):
        raise StackNotOurs(
            f"The stack {stack.name} belongs to {owner}; you are {arn}. Choose another prefix."
        )


def _person(arn: str) -> str:
    """Return what stays the same of a caller's ARN from one sign-in to the next.

    The SDKs make up a session name from the clock, e.g. botocore-session-1760000000; a name of
    the identity provider's, e.g. an e-mail address, tells the people of one role apart.
    """
    return re.sub(r"(:assumed-role/.+)/[^/]*\d{9,}$", r"\1", arn)
