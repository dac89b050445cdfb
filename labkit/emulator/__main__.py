"""python -m labkit.emulator: run the emulator of a LABKIT_HOME in the foreground."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from pathlib import Path

from labkit import home
from labkit.errors import EmulatorError


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m labkit.emulator", description=__doc__)
    parser.add_argument("--home", type=Path, help="instead of LABKIT_HOME")
    parser.add_argument("--port", type=int, default=0, help="0 (default): any free port")
    parser.add_argument("--pace", choices=("lab", "aws"), default="lab")
    parser.add_argument("--hosts", choices=("auto", "kernel", "in-process"), default="auto")
    parser.add_argument("--idle", type=float, help="end after so many seconds without a request")
    parser.add_argument("--log-requests", action="store_true")
    parser.add_argument("--detach", type=int, metavar="FD", help="go on alone; tell FD when ready")
    asked = parser.parse_args(arguments)
    if asked.detach is not None and os.fork():
        os._exit(0)
    _forget_aws()
    gc.disable()  # nothing that is loaded at the start is garbage; warm_up.py enables it again
    try:
        folder = home.prepared(asked.home) if asked.home else home.home()
        os.environ["LABKIT_HOME"] = str(folder)
        from labkit.emulator import server

        server.serve(
            folder,
            port=asked.port,
            pace=asked.pace,
            host_kind=asked.hosts,
            idle_s=asked.idle or server.IDLE_S,
            log_requests=asked.log_requests,
            on_ready=lambda: _tell_ready(asked.detach),
        )
    except EmulatorError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


def _tell_ready(fd: int | None) -> None:
    if fd is not None:
        os.write(fd, b"ready")
        os.close(fd)


def _forget_aws() -> None:
    """Keep the user's own AWS settings out: a profile or an endpoint of theirs is not for us."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
    os.environ["AWS_EC2_METADATA_DISABLED"] = "true"


if __name__ == "__main__":
    raise SystemExit(main())
