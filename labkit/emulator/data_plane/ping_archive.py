"""The kit's ping as one executable file: a shell line, then a zip of the modules it is made of."""

import io
import shlex
import zipfile
from pathlib import Path

_PACKAGE = "labkit.emulator.data_plane"
_MODULES = ("ipv4", "icmp", "ping_text", "ping_options", "ping_session", "ping_program")
_MAIN = f"""\
import sys
from {_PACKAGE}.ping_program import main
sys.exit(main(sys.argv[1:]))
"""


def ping_program(interpreter: str) -> bytes:
    """Return a program for sh that runs the kit's ping with this Python, in no environment."""
    start = f'#!/bin/sh\nexec {shlex.quote(interpreter)} -IS "$0" "$@"\n'.encode()
    archive = io.BytesIO(start)
    archive.seek(0, io.SEEK_END)
    with zipfile.ZipFile(archive, "a") as file:
        for name, text in _files().items():
            file.writestr(zipfile.ZipInfo(name), text)
    return archive.getvalue()


def _files() -> dict[str, str]:
    """Return the archive's files; its packages are empty: none of labkit's own is run."""
    folder = _PACKAGE.replace(".", "/")
    source = Path(__file__).parent
    parents = ("labkit", "labkit/emulator", folder)
    return {
        "__main__.py": _MAIN,
        **{f"{parent}/__init__.py": "" for parent in parents},
        **{f"{folder}/{name}.py": (source / f"{name}.py").read_text() for name in _MODULES},
    }
