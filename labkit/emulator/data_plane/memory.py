"""How much memory a host's processes take together, and which of them end when it is too much.

A limit for each process (RLIMIT_DATA) is none for hundreds of them, and a control group needs
rights that an ordinary user lacks. So pid 1 of a host looks, and does what the kernel does on an
instance that runs out of memory: it kills the largest.
"""

import os
import signal
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

MOST_BYTES = 2 << 30
LOOK_EVERY_S = 0.1
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_PROC = Path("/proc")


def end_largest(pids: Iterable[int], most_bytes: int = MOST_BYTES) -> list[int]:
    """Kill the largest of these processes until the others take no more; return the killed ones."""
    pids = list(pids)
    if sum(map(_own_bytes, pids)) <= most_bytes:
        return []
    sizes = sorted(((_proportional_bytes(pid), pid) for pid in pids), reverse=True)
    left, killed = sum(size for size, _ in sizes), []
    for size, pid in sizes:
        if left <= most_bytes:
            break
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        left -= size
        killed.append(pid)
    return killed


def _own_bytes(pid: int) -> int:
    """Return what a process has in memory but for files: quick, and too much after a fork."""
    try:
        _, resident, shared, *_ = (_PROC / f"{pid}/statm").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return (int(resident) - int(shared)) * _PAGE_BYTES


def _proportional_bytes(pid: int) -> int:
    """Return a process' memory, with what it shares divided by the number of those who share it.

    Source: the kernel's Documentation/filesystems/proc.rst, smaps_rollup
    """
    try:
        lines = (_PROC / f"{pid}/smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    except PermissionError:  # a program may close itself to lookers
        return _own_bytes(pid)
    anonymous = ("Pss_Anon:", "Pss_Shmem:")
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith(anonymous))
