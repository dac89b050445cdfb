"""The notebooks run from end to end, in order, with the clean-up always last."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from labkit import attempts, aws, costs, emulator_process, notebooks, report
from labkit.errors import ParameterError
from labkit.execution import Outcome, Status, import_papermill
from labkit.kernels import Kernels
from labkit.run_home import RunHome
from labkit.runner import Interruption, Program, play
from labkit.waiting import Watch, silent

DEPLOY = "01"
CLEAN_UP = "99"
STACK_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be run, and how.

    Attributes:
        target: "emulator", or "aws", which costs money.
        parameters: For every notebook that has a parameter of that name.
        only: Beginnings of the names of the notebooks to run; none: all.
        begin: Beginning of the name of the first notebook to run.
        output: Folder for the executed notebooks and the reports.
        pace: "lab", or "aws" for an emulator as slow as AWS.
        hosts: Kind of the emulator's hosts: "auto", "kernel" or "in-process".
        keep: Leave out the clean-up; the emulator goes on running, too.
        home: Use the emulator of this LABKIT_HOME, e.g. one that was kept, not one of its own.
        solve: Fill in each exercise's solution, so that every check is put to the test.
        folder: Where the notebooks are.
    """

    target: str = "emulator"
    parameters: Mapping[str, object] = field(default_factory=dict)
    only: Sequence[str] = ()
    begin: str = ""
    output: Path = Path("output")
    pace: str = "lab"
    hosts: str = "auto"
    keep: bool = False
    home: Path | None = None
    solve: bool = False
    folder: Path = notebooks.FOLDER


@dataclass(frozen=True, slots=True)
class Run:
    """A run that has ended.

    Attributes:
        outcomes: One for each notebook, in order.
        prefix: The name of its stack.
        report: The HTML file.
        junit: The JUnit XML file.
        kept_home: LABKIT_HOME of the emulator that goes on running, if one does.
        interrupted_by: The signal that ended the run, or None.
    """

    outcomes: tuple[Outcome, ...]
    prefix: str
    report: Path
    junit: Path
    kept_home: Path | None = None
    interrupted_by: int | None = None

    @property
    def failure(self) -> Outcome | None:
        """The first notebook that failed."""
        return next((one for one in self.outcomes if one.status is Status.FAILED), None)

    @property
    def is_clean(self) -> bool:
        """Whether the clean-up ran and passed."""
        return any(
            one.name.startswith(CLEAN_UP) and one.status is Status.PASSED for one in self.outcomes
        )

    @property
    def exit_code(self) -> int:
        """0 if all passed, 1 if one failed, 128 and the signal's number if one ended the run."""
        if self.interrupted_by:
            return 128 + self.interrupted_by
        return 1 if self.failure else 0


def run(plan: Plan, *, watch: Watch = silent) -> Run:
    """Execute the notebooks, clean up, and write the reports.

    The first notebook that fails ends the run, and so does a signal; the clean-up follows all
    the same. A second signal ends that, too.

    Args:
        plan: What is to be run.
        watch: Told of each notebook's progress, by `waiting.Tick`, and of other news, as text.

    Raises:
        ParameterError: An unknown parameter or notebook, a name that no stack can have, or a
            stack that exists on AWS.
        TargetError: AWS cannot be reached as asked.
        EmulatorError: The emulator cannot start.
    """
    every = notebooks.find(plan.folder)
    chosen = notebooks.choose(every, only=plan.only, begin=plan.begin)
    parameters = _parameters(plan)
    assigned = notebooks.assign(every, parameters)
    if plan.target == "aws":
        _look_at_aws(plan, chosen, str(parameters["prefix"]), watch)
    plan.output.mkdir(parents=True, exist_ok=True)
    program = Program(
        body=[path for path in chosen if not _cleans_up(path)],
        closing=[] if plan.keep else [path for path in every if _cleans_up(path)],
        parameters=assigned,
        output=plan.output,
    )
    return _play(plan, program, str(parameters["prefix"]), watch)


def _play(plan: Plan, program: Program, prefix: str, watch: Watch) -> Run:
    is_own = plan.target == "emulator" and plan.home is None
    with Interruption() as interruption, RunHome() as home, ThreadPoolExecutor() as pool:
        lab_home = {} if plan.target == "aws" else {"LABKIT_HOME": str(plan.home or home.home)}
        # What a participant has reached is noted by what she runs herself, not by a run like this.
        lab_home[attempts.VARIABLE] = str(home.folder / "attempts")
        emulator = pool.submit(_start_emulator, plan, home) if is_own else None
        kernels = interruption.kernels = Kernels(home.folder, plan.folder, lab_home)
        pages: dict[str, Future[str]] = {}
        try:
            import_papermill()
            if plan.solve:
                program = _solved(program, home.folder / "solved")
            kernels.start_ahead()
            if emulator:
                emulator.result()
            outcomes = play(
                program,
                kernels,
                interruption,
                watch=watch,
                finished=lambda one: pages.update({one.name: pool.submit(report.page, one)}),
            )
        finally:
            kernels.close()
        if any(one.status is not Status.PASSED for one in outcomes):
            home.save_log(program.output)
        if plan.keep and is_own:
            home.keep()
        else:
            pool.submit(home.stop_emulator)
        done = {name: page.result() for name, page in pages.items()}
        facts = {"target": plan.target, "stack": prefix}
        if plan.solve:
            facts["exercises"] = "solved by the runner"
        written = report.write(plan.output, outcomes, done, facts)
    kept = home.home if plan.keep and is_own else None
    return Run(tuple(outcomes), prefix, *written, kept, interruption.number)


def _solved(program: Program, folder: Path) -> Program:
    """Return the program over copies of its notebooks, each exercise solved."""
    import nbformat

    folder.mkdir()
    copies = {path: folder / path.name for path in (*program.body, *program.closing)}
    for path, copy in copies.items():
        nbformat.write(notebooks.solved(path), copy)
    return replace(
        program,
        body=[copies[path] for path in program.body],
        closing=[copies[path] for path in program.closing],
        parameters={copies[path]: program.parameters.get(path, {}) for path in copies},
    )


def _start_emulator(plan: Plan, home: RunHome) -> None:
    emulator_process.start(home.home, pace=plan.pace, host_kind=plan.hosts)


def _cleans_up(path: Path) -> bool:
    return path.stem.startswith(CLEAN_UP)


def _parameters(plan: Plan) -> dict[str, object]:
    if "target" in plan.parameters:
        raise ParameterError("The target is chosen by --target alone.")
    prefix = plan.parameters.get("prefix") or f"{aws.default_prefix()}-{secrets.token_hex(3)}"
    if not STACK_NAME.fullmatch(str(prefix)):
        raise ParameterError(
            f"{prefix!r} is no name for a stack: letters, digits and hyphens, a letter first, at "
            "most 128."
        )
    return {**plan.parameters, "target": plan.target, "prefix": str(prefix)}


def _look_at_aws(plan: Plan, chosen: list[Path], prefix: str, watch: Watch) -> None:
    from labkit import stacks  # pandas comes with it, which a run on the emulator does without

    region = plan.parameters.get("region") or notebooks.parameters_of(chosen[0]).get("region")
    session = aws.connect("aws", region=str(region) if region else None)
    watch(str(aws.whereami(session)))
    watch(str(costs.hourly_cost_usd()))
    creates = any(path.stem.startswith(DEPLOY) for path in chosen)
    if creates and stacks.describe(session.client("cloudformation"), prefix):
        raise ParameterError(
            f"The stack {prefix} exists already: choose another by `-p prefix NAME`, go on with it "
            f"by `--from 02`, or remove it by `labkit clean-up --target aws --prefix {prefix}`."
        )
