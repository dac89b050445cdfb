"""Killed or interrupted at any moment, a run leaves nothing behind after the next one."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LABKIT = [sys.executable, "-m", "labkit"]
MOMENTS_S = [round(random.Random(seed).uniform(0.3, 12.0), 1) for seed in range(4)]


def ours(folder):
    """Return the processes that carry a folder of ours in their environment, by id."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            environment = (process / "environ").read_bytes()
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        if f"TMPDIR={folder}\0".encode() in environment:
            found[int(process.name)] = command
    return found


def network_namespaces(process_ids=None):
    """Return the network namespaces of these processes, or of all."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        if process_ids is None or int(process.name) in process_ids:
            with contextlib.suppress(FileNotFoundError, PermissionError, ProcessLookupError):
                found.add((process / "ns/net").readlink())
    return found


def start(folder, *options):
    environment = os.environ | {"TMPDIR": str(folder), "LABKIT_HOME": str(folder / "home")}
    command = [*LABKIT, "run", "--output", str(folder / "output"), *options]
    with (folder / "log").open("a") as log:
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)


def settle(folder):
    """Wait a little for what is dying; return what is not."""
    for _ in range(50):
        if not (left := ours(folder)):
            return {}
        time.sleep(0.1)
    return left


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("moment_s", MOMENTS_S)
def test_a_killed_run_is_tidied_up_by_the_next(tmp_path, moment_s):
    killed = start(tmp_path)
    time.sleep(moment_s)
    its_own = network_namespaces(ours(tmp_path)) - network_namespaces({os.getpid()})
    killed.kill()
    killed.wait()
    assert start(tmp_path, "--only", "00").wait(120) == 0, (tmp_path / "log").read_text()
    assert settle(tmp_path) == {}
    assert not list(tmp_path.glob("labkit-run-*"))
    assert not its_own & network_namespaces()


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_an_interrupted_run_cleans_up_by_itself(tmp_path, number):
    interrupted = start(tmp_path)
    time.sleep(random.Random(number).uniform(4.0, 8.0))
    interrupted.send_signal(number)
    assert interrupted.wait(120) == 128 + number, (tmp_path / "log").read_text()
    assert "99_clean_up" in (tmp_path / "log").read_text()
    assert settle(tmp_path) == {}
    assert not list(tmp_path.glob("labkit-run-*"))
