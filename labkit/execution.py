"""One notebook, executed through papermill's API in this process, in a kernel that is there."""

from __future__ import annotations

import json
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Any

from labkit import frontend, masking, notebooks
from labkit.kernels import Kernel
from labkit.waiting import State, Tick, Watch, silent

ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


class Status(Enum):
    """How a notebook of a run came out."""

    PASSED = "passed"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one notebook came out.

    Attributes:
        name: The notebook's, without its suffix.
        status: How it ended.
        seconds: How long it took, its kernel's start included.
        cells: Number of its code cells.
        cells_done: How many of them ran.
        error: The failing cell and its error, without colors.
        path: The executed notebook, if one was written.
        checks: How many of its checks came out how: PASS, TODO, FAIL.
    """

    name: str
    status: Status
    seconds: float = 0.0
    cells: int = 0
    cells_done: int = 0
    error: str | None = None
    path: Path | None = None
    checks: Mapping[str, int] = field(default_factory=dict)


class Interrupted(Exception):
    """The run is over: no further cell is to be executed."""


def import_papermill() -> Any:
    """Return papermill, with an engine of ours that takes a kernel which is there already.

    The optional module that is hidden takes most of papermill's import time; it only serves an
    optional format of JSON Schema.
    """
    hidden = "rfc3987_syntax"
    if "papermill" not in sys.modules and hidden not in sys.modules:
        sys.modules[hidden] = None  # type: ignore[assignment]
    import papermill
    from papermill.clientwrap import PapermillNotebookClient
    from papermill.engines import NBClientEngine, papermill_engines
    from papermill.iorw import write_ipynb

    class Engine(NBClientEngine):
        @classmethod
        def execute_managed_notebook(  # pyright: ignore[reportIncompatibleMethodOverride]
            cls, nb_man: Any, kernel_name: str, **options: Any
        ) -> Any:
            client = PapermillNotebookClient(
                nb_man,
                km=options["kernel"],
                kernel_name=kernel_name,
                timeout=None,
                startup_timeout=options["start_timeout"],
                shutdown_kernel="immediate",
                coalesce_streams=True,
                on_cell_executed=options["on_cell_executed"],
                stdout_file=options["stdout_file"],
            )
            client.owns_km = True  # so that it also ends the kernel
            try:
                return client.execute()
            except BaseException:
                write_ipynb(nb_man.nb, options["save_as"])
                raise

    papermill_engines.register("labkit", Engine)
    return papermill


def execute(
    notebook: Path,
    save_as: Path,
    parameters: Mapping[str, object],
    kernel: Kernel,
    *,
    watch: Watch = silent,
    stop: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Execute a notebook in a kernel, which is ended, and save it; an error is an outcome.

    What is saved, and the error, may be shared: account ids, keys and home folders are masked.

    Args:
        notebook: The notebook.
        save_as: Where the executed one goes.
        parameters: Replace those of its cell tagged `parameters`.
        kernel: A fresh one.
        watch: Told of each cell.
        stop: Asked after each cell; True ends the notebook there.
    """
    papermill = import_papermill()
    progress = _Progress(notebook, watch, stop)
    error = None
    try:
        papermill.execute_notebook(
            str(notebook),
            str(save_as),
            parameters=dict(parameters),
            engine_name="labkit",
            kernel_name="python3",
            language="python",
            progress_bar=False,
            request_save_on_cell_execute=False,
            autosave_cell_every=0,
            on_cell_executed=progress.cell_executed,
            stdout_file=progress,
            kernel=kernel,
            save_as=str(save_as),
        )
    except papermill.PapermillExecutionError as failure:
        error = _told(failure)
    except RuntimeError as failure:  # nbclient's DeadKernelError is one
        error = f"The kernel ended: {failure}"
    except Interrupted:
        error = "Interrupted between two cells."
    counts = _mask_and_count(save_as)
    return progress.outcome(error and masking.mask(error), save_as, counts)


class _Progress:
    """Counts cells; takes the kernel's standard output, of which the last line is shown."""

    def __init__(self, notebook: Path, watch: Watch, stop: Callable[[], bool]) -> None:
        self.name = notebook.stem
        self.watch = watch
        self.stop = stop
        self.began = time.monotonic()
        self.cells = len(notebooks.code_cells(notebook))
        self.done = 0
        self.said = ""
        self._tell()

    def cell_executed(self, cell: Any, cell_index: int, execute_reply: Any) -> None:
        if execute_reply["content"]["status"] != "ok":
            return  # nbclient raises what the cell raised
        self.done += "injected-parameters" not in cell.metadata.get("tags", [])
        self.said = ""
        self._tell()
        if self.stop():
            raise Interrupted

    def write(self, text: str) -> None:
        lines = [line for line in text.splitlines() if line.strip()]
        self.said = lines[-1].strip() if lines else self.said
        self._tell()

    def flush(self) -> None:
        pass

    def outcome(self, error: str | None, path: Path, checks: Mapping[str, int]) -> Outcome:
        status = Status.PASSED if error is None else Status.FAILED
        self.said = ""
        self._tell(State.DONE if error is None else State.STOPPED)
        seconds = time.monotonic() - self.began
        saved = path if path.exists() else None
        return Outcome(self.name, status, seconds, self.cells, self.done, error, saved, checks)

    def _tell(self, state: State = State.WAITING) -> None:
        said = f"  {self.said}" if self.said else ""
        seen = f"{self.done} of {self.cells} cells{said}"
        self.watch(Tick(self.name, time.monotonic() - self.began, float("inf"), seen, state))


def _told(failure: Any) -> str:
    traceback = "\n".join(failure.traceback) or f"{failure.ename}: {failure.evalue}"
    source = "\n".join(f"    {line}" for line in failure.source.splitlines())
    return ANSI.sub("", f"In [{failure.exec_count}]:\n{source}\n\n{traceback}").rstrip()


def _mask_and_count(path: Path) -> Mapping[str, int]:
    """Make an executed notebook fit to be shared; return how its checks came out."""
    if not path.exists():
        return {}
    notebook = json.loads(path.read_text(encoding="utf-8"))
    masked = masking.mask_notebook(notebook)
    text = json.dumps(masked, indent=1, ensure_ascii=False, sort_keys=True)
    path.write_text(text + "\n", encoding="utf-8")
    return Counter(
        output["metadata"][frontend.CHECK_METADATA]
        for cell in notebook["cells"]
        for output in cell.get("outputs", [])
        if frontend.CHECK_METADATA in output.get("metadata", {})
    )
