"""Play notebooks one after another, the clean-up last, and bear being interrupted."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import Any

from labkit.execution import Outcome, Status, execute
from labkit.kernels import Kernels
from labkit.waiting import Watch

SIGNALS = (signal.SIGINT, signal.SIGTERM)
PATIENCE_S = 5.0
"""How long an interrupted cell may take to end before its kernel is killed."""


class Interruption:
    """What signals do to a run: the first ends the notebook, the second the clean-up, too.

    Nothing is raised from the handlers, which would tear papermill's event loop apart: they
    interrupt the kernel, and `number` says so to whoever goes on.

    Attributes:
        kernels: Whose present kernel is interrupted.
        number: The first signal that came, or None.
        count: How many came.
        is_cleaning: Whether the clean-up runs, which the first signal leaves alone.
    """

    def __init__(self) -> None:
        self.kernels: Kernels | None = None
        self.number: int | None = None
        self.count = 0
        self.is_cleaning = False
        self.former: dict[int, Any] = {}

    def __enter__(self) -> Interruption:
        if threading.current_thread() is threading.main_thread():
            self.former = {number: signal.signal(number, self._handle) for number in SIGNALS}
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self.former.items():
            signal.signal(number, handler)

    def is_over(self) -> bool:
        """Tell whether what runs now is to end."""
        return self.count > (1 if self.is_cleaning else 0)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
        self.number = self.number or number
        kernels = self.kernels
        if kernels is None or not self.is_over():
            return
        if self.count > 1:
            kernels.kill()
        else:
            working = kernels.present
            kernels.interrupt()
            patience = threading.Timer(PATIENCE_S, lambda: kernels.kill(working))
            patience.daemon = True
            patience.start()


@dataclass(frozen=True, slots=True)
class Program:
    """What is played.

    Attributes:
        body: The notebooks, in order.
        closing: What follows in any case: the clean-up, or nothing.
        parameters: Those of each notebook.
        output: Folder for the executed notebooks.
    """

    body: Sequence[Path]
    closing: Sequence[Path]
    parameters: Mapping[Path, Mapping[str, object]] = field(default_factory=dict)
    output: Path = Path("output")


def play(
    program: Program,
    kernels: Kernels,
    interruption: Interruption,
    *,
    watch: Watch,
    finished: Callable[[Outcome], object],
) -> list[Outcome]:
    """Execute notebooks until one fails or a signal comes, then the closing ones.

    Args:
        program: What is played.
        kernels: Where they come from.
        interruption: Whether a signal came.
        watch: Told of their progress.
        finished: Told of each outcome.

    Returns:
        An outcome for each notebook, in order; those after the end are skipped.
    """
    outcomes: list[Outcome] = []

    def one(path: Path, rest: Sequence[Path]) -> None:
        outcome = execute(
            path,
            program.output / path.name,
            program.parameters.get(path, {}),
            kernels.take(another=bool(rest)),
            watch=watch,
            stop=interruption.is_over,
        )
        if interruption.is_over():
            outcome = replace(outcome, status=Status.INTERRUPTED)
        outcomes.append(outcome)
        finished(outcome)

    for index, path in enumerate(program.body):
        if interruption.is_over() or any(it.status is not Status.PASSED for it in outcomes):
            outcomes.append(Outcome(path.stem, Status.SKIPPED))
        else:
            one(path, [*program.body[index + 1 :], *program.closing])
    if interruption.number and program.closing:
        watch("Interrupted: cleaning up. A second signal ends that, too.")
    interruption.is_cleaning = True
    for path in program.closing:
        if interruption.is_over():
            outcomes.append(Outcome(path.stem, Status.SKIPPED))
        else:
            one(path, [])
    return outcomes
