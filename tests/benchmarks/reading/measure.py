"""Rounds of methods in turn, each in a fresh process, so that a busy machine slows all alike."""

import json
import statistics
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from reading.methods import Job, environment

CHILD = Path(__file__).with_name("child.py")


@dataclass(frozen=True)
class Entry:
    """One method in one case.

    Attributes:
        method: Its name in `methods.READERS`.
        job: What it reads.
        records: How many records these are.
        python: Another interpreter, where the method cannot live beside the others.
    """

    method: str
    job: Job
    records: int
    python: str = sys.executable


@dataclass
class Figures:
    """What the rounds of one entry took."""

    entry: Entry
    seconds: list[float]
    user: list[float]
    system: list[float]
    peaks: list[int]
    faults: list[str]

    @property
    def rate(self) -> float:
        """Records a second, of the median round."""
        return self.entry.records / statistics.median(self.seconds)

    @property
    def user_rate(self) -> float:
        return self.entry.records / statistics.median(self.user)

    @property
    def peak_bytes(self) -> float:
        return statistics.median(self.peaks)

    @property
    def spread(self) -> float:
        """Half of the distance from the fastest to the slowest round, of the median."""
        return (max(self.seconds) - min(self.seconds)) / 2 / statistics.median(self.seconds)


def run(entries: list[Entry], truth: dict, rounds: int) -> list[Figures]:
    """Measure all entries in turn, `rounds` times; checksums are compared in the first round."""
    figures = [Figures(entry, [], [], [], [], []) for entry in entries]
    for number in range(rounds):
        for each in figures:
            if each.faults:
                continue
            partial = each.entry.job.limit is not None
            told = _once(each.entry, {} if number or partial else truth)
            each.faults += told["faults"]
            each.seconds.append(told["s"])
            each.user.append(told["user_s"])
            each.system.append(told["system_s"])
            each.peaks.append(told["peak"])
    return figures


def ratio(ours: Figures, other: Figures) -> float:
    """Return how many times faster we are: the median of the rounds' own ratios, per record."""
    pairs = zip(ours.seconds, other.seconds, strict=False)
    scale = ours.entry.records / other.entry.records
    return statistics.median(theirs / mine for mine, theirs in pairs) * scale


def _once(entry: Entry, truth: dict) -> dict:
    command = [
        entry.python,
        str(CHILD),
        entry.method,
        json.dumps(asdict(entry.job)),
        json.dumps(truth),
    ]
    done = subprocess.run(
        command, env=environment(entry.job.url), capture_output=True, text=True, check=False
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no word"])[-1]
        return {
            "s": float("nan"),
            "user_s": float("nan"),
            "system_s": float("nan"),
            "peak": 0,
            "faults": [f"it failed: {last}"],
        }
    return json.loads(done.stdout.splitlines()[-1])
