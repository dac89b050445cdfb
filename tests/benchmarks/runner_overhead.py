"""How long the mission takes by `labkit run` (00 to 05, and 99), against seven bare kernels.

A bare kernel only starts, imports and shuts down.

    python tests/benchmarks/runner_overhead.py [ROUNDS]

The two are measured in turn, so that a busy machine slows both; the median of the rounds counts.
The seconds that ping itself takes (one a request) are subtracted: they are the lesson, not the
runner's. The goal is a ratio under 2.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from jupyter_client.manager import start_new_kernel

MISSION = ("00", "01", "02", "03", "04", "05", "99")
NOTEBOOKS = len(MISSION)
IMPORTS = "import boto3, pandas, matplotlib.pyplot"
PINGS = 5
PING_S = PINGS - 1.0


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def bare_kernels_s() -> float:
    began = time.perf_counter()
    for _ in range(NOTEBOOKS):
        manager, client = start_new_kernel(stderr=subprocess.DEVNULL)
        client.execute_interactive(IMPORTS, timeout=120)
        client.stop_channels()
        manager.shutdown_kernel()
    return time.perf_counter() - began


def run_s(output: Path) -> float:
    began = time.perf_counter()
    command = [sys.executable, "-m", "labkit", "run", "--output", str(output)]
    command += [f"--only={number}" for number in MISSION]
    ended = subprocess.run(
        [*command, "-p", "count", str(PINGS)], capture_output=True, text=True, check=False
    )
    if ended.returncode:
        sys.exit(f"labkit run failed:\n{ended.stdout}{ended.stderr}")
    return time.perf_counter() - began - PING_S


def main(rounds: int) -> None:
    bare, runs = [], []
    with tempfile.TemporaryDirectory() as output:
        run_s(Path(output))  # warms the caches of both
        for number in range(rounds):
            bare.append(bare_kernels_s())
            runs.append(run_s(Path(output)))
            say(
                f"round {number + 1}: {NOTEBOOKS} bare kernels {bare[-1]:.1f} s, "
                f"labkit run {runs[-1]:.1f} s and {PING_S:.0f} s of ping, "
                f"ratio {runs[-1] / bare[-1]:.2f}"
            )
    ratio = statistics.median(runs) / statistics.median(bare)
    say(f"median ratio {ratio:.2f} ({'under' if ratio < 2 else 'NOT under'} 2)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
