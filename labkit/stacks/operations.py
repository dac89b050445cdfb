"""Wait for what CloudFormation does to a stack, event by event."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from labkit.stacks.events import Event, History, events
from labkit.stacks.stack import Stack, describe, missing
from labkit.stacks.states import SUCCESS, unusable
from labkit.waiting import Watch, silent, until

GONE = "no longer known to CloudFormation"


def follow(
    cloudformation: Any, stack_name: str, *, timeout_s: float = 1800, watch: Watch = silent
) -> Stack:
    """Return a stack once its creation or update succeeded; the watcher gets each event.

    May be called again on a stack that is under way or has settled.

    Raises:
        StackMissing: There is no such stack.
        StackFailed: It settled in another state; carries the first cause.
        WaitTimedOut: It did not settle in `timeout_s`.
    """
    begun = describe(cloudformation, stack_name)
    if begun is None:
        raise missing(cloudformation, stack_name)
    stack = settled(cloudformation, begun, None, timeout_s=timeout_s, watch=watch)
    if stack.status in SUCCESS:
        return stack
    raise unusable(cloudformation, stack)


def delete(
    cloudformation: Any,
    stack_name: str,
    *,
    retain: Sequence[str] = (),
    timeout_s: float = 3600,
    watch: Watch = silent,
) -> None:
    """Delete a stack and wait until it is gone; no stack of that name is fine.

    Args:
        cloudformation: The client.
        stack_name: Its name or id.
        retain: Logical ids to leave alone; AWS allows that only for a stack in DELETE_FAILED.
        timeout_s: Seconds after which to give up.
        watch: Gets each event.

    Raises:
        StackFailed: DELETE_FAILED; names the resources that stayed, and why.
        WaitTimedOut: It was not gone in `timeout_s`.
    """
    stack = describe(cloudformation, stack_name)
    if stack is None or stack.status == "DELETE_COMPLETE":
        return
    known = events(cloudformation, stack.id)
    wish = {"RetainResources": list(retain)} if retain else {}
    cloudformation.delete_stack(StackName=stack.id, **wish)
    after = known[-1] if known else None
    stack = settled(cloudformation, stack, after, timeout_s=timeout_s, watch=watch)
    if stack.status != "DELETE_COMPLETE":
        raise unusable(cloudformation, stack)


def settled(
    cloudformation: Any, stack: Stack, after: Event | None, *, timeout_s: float, watch: Watch
) -> Stack:
    """Return the stack once no operation runs in it, telling the events that follow `after`.

    Those of the stacks nested in it are told, too.

    Raises:
        WaitTimedOut: It did not settle in `timeout_s`.
    """
    history, told = History(cloudformation, stack.id, after), 0

    def look() -> Stack:
        nonlocal told
        # The state is read first: events that come between the two calls are told next time,
        # and none is missed at the end.
        now = describe(cloudformation, stack.id) or _gone(stack)
        if now.status == "DELETE_COMPLETE" and now.reason == GONE:
            return now
        for event in history.news():
            told += 1
            watch(event)
        return now

    def done(now: Stack) -> bool:
        # Just after an operation began, DescribeStacks may still tell the state before it.
        fresh = told > 0 or now.status == "DELETE_COMPLETE"
        return fresh and not now.status.endswith("_IN_PROGRESS")

    return until(
        look,
        done,
        what=f"the stack {stack.name} to settle",
        timeout_s=timeout_s,
        watch=watch,
        describe=lambda now: now.status,
    )


def _gone(stack: Stack) -> Stack:
    return Stack(stack.name, stack.id, "DELETE_COMPLETE", reason=GONE)
