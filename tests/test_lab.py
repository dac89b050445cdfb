"""Which notebooks run with which parameters; what a run leaves behind, and what not."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from labkit import emulator_process, lab, notebooks, waiting
from labkit.errors import ParameterError
from labkit.execution import Status
from labkit.run_home import LOCK, PREFIX, RunHome

PARAMETERS = 'target = "emulator"  # where\nregion = "us-east-1"  # which\nprefix = ""  # whose'


def write_notebook(folder: Path, name: str, *cells: str, parameters: str = PARAMETERS) -> Path:
    first = new_code_cell(parameters)
    first.metadata["tags"] = ["parameters"]
    path = folder / f"{name}.ipynb"
    nbformat.write(new_notebook(cells=[first, *map(new_code_cell, cells)]), path)
    return path


@pytest.fixture
def short():
    """Return a folder for runs; its path leaves room for a socket's, as pytest's own may not."""
    with tempfile.TemporaryDirectory(prefix="labkit-") as folder:
        yield Path(folder)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "notebooks"
    folder.mkdir()
    write_notebook(folder, "01_deploy", "print(prefix)")
    write_notebook(folder, "02_ping", parameters=f"{PARAMETERS}\ncount = 5  # requests")
    write_notebook(folder, "99_clean_up")
    (folder / "notes.ipynb").write_text("not of the lab")
    return folder


def test_the_notebooks_are_found_in_order(folder):
    assert [path.stem for path in notebooks.find(folder)] == ["01_deploy", "02_ping", "99_clean_up"]


def test_a_folder_without_notebooks_is_refused(tmp_path):
    with pytest.raises(ParameterError, match="no notebook"):
        notebooks.find(tmp_path)


@pytest.mark.parametrize(
    ("only", "begin", "chosen"),
    [
        pytest.param([], "", ["01", "02", "99"], id="all"),
        pytest.param(["02"], "", ["02"], id="one"),
        pytest.param(["99", "01_deploy"], "", ["01", "99"], id="some, in their own order"),
        pytest.param([], "02", ["02", "99"], id="from one on"),
        pytest.param(["01", "99"], "02", ["99"], id="both"),
    ],
)
def test_choose(folder, only, begin, chosen):
    found = notebooks.choose(notebooks.find(folder), only=only, begin=begin)
    assert [path.stem[:2] for path in found] == chosen


@pytest.mark.parametrize(
    "name", [pytest.param("07", id="none"), pytest.param("", id="several", marks=[])]
)
def test_choose_refuses_what_is_no_one_notebook(folder, name):
    with pytest.raises(ParameterError, match="01_deploy, 02_ping, 99_clean_up"):
        notebooks.choose(notebooks.find(folder), only=[name])


@pytest.mark.parametrize(
    ("text", "value"),
    [("5", 5), ("-1", -1), ("0.5", 0.5), ("1e3", 1000.0), ("True", True), ("False", False),
     ("None", None), ("us-east-1", "us-east-1"), ("true", "true"), ("", "")],
)  # fmt: skip
def test_values_are_typed_as_papermill_types_them(text, value):
    from papermill.cli import _resolve_type

    assert notebooks.value_of(text) == value == _resolve_type(text)
    assert type(notebooks.value_of(text)) is type(value)


def test_each_notebook_gets_the_parameters_that_it_has(folder):
    every = notebooks.find(folder)
    assigned = notebooks.assign(every, {"prefix": "alice", "count": 3})
    assert [assigned[path] for path in every] == [
        {"prefix": "alice"}, {"prefix": "alice", "count": 3}, {"prefix": "alice"},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        pytest.param({"counts": 3}, "No notebook has a parameter 'counts'; there are count, prefix",
                     id="a parameter that no notebook has"),
        pytest.param({"target": "aws"}, "by --target alone", id="the target"),
        pytest.param({"prefix": "alice's"}, "no name for a stack", id="a bad name"),
        pytest.param({"prefix": "9lives"}, "no name for a stack", id="a name that begins wrong"),
        pytest.param({"prefix": "a" * 129}, "no name for a stack", id="a name too long"),
    ],
)  # fmt: skip
def test_a_run_refuses_bad_parameters_before_it_starts_anything(folder, tmp_path, parameters, says):
    plan = lab.Plan(parameters=parameters, folder=folder, output=tmp_path / "output")
    with pytest.raises(ParameterError, match=says):
        lab.run(plan)
    assert not (tmp_path / "output").exists()


ASKS = "from labkit.aws import connect\nprint(connect(target).client('s3').meta.endpoint_url)"


def test_a_run_has_an_emulator_of_its_own_and_leaves_nothing_but_its_output(
    folder, tmp_path, short, monkeypatch
):
    monkeypatch.setattr(tempfile, "tempdir", str(short))
    monkeypatch.setenv("LABKIT_HOME", str(tmp_path / "participant"))
    write_notebook(folder, "02_ping", ASKS, "1 / 0")
    run = lab.run(lab.Plan(folder=folder, output=tmp_path / "output"))
    assert (run.exit_code, run.is_clean, run.failure.name) == (1, True, "02_ping")
    assert run.prefix.startswith("flow-logs-lab-")
    assert sorted(path.name for path in (tmp_path / "output").iterdir()) == [
        "01_deploy.ipynb", "02_ping.ipynb", "99_clean_up.ipynb", "emulator.log", "junit.xml",
        "report.html",
    ]  # fmt: skip
    assert ElementTree.parse(run.junit).getroot()[0].get("failures") == "1"
    assert not emulator_process.status(tmp_path / "participant").running
    assert list(short.iterdir()) == []


def test_a_run_that_solves_fills_in_the_solutions_and_leaves_the_notebooks_alone(
    folder, tmp_path, short, monkeypatch
):
    monkeypatch.setattr(tempfile, "tempdir", str(short))
    path = write_notebook(folder, "02_ping", "answer = ...", "print(f'the answer is {answer}')")
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[1].metadata["tags"] = ["exercise"]
    solution = new_markdown_cell("Solution\n\n```python\nanswer = 6 * 7\n```\n")
    notebook.cells.insert(2, solution)
    nbformat.write(notebook, path)
    before = path.read_bytes()
    said = {}
    for solve in (False, True):
        run = lab.run(lab.Plan(folder=folder, output=tmp_path / "output", solve=solve, only=["02"]))
        assert run.exit_code == 0, run.failure
        said[solve] = run.outcomes[0].path.read_text()
    assert "the answer is Ellipsis" in said[False]
    assert "the answer is 42" in said[True] and str(short) not in said[True]
    assert "solved by the runner" in run.report.read_text()
    assert path.read_bytes() == before


def test_two_runs_have_two_names(folder, tmp_path):
    names = {lab._parameters(lab.Plan())["prefix"] for _ in range(2)}
    assert len(names) == 2


def test_a_run_that_is_kept_leaves_its_emulator_for_the_next(folder, tmp_path, short, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(short))
    plan = lab.Plan(folder=folder, output=tmp_path / "output", keep=True)
    run = lab.run(plan)
    try:
        assert [outcome.name for outcome in run.outcomes] == ["01_deploy", "02_ping"]
        assert emulator_process.status(run.kept_home).running
        with RunHome():
            assert emulator_process.status(run.kept_home).running, "no other run ends it"
        write_notebook(folder, "02_ping", ASKS)
        again = lab.run(lab.Plan(folder=folder, output=tmp_path / "output", only=["02"],
                                 home=run.kept_home, keep=True))  # fmt: skip
        assert [outcome.status for outcome in again.outcomes] == [Status.PASSED]
        endpoint_url = emulator_process.status(run.kept_home).run_file.endpoint_url
        assert endpoint_url in again.outcomes[0].path.read_text()
    finally:
        emulator_process.stop(run.kept_home)


SCRIPT = """
import sys, tempfile
from pathlib import Path
from labkit import lab, progress
tempfile.tempdir = sys.argv[3]
with progress.Terminal() as terminal:
    run = lab.run(lab.Plan(folder=Path(sys.argv[1]), output=Path(sys.argv[2])), watch=terminal)
sys.exit(run.exit_code)
"""


@pytest.fixture
def sleeping_run(folder, tmp_path, short):
    """Start a run in a process of its own; yield it, once it sleeps in 02, and its folders."""
    asleep = folder / "asleep"
    write_notebook(folder, "02_ping", f"open({str(asleep)!r}, 'w').close()\nimport time",
                   "time.sleep(99)")  # fmt: skip
    output = tmp_path / "output"
    run = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SCRIPT), str(folder), str(output), str(short)],
        stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert run.stdout
    waiting.until(asleep.exists, bool, what="the notebook that sleeps", timeout_s=60)
    yield run, short, output
    run.kill()
    run.wait()
    run.stdout.close()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_cleans_up_and_reports(sleeping_run, number):
    run, short, output = sleeping_run
    run.send_signal(number)
    run.stdout.read()
    assert run.wait(60) == 128 + number
    cases = ElementTree.parse(output / "junit.xml").getroot().findall(".//testcase")
    assert {case.get("name"): [child.tag for child in case] for case in cases} == {
        "01_deploy": [], "02_ping": ["error"], "99_clean_up": [],
    }  # fmt: skip
    assert list(short.iterdir()) == []


def test_what_a_killed_run_leaves_is_removed_by_the_next(sleeping_run, monkeypatch):
    run, short, _ = sleeping_run
    run.kill()
    run.wait()
    [left] = short.iterdir()
    pid = emulator_process.status(left / "home").run_file.pid
    monkeypatch.setattr(tempfile, "tempdir", str(short))
    with RunHome() as home:
        assert list(short.iterdir()) == [home.folder]
    waiting.until(lambda: is_running(pid), lambda it: not it, what="its end", timeout_s=20)


def is_running(pid: int) -> bool:
    """Tell whether a process runs; one that ended and that nobody has asked after does not."""
    listed = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return listed.stdout.strip()[:1] not in {"", "Z"}


def test_a_living_run_is_left_alone(monkeypatch, short):
    monkeypatch.setattr(tempfile, "tempdir", str(short))
    with RunHome() as first:
        assert first.folder.name.startswith(PREFIX)
        script = (
            f"import tempfile; tempfile.tempdir = {tempfile.tempdir!r}\n"
            "from labkit.run_home import RunHome\nwith RunHome(): pass"
        )
        subprocess.run([sys.executable, "-c", script], check=True)
        assert (first.folder / LOCK).exists()
    assert not first.folder.exists()
