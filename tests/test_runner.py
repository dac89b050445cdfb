"""Playing notebooks: small ones that the test writes, real kernels, papermill's real API."""

from __future__ import annotations

import json
import os
import signal
import tempfile
import threading
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from labkit.execution import Status
from labkit.kernels import Kernels
from labkit.runner import Interruption, Program, play
from labkit.waiting import State, Tick, silent


def write_notebook(folder: Path, name: str, *cells: str, parameters: str = "") -> Path:
    first = new_code_cell(parameters)
    first.metadata["tags"] = ["parameters"]
    code = [new_code_cell(source) for source in cells]
    path = folder / f"{name}.ipynb"
    nbformat.write(new_notebook(cells=[new_markdown_cell(f"# {name}"), first, *code]), path)
    return path


@pytest.fixture
def short_folder():
    """Return a folder whose path leaves room for a Unix socket's: pytest's own may be long."""
    with tempfile.TemporaryDirectory(prefix="labkit-") as folder:
        yield Path(folder)


@pytest.fixture
def kernels(short_folder):
    kernels = Kernels(short_folder, short_folder, {"MARK": "by the runner"})
    yield kernels
    kernels.close()


@pytest.fixture
def played(kernels, short_folder):
    """Return a function that plays notebooks and returns (status, cells done, error) of each."""

    def play_them(body, closing=(), parameters=None, watch=silent, interruption=None):
        interruption = interruption or Interruption()
        interruption.kernels = kernels
        program = Program(body, closing, parameters or {}, short_folder / "output")
        program.output.mkdir(exist_ok=True)
        return play(program, kernels, interruption, watch=watch, finished=lambda one: None)

    return play_them


def outputs(path: Path) -> str:
    notebook = nbformat.read(path, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return "".join(output.get("text", "") for cell in cells for output in cell.outputs)


def test_each_notebook_has_its_parameters_a_fresh_kernel_and_the_runners_environment(
    played, short_folder
):
    one = write_notebook(
        short_folder, "01_one", "left = 1", "print(name)", parameters='name = "nobody"'
    )
    two = write_notebook(
        short_folder, "02_two", "import os\nprint('left' in globals(), os.environ['MARK'])"
    )
    outcomes = played([one, two], parameters={one: {"name": "alice"}})
    assert [(it.name, it.status, it.cells_done, it.cells) for it in outcomes] == [
        ("01_one", Status.PASSED, 3, 3), ("02_two", Status.PASSED, 1, 1),
    ]  # fmt: skip
    assert outputs(outcomes[0].path) == "alice\n"
    assert outputs(outcomes[1].path) == "False by the runner\n"


def test_the_executed_notebook_does_not_say_where_it_lay(played, short_folder):
    [outcome] = played([write_notebook(short_folder, "01_one", "1")])
    text = outcome.path.read_text()
    assert str(short_folder) not in text
    assert json.loads(text)["metadata"]["papermill"]["input_path"] == "01_one.ipynb"


def test_a_failure_skips_what_follows_but_not_the_closing(played, short_folder):
    paths = [
        write_notebook(short_folder, "01_works", "1"),
        write_notebook(short_folder, "02_fails", "print('before')", "1 / 0", "print('after')"),
        write_notebook(short_folder, "03_follows", "1"),
    ]
    closing = write_notebook(short_folder, "99_closes", "print('closed')")
    outcomes = played(paths, [closing])
    assert [outcome.status for outcome in outcomes] == [
        Status.PASSED, Status.FAILED, Status.SKIPPED, Status.PASSED,
    ]  # fmt: skip
    failed = outcomes[1]
    assert (failed.cells_done, failed.cells) == (1, 3)
    assert failed.error.startswith("In [2]:\n    1 / 0\n")
    assert failed.error.endswith("ZeroDivisionError: division by zero")
    assert "\x1b" not in failed.error
    assert outputs(failed.path) == "before\n"
    assert outputs(outcomes[3].path) == "closed\n"


def test_an_error_of_ours_is_told_in_one_line(played, short_folder):
    source = "from labkit.errors import StackMissing\nraise StackMissing('run 01_deploy first')"
    [outcome] = played([write_notebook(short_folder, "03_early", source)])
    assert outcome.error.splitlines()[-2:] == ["", "StackMissing: run 01_deploy first"]


def test_a_kernel_that_dies_is_a_failure_and_its_notebook_is_saved(played, short_folder):
    dies = write_notebook(
        short_folder, "01_dies", "print('last words')", "import os\nos.kill(os.getpid(), 9)"
    )
    [outcome, closing] = played([dies], [write_notebook(short_folder, "99_closes", "1")])
    assert (outcome.status, closing.status) == (Status.FAILED, Status.PASSED)
    assert "died" in outcome.error
    assert outputs(outcome.path) == "last words\n"


def test_progress_tells_the_cells_and_the_last_line_said(played, short_folder):
    seen = []
    played([write_notebook(short_folder, "01_one", "print('busy')", "2")], watch=seen.append)
    assert (seen[0].what, seen[0].seen) == ("01_one", "0 of 2 cells")
    assert "0 of 2 cells  busy" in [tick.seen for tick in seen]
    assert (seen[-1].seen, seen[-1].state) == ("2 of 2 cells", State.DONE)


SLEEPS = "print('asleep', flush=True)\nimport time\ntime.sleep(60)"


class Signals:
    """Raises signals in this process when a kernel says a word, one for each time it does."""

    def __init__(self, word: str, *numbers: int) -> None:
        self.word = word
        self.numbers = list(numbers)

    def __call__(self, news) -> None:
        if not isinstance(news, Tick) or news.state is not State.WAITING:
            return
        if self.numbers and news.seen.endswith(self.word):
            number = self.numbers.pop(0)
            threading.Timer(0.2, os.kill, (os.getpid(), number)).start()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_and_the_closing_follows(played, short_folder, number):
    paths = [write_notebook(short_folder, "01_sleeps", SLEEPS, "print('never')"),
             write_notebook(short_folder, "02_follows", "1")]  # fmt: skip
    closing = write_notebook(short_folder, "99_closes", "print('closed')")
    with Interruption() as interruption:
        outcomes = played(
            paths, [closing], watch=Signals("asleep", number), interruption=interruption
        )
    assert interruption.number == number
    assert [outcome.status for outcome in outcomes] == [
        Status.INTERRUPTED, Status.SKIPPED, Status.PASSED,
    ]  # fmt: skip
    assert outcomes[0].error.endswith("KeyboardInterrupt:")


def test_a_signal_during_the_closing_lets_it_finish(played, short_folder):
    closing = write_notebook(
        short_folder, "99_closes", SLEEPS.replace("60", "1"), "print('closed')"
    )
    with Interruption() as interruption:
        outcomes = played(
            [], [closing], watch=Signals("asleep", signal.SIGINT), interruption=interruption
        )
    assert interruption.number == signal.SIGINT
    assert [outcome.status for outcome in outcomes] == [Status.PASSED]


def test_a_second_signal_ends_the_closing_at_once(played, short_folder):
    body = write_notebook(short_folder, "01_sleeps", SLEEPS)
    closing = write_notebook(short_folder, "99_closes", SLEEPS)
    signals = Signals("asleep", signal.SIGINT, signal.SIGINT)
    with Interruption() as interruption:
        outcomes = played([body], [closing], watch=signals, interruption=interruption)
    assert [outcome.status for outcome in outcomes] == [Status.INTERRUPTED] * 2
    assert outcomes[1].seconds < 30


def test_a_cell_that_will_not_be_interrupted_is_killed(played, short_folder, monkeypatch):
    monkeypatch.setattr("labkit.runner.PATIENCE_S", 0.5)
    stubborn = "while True:\n    try:\n        time.sleep(60)\n    except BaseException:\n        0"
    path = write_notebook(
        short_folder, "01_stubborn", f"print('asleep', flush=True)\nimport time\n{stubborn}"
    )
    with Interruption() as interruption:
        [outcome] = played(
            [path], watch=Signals("asleep", signal.SIGINT), interruption=interruption
        )
    assert outcome.status is Status.INTERRUPTED
    assert outcome.seconds < 30


def test_the_handlers_are_put_back():
    before = signal.getsignal(signal.SIGINT)
    with Interruption():
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before
