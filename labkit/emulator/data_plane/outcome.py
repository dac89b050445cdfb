"""How amazon-ssm-agent calls the end of a script.

Source: github.com/aws/amazon-ssm-agent: agent/executers/executers.go, agent/plugins/runscript,
agent/plugins/pluginutil (GetStatus).
"""

import signal
import time
from collections.abc import Mapping
from typing import Any

from labkit.emulator.data_plane.messages import CommandOutcome, CommandSpec

HOST_ENDED = "the instance was stopped, terminated or changed while the command ran"
STOPPED_EXIT_CODE = 137  # the agent's CommandStoppedPreemptivelyExitCode
_DETAILS = {"TimedOut": "ExecutionTimedOut"}


def outcome(
    spec: Mapping[str, Any],
    *,
    exit_code: int,
    stopped_as: str | None,
    stdout: str,
    stderr: str,
    started_at: float,
) -> dict[str, Any]:
    """Return CommandOutcome's fields for a script that ended now.

    Args:
        spec: CommandSpec's fields.
        exit_code: as Python has it, negative for a signal.
        stopped_as: "TimedOut" or "Cancelled" if we ended it.
        stdout: what it printed.
        stderr: likewise.
        started_at: epoch seconds.
    """
    status = stopped_as or _status(exit_code)
    if status == "Failed":
        stderr = _with_agents_word(stderr, exit_code)
    return {
        "command_id": spec["command_id"],
        "instance_id": spec["instance_id"],
        "status": status,
        "status_details": _DETAILS.get(status, status),
        "exit_code": STOPPED_EXIT_CODE if stopped_as else max(exit_code, -1),
        "stdout": stdout,
        "stderr": stderr,
        "started_at": started_at,
        "ended_at": time.time(),
    }


def lost(command: CommandSpec, started_at: float, reason: str) -> CommandOutcome:
    """Return the outcome of a script whose host is not there, or not any more."""
    return CommandOutcome(
        command_id=command.command_id,
        instance_id=command.instance_id,
        status="Failed",
        status_details="Failed",
        exit_code=-1,
        stdout="",
        stderr=reason,
        started_at=started_at,
        ended_at=time.time(),
    )


def _status(exit_code: int) -> str:
    """Return the agent's word; it cannot tell a script's own 137 from its own killing."""
    if exit_code == STOPPED_EXIT_CODE:
        return "TimedOut"
    return "Failed" if exit_code else "Success"


def _with_agents_word(stderr: str, exit_code: int) -> str:
    how = f"exit status {exit_code}" if exit_code >= 0 else f"signal: {_signal_name(-exit_code)}"
    line_break = "\n" if stderr and not stderr.endswith("\n") else ""
    return f"{stderr}{line_break}failed to run commands: {how}"


def _signal_name(number: int) -> str:
    """Name a signal as Go does, in small letters: "killed", "terminated"."""
    return (signal.strsignal(number) or f"signal {number}").lower()
