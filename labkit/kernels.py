"""Fresh kernels, quick to have: on Unix sockets, ended at once, the next one started ahead.

Kernels on Unix sockets open no port, and ipykernel does not warn about unencrypted TCP.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import run_sync


class Kernel(AsyncKernelManager):
    """A Python kernel of this very interpreter, on Unix sockets."""

    @property
    def kernel_spec(self) -> KernelSpec:
        launcher = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(
            argv=[*launcher, "--HistoryManager.enabled=False"],
            display_name="Python 3",
            language="python",
        )


class Kernels:
    """Fresh kernels, one ahead: `take` gives the one that is waiting and starts the next."""

    def __init__(self, folder: Path, cwd: Path, environment: Mapping[str, str]) -> None:
        """Remember where and how to start kernels.

        Args:
            folder: For their sockets; the path of a Unix socket has about 100 characters.
            cwd: Where the notebooks lie.
            environment: Added to this process's own.
        """
        self.folder = folder
        self.cwd = cwd
        self.environment = {**os.environ, "IPYTHONDIR": str(folder / "ipython"), **environment}
        self.started = 0
        self.ahead: Kernel | None = None
        self.present: Kernel | None = None

    def start_ahead(self) -> None:
        """Start a kernel and do not wait for it."""
        if self.ahead is None:
            self.started += 1
            stem = self.folder / f"k{self.started}"
            kernel = Kernel(transport="ipc", ip=str(stem), connection_file=f"{stem}.json")
            run_sync(kernel.start_kernel)(cwd=str(self.cwd), env=self.environment)
            self.ahead = kernel

    def take(self, *, another: bool) -> Kernel:
        """Return a fresh kernel, and start another one if one will be needed."""
        self.start_ahead()
        self.present, self.ahead = self.ahead, None
        assert self.present is not None
        if another:
            self.start_ahead()
        return self.present

    def interrupt(self) -> None:
        """Interrupt the cell that runs; may be called from a signal handler."""
        _send(self.present, signal.SIGINT)

    def kill(self, kernel: Kernel | None = None) -> None:
        """Kill the kernel that works, if it is still the given one; as `interrupt`."""
        if kernel is None or kernel is self.present:
            _send(self.present, signal.SIGKILL)

    def close(self) -> None:
        """End whatever still runs."""
        for kernel in (self.present, self.ahead):
            if kernel is not None and kernel.has_kernel:
                run_sync(kernel.shutdown_kernel)(now=True)
        self.present = self.ahead = None


def _send(kernel: Kernel | None, number: int) -> None:
    process = getattr(getattr(kernel, "provisioner", None), "process", None)
    if process is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, number)
