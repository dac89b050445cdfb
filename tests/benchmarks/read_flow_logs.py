"""Our reader beside the others, on the same generated data: records a second, peak memory, ratios.

Run: pip install -e '.[bench]'; python tests/benchmarks/read_flow_logs.py
         [--cases many one tiny slow parquet logs sums out_of_core] [--rounds 5] [--scale 1]
         [--methods labkit polars] [--data FOLDER] [--awswrangler-python PYTHON]

Prints a table of all methods, and the README's. Each method runs in a process of its own, in turn;
what it read is compared with the checksums of every column that the generator wrote beside the
data. Imports are not measured, nor is loading the compiled parser: what they take is told at the
end. S3 is nginx where it is installed (`apt-get install nginx-light`). awswrangler wants an older
pyarrow than ours, so it has an environment of its own: `python -m venv W; W/bin/pip install
awswrangler==3.17.1`, and `--awswrangler-python W/bin/python`. duckdb reads local files: its S3
extension is not in its wheel.
Ends with 1 if a checksum differs.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from reading import cases, imports, measure, table


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", nargs="+", choices=cases.ALL, default=cases.ALL)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--data", type=Path, default=Path(tempfile.gettempdir()) / "flow-log-data")
    parser.add_argument("--awswrangler-python")
    parser.add_argument("--methods", nargs="+", help="only those whose names contain one of these")
    told = parser.parse_args()
    told.data.mkdir(parents=True, exist_ok=True)
    made = cases.Cases(told.data, told.scale, told.awswrangler_python)
    say(table.head())
    wrong = False
    measured = []
    for name in told.cases:
        with getattr(made, name)() as case:
            entries = [each for each in case.entries if _is_wanted(each.method, told.methods)]
            figures = measure.run(entries, case.truth, told.rounds)
        for line in table.lines(case.title, figures):
            say(line)
        measured.append((case.title, figures))
        wrong |= any(each.faults for each in figures)
    say("\n" + "\n".join(table.short(measured)))
    say("\n" + imports.run(told.rounds) + " " + imports.loading(told.rounds))
    say(table.foot(told.rounds, "S3 is nginx on loopback"))
    return int(wrong)


def _is_wanted(method: str, parts: list[str] | None) -> bool:
    return parts is None or any(part in method for part in parts)


if __name__ == "__main__":
    raise SystemExit(main())
