"""The emulator as a process: started once, found by all, stopped without a trace."""

import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from labkit import aws, emulator_process, home
from labkit.errors import EmulatorError


@pytest.fixture
def folder(tmp_path):
    yield tmp_path
    emulator_process.stop(tmp_path)


def gone(pid, within_s=10):
    patience = time.monotonic() + within_s
    while time.monotonic() < patience:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def kill(folder, pid):
    os.kill(pid, signal.SIGKILL)
    while home.is_alive(folder):
        time.sleep(0.01)


def test_a_second_start_finds_the_first_and_stop_leaves_nothing(folder):
    first = emulator_process.start(folder)
    assert emulator_process.start(folder) == first
    status = emulator_process.status(folder)
    assert (status.running, status.run_file, status.problem) == (True, first, None)
    assert emulator_process.stop(folder) is True
    assert gone(first.pid)
    assert emulator_process.status(folder) == emulator_process.Status(False, None, None)
    assert emulator_process.stop(folder) is False
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", first.port)) != 0


def test_starts_at_the_same_time_make_one(folder):
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: emulator_process.start(folder), range(4)))
    assert len(set(found)) == 1


def test_a_killed_one_is_noticed_and_its_port_taken_again(folder):
    first = emulator_process.start(folder)
    kill(folder, first.pid)
    status = emulator_process.status(folder)
    assert not status.running
    assert "was killed" in status.problem
    assert "labkit emulator start" in status.problem
    second = emulator_process.start(folder)
    assert second.port == first.port
    assert second.pid != first.pid
    assert second.access_key_id != first.access_key_id
    assert emulator_process.status(folder).problem is None


def test_an_occupied_last_port_is_given_up_but_a_demanded_one_is_an_error(folder):
    first = emulator_process.start(folder)
    emulator_process.stop(folder)
    with socket.socket() as squatter:
        squatter.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        squatter.bind(("127.0.0.1", first.port))
        squatter.listen()
        with pytest.raises(EmulatorError, match=rf"Port {first.port} .* is taken"):
            emulator_process.start(folder, port=first.port)
        assert emulator_process.start(folder).port != first.port


def test_what_was_asked_for_must_fit_the_one_that_runs(folder):
    emulator_process.start(folder)
    with pytest.raises(EmulatorError, match="runs already, with pace 'lab', not 'aws'"):
        emulator_process.start(folder, pace="aws")


def test_a_death_at_the_start_says_the_last_words(folder):
    with pytest.raises(EmulatorError, match=r"could not start: .*invalid choice: 'nonsense'"):
        emulator_process.start(folder, pace="nonsense")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(folder, number):
    run_file = emulator_process.start(folder)
    os.kill(run_file.pid, number)
    assert gone(run_file.pid)
    assert home.read_run_file(folder) is None
    assert number.name in (folder / home.LOG_FILE).read_text()


def test_it_ends_itself_when_nobody_asks(folder):
    command = [sys.executable, "-m", "labkit.emulator", "--home", str(folder), "--idle", "0.5"]
    result = subprocess.run(command, timeout=60, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert "no request for" in (folder / home.LOG_FILE).read_text()


def test_a_second_one_in_the_foreground_refuses(folder):
    emulator_process.start(folder)
    command = [sys.executable, "-m", "labkit.emulator", "--home", str(folder)]
    result = subprocess.run(command, timeout=60, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr == f"An emulator already runs on {folder}.\n"


def test_it_survives_its_starter(folder):
    start = (
        "from pathlib import Path; from labkit import emulator_process\n"
        f"print(emulator_process.start(Path({str(folder)!r})).pid)"
    )
    command = [sys.executable, "-c", start]
    result = subprocess.run(command, timeout=60, capture_output=True, text=True, check=True)
    pid = int(result.stdout)
    assert emulator_process.status(folder).run_file.pid == pid
    assert os.getsid(pid) != os.getsid(0)


def test_users_own_aws_settings_do_not_reach_it(folder, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    session = aws.on_emulator(emulator_process.start(folder))
    assert session.client("sts").get_caller_identity()["Account"] == "123456789012"


def test_the_environment_makes_any_client_work(emulator):
    lines = emulator_process.environment(emulator)
    who = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"
    script = "export AWS_PROFILE=nobody AWS_SESSION_TOKEN=old http_proxy=http://127.0.0.1:9\n"
    script += f"{lines}\n{shlex.quote(sys.executable)} -c {shlex.quote(who)}"
    result = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
    assert result.stdout == "arn:aws:iam::123456789012:user/learner\n", result.stderr


def test_an_unwritable_home_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    for act in (emulator_process.start, emulator_process.stop, emulator_process.status):
        with pytest.raises(EmulatorError, match="cannot be written"):
            act(tmp_path / "file")


def descendants(pid):
    """All processes below one, by Linux's /proc; each needs a while to be gone after it."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += [int(child), *descendants(int(child))]
    return found


needs_proc = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux's /proc")


@needs_proc
def test_packets_go_before_api_calls_where_cores_are_scarce(folder):
    run_file = emulator_process.start(folder)
    control = os.getpriority(os.PRIO_PROCESS, run_file.pid)
    below = {os.getpriority(os.PRIO_PROCESS, pid) for pid in descendants(run_file.pid)}
    assert below == {os.getpriority(os.PRIO_PROCESS, 0)}
    assert control > max(below)


@needs_proc
def test_a_killed_one_takes_its_processes_along(folder):
    run_file = emulator_process.start(folder)
    below = descendants(run_file.pid)
    assert below
    kill(folder, run_file.pid)
    assert all(gone(pid) for pid in below)


@needs_proc
def test_the_death_of_the_data_process_ends_it_and_is_told(folder):
    run_file = emulator_process.start(folder)
    os.kill(descendants(run_file.pid)[0], signal.SIGKILL)
    assert gone(run_file.pid)
    assert "data process ended (exit code -9)" in (folder / home.LOG_FILE).read_text()
    assert not emulator_process.status(folder).running
