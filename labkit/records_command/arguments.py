"""The arguments of `labkit records`."""

from __future__ import annotations

import argparse

from labkit.records_command.actions import ACTIONS

_EPILOG = """\
SOURCE is one of
  s3://BUCKET[/PREFIX]   a bucket: text and Parquet, whatever the layout of its keys
  log-group:NAME         a log group of CloudWatch Logs
  FILE ...               files, or folders of them, on this machine

ACTION is one of
  print [N]              the records, as AWS writes them; all, or the first N (the default)
  count [COLUMN ...]     how many there are; or how many of each value
  top [N] [COLUMN ...]   the N (10) with most bytes, by source and destination, or by these columns
  aggregate [COLUMN ...] packets, bytes, first and last time by five-tuple, or by these columns;
                         `minute` is a column, too
  ips                    each address at either end; also called ipset
  findip ADDRESS ...     the records of these addresses or networks
  export FILE            to FILE.csv, FILE.parquet or FILE.jsonl; with .gz, but for Parquet

A file of such a name is written ./count. Columns are named as in AWS, with - or _.

examples
  labkit records s3://flow-logs --start 2h --filter "action=REJECT port=22,3389" top
  labkit records log-group:flow-logs --start 2026-11-24T10:00Z print 20
  labkit records *.log.gz export november.parquet
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `labkit records` takes."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EPILOG
    parser.add_argument("words", nargs="+", metavar="SOURCE ... [ACTION ...]",
                        help="what to read, and what to do with it: see below")  # fmt: skip
    _add_wanted(parser)
    _add_log(parser)
    _add_output(parser)
    _add_place(parser)


def split(words: list[str]) -> tuple[list[str], str, list[str]]:
    """Return the sources, the action, and what stands behind it."""
    place = next((place for place, word in enumerate(words) if word in ACTIONS), None)
    if place is None:
        return words, "print", []
    return words[:place], words[place], words[place + 1 :]


def _add_wanted(parser: argparse.ArgumentParser) -> None:
    wanted = parser.add_argument_group("which records")
    wanted.add_argument("-s", "--start", "--start-time", metavar="TIME",
                        help="that end at this time or later: 2026-11-24T10:00Z, or 2h ago: 2h "
                        "(default: all)")  # fmt: skip
    wanted.add_argument("-e", "--end", "--end-time", metavar="TIME",
                        help="that begin at this time or earlier")  # fmt: skip
    wanted.add_argument("--utc", action="store_true", help="times without a zone are UTC")
    wanted.add_argument("--filter", default="", metavar="TEXT",
                        help='e.g. "address=10.0.0.0/24 action=REJECT port=22,443 protocol=tcp '
                        'interface-id=eni-…"')  # fmt: skip
    wanted.add_argument("--malformed", choices=["raise", "keep"], default="raise",
                        help="keep: go on after what is no record, and show it on stderr at the "
                        "end (default: raise, an error)")  # fmt: skip


def _add_log(parser: argparse.ArgumentParser) -> None:
    log = parser.add_argument_group("which part of a bucket or log group")
    log.add_argument("--fields", metavar="FORMAT",
                     help="the log format, '${version} ${account-id} …' or `default`, where "
                     "nothing tells it: text files without a header, log groups whose flow log "
                     "is gone")  # fmt: skip
    log.add_argument("--flow-log-id", metavar="ID", help="only this flow log's files (S3)")
    log.add_argument("--accounts", "--include-accounts", type=_listed, metavar="ID,…",
                     help="only these accounts' files (S3)")  # fmt: skip
    log.add_argument("--regions", "--include-regions", type=_listed, metavar="REGION,…",
                     help="only these Regions' files (S3)")  # fmt: skip
    log.add_argument("--stream", action="append", dest="streams", metavar="NAME",
                     help="only this log stream; may be given again (CloudWatch Logs)")  # fmt: skip
    log.add_argument("--filter-pattern", metavar="PATTERN",
                     help="for CloudWatch Logs to apply before it answers")  # fmt: skip


def _add_output(parser: argparse.ArgumentParser) -> None:
    output = parser.add_argument_group("output")
    output.add_argument("--columns", type=_listed, metavar="COLUMN,…",
                        help="print or export only these")  # fmt: skip
    output.add_argument("--header", action="store_true",
                        help="print the names of the fields first, as in S3")  # fmt: skip
    output.add_argument("--by", choices=["bytes", "packets", "records"], default="bytes",
                        help="what top goes by (default: bytes)")  # fmt: skip
    output.add_argument("-q", "--quiet", action="store_true",
                        help="no progress, and no account of what was read")  # fmt: skip


def _add_place(parser: argparse.ArgumentParser) -> None:
    place = parser.add_argument_group("where")
    place.add_argument("--target", choices=["emulator", "aws"], default="emulator",
                       help="where the bucket or log group is (default: emulator)")  # fmt: skip
    place.add_argument("--region", help="the AWS Region it is in")
    place.add_argument("--profile", help="a profile of ~/.aws (AWS only)")
    place.add_argument("--role-arn", metavar="ARN", help="assume this role first")
    place.add_argument("--external-id", metavar="ID", help="and give this external id")


def _listed(text: str) -> list[str]:
    return [each.strip() for each in text.split(",") if each.strip()]
