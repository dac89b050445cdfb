"""What of a command's output is shown where.

Source: docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetCommandInvocation.html and
API_CommandPlugin.html; the marks are those of amazon-ssm-agent, iohandler.go
"""

from __future__ import annotations

MAX_STDOUT = 24_000
MAX_STDERR = 8_000
MAX_COMBINED = 2_500

ERROR_TITLE = "\n----------ERROR-------\n"
STDOUT_CUT = "\n---Output truncated---"
STDERR_CUT = "\n---Error truncated----"


def combined(stdout: str, stderr: str, capacity: int = MAX_COMBINED) -> str:
    """Return stdout and stderr in one text of at most capacity characters.

    What is too long is cut: each of the two to half of the room if both are, else the longer one.
    """
    title = ERROR_TITLE if stderr else ""
    room = capacity - len(title)
    if len(stdout) + len(stderr) < room:
        return f"{stdout}{title}{stderr}"
    half = room // 2
    if len(stdout) > half and len(stderr) > half:
        each = (room - len(STDOUT_CUT) - len(STDERR_CUT)) // 2
        return f"{stdout[:each]}{STDOUT_CUT}{title}{stderr[:each]}{STDERR_CUT}"
    if len(stdout) < half:
        left = room - len(STDERR_CUT) - len(stdout)
        return f"{stdout}{title}{stderr[:left]}{STDERR_CUT}"
    left = room - len(STDOUT_CUT) - len(stderr)
    return f"{stdout[:left]}{STDOUT_CUT}{title}{stderr}"
