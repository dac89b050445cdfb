"""Run `labkit records`: open, act, account; an error is one line, and a closed pipe none."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import closing, nullcontext
from dataclasses import replace
from datetime import UTC, datetime

from botocore.exceptions import BotoCoreError, ClientError

from labkit import progress
from labkit.errors import LabError, ParameterError
from labkit.flowlogs.filters import Filter, parse_filter
from labkit.records_command import sources
from labkit.records_command.actions import Job, prepare
from labkit.records_command.arguments import split
from labkit.records_command.messages import explain
from labkit.records_command.sources import Wanted
from labkit.records_command.times import check_not_future, parse_time
from labkit.waiting import silent

SIGPIPE = 128 + 13
MOST_SET_ASIDE = 100


def run(given: argparse.Namespace) -> int:
    """Run the command and return its exit code, 141 where a pipe was closed, as by `| head`.

    Raises:
        LabError: As readers and actions do.
    """
    try:
        _run(given)
        sys.stdout.flush()
    except BrokenPipeError:
        # What is still in the buffer would raise again when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return SIGPIPE
    except (ClientError, BotoCoreError, OSError) as error:
        raise LabError(explain(error, given)) from error
    return 0


def _run(given: argparse.Namespace) -> None:
    words, action, behind = split(given.words)
    job = prepare(action, behind, given)
    shows = not given.quiet and sys.stderr.isatty() and not _is_mixed(action)
    with progress.Terminal(sys.stderr) if shows else nullcontext(silent) as watch:
        scan = sources.scan(words, given, _wanted(given, job), watch)
        with closing(scan):
            job.do(scan, sys.stdout)
    if not given.quiet:
        _account(scan)


def _is_mixed(action: str) -> bool:
    """Tell whether records and progress would go to the same terminal at the same time."""
    return action in ("print", "findip") and sys.stdout.isatty()


def _wanted(given: argparse.Namespace, job: Job) -> Wanted:
    now = datetime.now(UTC)
    start, end = (
        parse_time(f"--{name}", text, now, utc=given.utc) if text else None
        for name, text in (("start", given.start), ("end", given.end))
    )
    if start:
        check_not_future("--start", start, now)
    return Wanted(start, end, _filter(given, job), job.columns)


def _filter(given: argparse.Namespace, job: Job) -> Filter | None:
    found = parse_filter(given.filter) if given.filter.strip() else None
    if not job.addresses:
        return found
    if found and found.address is not None:
        raise ParameterError("The addresses are said twice, behind findip and in --filter.")
    return replace(found or Filter(), address=job.addresses)


def _account(scan: sources.Scan) -> None:
    set_aside = scan.summary.set_aside
    for each in set_aside[:MOST_SET_ASIDE]:
        where = f"{each.file}, line {each.line_number}" if each.line_number else each.file
        print(f"labkit: set aside: {where}: {each.reason}: {each.text!r}", file=sys.stderr)
    if len(set_aside) > MOST_SET_ASIDE:
        print(f"labkit: and {len(set_aside) - MOST_SET_ASIDE:,} more", file=sys.stderr)
    print(f"labkit: {scan.summary}", file=sys.stderr)
