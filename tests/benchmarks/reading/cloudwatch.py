"""A log group: 200,000 events in 50 streams, served by a local stand-in in a process of its own.

Run by itself it is that server: python cloudwatch.py EVENTS
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[2] / "flowlogs")]

from reading import generate
from reading.methods import END, LABKIT, START, Job, Method, session

GROUP = "flow-logs"
MOST = 25_000  # the records of one of the generator's five minutes


# Both are told the log format, as it is the peer's default: asking takes both a third of a second.


def labkit_cloudwatch(job: Job) -> Any:
    from labkit.fields import DEFAULT_FIELDS
    from labkit.flowlogs import cloudwatch

    return cloudwatch.read(session(), GROUP, start=START, end=END, fields=DEFAULT_FIELDS)


def flowlogs_reader_cloudwatch(job: Job) -> Any:
    import flowlogs_reader

    reader = flowlogs_reader.FlowLogsReader(
        GROUP,
        start_time=START.replace(tzinfo=None),
        end_time=END.replace(tzinfo=None),
        region_name="us-east-1",
    )
    return list(reader)


PEER = ("flowlogs_reader", "boto3")
METHODS = {
    method.name: method
    for method in (
        Method("labkit, log group", labkit_cloudwatch, LABKIT),
        Method("flowlogs-reader, log group", flowlogs_reader_cloudwatch, PEER),
    )
}


class LocalLogs:
    """As a context: a log group of so many events at `url`; `truth` has the checksums."""

    def __init__(self, events: int) -> None:
        self.events = events

    def __enter__(self) -> "LocalLogs":
        command = [sys.executable, __file__, str(self.events)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout
        told = json.loads(self.process.stdout.readline())
        self.url, self.truth = told["url"], told["truth"]
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.wait()


def _fill(group: Any, events: int) -> dict:
    """Lay in the generator's records in the order of time; return the checksums."""
    sums = []
    for seed in range(-(-events // MOST)):
        table = generate.rows(seed, min(MOST, events - seed * MOST)).sort_by("start")
        sums.append(generate.checksums(table))
        lines = generate.text(table).decode().splitlines()
        starts, interfaces = (table[name].to_pylist() for name in ("start", "interface-id"))
        group.events += [
            (f"{interface}-all", start * 1000, line)
            for interface, start, line in zip(interfaces, starts, lines, strict=True)
        ]
    return {"rows": events, "columns": generate.add(sums)}


def _serve(events: int) -> None:
    import threading

    from log_service import Group, Service, serving

    service = Service()
    group = service.groups[GROUP] = Group(
        formats=[" ".join(f"${{{name}}}" for name in generate.NAMES)]
    )
    truth = _fill(group, events)
    service.warm_up(GROUP)
    with serving(service):
        print(json.dumps({"url": service.url, "truth": truth}), flush=True)
        threading.Event().wait()


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
