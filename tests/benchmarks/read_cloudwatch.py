"""How fast is a log group read? labkit.flowlogs beside flowlogs-reader, each event's checksum told.

python tests/benchmarks/read_cloudwatch.py [--events 200000] [--rounds 5]
"""

import argparse

from reading import measure
from reading.cloudwatch import METHODS, LocalLogs
from reading.methods import Job


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    with LocalLogs(given.events) as logs:
        entries = [measure.Entry(name, Job(logs.url, ""), given.events) for name in METHODS]
        figures = measure.run(entries, logs.truth, given.rounds)
    for each in figures:
        print(
            f"{each.entry.method:<28}{each.rate:>12,.0f} events/s{each.user_rate:>12,.0f} by its "
            f"own CPU   {each.peak_bytes / 1e6:>6,.0f} MB   ±{each.spread:.0%}   "
            f"{measure.ratio(figures[0], each):.1f}   {'; '.join(each.faults) or 'checksums equal'}"
        )


if __name__ == "__main__":
    main()
