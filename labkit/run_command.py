"""Shell lines on an instance, by Systems Manager Run Command.

Statuses, limits and errors: docs.aws.amazon.com/systems-manager/latest/userguide/
monitor-commands.html and the API's reference. boto3's waiter `command_executed` gives up after
100 s and raises for a command that ended other than Success, such as a ping without a reply.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pandas as pd
from botocore.exceptions import ClientError

from labkit.errors import CommandFailed
from labkit.waiting import Watch, silent, until

DOCUMENT = "AWS-RunShellScript"
WAITING = {"Pending", "Delayed"}
FINISHED = {"Success", "Failed", "TimedOut", "Cancelled"}
DEFAULT_TIMEOUT_S = 7200  # SSM's own: 3600 to deliver, 3600 to execute
DELIVERY_TIMEOUT_S = 120
APPEARS_WITHIN_S = 60
NODE_COLUMNS = [
    "InstanceId", "PingStatus", "AgentVersion", "PlatformName", "PlatformVersion", "IPAddress",
    "LastPingDateTime",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a command ended on one instance.

    Attributes:
        command_id: Given by SendCommand.
        instance_id: Where it ran.
        lines: The shell lines; empty if SSM no longer lists the command.
        status: Success, Failed, TimedOut or Cancelled. Failed only says that the exit code is
            not 0: a ping without a reply is Failed, with all of its output.
        status_details: The finer status, without spaces, e.g. DeliveryTimedOut.
        exit_code: Of the last line; -1 if it never started.
        stdout: The first 24,000 characters.
        stderr: The first 8,000 characters.
        started_at: By the instance's clock; None if it never started.
        ended_at: Likewise.
    """

    command_id: str
    instance_id: str
    lines: tuple[str, ...]
    status: str
    status_details: str
    exit_code: int
    stdout: str
    stderr: str
    started_at: datetime | None
    ended_at: datetime | None

    def __str__(self) -> str:
        output = self.stdout + (f"\n{self.stderr}" if self.stderr else "")
        return f"{self.status} (exit code {self.exit_code}) on {self.instance_id}\n{output}"


def run(
    ssm: Any,
    instance_id: str,
    lines: Sequence[str],
    *,
    check: bool = True,
    timeout_s: int = 600,
    watch: Watch = silent,
) -> CommandResult:
    """Run shell lines on an instance and return how they ended.

    Args:
        ssm: The client.
        instance_id: A managed node.
        lines: Lines of sh; begin with "#!/bin/bash" for bash.
        check: Raise if the command ended other than Success.
        timeout_s: Seconds the lines may take, 5 to 172,800; the agent ends them after that.
        watch: Told of each look.

    Raises:
        CommandFailed: With `check`, if it ended other than Success; carries the result.
        WaitTimedOut: SSM did not tell how it ended.
    """
    command = ssm.send_command(
        InstanceIds=[instance_id],
        DocumentName=DOCUMENT,
        TimeoutSeconds=DELIVERY_TIMEOUT_S,
        Parameters={"commands": list(lines), "executionTimeout": [str(int(timeout_s))]},
    )["Command"]
    deadline_s = timeout_s + DELIVERY_TIMEOUT_S + 30
    result = wait(ssm, command["CommandId"], instance_id, timeout_s=deadline_s, watch=watch)
    if check and result.status != "Success":
        raise CommandFailed(_what_failed(result), result=result)
    return result


def begin(ssm: Any, instance_id: str, lines: Sequence[str]) -> str:
    """Send shell lines to an instance and return the command's id as soon as they run.

    Args:
        ssm: The client.
        instance_id: A managed node.
        lines: As for `run`; fetch how they ended by `wait`.

    Raises:
        WaitTimedOut: They had not begun after the two minutes that they may take to arrive.
    """
    command_id = ssm.send_command(
        InstanceIds=[instance_id],
        DocumentName=DOCUMENT,
        TimeoutSeconds=DELIVERY_TIMEOUT_S,
        Parameters={"commands": list(lines)},
    )["Command"]["CommandId"]
    look = _absent_as_none(
        lambda: ssm.get_command_invocation(CommandId=command_id, InstanceId=instance_id)
    )
    until(
        look,
        lambda seen: seen is not None and seen["Status"] not in WAITING,
        what=f"command {command_id} to begin on {instance_id}",
        timeout_s=DELIVERY_TIMEOUT_S + 30,
        describe=lambda seen: "InvocationDoesNotExist" if seen is None else seen["Status"],
    )
    return command_id


def wait(
    ssm: Any,
    command_id: str,
    instance_id: str,
    *,
    timeout_s: float | None = None,
    watch: Watch = silent,
) -> CommandResult:
    """Return how a command ended on one instance, whatever its status.

    Right after SendCommand, GetCommandInvocation may not know the command yet: for a minute,
    InvocationDoesNotExist means "not yet".

    Raises:
        WaitTimedOut: It had not ended after `timeout_s`.
    """
    what = f"command {command_id} on {instance_id}"

    def look() -> dict[str, Any]:
        return ssm.get_command_invocation(CommandId=command_id, InstanceId=instance_id)

    until(
        _absent_as_none(look),
        lambda seen: seen is not None,
        what=f"{what} to be known",
        timeout_s=APPEARS_WITHIN_S,
        describe=lambda seen: "InvocationDoesNotExist" if seen is None else seen["Status"],
    )
    ended = until(
        look,
        lambda seen: seen["Status"] in FINISHED,
        what=what,
        timeout_s=DEFAULT_TIMEOUT_S if timeout_s is None else timeout_s,
        watch=watch,
        describe=lambda seen: seen["Status"],
    )
    return _result(ended, _lines(ssm, CommandId=command_id))


def history(
    ssm: Any, instance_ids: Iterable[str] = (), *, since: datetime | None = None
) -> list[CommandResult]:
    """Return every finished invocation, newest last.

    Args:
        ssm: The client.
        instance_ids: Only those that ran on these instances; none: on any.
        since: Only those that were sent then or later; None: all. SSM remembers 30 days.
    """
    sent = {"Filters": [_invoked_after(since)]} if since else {}
    where = [{"InstanceId": instance_id} for instance_id in instance_ids] or [{}]
    found = [
        invocation
        for one in where
        for invocation in _finished(ssm, {**one, **sent})
        if since is None or invocation["RequestedDateTime"] >= since.replace(microsecond=0)
    ]
    lines = {
        command_id: text for one in where for command_id, text in _lines(ssm, **one, **sent).items()
    }
    results = [
        _result(
            ssm.get_command_invocation(CommandId=one["CommandId"], InstanceId=one["InstanceId"]),
            lines,
        )
        for one in found
    ]
    never = datetime.min.replace(tzinfo=UTC)
    return sorted(results, key=lambda result: result.started_at or never)


def nodes(
    ssm: Any, instance_ids: Iterable[str], *, timeout_s: float = 900, watch: Watch = silent
) -> pd.DataFrame:
    """Return the managed nodes once all of them are Online.

    A new instance registers by itself within one to two minutes, if its role and the way to
    the endpoints allow it.

    Returns:
        One row each, in the order asked for, by AWS's names: InstanceId, PingStatus,
        AgentVersion, PlatformName, PlatformVersion, IPAddress, LastPingDateTime.

    Raises:
        WaitTimedOut: Says which node is missing, and which is not Online.
    """
    wanted = list(instance_ids)

    def look() -> dict[str, dict[str, Any]]:
        return {one["InstanceId"]: one for one in _information(ssm, wanted)}

    def status(seen: dict[str, dict[str, Any]], instance_id: str) -> str:
        return seen[instance_id]["PingStatus"] if instance_id in seen else "not registered"

    found = until(
        look,
        lambda seen: all(status(seen, one) == "Online" for one in wanted),
        what="the instances to be managed nodes (each has to run, and to reach the endpoints by "
        "HTTPS)",
        timeout_s=timeout_s,
        watch=watch,
        describe=lambda seen: ", ".join(f"{one} {status(seen, one)}" for one in wanted),
    )
    return pd.DataFrame([found[one] for one in wanted], columns=NODE_COLUMNS)


def _finished(ssm: Any, which: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for page in ssm.get_paginator("list_command_invocations").paginate(**which):
        yield from (one for one in page["CommandInvocations"] if one["Status"] in FINISHED)


def _information(ssm: Any, instance_ids: list[str]) -> list[dict[str, Any]]:
    filters = [{"Key": "InstanceIds", "Values": instance_ids}]
    pages = ssm.get_paginator("describe_instance_information").paginate(Filters=filters)
    return [one for page in pages for one in page["InstanceInformationList"]]


def _absent_as_none(look: Callable[[], dict[str, Any]]) -> Callable[[], dict[str, Any] | None]:
    def tolerant() -> dict[str, Any] | None:
        try:
            return look()
        except ClientError as error:
            if error.response["Error"]["Code"] == "InvocationDoesNotExist":
                return None
            raise

    return tolerant


def _invoked_after(since: datetime) -> dict[str, str]:
    return {"key": "InvokedAfter", "value": f"{since.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"}


def _lines(ssm: Any, **which: Any) -> dict[str, tuple[str, ...]]:
    pages = ssm.get_paginator("list_commands").paginate(**which)
    return {
        one["CommandId"]: tuple(one.get("Parameters", {}).get("commands", ()))
        for page in pages
        for one in page["Commands"]
    }


def _result(answer: dict[str, Any], lines: dict[str, tuple[str, ...]]) -> CommandResult:
    return CommandResult(
        command_id=answer["CommandId"],
        instance_id=answer["InstanceId"],
        lines=lines.get(answer["CommandId"], ()),
        status=answer["Status"],
        status_details=answer.get("StatusDetails", "").replace(" ", ""),
        exit_code=answer["ResponseCode"],
        stdout=answer.get("StandardOutputContent", ""),
        stderr=answer.get("StandardErrorContent", ""),
        started_at=_time(answer.get("ExecutionStartDateTime")),
        ended_at=_time(answer.get("ExecutionEndDateTime")),
    )


def _time(text: str | None) -> datetime | None:
    """Return a time that GetCommandInvocation writes as ISO 8601, or as "" if there is none."""
    return datetime.fromisoformat(text) if text else None


def _what_failed(result: CommandResult) -> str:
    told = [
        line
        for line in f"{result.stdout}\n{result.stderr}".splitlines()
        if line.strip() and not line.startswith("failed to run commands: exit status")
    ]
    last = f"; it last said: {told[-1][:200]}" if told else "; it said nothing"
    command = " ; ".join(result.lines) or result.command_id
    return (
        f"{command!r} on {result.instance_id} ended {result.status_details or result.status} "
        f"with exit code {result.exit_code}{last}"
    )
