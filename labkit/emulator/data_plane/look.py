"""What kernel hosts on this machine see: decided once, when the data process starts."""

import os
import shlex
import shutil
import sys
from pathlib import Path

from labkit.emulator.data_plane.file_system import HIDDEN, FileSystem, outermost
from labkit.emulator.data_plane.ping_archive import ping_program
from labkit.emulator.data_plane.script import PATH


def file_system(hidden: tuple[str, ...]) -> FileSystem:
    """Return the look of a host on this machine.

    Args:
        hidden: further folders to hide.
    """
    folders = outermost([*HIDDEN, str(Path.home()), *hidden])
    bare = FileSystem(hidden=folders, kept=(), programs={})
    prefix = os.path.realpath(sys.base_prefix)
    is_kept = bare.hides(prefix) and os.access(prefix, os.R_OK | os.X_OK)
    return FileSystem(
        hidden=folders, kept=(prefix,) if is_kept else (), programs=_missing_programs(bare)
    )


def _missing_programs(bare: FileSystem) -> dict[str, bytes]:
    interpreter = os.path.realpath(sys.executable)
    programs: dict[str, bytes] = {}
    if not _has(bare, "python3"):
        programs["python3"] = f'#!/bin/sh\nexec {shlex.quote(interpreter)} "$@"\n'.encode()
    if not _has(bare, "ping"):
        programs["ping"] = ping_program(interpreter)
    return programs


def _has(look: FileSystem, program: str) -> bool:
    """Say whether hosts find a program of the machine's on their PATH."""
    found = shutil.which(program, path=PATH)
    return found is not None and not look.hides(os.path.realpath(found))
