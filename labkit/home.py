"""LABKIT_HOME: the folder of the user's state, and the emulator's run file in it."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

import platformdirs

from labkit.errors import EmulatorError

RUN_FILE = "emulator.json"
ALIVE_LOCK = "emulator.lock"
LOG_FILE = "emulator.log"
CLIENT_CONFIG = "aws-config"


@dataclass(frozen=True, slots=True)
class RunFile:
    """What a client must know to reach the running emulator; only its user may read it.

    started_at is an ISO 8601 time in UTC; host_kind is "kernel" or "in-process", and
    host_kind_reason says why it is not "kernel".
    """

    pid: int
    port: int
    endpoint_url: str
    access_key_id: str
    account_id: str
    pace: str
    host_kind: str
    host_kind_reason: str | None
    log_path: str
    started_at: str
    secret_access_key: str = field(repr=False)


def home() -> Path:
    """Return $LABKIT_HOME (default: the user's state directory), made if it is missing.

    Raises:
        EmulatorError: the folder cannot be made or written.
    """
    configured = os.environ.get("LABKIT_HOME")
    folder = Path(configured) if configured else platformdirs.user_state_path("labkit")
    return prepared(folder)


def prepared(folder: Path) -> Path:
    """Make folder (mode 0700) unless it exists, and return it as an absolute path.

    Raises:
        EmulatorError: the folder cannot be made or written.
    """
    folder = folder.expanduser().absolute()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = folder / f".writable-{os.getpid()}"
        probe.touch()
        probe.unlink(missing_ok=True)  # another thread's, which is as good
    except OSError as error:
        raise EmulatorError(
            f"LABKIT_HOME {folder} cannot be written ({error.strerror}): "
            "set LABKIT_HOME to a folder of yours."
        ) from None
    return folder


def read_run_file(folder: Path) -> RunFile | None:
    """Return the run file of the emulator last started there, be it alive or not.

    A missing, torn or older file counts as none: it says nothing that can be used.
    """
    try:
        found = json.loads((folder / RUN_FILE).read_text())
        return RunFile(**{one.name: found[one.name] for one in fields(RunFile)})
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def write_run_file(folder: Path, run_file: RunFile) -> None:
    """Write the run file at once (never half of it), readable by the user alone."""
    write_private(folder / RUN_FILE, json.dumps(asdict(run_file), indent=2) + "\n")


def remove_run_file(folder: Path) -> None:
    """Remove the run file and the clients' profile: both hold the key of an emulator that ended."""
    (folder / RUN_FILE).unlink(missing_ok=True)
    (folder / CLIENT_CONFIG).unlink(missing_ok=True)


def open_private(path: str | os.PathLike[str], flags: int) -> int:
    """Open a file that only its user may read, if it is made: an opener for open()."""
    return os.open(path, flags, 0o600)


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step, with mode 0600 from its first byte on."""
    fresh = path.with_name(f".{path.name}-{os.getpid()}")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)


@contextmanager
def locked(path: Path, *, wait: bool) -> Iterator[bool]:
    """Hold an exclusive lock on a file; yield whether we hold it.

    The kernel drops the lock when its holder ends, however it ends, so a lock tells
    living processes from dead ones without a guess about process ids.
    """
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True


def is_alive(folder: Path) -> bool:
    """Say whether an emulator runs on this home (it holds the lock as long as it lives)."""
    with locked(folder / ALIVE_LOCK, wait=False) as free:
        return not free
