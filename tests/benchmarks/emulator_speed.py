"""How quick the emulator is, from outside: its start, ping under load, records, thirty stacks.

Run: python tests/benchmarks/emulator_speed.py [start|load|flood|records|stacks ...]

Each part starts an emulator with a home of its own. Ratios are of medians of five, the two sides
taken in turn, so that a busy machine slows both. Numbers are printed, nothing is asserted.
"""

import contextlib
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from labkit import aws, emulator_process, flowlogs, ping, run_command, stacks

ROUNDS, CLIENTS, FLOOD, STACKS, LOOK_S = 5, 4, 20_000, 30, 1
HERE = Path(__file__).parents[2]


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


class Lab:
    """An emulator of its own, and stacks in it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        began = time.perf_counter()
        self.run_file = emulator_process.start(home)
        self.session = aws.on_emulator(self.run_file)
        self.client("sts").get_caller_identity()
        self.start_s = time.perf_counter() - began

    def client(self, name: str) -> Any:
        return self.session.client(name)

    def create(self, name: str) -> dict[str, str]:
        """Create a stack; return its outputs once its nodes are Online.

        It is looked at once a second, as `aws cloudformation wait` and the like would, only closer.
        """
        cloudformation = self.client("cloudformation")
        cloudformation.create_stack(
            StackName=name,
            TemplateBody=(HERE / "cfn" / "lab.yaml").read_text(),
            Capabilities=["CAPABILITY_IAM"],
        )
        waiter = cloudformation.get_waiter("stack_create_complete")
        waiter.wait(StackName=name, WaiterConfig={"Delay": LOOK_S, "MaxAttempts": 300})
        outputs = stacks.find(cloudformation, name).outputs
        run_command.nodes(self.client("ssm"), [outputs["Instance1Id"], outputs["Instance2Id"]])
        return dict(outputs)

    def ping(self, outputs: dict[str, str], options: str) -> ping.PingResult:
        line = f"ping {options} {outputs['Instance2PrivateIp']}"
        result = run_command.run(self.client("ssm"), outputs["Instance1Id"], [line], timeout_s=300)
        return ping.parse(result.stdout)

    def memory_mb(self) -> float:
        """Return what all processes of the emulator hold for themselves (Linux only)."""
        return sum(map(_private_kb, _descendants(self.run_file.pid))) / 1024

    def cpu_s(self) -> tuple[float, float]:
        """Return the processor time of the control process, and of the others (Linux only)."""
        control, *others = _descendants(self.run_file.pid)
        return _cpu_s(control), sum(map(_cpu_s, others))


@contextlib.contextmanager
def lab() -> Iterator[Lab]:
    with tempfile.TemporaryDirectory() as folder:
        made = Lab(Path(folder))
        try:
            yield made
        finally:
            emulator_process.stop(made.home)


def _descendants(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(below for child in children for below in _descendants(int(child)))]


def _private_kb(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_"))


def _cpu_s(pid: int) -> float:
    """Return the processor time of a process and of its children that ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def polled(of: Lab) -> Iterator[list[int]]:
    """Let CLIENTS clients call the API as fast as they can; gives how many calls each made."""
    calls, ending = [0] * CLIENTS, threading.Event()

    def poll(number: int) -> None:
        ec2 = of.session.client("ec2")
        while not ending.is_set():
            ec2.describe_instances()
            calls[number] += 1

    threads = [threading.Thread(target=poll, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield calls
    finally:
        ending.set()
        for thread in threads:
            thread.join()


def measure_start() -> None:
    times = []
    for _ in range(ROUNDS):
        with lab() as made:
            times.append(made.start_s)
    say(f"start to first answer: median {statistics.median(times):.2f} s of {ROUNDS}")


def measure_load() -> None:
    """Compare ping's average round trip while clients poll the API with that of a quiet one."""
    quiet, loaded = [], []
    with lab() as made:
        outputs = made.create("load")
        for _ in range(ROUNDS):
            quiet.append(made.ping(outputs, "-c 40 -i 0.02 -q").avg_ms)
            with polled(made):
                loaded.append(made.ping(outputs, "-c 40 -i 0.02 -q").avg_ms)
    ratio = statistics.median(loaded) / statistics.median(quiet)
    say(
        f"round trip: quiet {statistics.median(quiet):.3f} ms, "
        f"{CLIENTS} clients polling {statistics.median(loaded):.3f} ms, ratio {ratio:.2f}"
    )


def measure_flood() -> None:
    """Flood while clients poll; count what is lost, and what the records say."""
    with lab() as made:
        outputs = made.create("flood")
        began = datetime.now(UTC) - timedelta(minutes=2)
        with polled(made) as calls:
            result = made.ping(outputs, f"-f -q -c {FLOOD}")
        time.sleep(2)
        log = flowlogs.s3.read(made.session, outputs["FlowLogBucketName"], start=began)
        sums = log[log.protocol == 1].groupby(["interface_id", "srcaddr"]).packets.sum()
    say(
        f"flood of {FLOOD:,} while {sum(calls)} calls were answered: "
        f"{result.transmitted - result.received} lost; the records' sums: {sorted(set(sums))}"
    )


def measure_records() -> None:
    """Measure from the end of a ping to its record in each destination."""
    to_s3, to_logs = [], []
    with lab() as made:
        outputs = made.create("records")
        s3, logs = made.client("s3"), made.client("logs")
        for _ in range(ROUNDS):
            time.sleep(1)
            where = {"Bucket": outputs["FlowLogBucketName"]}
            group = {"logGroupName": outputs["FlowLogGroupName"]}
            objects = s3.list_objects_v2(**where)["KeyCount"]
            since = int(time.time() * 1000) - 1000
            made.ping(outputs, "-c 2 -i 0.2 -q")
            ended = time.perf_counter()
            waiting = {"s3", "logs"}
            while waiting:
                if "s3" in waiting and s3.list_objects_v2(**where)["KeyCount"] > objects:
                    to_s3.append(time.perf_counter() - ended)
                    waiting.discard("s3")
                if "logs" in waiting and logs.filter_log_events(
                    **group, startTime=since, filterPattern='" 0 0 1 "'
                ).get("events"):
                    to_logs.append(time.perf_counter() - ended)
                    waiting.discard("logs")
                time.sleep(0.01)
    say(
        f"last packet to the record: S3 median {statistics.median(to_s3):.2f} s, "
        f"CloudWatch Logs {statistics.median(to_logs):.2f} s"
    )


def measure_stacks() -> None:
    """Create STACKS stacks at once, then ping in all of them at once."""
    with lab() as made:
        began, before = time.perf_counter(), made.cpu_s()
        with ThreadPoolExecutor(STACKS) as pool:
            made_stacks = list(pool.map(made.create, (f"stack-{n}" for n in range(STACKS))))
            up_s = time.perf_counter() - began
            control_s, others_s = (b - a for a, b in zip(before, made.cpu_s(), strict=True))
            results = list(pool.map(lambda one: made.ping(one, "-c 5 -i 0.2 -q"), made_stacks))
        lost = sum(result.transmitted - result.received for result in results)
        say(
            f"{STACKS} stacks with all nodes Online: {up_s:.1f} s; {lost} pings lost in "
            f"{len(results)} pings; private memory {made.memory_mb():.0f} MB; "
            f"processor time a stack: control process {control_s / STACKS:.2f} s, data process "
            f"and hosts {others_s / STACKS:.2f} s, this client {time.process_time() / STACKS:.2f} s"
        )


PARTS = {
    "start": measure_start,
    "load": measure_load,
    "flood": measure_flood,
    "records": measure_records,
    "stacks": measure_stacks,
}


if __name__ == "__main__":
    for part in sys.argv[1:] or PARTS:
        PARTS[part]()
