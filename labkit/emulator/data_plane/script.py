"""One script on a kernel host: started, watched, ended, as amazon-ssm-agent does it."""

import os
import resource
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from labkit.emulator.data_plane import linux
from labkit.emulator.data_plane.file_system import KIT
from labkit.emulator.data_plane.loop import Loop, Timer
from labkit.emulator.data_plane.outcome import outcome
from labkit.emulator.data_plane.output import Output

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
DEFAULT_DIRECTORY = "/usr/bin"

_SCRIPTS = Path("/run/amazon/ssm")
_MIB = 1 << 20
_LIMITS = {
    resource.RLIMIT_CORE: 0,
    resource.RLIMIT_DATA: 2048 * _MIB,  # of each process; the address space may be larger
    resource.RLIMIT_FSIZE: 64 * _MIB,
    resource.RLIMIT_NOFILE: 4096,
}
_KILL_ME_FIRST = "1000"  # to the kernel, when memory runs out

Report = Callable[[dict[str, Any]], None]


class Script:
    """A running script. report gets the outcome once, as a dict of CommandOutcome's fields."""

    def __init__(
        self, spec: Mapping[str, Any], loop: Loop, max_processes: int, report: Report
    ) -> None:
        """Start it.

        Args:
            spec: CommandSpec's fields.
            loop: the host's.
            max_processes: how many processes its user may have in this host.
            report: is told the outcome.
        """
        self._spec = spec
        self._report = report
        self._stopped_as: str | None = None
        self.started_at = time.time()
        out, err = os.pipe(), os.pipe()
        path = self._write_script()
        self.pid = os.fork()
        if not self.pid:
            _execute(path, spec, (out[1], err[1]), max_processes)
        os.close(out[1])
        os.close(err[1])
        self._outputs = Output(loop, out[0]), Output(loop, err[0])
        self._timer: Timer = loop.call_later(
            float(spec["execution_timeout_s"]), lambda: self.stop("TimedOut")
        )

    def stop(self, status: str) -> None:
        """Kill the script and what it started in its session; report it with this status."""
        self._stopped_as = self._stopped_as or status
        _kill_session(self.pid)

    def ended(self, wait_status: int) -> None:
        """Take note that the script's own process ended; its background children may live on."""
        self._timer.cancel()
        stdout, stderr = (output.detach() for output in self._outputs)
        self._report(
            outcome(
                self._spec,
                exit_code=os.waitstatus_to_exitcode(wait_status),
                stopped_as=self._stopped_as,
                stdout=stdout,
                stderr=stderr,
                started_at=self.started_at,
            )
        )

    def _write_script(self) -> Path:
        folder = _SCRIPTS / self._spec["command_id"]
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "_script.sh"
        path.write_text("\n".join(self._spec["lines"]) + "\n", errors="surrogateescape")
        path.chmod(0o700)
        return path


def _execute(
    path: Path, spec: Mapping[str, Any], outputs: tuple[int, int], max_processes: int
) -> None:
    """Become the script: the forked child's part, which never returns."""
    try:
        os.setsid()
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        stdin = os.open("/dev/null", os.O_RDONLY)
        for fd, target in zip((stdin, *outputs), (0, 1, 2), strict=True):
            os.dup2(fd, target)
        linux.set_dumpable(True)  # or our own files in /proc belong to the machine's root
        Path("/proc/self/oom_score_adj").write_text(_KILL_ME_FIRST)
        _change_directory(spec["working_directory"] or DEFAULT_DIRECTORY)
        _limit(max_processes)
        os.execvpe("sh", ["sh", "-c", str(path)], _environment(spec))
    except OSError as error:
        os.write(2, f"{error.strerror}\n".encode())
    finally:
        os._exit(1)


def _change_directory(folder: str) -> None:
    try:
        os.chdir(folder)
    except OSError as error:
        reason = (error.strerror or "").lower()
        raise OSError(error.errno, f"chdir {folder}: {reason}") from None


def _limit(max_processes: int) -> None:
    for limit, value in {**_LIMITS, resource.RLIMIT_NPROC: max_processes}.items():
        hard = resource.getrlimit(limit)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (value, value))


def _environment(spec: Mapping[str, Any]) -> dict[str, str]:
    return {
        "PATH": f"{PATH}:{KIT / 'bin'}",
        "HOME": "/root",
        "USER": "root",
        "LANG": "C.UTF-8",
        "SSM_COMMAND_ID": spec["command_id"],
        "AWS_SSM_INSTANCE_ID": spec["instance_id"],
        **spec["environment"],
    }


def _kill_session(leader: int) -> None:
    """Kill every process of a session: also those in process groups of their own."""
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:  # it has not yet made its session
        os.kill(leader, signal.SIGKILL)
    for pid, session in sessions().items():
        if session == leader:
            kill(pid)


def sessions() -> dict[int, int]:
    """Return the session of each process of this host, pid 1 left out."""
    found: dict[int, int] = {}
    for pid in (int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit()):
        with suppress(ProcessLookupError):  # it ended meanwhile
            found[pid] = os.getsid(pid)
    found.pop(1, None)
    return found


def kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
