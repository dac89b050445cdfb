"""One method, once, in a process of its own. Prints what it took as JSON.

Run by `measure.py`: python child.py METHOD JOB TRUTH
"""

import json
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from reading import aggregates, cloudwatch, methods

ALL = methods.READERS | aggregates.METHODS | cloudwatch.METHODS
TOUCHED_BYTES = 1 << 30


def touch_memory() -> None:
    """Have the memory from the host, which may take it back and give it slowly."""
    block = bytearray(TOUCHED_BYTES)
    block[::4096] = b"1" * len(block[::4096])
    del block
    Path("/proc/self/clear_refs").write_text("5")  # begin the count of the peak anew


def peak_bytes() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def main() -> None:
    method = ALL[sys.argv[1]]
    job = methods.Job(**json.loads(sys.argv[2]))
    truth = json.loads(sys.argv[3])
    method.prepare()
    touch_memory()
    used, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    rows = method.run(job)
    took_s, peak = time.perf_counter() - began, peak_bytes()
    now = resource.getrusage(resource.RUSAGE_SELF)
    user_s, system_s = now.ru_utime - used.ru_utime, now.ru_stime - used.ru_stime
    faults = method.differs(rows, truth) if hasattr(method, "differs") else check(rows, truth)
    print(
        json.dumps(
            {"s": took_s, "user_s": user_s, "system_s": system_s, "peak": peak, "faults": faults}
        )
    )


def check(rows: object, truth: dict) -> list[str]:
    """Name the columns whose checksum is not that of the generator."""
    from reading.generate import checksums

    table = methods.as_table(rows)
    if table is None or not truth:
        return []
    got = checksums(table)
    return [
        f"{name}: {got.get(name)} for {wanted}"
        for name, wanted in truth["columns"].items()
        if got.get(name) != wanted
    ]


main()
