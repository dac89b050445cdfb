"""Each check's outcome, noted for the participant: it outlives the kernel, Jupyter, the emulator.

JSON lines in LABKIT_HOME/attempts, a file for each notebook; LABKIT_ATTEMPTS names another folder
(`labkit run` has one of its own, so that it never touches a participant's). A line has the time,
the check's sentence and how it came out, nothing that a cell computed. Noting never fails a
notebook: what cannot be written is not noted.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from labkit import frontend, masking, notebooks
from labkit.errors import EmulatorError
from labkit.home import home, open_private

VARIABLE = "LABKIT_ATTEMPTS"
SUFFIX = ".jsonl"
PASSED = "PASS"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run of one check; `verdict` is PASS, TODO or FAIL."""

    at: datetime
    notebook: str
    sentence: str
    verdict: str


def folder() -> Path:
    """Return the folder of the attempts; it need not exist.

    Raises:
        EmulatorError: LABKIT_HOME cannot be written.
    """
    named = os.environ.get(VARIABLE)
    return Path(named) if named else home() / "attempts"


def note(sentence: str, verdict: str) -> None:
    """Note a check of the notebook that runs in this kernel; outside of one, do nothing."""
    name = notebook_here()
    if name is None:
        return
    at = datetime.now(UTC).isoformat(timespec="seconds")
    line = json.dumps({"at": at, "check": masking.mask(sentence), "verdict": verdict})
    try:
        place = folder()
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        _append(place / f"{name}{SUFFIX}", line)
    except (OSError, EmulatorError):
        return


def _append(path: Path, line: str) -> None:
    """Add a line in one write, so that two kernels cannot mix theirs.

    It begins with a line break, too: a line that a full disk cut short spoils only itself.
    """
    descriptor = open_private(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(descriptor, f"\n{line}\n".encode())
    finally:
        os.close(descriptor)


def read() -> list[Attempt]:
    """Return all attempts, each notebook's in order; lines that make no sense are left out.

    Raises:
        EmulatorError: LABKIT_HOME cannot be written.
    """
    return [attempt for path in sorted(folder().glob(f"*{SUFFIX}")) for attempt in _read(path)]


def _read(path: Path) -> Iterator[Attempt]:
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            found = json.loads(line)
            at = datetime.fromisoformat(found["at"])
            yield Attempt(at, path.stem, str(found["check"]), str(found["verdict"]))
        except (ValueError, KeyError, TypeError):
            continue


def notebook_here() -> str | None:
    """Return the name of the lab's notebook that this kernel runs, None if it is none.

    A kernel is not told which notebook it serves, and under papermill nothing around it says
    so. But it knows the cells that it ran: the notebook is the one that holds most of them.
    Where two hold as many, JupyterLab's word decides: the path under which the kernel was started
    (a notebook renamed since goes by its old name there).
    """
    cells = frontend.cells_run()
    if not cells:
        return None
    named = Path(os.environ.get("JPY_SESSION_NAME", "")).stem
    return notebooks.holding(cells, prefer=named)
