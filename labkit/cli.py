"""The command `labkit`: arguments in, one call, exit code out."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from labkit.errors import LabError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; an error of ours is one line on stderr."""
    parser = _parser()
    given = _parse(parser, arguments)
    if not hasattr(given, "call"):
        parser.print_help()
        return 0
    try:
        return given.call(given)
    except LabError as error:
        print(f"labkit: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("labkit: interrupted", file=sys.stderr)
        return 130


def _parse(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse; the words of `records` may stand on either side of its options."""
    given, rest = parser.parse_known_args(arguments)
    if rest and (not hasattr(given, "words") or any(word.startswith("-") for word in rest)):
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    if rest:
        given.words += rest
    return given


def _records(given: argparse.Namespace) -> int:
    from labkit.records_command import running

    return running.run(given)


def _run(given: argparse.Namespace) -> int:
    from labkit import lab, notebooks, progress

    plan = lab.Plan(
        target=given.target,
        parameters={name: notebooks.value_of(value) for name, value in given.parameters},
        only=given.only,
        begin=given.begin,
        output=given.output,
        pace=given.pace,
        hosts=given.hosts,
        keep=given.keep,
        home=given.home,
        solve=given.solve,
    )
    with progress.Terminal() as terminal:
        run = lab.run(plan, watch=terminal)
    print(_summary(run, plan.target))
    if run.failure:
        print(f"\n{run.failure.name} failed:\n{run.failure.error}", file=sys.stderr)
    return run.exit_code


def _summary(run: Any, target: str) -> str:
    lines = [f"Report: {run.report}   JUnit: {run.junit}"]
    if run.kept_home:
        lines.append(
            f"The stack {run.prefix} and its emulator were kept. Go on with\n"
            f"  labkit run --home {run.kept_home} -p prefix {run.prefix} --only 03 --keep\n"
            f"and end it with\n  LABKIT_HOME={run.kept_home} labkit emulator stop"
        )
    elif target == "aws" and not run.is_clean:
        lines.append(
            f"What is left costs money: labkit clean-up --target aws --prefix {run.prefix}"
        )
    return "\n".join(lines)


def _clean_up(given: argparse.Namespace) -> int:
    from labkit import aws, clean_up, progress

    session = aws.connect(given.target, region=given.region)
    prefix = given.prefix or aws.default_prefix()
    watch = progress.show(f"Removing {prefix}", expect="5 to 8 minutes on AWS")
    receipt = clean_up.clean_up(session, prefix, watch=watch)
    print(receipt)
    return 0 if receipt.clean else 1


def _start(given: argparse.Namespace) -> int:
    from labkit import emulator_process

    started = emulator_process.start(pace=given.pace, port=given.port, host_kind=given.hosts)
    print(_described(started))
    return 0


def _stop(given: argparse.Namespace) -> int:
    from labkit import emulator_process

    print("Stopped." if emulator_process.stop() else "No emulator was running.")
    return 0


def _status(given: argparse.Namespace) -> int:
    from labkit import emulator_process

    status = emulator_process.status()
    if status.running and status.run_file:
        print(_described(status.run_file))
        return 0
    print(status.problem or "No emulator is running: labkit emulator start")
    return 1


def _show_status(given: argparse.Namespace) -> int:
    from labkit import attempts, aws, emulator_process, stacks, standing

    print(f"Checks that passed (noted in {attempts.folder()}):\n{standing.read()}\n")
    status = emulator_process.status()
    if not (status.running and status.run_file):
        print(status.problem or "No emulator is running.")
        return 0
    print(_described(status.run_file))
    found = stacks.lab_stacks(aws.on_emulator(status.run_file).client("cloudformation"))
    print("\n".join(f"Stack {one.name}: {one.status}" for one in found) or "No stack stands there.")
    return 0


def _environment(given: argparse.Namespace) -> int:
    from labkit import emulator_process

    print(emulator_process.environment(emulator_process.start()))
    return 0


def _described(run_file: Any) -> str:
    reason = f": {run_file.host_kind_reason}" if run_file.host_kind_reason else ""
    return (
        f"The emulator runs at {run_file.endpoint_url} (process {run_file.pid}), pace "
        f"{run_file.pace}, {run_file.host_kind} hosts{reason}.\nIts log: {run_file.log_path}"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="labkit", description="Learn VPC Flow Logs by doing.")
    commands = parser.add_subparsers(metavar="COMMAND")
    _add_run(commands.add_parser("run", help="execute the notebooks in order, and clean up"))
    _add_clean_up(commands.add_parser("clean-up", help="remove everything a stack made"))
    status = commands.add_parser(
        "status", help="say which checks have passed, and what stands where"
    )
    status.set_defaults(call=_show_status)
    _add_records(
        commands.add_parser("records", help="read flow logs: print, count, sum up, export")
    )
    emulator = commands.add_parser("emulator", help="the emulator: start, stop, status, env")
    _add_emulator(emulator)
    return parser


def _add_run(run: argparse.ArgumentParser) -> None:
    run.set_defaults(call=_run)
    run.add_argument("-p", dest="parameters", nargs=2, action="append", default=[],
                     metavar=("NAME", "VALUE"), help="a parameter of the notebooks")  # fmt: skip
    run.add_argument("--only", action="append", default=[], metavar="NN",
                     help="only this notebook; may be given again")  # fmt: skip
    run.add_argument("--from", dest="begin", default="", metavar="NN", help="begin with this one")
    _add_target(run)
    run.add_argument("--output", type=Path, default=Path("output"), metavar="DIR",
                     help="where all that is left to read goes (default: output)")  # fmt: skip
    run.add_argument("--keep", action="store_true", help="do not clean up at the end")
    run.add_argument("--solve", action="store_true",
                     help="fill in each exercise's solution; no check stays open")  # fmt: skip
    run.add_argument("--home", type=Path, metavar="DIR",
                     help="use the emulator of this LABKIT_HOME, not one of its own")  # fmt: skip
    _add_kind(run)


def _add_records(records: argparse.ArgumentParser) -> None:
    from labkit.records_command.arguments import add_arguments

    records.set_defaults(call=_records)
    add_arguments(records)


def _add_clean_up(clean_up: argparse.ArgumentParser) -> None:
    clean_up.set_defaults(call=_clean_up)
    clean_up.add_argument("--prefix", default="", help="the stack's name (default: yours)")
    clean_up.add_argument("--region", default=None, help="the AWS Region it is in")
    _add_target(clean_up)


def _add_emulator(emulator: argparse.ArgumentParser) -> None:
    emulator.set_defaults(call=lambda given: emulator.print_help() or 0)
    commands = emulator.add_subparsers(metavar="COMMAND")
    start = commands.add_parser("start", help="start it, or find the one that runs")
    start.set_defaults(call=_start)
    start.add_argument("--port", type=int, help="a port of 127.0.0.1 (default: any free one)")
    _add_kind(start)
    for name, call, text in (
        ("stop", _stop, "stop it; its state is lost"),
        ("status", _status, "say whether it runs, and where"),
        ("env", _environment, 'for a shell: eval "$(labkit emulator env)"'),
    ):
        commands.add_parser(name, help=text).set_defaults(call=call)


def _add_target(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--target", choices=["emulator", "aws"], default="emulator",
                        help="where; aws costs money (default: emulator)")  # fmt: skip


def _add_kind(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--pace", choices=["lab", "aws"], default="lab",
                        help="aws: the emulator takes as long as AWS")  # fmt: skip
    parser.add_argument("--hosts", choices=["auto", "kernel", "in-process"], default="auto",
                        help="the kind of the emulator's hosts")  # fmt: skip
