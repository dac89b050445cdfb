"""Run Command: SendCommand and what one asks afterwards.

Source: docs.aws.amazon.com/systems-manager/latest/userguide/run-command.html
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from typing import Any

from labkit.emulator import constraints
from labkit.emulator.operations import Call, Operations
from labkit.emulator.paging import page
from labkit.emulator.refusal import ServiceError, not_emulated
from labkit.emulator.ssm import answers, targets
from labkit.emulator.ssm.command_filters import compile_filters
from labkit.emulator.ssm.commands import Command
from labkit.emulator.ssm.dispatch import Dispatch
from labkit.emulator.ssm.documents import PLUGIN, check_document, read_script
from labkit.emulator.ssm.output_to_s3 import OutputToS3
from labkit.emulator.upstream import Clients

KNOWN_AFTER_S = 0.1
"""GetCommandInvocation is eventually consistent: so long it does not know a new command."""
DEFAULT_DELIVERY_TIMEOUT_S = 3600
DEFAULT_PAGE = 50
NOT_HONORED = (
    "AlarmConfiguration",
    "DocumentHash",
    "NotificationConfig",
    "ServiceRoleArn",
)


class RunCommand:
    """The operations on commands.

    Args:
        dispatch: the commands.
        inner: clients straight to moto, to find instances by their tags.
        clock: epoch seconds.
        output: says where in S3 the output goes.
    """

    def __init__(
        self,
        dispatch: Dispatch,
        inner: Clients,
        clock: Callable[[], float],
        *,
        output: OutputToS3,
    ):
        self._dispatch = dispatch
        self._output = output
        self._inner = inner
        self._clock = clock

    def operations(self) -> Operations:
        return {
            ("ssm", "SendCommand"): self.send_command,
            ("ssm", "GetCommandInvocation"): self.get_command_invocation,
            ("ssm", "ListCommandInvocations"): self.list_command_invocations,
            ("ssm", "ListCommands"): self.list_commands,
            ("ssm", "CancelCommand"): self.cancel_command,
        }

    def send_command(self, call: Call) -> dict[str, Any]:
        """Send AWS-RunShellScript to managed nodes; the answer knows nothing of its fate yet."""
        self._check("SendCommand", call)
        asked = call.parameters
        check_document(asked)
        for name in NOT_HONORED:
            if asked.get(name):
                raise not_emulated("ssm", f"SendCommand with {name}")
        if asked.get("CloudWatchOutputConfig", {}).get("CloudWatchOutputEnabled"):
            raise not_emulated("ssm", "SendCommand with output to CloudWatch Logs")
        script = read_script(asked.get("Parameters", {}))
        instance_ids = targets.instance_ids(
            asked,
            account_id=call.account_id,
            ec2=self._inner("ec2", call.region),
            is_valid=lambda id_: self._dispatch.may_be_sent_to(id_, call.region),
        )
        command = Command(
            id=str(uuid.uuid4()),
            region=call.region,
            asked=asked,
            script=script,
            requested_at=self._clock(),
            delivery_timeout_s=asked.get("TimeoutSeconds", DEFAULT_DELIVERY_TIMEOUT_S),
            max_concurrency=targets.max_concurrency(asked, len(instance_ids)),
            max_errors=targets.max_errors(asked, len(instance_ids)),
            output=self._output.place(asked),
        )
        self._dispatch.send(command, instance_ids)
        command.known_at = self._clock() + KNOWN_AFTER_S
        return {"Command": answers.just_sent(command)}

    def _check(self, operation: str, call: Call) -> None:
        constraints.check("ssm", operation, call.parameters)
        self._dispatch.look_after(call.region)

    def _command(self, call: Call) -> Command:
        found = self._dispatch.get(call.parameters["CommandId"], call.region)
        if found is None:
            message = "The specified command ID isn't valid. Verify the ID and try again."
            raise ServiceError("InvalidCommandId", message)
        return found

    def _is_known(self, command: Command) -> bool:
        return self._clock() >= command.known_at

    def get_command_invocation(self, call: Call) -> dict[str, Any]:
        """Answer one invocation; for a moment after SendCommand there is none yet, as on AWS."""
        self._check("GetCommandInvocation", call)
        asked, command = call.parameters, self._command(call)
        if asked.get("PluginName", PLUGIN) != PLUGIN:
            raise ServiceError("InvalidPluginName", "The plugin name isn't valid.")
        with self._dispatch.lock:
            found = command.invocations.get(asked["InstanceId"])
            if found is None or not self._is_known(command):
                raise ServiceError(
                    "InvocationDoesNotExist",
                    "The command ID and managed node ID you specified didn't match any "
                    "invocations. Verify the command ID and the managed node ID and try again.",
                )
            return answers.plugin_output(command, found)

    def list_command_invocations(self, call: Call) -> dict[str, Any]:
        """Answer invocations, newest first."""
        self._check("ListCommandInvocations", call)
        asked = call.parameters
        passes = compile_filters(asked.get("Filters", ()))
        with self._dispatch.lock:
            found = [
                answers.invocation(command, one, details=asked.get("Details", False))
                for command in self._asked_for(call)
                if self._is_known(command)
                for one in command.invocations.values()
                if asked.get("InstanceId", one.instance_id) == one.instance_id
                and passes(command, one.status)
            ]
        return _page(found, call, "CommandInvocations")

    def list_commands(self, call: Call) -> dict[str, Any]:
        """Answer commands, newest first."""
        self._check("ListCommands", call)
        passes = compile_filters(call.parameters.get("Filters", ()))
        instance_id = call.parameters.get("InstanceId")
        with self._dispatch.lock:
            found = [
                answers.command(command)
                for command in self._asked_for(call)
                if passes(command, command.status)
                and (instance_id is None or instance_id in command.invocations)
            ]
        return _page(found, call, "Commands")

    def _asked_for(self, call: Call) -> Iterable[Command]:
        if "CommandId" in call.parameters:
            return [self._command(call)]
        return self._dispatch.in_region(call.region)

    def cancel_command(self, call: Call) -> dict[str, Any]:
        """Ask the hosts to end a command; what has ended already stays as it is."""
        self._check("CancelCommand", call)
        command = self._command(call)
        wanted = call.parameters.get("InstanceIds") or list(command.invocations)
        for id_ in wanted:
            if id_ not in command.invocations:
                message = f"The command was not sent to {id_}."
                raise ServiceError("InvalidInstanceId", message)
        self._dispatch.cancel(command, wanted)
        return {}


def _page(found: list[dict[str, Any]], call: Call, key: str) -> dict[str, Any]:
    asked = call.parameters
    items, token = page(found, asked.get("MaxResults", DEFAULT_PAGE), asked.get("NextToken"))
    return {key: items, **({"NextToken": token} if token else {})}
