"""Commands on their way: handed to the hosts, waiting for a node, ended.

Source: docs.aws.amazon.com/systems-manager/latest/userguide/monitor-commands.html
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Protocol

from labkit.emulator.data_plane.messages import CommandOutcome, CommandSpec
from labkit.emulator.ssm.commands import (
    CANCELLED,
    DELIVERY_TIMED_OUT,
    Command,
    Invocation,
    Outcome,
    Status,
)
from labkit.emulator.ssm.nodes import ManagedNodes
from labkit.emulator.ssm.output import MAX_STDERR, MAX_STDOUT
from labkit.emulator.ssm.output_to_s3 import STDERR, STDOUT, OutputToS3
from labkit.emulator.ssm.worker import Job


class DataPlane(Protocol):
    """What Run Command asks of the data plane; both return at once."""

    def run(self, command: CommandSpec) -> None: ...
    def cancel(self, command_id: str, instance_id: str) -> None: ...


class Dispatch:
    """Every command that was sent, and how far it got.

    Commands are handed to the hosts at once, to as many as MaxConcurrency allows. One to a
    stopped node that was managed before waits for it until the total timeout; it is looked at
    whenever Run Command is asked anything.

    Args:
        data_plane: has the hosts where commands run.
        nodes: the managed nodes.
        clock: epoch seconds.
        output: uploads output to S3.
        later: does a job soon on another thread: the one that brings the hosts' news may neither
            upload nor ask about nodes.
    """

    def __init__(
        self,
        data_plane: DataPlane,
        nodes: ManagedNodes,
        clock: Callable[[], float],
        *,
        output: OutputToS3,
        later: Callable[[Job], None],
    ):
        self._data_plane = data_plane
        self._output = output
        self._later = later
        self._nodes = nodes
        self._clock = clock
        self.lock = threading.RLock()
        self._commands: dict[str, Command] = {}

    def get(self, command_id: str, region: str) -> Command | None:
        with self.lock:
            found = self._commands.get(command_id)
        return found if found and found.region == region else None

    def in_region(self, region: str) -> list[Command]:
        """Return the region's commands, newest first."""
        with self.lock:
            return [c for c in reversed(self._commands.values()) if c.region == region]

    def send(self, command: Command, instance_ids: Sequence[str]) -> None:
        """Take a command for these nodes, to which it may be sent; hand it over where one runs."""
        for id_ in instance_ids:
            name = self._nodes.computer_name(id_)
            command.invocations[id_] = Invocation(command.id, id_, name)
        with self.lock:
            self._commands[command.id] = command
        self._hand_over(command, lambda id_: self._nodes.state(id_) == "running")

    def cancel(self, command: Command, instance_ids: Sequence[str]) -> None:
        """Ask the hosts to end a command; what has ended already stays as it is."""
        running = []
        with self.lock:
            for id_ in instance_ids:
                one = command.invocations[id_]
                one.is_cancelled = True
                if _waits(one):
                    one.outcome = CANCELLED
                elif one.outcome is None:
                    running.append(id_)
        for id_ in running:
            self._data_plane.cancel(command.id, id_)
        self._go_on(command)

    def on_started(self, command_id: str, instance_id: str, at: float) -> None:
        with self.lock:
            if found := self._invocation(command_id, instance_id):
                found.started_at = at

    def on_finished(self, outcome: CommandOutcome) -> None:
        """Note how a command ended, once its output is uploaded, and send it to the next nodes."""
        with self.lock:
            command = self._commands.get(outcome.command_id)
        if command is None or outcome.instance_id not in command.invocations:
            return
        if command.output is None:
            self._note(command, outcome)
        else:
            self._later(lambda: self._upload(command, outcome))
        self._later(lambda: self._go_on(command))

    def _upload(self, command: Command, outcome: CommandOutcome) -> None:
        texts = {STDOUT: outcome.stdout, STDERR: outcome.stderr}
        try:
            if command.output:
                self._output.upload(command.output, command.id, outcome.instance_id, texts)
        finally:
            self._note(command, outcome)

    def _note(self, command: Command, outcome: CommandOutcome) -> None:
        """Keep how an invocation ended; of its output, as much as is ever shown."""
        with self.lock:
            found = command.invocations[outcome.instance_id]
            found.started_at = outcome.started_at
            found.outcome = Outcome(
                Status(outcome.status, outcome.status_details),
                outcome.exit_code,
                outcome.stdout[:MAX_STDOUT],
                outcome.stderr[:MAX_STDERR],
                outcome.ended_at,
            )

    def _invocation(self, command_id: str, instance_id: str) -> Invocation | None:
        command = self._commands.get(command_id)
        return command.invocations.get(instance_id) if command else None

    def may_be_sent_to(self, instance_id: str, region: str) -> bool:
        """Return whether a node is Online, or stopped and was managed before.

        A node that lost its connection is refused: on AWS, sources disagree on that.
        """
        if self._nodes.is_online(instance_id, region):
            return True
        is_stopped = self._nodes.state(instance_id) in ("stopping", "stopped", "pending")
        return is_stopped and self._nodes.is_registered(instance_id, region)

    def _hand_over(self, command: Command, is_ready: Callable[[str], bool]) -> None:
        """Give the command to the hosts of the nodes that are ready and have not got it yet.

        No lock is held while the hosts are told: they may tell something at the same time.
        """
        with self.lock:
            command.give_turns()
            waiting = [one for one in command.invocations.values() if _waits(one)]
        for one in waiting:
            if self._clock() > command.expires_at:
                one.outcome = DELIVERY_TIMED_OUT
            elif one.has_turn and is_ready(one.instance_id) and self._claim(one):
                self._data_plane.run(_spec(command, one))

    def _claim(self, one: Invocation) -> bool:
        """Mark an invocation as sent; false if somebody else was faster."""
        with self.lock:
            is_ours = _waits(one)
            one.sent = one.sent or is_ours
        return is_ours

    def look_after(self, region: str) -> None:
        """Hand over, or time out, what waits for its node."""
        for command in self.in_region(region):
            self._go_on(command)

    def _go_on(self, command: Command) -> None:
        if any(_waits(one) for one in command.invocations.values()):
            self._hand_over(command, lambda id_: self._nodes.is_online(id_, command.region))


def _waits(one: Invocation) -> bool:
    return not one.sent and one.outcome is None


def _spec(command: Command, one: Invocation) -> CommandSpec:
    """Return what the host is to run, with the agent's environment variables."""
    return CommandSpec(
        command_id=command.id,
        instance_id=one.instance_id,
        lines=command.script.lines,
        working_directory=command.script.working_directory,
        execution_timeout_s=command.script.execution_timeout_s,
        environment={
            "SSM_COMMAND_ID": command.id,
            "AWS_SSM_INSTANCE_ID": one.instance_id,
            "AWS_SSM_REGION_NAME": command.region,
        },
    )
