"""What a participant's checks leave behind, and what they never do to a notebook."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from labkit import attempts, lab, notebooks, standing

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("LABKIT_HOME", str(tmp_path / "home"))
    monkeypatch.delenv(attempts.VARIABLE, raising=False)
    return tmp_path / "home"


@pytest.fixture
def in_notebook(monkeypatch):
    """This process passes for a kernel that runs 00_start_here."""
    monkeypatch.setattr(attempts, "notebook_here", lambda: "00_start_here")


def test_each_outcome_is_a_line_for_its_user_alone(home, in_notebook):
    before = datetime.now(UTC).replace(microsecond=0)
    attempts.note("first", "PASS")
    attempts.note("second", "FAIL")
    assert [(one.notebook, one.sentence, one.verdict) for one in attempts.read()] == [
        ("00_start_here", "first", "PASS"), ("00_start_here", "second", "FAIL"),
    ]  # fmt: skip
    assert before <= attempts.read()[0].at <= datetime.now(UTC)
    (path,) = (home / "attempts").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_a_sentence_computed_is_masked(home, in_notebook):
    attempts.note("account 210987654321 is there", "PASS")
    assert attempts.read()[0].sentence == "account *** is there"


def test_a_torn_line_spoils_only_itself(home, in_notebook):
    attempts.note("first", "PASS")
    (path,) = (home / "attempts").iterdir()
    path.write_bytes(path.read_bytes() + b'{"at": "2026-\xff')
    attempts.note("second", "PASS")
    with path.open("a") as file:
        file.write(
            'null\n{"at": 5, "check": "x", "verdict": "PASS"}\n{"at": "2026-01-01T00:00:00"}'
        )
    assert [one.sentence for one in attempts.read()] == ["first", "second"]


@pytest.mark.parametrize("obstacle", ["a file stands where the folder should be", "a full disk"])
def test_what_cannot_be_written_never_fails_a_notebook(home, in_notebook, obstacle, monkeypatch):
    if obstacle == "a full disk":
        monkeypatch.setenv(attempts.VARIABLE, "/proc/self")  # where no file can be made
        attempts.note("first", "PASS")
        (home / "attempts").mkdir(parents=True)
        (home / "attempts/00_start_here.jsonl").symlink_to("/dev/full")
        monkeypatch.delenv(attempts.VARIABLE)
    else:
        home.mkdir()
        (home / "attempts").write_text("")
    attempts.note("first", "PASS")


def test_a_home_that_cannot_be_made_never_fails_a_notebook(tmp_path, in_notebook, monkeypatch):
    monkeypatch.delenv(attempts.VARIABLE, raising=False)
    (tmp_path / "file").touch()
    monkeypatch.setenv("LABKIT_HOME", str(tmp_path / "file/home"))
    attempts.note("first", "PASS")


WRITES = """
from labkit import attempts
attempts.notebook_here = lambda: "00_start_here"
for number in range(200):
    attempts.note(f"{number} " + "x" * 500, "PASS")
"""


def test_two_kernels_that_write_at_once_do_not_mix_their_lines(home):
    writers = [subprocess.Popen([sys.executable, "-c", WRITES]) for _ in range(3)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    found = attempts.read()
    assert len(found) == 600
    assert {one.sentence for one in found} == {f"{number} " + "x" * 500 for number in range(200)}


def test_outside_of_a_notebook_nothing_is_noted(home):
    attempts.note("first", "PASS")
    assert attempts.read() == []


def test_the_notebook_is_the_one_that_holds_most_of_the_cells():
    third = [source for source, _ in notebooks.code_cells(find("03"))]
    assert notebooks.holding(third) == "03_records_in_s3"
    assert notebooks.holding(third[:3]) is not None
    changed = ["prefix = 'mine'", *third[3:], "1 + 1"]
    assert notebooks.holding(changed, prefer="05_compare_destinations") == "03_records_in_s3"
    assert notebooks.holding(["1 + 1", "2"]) is None


def test_where_two_notebooks_hold_as_many_the_front_end_decides():
    (shared,) = {source for source, _ in notebooks.code_cells(find("03"))[2:3]}
    for name in ("03_records_in_s3", "05_compare_destinations"):
        assert notebooks.holding([shared], prefer=name) == name
    assert notebooks.holding([shared], prefer="my_copy") is not None


def find(name: str) -> Path:
    (path,) = notebooks.choose(notebooks.find(), only=[name])
    return path


def test_each_check_of_a_notebook_is_known_by_its_sentence_computed_or_not():
    patterns = [pattern.pattern for pattern in notebooks.checks_of(find("00"))]
    assert r".*\ offers\ t4g\.micro" in patterns
    assert r"an\ IPv4\ header\ has\ 20\ bytes" in patterns


def test_what_passed_once_stays_passed(home, in_notebook):
    for verdict in ("FAIL", "PASS", "FAIL"):
        attempts.note("an IPv4 header has 20 bytes", verdict)
    attempts.note("eu-west-1 offers t4g.micro", "PASS")
    attempts.note("us-east-1 offers t4g.micro", "PASS")
    attempts.note("a check that is gone", "PASS")
    page = standing.read().pages[0]
    assert (page.name, page.title, page.passed, page.checks) == (
        "00_start_here", "Start here", 2, 4,
    )  # fmt: skip
    assert not page.is_done and page.when.endswith("UTC")
    assert "00_start_here             2 of  4 checks" in repr(standing.read())
    assert "<a href='00_start_here.ipynb'>Start here</a>" in standing.read()._repr_html_()


def test_plain_papermill_notes_what_its_notebook_checked(home, tmp_path):
    """Nothing around its kernel says which notebook that is, so the cells have to."""
    cells = [new_code_cell(source) for source, _ in notebooks.code_cells(find("00"))[-2:]]
    path = tmp_path / "a_copy.ipynb"
    source = new_code_cell("from labkit import checks")
    nbformat.write(new_notebook(cells=[source, *cells], metadata=KERNEL), path)
    command = [sys.executable, "-m", "papermill", "--no-progress-bar", path, tmp_path / "out.ipynb"]
    subprocess.run(command, check=True, capture_output=True)
    assert [(one.notebook, one.verdict) for one in attempts.read()] == [("00_start_here", "TODO")]


def test_a_run_leaves_a_participants_attempts_alone(home, tmp_path, in_notebook, monkeypatch):
    """Also one that uses an emulator of the participant's own home."""
    attempts.note("an IPv4 header has 20 bytes", "PASS")
    before = (home / "attempts/00_start_here.jsonl").read_bytes()
    monkeypatch.undo()
    monkeypatch.setenv("LABKIT_HOME", str(home))
    cells = [new_code_cell(source) for source, _ in notebooks.code_cells(find("00"))[-2:]]
    first = new_code_cell('from labkit import checks\nprefix = ""  # whose\ntarget = ""  # where')
    first.metadata["tags"] = ["parameters"]
    folder = tmp_path / "notebooks"
    folder.mkdir()
    first.source = 'prefix = ""  # whose\ntarget = ""  # where'
    imports = new_code_cell("from labkit import checks")
    nbformat.write(new_notebook(cells=[first, imports, *cells]), folder / "00_start_here.ipynb")
    plan = lab.Plan(folder=folder, output=tmp_path / "output", home=home)
    assert lab.run(plan).outcomes[0].checks == {"TODO": 1}
    assert (home / "attempts/00_start_here.jsonl").read_bytes() == before
    assert json.loads(before)["verdict"] == "PASS"
