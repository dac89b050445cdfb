"""What a stack's state allows: to use it, to wait, or only to delete it.

Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html
(stack status codes)
"""

from __future__ import annotations

from typing import Any

from labkit.errors import StackFailed
from labkit.stacks.causes import first_cause, what_stayed
from labkit.stacks.events import tree
from labkit.stacks.hints import hint
from labkit.stacks.owner import check_owner
from labkit.stacks.stack import Stack, describe, missing

SUCCESS = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"}
USABLE = {*SUCCESS, "UPDATE_ROLLBACK_COMPLETE"}

_ADVICE = {
    "DELETE_COMPLETE": "it was deleted; run 01_deploy again.",
    "DELETE_FAILED": "run 99_clean_up, which empties the bucket and tries again.",
    "REVIEW_IN_PROGRESS": "a change set waits to be executed; execute it, or delete the stack.",
    "UPDATE_FAILED": "the update stopped half-way; mend the cause and deploy again.",
    "UPDATE_ROLLBACK_COMPLETE": "the update failed and was undone; mend the cause, deploy again.",
    "UPDATE_ROLLBACK_FAILED": "the update could not be undone; mend the cause, then call "
    "continue_update_rollback.",
}


def find(cloudformation: Any, stack_name: str) -> Stack:
    """Return a stack that is ready for use.

    Raises:
        StackMissing: There is none of that name; says which of the lab's stacks exist.
        StackFailed: It is there but of no use, e.g. ROLLBACK_COMPLETE; says what to do.
    """
    stack = describe(cloudformation, stack_name)
    if stack is None:
        raise missing(cloudformation, stack_name)
    if stack.status in USABLE:
        return stack
    raise unusable(cloudformation, stack)


def look_for(cloudformation: Any, stack_name: str, *, owner: str) -> Stack | None:
    """Return the stack of that name if it is ours and of use, or under way; None if there is none.

    Args:
        cloudformation: The client.
        stack_name: The name that is wanted for a stack.
        owner: Who wants it: the Arn of GetCallerIdentity.

    Raises:
        StackNotOurs: The name is taken by somebody else's stack.
        StackFailed: It is ours, but can only be deleted.
    """
    stack = describe(cloudformation, stack_name)
    if stack is None:
        return None
    check_owner(stack, owner)
    if stack.status in {*USABLE, "CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"}:
        return stack
    raise unusable(cloudformation, stack)


def unusable(cloudformation: Any, stack: Stack) -> StackFailed:
    """Return the error that says why a stack is of no use, and what to do."""
    history = tree(cloudformation, stack.id)
    cause = first_cause(history)
    why = f" First cause: {cause.name} ({cause.type}): {cause.reason}" if cause else ""
    if stack.status == "DELETE_FAILED":
        why = f" What stayed: {what_stayed(history)}"
    idea = hint(cause.reason) if cause else None
    message = f"The stack {stack.name} is in {stack.status}: {_advice(stack.status)}{why}"
    if idea:
        message = f"{message.rstrip('. ')}. Hint: {idea}"
    return StackFailed(message, stack_name=stack.name, status=stack.status, cause=cause)


def _advice(status: str) -> str:
    """Return what to do about a state.

    Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/troubleshooting.html
    """
    if status in _ADVICE:
        return _ADVICE[status]
    if status.endswith("_IN_PROGRESS"):
        return "wait until it has settled, then run this again."
    return "it can only be deleted; run 99_clean_up, then 01_deploy again."
