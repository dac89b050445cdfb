"""A home of its own for one `labkit run`: its emulator and its kernels' sockets, and no trace."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from typing import IO

from labkit import emulator_process, masking
from labkit.errors import EmulatorError
from labkit.home import LOG_FILE

PREFIX = "labkit-run-"
LOCK = "running"
LONGEST_FOLDER = 60  # with the name of a socket in it, under the 104 characters of macOS


class RunHome:
    """A folder that lives as long as a run.

    A run that was killed cannot tidy up after itself: the next one does. A living run holds a
    lock on its folder, which the kernel lets go of when its process ends, however it ends.

    Attributes:
        folder: For sockets and the like.
        home: The run's own LABKIT_HOME in it.
    """

    def __init__(self) -> None:
        base = tempfile.gettempdir()
        base = base if len(base) <= LONGEST_FOLDER else "/tmp"
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
        self.home = self.folder / "home"
        # Locked before it gets its name: another run that looks finds it locked, or not at all.
        self.lock = _locked(self.folder / "starting")
        (self.folder / "starting").rename(self.folder / LOCK)
        for abandoned in sorted(Path(base).glob(f"{PREFIX}*")):
            if abandoned != self.folder and abandoned.stat().st_uid == os.getuid():
                _remove_abandoned(abandoned)

    def __enter__(self) -> RunHome:
        return self

    def __exit__(self, *error: object) -> None:
        if (self.folder / LOCK).exists():
            _remove(self.folder)
        if self.lock:
            self.lock.close()

    def keep(self) -> None:
        """Leave the emulator running; its folder is no longer any run's to remove."""
        (self.folder / LOCK).unlink(missing_ok=True)

    def stop_emulator(self) -> None:
        """Stop the emulator, if one runs."""
        emulator_process.stop(self.home)

    def save_log(self, folder: Path) -> None:
        """Copy the emulator's log, if there is one, to where it outlives the run; masked."""
        log = self.home / LOG_FILE
        if log.exists():
            text = masking.mask(log.read_text(encoding="utf-8", errors="replace"))
            (folder / LOG_FILE).write_text(text, encoding="utf-8")


def _remove_abandoned(folder: Path) -> None:
    if (folder / LOCK).exists() and (lock := _locked(folder / LOCK)):
        _remove(folder)
        lock.close()


def _remove(folder: Path) -> None:
    try:
        emulator_process.stop(folder / "home")
    except EmulatorError as error:
        raise EmulatorError(f"{error} Its folder is {folder}.") from None
    shutil.rmtree(folder, ignore_errors=True)


def _locked(path: Path) -> IO[str] | None:
    """Return a locked file, held until it is closed; None if another process holds it."""
    lock = path.open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return None
    return lock
