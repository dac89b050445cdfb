"""The command: what it prints, and its exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from labkit import cli, notebooks, stacks


def labkit(capsys, *arguments: str) -> tuple[int, str, str]:
    """Return the exit code and what went to stdout and stderr."""
    try:
        code = cli.main(arguments)
    except SystemExit as exit_:
        code = exit_.code
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_alone_it_prints_its_help(capsys):
    code, out, _ = labkit(capsys)
    assert code == 0
    assert all(command in out for command in ("run", "clean-up", "records", "emulator"))


def test_emulator_alone_prints_its_help(capsys):
    code, out, _ = labkit(capsys, "emulator")
    assert code == 0
    assert all(command in out for command in ("start", "stop", "status", "env"))


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["fly"], id="an unknown command"),
        pytest.param(["run", "--target", "moon"], id="an unknown target"),
        pytest.param(["run", "-p", "prefix"], id="a parameter without a value"),
        pytest.param(["emulator", "start", "--pace", "slow"], id="an unknown pace"),
    ],
)
def test_wrong_usage_is_exit_code_2(capsys, arguments):
    code, _, err = labkit(capsys, *arguments)
    assert code == 2 and "usage: labkit" in err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(["run", "-p", "sizes", "5"], "No notebook has a parameter 'sizes'",
                     id="an unknown parameter"),
        pytest.param(["run", "--only", "77"], "'77' is the beginning of 0 notebooks",
                     id="an unknown notebook"),
        pytest.param(["run", "-p", "target", "aws"], "by --target alone", id="a target by -p"),
        pytest.param(["run", "--target", "aws"], "No AWS credentials were found",
                     id="a run on AWS without credentials"),
        pytest.param(["clean-up", "--target", "aws", "--prefix", "alice", "--region", "us-east-1"],
                     "No AWS credentials were found", id="a clean-up on AWS without credentials"),
        pytest.param(["clean-up", "--region", "us-est-1"], "us-east-1", id="an unknown region"),
    ],
)  # fmt: skip
def test_an_error_of_ours_is_one_line_and_exit_code_1(capsys, no_credentials, arguments, says):
    code, _, err = labkit(capsys, *arguments)
    assert code == 1
    assert err.startswith("labkit: ") and err.count("\n") == 1
    assert says in err


@pytest.fixture
def no_credentials(monkeypatch, tmp_path):
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("LABKIT_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


def test_an_unexpected_error_keeps_its_traceback(monkeypatch):
    def broken(folder):
        raise ZeroDivisionError

    monkeypatch.setattr(notebooks, "find", broken)
    with pytest.raises(ZeroDivisionError):
        cli.main(["run"])


def test_a_home_that_cannot_be_written(capsys, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setenv("LABKIT_HOME", str(tmp_path / "file" / "home"))
    code, _, err = labkit(capsys, "emulator", "start")
    assert code == 1
    assert err.count("\n") == 1 and "cannot be written" in err


def test_start_status_env_clean_up_stop(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("LABKIT_HOME", str(tmp_path))
    assert labkit(capsys, "emulator", "status")[:2] == (
        1, "No emulator is running: labkit emulator start\n",
    )  # fmt: skip
    code, out, _ = labkit(capsys, "emulator", "start", "--hosts", "in-process")
    assert code == 0
    assert "The emulator runs at http://127.0.0.1:" in out and "in-process hosts" in out
    assert labkit(capsys, "emulator", "start")[1] == out, "a second start finds the first"
    assert labkit(capsys, "emulator", "status")[:2] == (0, out)
    assert "export AWS_ENDPOINT_URL=" in labkit(capsys, "emulator", "env")[1]
    code, out, _ = labkit(capsys, "clean-up", "--prefix", "alice")
    assert (code, out.splitlines()[-1]) == (
        0, "There was no stack alice: nothing to remove, nothing is left.",
    )  # fmt: skip
    assert labkit(capsys, "emulator", "stop")[:2] == (0, "Stopped.\n")
    assert labkit(capsys, "emulator", "stop")[:2] == (0, "No emulator was running.\n")


def test_status_tells_the_checks_and_where_the_emulator_is_without_starting_one(
    capsys, monkeypatch, tmp_path
):
    monkeypatch.setenv("LABKIT_HOME", str(tmp_path))
    monkeypatch.delenv("LABKIT_ATTEMPTS", raising=False)
    (tmp_path / "attempts").mkdir()
    line = {"at": "2026-11-24T10:00:00+00:00", "check": "an IPv4 header has 20 bytes"}
    text = json.dumps({**line, "verdict": "PASS"})
    (tmp_path / "attempts/00_start_here.jsonl").write_text(text)
    code, out, _ = labkit(capsys, "status")
    assert code == 0 and out.endswith("No emulator is running.\n")
    assert "  00_start_here             1 of  4 checks  2026-11-24 10:00 UTC\n" in out
    assert all(f" {path.stem} " in out for path in notebooks.find())


def test_status_names_the_stacks_of_a_running_emulator(
    capsys, monkeypatch, emulator, emulator_home
):
    monkeypatch.setenv("LABKIT_HOME", str(emulator_home))
    code, out, _ = labkit(capsys, "status")
    assert code == 0 and emulator.endpoint_url in out
    assert "Stack " in out or "No stack stands there." in out


def test_clean_up_removes_a_stack(capsys, monkeypatch, emulator, emulator_home, session):
    monkeypatch.setenv("LABKIT_HOME", str(emulator_home))
    owner = session.client("sts").get_caller_identity()["Arn"]
    cloudformation = session.client("cloudformation")
    cloudformation.create_stack(
        StackName="by-command",
        TemplateBody=stacks.TEMPLATE.read_text(encoding="utf-8"),
        Capabilities=["CAPABILITY_IAM"],
        Tags=[{"Key": "Owner", "Value": owner}],
    )
    stacks.follow(cloudformation, "by-command")
    assert "Stack by-command: CREATE_COMPLETE\n" in labkit(capsys, "status")[1]
    code, out, _ = labkit(capsys, "clean-up", "--prefix", "by-command")
    assert code == 0 and "all of them are gone" in out
    assert stacks.describe(cloudformation, "by-command") is None


def write_notebook(folder: Path, name: str, source: str) -> None:
    first = new_code_cell('target = "emulator"  # where\nprefix = ""  # whose')
    first.metadata["tags"] = ["parameters"]
    nbformat.write(new_notebook(cells=[first, new_code_cell(source)]), folder / f"{name}.ipynb")


def test_the_failing_cells_error_is_last_on_the_screen(tmp_path):
    write_notebook(tmp_path, "01_fails", "from labkit import checks\nchecks.expect(2 < 1, 'less')")
    write_notebook(tmp_path, "99_clean_up", "1")
    script = (
        f"from pathlib import Path; from labkit import cli, lab; folder = Path({str(tmp_path)!r})\n"
        "plan = lab.Plan\n"
        "lab.Plan = lambda **given: plan(**given, folder=folder)\n"
        "raise SystemExit(cli.main(['run', '--output', str(folder / 'output')]))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    lines = ended.stdout.splitlines()
    assert ended.returncode == 1
    assert lines[-1] == "CheckFailed: less"
    assert "01_fails failed:" in lines
    assert lines.index("01_fails failed:") > max(
        index for index, line in enumerate(lines) if line.startswith(("99_clean_up", "Report: "))
    )


def test_the_module_is_the_command():
    ended = subprocess.run(
        [sys.executable, "-m", "labkit", "--help"], capture_output=True, text=True, check=True
    )
    assert ended.stdout.startswith("usage: labkit")
