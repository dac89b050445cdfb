"""How long until the first rows: `import labkit` and a small read, beside `import pandas`.

And how long the compiled parser takes to load, which the other figures leave out as they leave out
all imports.
"""

import gzip
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from reading import generate
from reading.methods import environment

PANDAS = "import pandas"
LABKIT = "import labkit; from labkit.flowlogs import files; files.read({path!r})"
LOAD = """
import time
from labkit.flowlogs import compiled_lines
began = time.perf_counter()
assert compiled_lines.load()
print(time.perf_counter() - began)
"""


def loading(rounds: int) -> str:
    """Return a sentence with the median of loading the parser, and of compiling it before."""
    with tempfile.TemporaryDirectory() as cache:
        own = environment("") | {"NUMBA_CACHE_DIR": cache}
        took = [
            float(subprocess.check_output([sys.executable, "-c", LOAD], env=own))
            for _ in range(rounds + 1)
        ]
    return (
        f"A log of more than 100 MB of text has the compiled parser loaded while it is read: "
        f"{statistics.median(took[1:]):.2f} s, the first time ever on a machine {took[0]:.1f} s."
    )


def run(rounds: int) -> str:
    """Return a sentence with both medians; each in a fresh process, in turn."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "small.log.gz"
        path.write_bytes(
            gzip.compress(
                " ".join(generate.NAMES).encode() + b"\n" + generate.text(generate.rows(0, 100))
            )
        )
        codes = {"pandas": PANDAS, "labkit": LABKIT.format(path=str(path))}
        took: dict[str, list[float]] = {name: [] for name in codes}
        for _ in range(rounds + 1):  # the first fills the disk's cache
            for name, code in codes.items():
                began = time.perf_counter()
                subprocess.run([sys.executable, "-c", code], check=True, env=environment(""))
                took[name].append(time.perf_counter() - began)
    medians = {name: statistics.median(each[1:]) for name, each in took.items()}
    more = statistics.median(
        a - b for a, b in zip(took["labkit"][1:], took["pandas"][1:], strict=True)
    )
    return (
        f"`import labkit` and a first read of 100 records: {medians['labkit']:.2f} s in a fresh "
        f"process; `import pandas` alone: {medians['pandas']:.2f} s; the difference {more:.2f} s."
    )
