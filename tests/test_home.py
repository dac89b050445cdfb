import stat
import subprocess
import sys

import pytest

from labkit import home
from labkit.errors import EmulatorError
from labkit.home import RunFile

RUN_FILE = RunFile(
    pid=1,
    port=8080,
    endpoint_url="http://127.0.0.1:8080",
    access_key_id="LABKITEXAMPLE",
    secret_access_key="a secret",
    account_id="123456789012",
    pace="lab",
    host_kind="in-process",
    host_kind_reason="no user namespaces",
    log_path="/somewhere/emulator.log",
    started_at="2026-11-24T08:00:00+00:00",
)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_home_is_what_labkit_home_says_and_for_the_user_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("LABKIT_HOME", str(tmp_path / "a" / "b"))
    assert home.home() == tmp_path / "a" / "b"
    assert mode(tmp_path / "a" / "b") == 0o700


def test_home_is_the_users_state_directory_by_default(tmp_path, monkeypatch):
    monkeypatch.delenv("LABKIT_HOME", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert tmp_path in home.home().parents


@pytest.mark.parametrize(
    "where",
    [
        pytest.param("file", id="a file stands there"),
        pytest.param("file/below", id="a file stands in the way"),
    ],
)
def test_a_home_that_cannot_be_written_is_one_sentence(tmp_path, monkeypatch, where):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LABKIT_HOME", str(tmp_path / where))
    with pytest.raises(EmulatorError, match=r"cannot be written.*set LABKIT_HOME"):
        home.home()


def test_the_run_file_is_read_as_it_was_written_and_by_its_user_alone(tmp_path):
    home.write_run_file(tmp_path, RUN_FILE)
    assert home.read_run_file(tmp_path) == RUN_FILE
    assert mode(tmp_path / home.RUN_FILE) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [home.RUN_FILE]
    home.remove_run_file(tmp_path)
    assert home.read_run_file(tmp_path) is None
    home.remove_run_file(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"pid": 1}'])
def test_a_torn_run_file_is_none(tmp_path, text):
    (tmp_path / home.RUN_FILE).write_text(text)
    assert home.read_run_file(tmp_path) is None


def test_the_secret_is_not_shown():
    assert "a secret" not in repr(RUN_FILE)


def test_the_lock_ends_with_its_holder(tmp_path):
    hold = (
        "import sys; from pathlib import Path; from labkit import home\n"
        f"with home.locked(Path({str(tmp_path)!r}) / home.ALIVE_LOCK, wait=False) as ours:\n"
        "    print(ours, flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", hold]
    with subprocess.Popen(command, stdin=-1, stdout=-1, text=True) as holder:
        assert holder.stdout.readline() == "True\n"
        assert home.is_alive(tmp_path)
        holder.kill()
        holder.wait()
        assert not home.is_alive(tmp_path)
