"""The emulator seen from outside: start it, find it, stop it. It runs as a process of its own."""

from __future__ import annotations

import contextlib
import os
import select
import shlex
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from labkit import home as lab_home
from labkit.errors import EmulatorError
from labkit.home import RunFile

START_LOCK = "start.lock"
PORT_FILE = "emulator.port"
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 20.0
LOOK_EVERY_S = 0.02
READY = "ready"


@dataclass(frozen=True, slots=True)
class Status:
    """How the emulator of a LABKIT_HOME is.

    run_file is that of the running emulator, or of one that was killed; problem says so then.
    """

    running: bool
    run_file: RunFile | None
    problem: str | None = None


def start(
    home: Path | None = None, *, pace: str = "lab", port: int | None = None, host_kind: str = "auto"
) -> RunFile:
    """Start the emulator of a LABKIT_HOME, or find the one that runs already.

    It lives on its own: it survives the caller, and ends by stop() or after 8 idle hours. It
    takes the port it had last, if that is still free.

    Args:
        home: instead of LABKIT_HOME.
        pace: "lab" or "aws", see the emulator's README.
        port: a port of 127.0.0.1 that it must have.
        host_kind: "auto", "kernel" or "in-process".

    Raises:
        EmulatorError: the home cannot be written, the port is taken, it died at its start, or
            the one that runs differs from what was asked for.
    """
    folder = lab_home.prepared(home) if home else lab_home.home()
    with lab_home.locked(folder / START_LOCK, wait=True):
        running = _running(folder)
        if running:
            return _fitting(running, pace=pace, port=port, host_kind=host_kind)
        lab_home.remove_run_file(folder)
        return _launch(folder, pace, _last_port(folder) if port is None else port, host_kind, port)


def stop(home: Path | None = None) -> bool:
    """Stop the emulator and wait until it is gone; say whether one ran.

    Raises:
        EmulatorError: it does not end, or a run file is missing.
    """
    folder = lab_home.prepared(home) if home else lab_home.home()
    with lab_home.locked(folder / START_LOCK, wait=True):
        running = _running(folder)
        if running is None:
            lab_home.remove_run_file(folder)
            return False
        _end(folder, running.pid)
        lab_home.remove_run_file(folder)
        return True


def status(home: Path | None = None) -> Status:
    """Say whether the emulator runs, and if it was killed, what to do."""
    folder = lab_home.prepared(home) if home else lab_home.home()
    run_file = lab_home.read_run_file(folder)
    if lab_home.is_alive(folder):
        return Status(True, run_file)
    if run_file is None:
        return Status(False, None)
    problem = (
        f"The emulator (process {run_file.pid}) was killed and its state is gone: "
        "start it again with `labkit emulator start`, then run 01_deploy."
    )
    return Status(False, run_file, problem)


def environment(run_file: RunFile) -> str:
    """Return shell lines that point the AWS CLI and any other client at the emulator."""
    values = {
        "AWS_ENDPOINT_URL": run_file.endpoint_url,
        "AWS_ACCESS_KEY_ID": run_file.access_key_id,
        "AWS_SECRET_ACCESS_KEY": run_file.secret_access_key,
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    lines = [f"export {name}={shlex.quote(value)}" for name, value in values.items()]
    return "\n".join(
        [
            *lines,
            "unset AWS_PROFILE AWS_SESSION_TOKEN AWS_REGION",
            'export NO_PROXY="${NO_PROXY:+$NO_PROXY,}127.0.0.1"',
            'export no_proxy="$NO_PROXY"',
        ]
    )


def _running(folder: Path) -> RunFile | None:
    """Return the run file of a living emulator, waiting for one that is about to write it."""
    patience = time.monotonic() + START_TIMEOUT_S
    while lab_home.is_alive(folder):
        run_file = lab_home.read_run_file(folder)
        if run_file and _exists(run_file.pid):
            return run_file
        if time.monotonic() > patience:
            raise EmulatorError(
                f"An emulator holds {folder} but does not say where it listens: end that process."
            )
        time.sleep(LOOK_EVERY_S)
    return None


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _fitting(running: RunFile, *, pace: str, port: int | None, host_kind: str) -> RunFile:
    differs = [
        f"{name} {is_!r}, not {asked!r}"
        for name, is_, asked in (
            ("pace", running.pace, pace),
            ("port", running.port, port or running.port),
            ("hosts", running.host_kind, running.host_kind if host_kind == "auto" else host_kind),
        )
        if is_ != asked
    ]
    if differs and (pace != "lab" or port or host_kind != "auto"):
        raise EmulatorError(
            f"The emulator runs already, with {' and '.join(differs)}: "
            "stop it first with `labkit emulator stop` (its state is lost)."
        )
    return running


def _last_port(folder: Path) -> int:
    try:
        return int((folder / PORT_FILE).read_text())
    except (FileNotFoundError, ValueError):
        return 0


def _launch(folder: Path, pace: str, port: int, host_kind: str, wanted: int | None) -> RunFile:
    if port and not _is_free(port):
        if wanted is not None:
            raise EmulatorError(f"Port {port} of 127.0.0.1 is taken: choose another one, or none.")
        port = 0
    _spawn(folder, ["--pace", pace, "--port", str(port), "--hosts", host_kind])
    run_file = lab_home.read_run_file(folder)
    if run_file is None:
        raise EmulatorError(f"The emulator ended as soon as it was ready: {_last_words(folder)}")
    lab_home.write_private(folder / PORT_FILE, f"{run_file.port}\n")
    return run_file


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _spawn(folder: Path, options: list[str]) -> None:
    """Start the process and return when it listens.

    It detaches by forking once more, so that it is nobody's child, and tells by a pipe that
    it is ready; where the pipe ends without that word, it is dead.
    """
    reading, writing = os.pipe()
    command = [sys.executable, "-P", "-m", "labkit.emulator", "--home", str(folder)]
    path = folder / lab_home.LOG_FILE
    with os.fdopen(reading) as ready, open(path, "a", opener=lab_home.open_private) as log:
        try:
            subprocess.run(
                [*command, *options, "--detach", str(writing)],
                pass_fds=[writing],
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                check=False,
            )
        finally:
            os.close(writing)
        if not select.select([ready], [], [], START_TIMEOUT_S)[0]:
            raise EmulatorError(
                f"The emulator did not get ready in {START_TIMEOUT_S:.0f} s: see {log.name}."
            )
        if ready.read() != READY:
            raise EmulatorError(f"The emulator could not start: {_last_words(folder)}")


def _last_words(folder: Path) -> str:
    path = folder / lab_home.LOG_FILE
    lines = path.read_text(errors="replace").strip().splitlines() if path.exists() else []
    return f"{lines[-1]} (see {path})" if lines else f"nothing is in {path}"


def _end(folder: Path, pid: int) -> None:
    """End the process: politely, and after a while by force."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        patience = time.monotonic() + STOP_TIMEOUT_S
        while lab_home.is_alive(folder):
            if time.monotonic() > patience:
                break
            time.sleep(LOOK_EVERY_S)
        else:
            return
    raise EmulatorError(f"The emulator (process {pid}) does not end.")
