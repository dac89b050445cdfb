"""The kit's own ping, and when a host gets it."""

import base64
import re
import sys
from pathlib import Path

import pytest
from data_plane_lab import FIRST, SECOND_IP, lab_vpc

from labkit.emulator.data_plane import look
from labkit.emulator.data_plane.ping_archive import ping_program


@pytest.fixture
def kits_ping(kernel_lab):
    """Runs the kit's ping on the first instance, as if the machine had none."""
    program = ping_program(str(Path(sys.executable).resolve()))
    text = base64.b64encode(program).decode()
    install = f"echo {text} | base64 -d > /tmp/ping; chmod +x /tmp/ping"
    assert kernel_lab.run(FIRST, install).exit_code == 0
    return lambda arguments, **more: kernel_lab.run(FIRST, f"/tmp/ping {arguments}", **more)


@pytest.mark.kernel_host
@pytest.mark.parametrize(
    "arguments",
    ["-c 2 -i 0.2", "-q -c 3 -i 0.2", "-c 1 -s 8", "-c 2 -i 0.2 -s 2000", "-f -q -c 50", "-f -c 3"],
)
def test_it_prints_what_the_machines_ping_prints(kernel_lab, kits_ping, arguments):
    def form(text):
        return re.sub(r"time=[\d.]+|time \d+|\d+\.\d+", "N", text)

    ours = kits_ping(f"{arguments} {SECOND_IP}")
    theirs = kernel_lab.run(FIRST, f"ping {arguments} {SECOND_IP}")
    assert (ours.exit_code, form(ours.stdout)) == (theirs.exit_code, form(theirs.stdout))


@pytest.mark.kernel_host
@pytest.mark.parametrize(
    ("arguments", "exit_code"),
    [
        pytest.param("-c 1 -W 1 10.0.1.99", 1, id="no reply"),
        pytest.param("-c 1 nohost", 2, id="no such name"),
        pytest.param("-Z", 2, id="an unknown option"),
        pytest.param("", 1, id="no destination"),
        pytest.param("-c x 10.0.1.25", 1, id="a bad count"),
        pytest.param("-c 2 -w 1 10.0.1.99", 1, id="a deadline"),
        pytest.param("-c 1 127.0.0.1", 0, id="itself"),
        pytest.param("-c 1 localhost", 0, id="a name"),
    ],
)
def test_it_ends_as_the_machines_ping_ends(kernel_lab, kits_ping, arguments, exit_code):
    ours = kits_ping(arguments)
    theirs = kernel_lab.run(FIRST, f"ping {arguments}")
    assert ours.exit_code == theirs.exit_code == exit_code
    assert ours.stderr.splitlines()[0] == theirs.stderr.splitlines()[0] if exit_code else True


@pytest.mark.kernel_host
def test_its_statistics_come_when_it_is_interrupted(kernel_lab, kits_ping):
    outcome = kernel_lab.run(FIRST, f"timeout -s INT 0.9 /tmp/ping -i 0.2 {SECOND_IP}")
    assert "received, 0% packet loss" in outcome.stdout


@pytest.mark.kernel_host
def test_its_packets_are_recorded(kernel_lab, kits_ping):
    kernel_lab.flow_log_id = "fl-kits-ping"
    kernel_lab.set_vpc(lab_vpc())
    kits_ping(f"-c 3 -i 0.2 {SECOND_IP}")
    records = kernel_lab.records_when(lambda records: len(records) == 4)
    assert [(record.packets, record.bytes) for record in records] == [(3, 252)] * 4


def test_a_machine_with_ping_and_python_gets_none(monkeypatch, tmp_path):
    for name in ("ping", "python3"):
        (tmp_path / name).touch(mode=0o755)
    monkeypatch.setattr(look, "PATH", str(tmp_path))
    monkeypatch.setattr(look, "HIDDEN", ())
    assert look.file_system(()).programs == {}


def test_a_machine_without_gets_both(monkeypatch, tmp_path):
    monkeypatch.setattr(look, "PATH", str(tmp_path))
    assert sorted(look.file_system(()).programs) == ["ping", "python3"]


def test_a_program_in_a_hidden_folder_is_none(monkeypatch, tmp_path):
    (tmp_path / "ping").touch(mode=0o755)
    monkeypatch.setattr(look, "PATH", str(tmp_path))
    assert "ping" in look.file_system((str(tmp_path),)).programs


def test_an_interpreter_below_a_hidden_folder_is_kept(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "base_prefix", str(tmp_path))
    assert look.file_system((str(tmp_path.parent),)).kept == (str(tmp_path),)
