"""Nothing outlives its parent, and the data process stays small."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from data_plane_lab import FIRST, SECOND, Lab, lab_vpc

from labkit.emulator.data_plane.handle import DataPlane
from labkit.errors import EmulatorError

LOADED = """
import sys
import labkit.emulator.data_plane.process
print(*{"boto3", "botocore", "moto", "pandas", "werkzeug", "asyncio"} & sys.modules.keys())
"""
CONTROL = """
import sys, time
sys.path[:0] = {paths!r}
from data_plane_lab import FIRST, Lab, lab_vpc
lab = Lab({host_kind!r})
lab.set_vpc(lab_vpc())
lab.begin(FIRST, "ping 10.0.1.25", "sleep 1000")
print(lab.data_plane._process.pid, flush=True)
time.sleep(60)
"""


def descendants(pid):
    """Return a process and all below it, by the kernel's word."""
    found = [pid]
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        found += descendants(int(child))
    return found


def gone_within(seconds, pids):
    deadline = time.monotonic() + seconds
    while any(map(is_alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not any(map(is_alive, pids))


def is_alive(pid):
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_the_data_process_loads_nothing_large():
    loaded = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True)
    assert (loaded.stdout.strip(), loaded.stderr) == ("", "")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("victim", ["control", "data"])
def test_kill_9_leaves_no_process(host_kind, victim):
    here = Path(__file__).parent
    program = CONTROL.format(paths=[str(here), str(here.parent)], host_kind=host_kind)
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True
    ) as control:
        try:
            assert control.stdout
            data_process = int(control.stdout.readline())
            time.sleep(0.3)
            pids = descendants(data_process)
            assert len(pids) >= (1 if host_kind == "in-process" else 5)  # two hosts, sh, ping
            os.kill(control.pid if victim == "control" else data_process, signal.SIGKILL)
            assert gone_within(3, pids)
        finally:
            control.kill()


@pytest.mark.kernel_host
def test_a_host_that_hangs_dies_with_the_data_process(kernel_hosts):
    lab = Lab("kernel")
    lab.set_vpc(lab_vpc())
    data_process, *hosts = descendants(lab.data_plane._process.pid)
    for pid in hosts:
        os.kill(pid, signal.SIGSTOP)
    os.kill(data_process, signal.SIGKILL)
    assert gone_within(3, hosts)
    lab.data_plane.stop()


def test_stop_leaves_no_process_and_may_come_twice(host_kind):
    lab = Lab(host_kind)
    lab.set_vpc(lab_vpc())
    lab.begin(FIRST, "ping 10.0.1.25")
    time.sleep(0.2)
    pids = descendants(lab.data_plane._process.pid)
    lab.data_plane.stop()
    lab.data_plane.stop()
    assert gone_within(0, pids)
    assert lab.deaths == []


@pytest.mark.kernel_host
def test_a_host_leaves_no_process(kernel_lab):
    kernel_lab.run(SECOND, "setsid sleep 1000 & sleep 1001 &")
    before = descendants(kernel_lab.data_plane._process.pid)
    kernel_lab.set_vpc(lab_vpc(states={SECOND: "terminated"}))
    after = descendants(kernel_lab.data_plane._process.pid)
    assert len(before) - len(after) == 3
    assert gone_within(0, set(before) - set(after))


@pytest.mark.kernel_host
def test_a_host_whose_first_process_dies_is_made_anew(kernel_lab):
    running = kernel_lab.begin(FIRST, "sleep 1000")
    time.sleep(0.1)
    data_process = kernel_lab.data_plane._process.pid
    pids = Path(f"/proc/{data_process}/task/{data_process}/children").read_text().split()
    for pid in pids:
        os.kill(int(pid), signal.SIGKILL)
    assert kernel_lab.outcome(running, wait_s=2).status == "Failed"
    time.sleep(0.3)
    assert kernel_lab.run(FIRST, "echo back").stdout == "back\n"


def test_a_death_is_told_and_every_call_says_so(host_kind):
    lab = Lab(host_kind)
    os.kill(lab.data_plane._process.pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while not lab.deaths and time.monotonic() < deadline:
        time.sleep(0.01)
    assert lab.deaths == ["the emulator's data process ended (exit code -9): see emulator.log"]
    with pytest.raises(EmulatorError, match="data process ended"):
        lab.set_vpc(lab_vpc())
    lab.data_plane.stop()


def test_a_death_ends_the_waiting_for_a_vpc():
    lab = Lab("in-process")
    data_process = lab.data_plane._process.pid
    os.kill(data_process, signal.SIGSTOP)
    threading.Timer(0.3, os.kill, (data_process, signal.SIGKILL)).start()
    with pytest.raises(EmulatorError, match="data process ended"):
        lab.set_vpc(lab_vpc())
    lab.data_plane.stop()


@pytest.mark.parametrize("kind", ["auto", "in-process"])
def test_hosts_may_be_chosen_by_the_environment(monkeypatch, kind):
    monkeypatch.setenv("LABKIT_HOSTS", "in-process")
    lab = Lab(kind)
    lab.data_plane.stop()
    assert lab.data_plane.host_kind == "in-process"
    assert lab.data_plane.host_kind_reason == "in-process hosts were asked for"


def test_an_unknown_kind_of_host(monkeypatch):
    monkeypatch.setenv("LABKIT_HOSTS", "docker")
    with pytest.raises(EmulatorError, match="'docker': one of auto, kernel, in-process"):
        Lab("auto")


def test_set_vpc_on_the_reading_thread_would_wait_for_ever(shared_lab):
    failures = []

    def started(*_):
        try:
            shared_lab.data_plane.set_vpc("vpc-9", None, {})
        except RuntimeError as error:
            failures.append(str(error))

    shared_lab.set_vpc(lab_vpc())
    data_plane: DataPlane = shared_lab.data_plane
    told, data_plane._on_started = data_plane._on_started, started
    shared_lab.run(FIRST, "echo hi")
    data_plane._on_started = told
    assert failures == ["set_vpc would wait for the thread that it is called on"]
