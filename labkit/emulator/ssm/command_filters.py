"""The filters of ListCommands and ListCommandInvocations.

Source: docs.aws.amazon.com/systems-manager/latest/APIReference/API_CommandFilter.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime

from labkit.emulator.refusal import ServiceError
from labkit.emulator.ssm.commands import Command, Status
from labkit.emulator.ssm.documents import RUN_SHELL_SCRIPT

Test = Callable[[Command, Status], bool]


def compile_filters(filters: Iterable[Mapping[str, str]]) -> Test:
    """Return whether a command and a status (its own or an invocation's) pass all the filters.

    Raises:
        ServiceError: an unknown key, or a value that the key does not have.
    """
    tests = [_compile(one["key"], one["value"]) for one in filters]
    return lambda command, status: all(test(command, status) for test in tests)


def _compile(key: str, value: str) -> Test:
    if key == "InvokedAfter":
        after = _time(value)
        return lambda command, status: command.requested_at >= after
    if key == "InvokedBefore":
        before = _time(value)
        return lambda command, status: command.requested_at < before
    if key == "Status":
        return lambda command, status: value in status
    if key == "ExecutionStage":
        return _stage(value)
    if key == "DocumentName":
        return lambda command, status: value == RUN_SHELL_SCRIPT
    raise ServiceError("InvalidFilterKey", f"The filter key {key} is not valid.")


def _stage(value: str) -> Test:
    if value not in ("Executing", "Complete"):
        raise ServiceError("ValidationException", f"ExecutionStage has no value {value}.")
    return lambda command, status: status.is_finished == (value == "Complete")


def _time(text: str) -> float:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        message = f"{text} is no time: write it as 2021-07-07T00:00:00Z."
        raise ServiceError("ValidationException", message) from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()
