"""Makes the resources and outputs of a new stack.

Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/stack-failure-options.html
"""

from __future__ import annotations

from collections.abc import Callable

from labkit.emulator.cloudformation import workers
from labkit.emulator.cloudformation.evaluation import Evaluation
from labkit.emulator.cloudformation.exports import Exports
from labkit.emulator.cloudformation.failures import FAILURES, reason
from labkit.emulator.cloudformation.resources import CANCELLED, Asked, Resources


class Creation:
    """Makes a stack, once.

    Args:
        evaluation: what is to be made, and for which stack.
        resources_for: gives what makes a single resource, and is told how to ask whether
            everything is given up.
        exports: where the outputs go.
        stopped: whether something outside gave it up.
        keeps: whether a failure leaves alone what does not need the failed resource.
    """

    def __init__(
        self,
        evaluation: Evaluation,
        resources_for: Callable[[Asked], Resources],
        exports: Exports,
        *,
        stopped: Asked,
        keeps: bool = False,
    ):
        self._evaluation = evaluation
        self._stopped = stopped
        self._keeps = keeps
        self._exports = exports
        self._failed: list[str] = []
        self._resources = resources_for(self._cancelled)

    def run(self) -> str | None:
        """Make everything; return why it failed, if it did, as the event of the stack says it."""
        evaluation, stack = self._evaluation, self._evaluation.stack
        stack.imports = evaluation.imports  # grows while they are resolved
        workers.run(evaluation.needs, self._make, stopped=self._cancelled)
        if self._failed:
            return failed_to("create", self._failed)
        if self._stopped():
            return CANCELLED["created"]
        try:
            self._exports.publish(stack, evaluation.outputs())
        except FAILURES as failure:
            return f"{reason(failure, 'CloudFormation').rstrip('.')}. "
        return None

    def _make(self, name: str) -> bool:
        evaluation = self._evaluation
        record = evaluation.record(name)
        made = self._resources.create(record, lambda: evaluation.properties(name))
        if not made:
            self._failed.append(name)
        return made

    def _cancelled(self) -> bool:
        return self._stopped() or bool(self._failed and not self._keeps)


def failed_to(what: str, names: list[str]) -> str:
    """Return the reason of a stack's status after some of its resources failed."""
    return f"The following resource(s) failed to {what}: [{', '.join(names)}]. "
