"""Every error labkit raises on its own account.

* LabError                shown as one line in a notebook: what, which, and what to try
  x StackFailed           a stack settled in *_FAILED or *ROLLBACK_COMPLETE; carries the first cause
  x StackMissing          no stack of that name; carries the lab's stacks that do exist
  x StackNotOurs          the stack's Owner tag names somebody else
  x CommandFailed         an invocation ended other than Success; carries the result
  x WaitTimedOut          also a TimeoutError; carries the last thing seen
  x RecordFormatError     a line does not fit its format; carries both
  x CheckFailed           also an AssertionError; a check cell did not hold
  x TargetError           AWS or the emulator? targets mixed, no credentials, unknown region
  x EmulatorError         the emulator is not running, died, or cannot start
  x ParameterError        an unknown notebook parameter, or a value that cannot be

`botocore.exceptions.ClientError` is never wrapped: the learner should meet AWS's own words.
"""

from __future__ import annotations

from typing import Any


class LabError(Exception):
    """An error with one sentence for a person, and no traceback longer than its cause."""

    def _render_traceback_(self) -> list[str]:
        """Return the lines that IPython, and so JupyterLab and papermill, shows for this error."""
        return [f"{type(self).__name__}: {self}"]


class StackFailed(LabError):
    """A stack settled in a state that is no success.

    Attributes:
        stack_name: The stack's name.
        status: Its StackStatus, e.g. "ROLLBACK_COMPLETE".
        cause: The first event that failed (a `stacks.Event`), or None if no event says why.
    """

    def __init__(
        self, message: str, *, stack_name: str = "", status: str = "", cause: Any = None
    ) -> None:
        super().__init__(message)
        self.stack_name = stack_name
        self.status = status
        self.cause = cause


class StackMissing(LabError):
    """There is no stack of that name.

    Attributes:
        stack_name: The name that was looked for.
        existing: Names of the lab's stacks that do exist.
    """

    def __init__(
        self, message: str, *, stack_name: str = "", existing: tuple[str, ...] = ()
    ) -> None:
        super().__init__(message)
        self.stack_name = stack_name
        self.existing = existing


class StackNotOurs(LabError):
    """The stack belongs to somebody else, by its Owner tag."""


class CommandFailed(LabError):
    """An invocation of Run Command ended other than Success.

    Attributes:
        result: The `run_command.CommandResult`, with stdout, stderr and exit code.
    """

    def __init__(self, message: str, *, result: Any = None) -> None:
        super().__init__(message)
        self.result = result


class WaitTimedOut(LabError, TimeoutError):
    """What was waited for did not come in time.

    Attributes:
        what: What was waited for.
        waited_s: For how many seconds.
        last_seen: The last look, as text.
    """

    def __init__(self, what: str, waited_s: float, last_seen: str) -> None:
        super().__init__(f"Waited {waited_s:.0f} s for {what}; last seen: {last_seen}")
        self.what = what
        self.waited_s = waited_s
        self.last_seen = last_seen


class RecordFormatError(LabError):
    """A line does not fit the format it was read with.

    Attributes:
        line: The line as it was read.
        format: The format it should have.
        file: The key or path of the file it stands in, if it is from one.
        line_number: Its place there, the first is 1; 0 if the whole file is meant.
    """

    def __init__(
        self,
        message: str,
        *,
        line: str = "",
        format: str = "",
        file: str = "",
        line_number: int = 0,
    ) -> None:
        super().__init__(message)
        self.line = line
        self.format = format
        self.file = file
        self.line_number = line_number


class CheckFailed(LabError, AssertionError):
    """A check cell did not hold."""


class TargetError(LabError):
    """AWS and the emulator were mixed up, or the target cannot be reached with what was given."""


class EmulatorError(LabError):
    """The emulator is not running, died, or cannot start."""


class ParameterError(LabError):
    """A notebook has no such parameter, or a value cannot be."""
