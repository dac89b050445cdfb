"""What `labkit records` does with the records: each action takes their tables one by one."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from labkit.errors import ParameterError
from labkit.fields import KNOWN, column

if TYPE_CHECKING:
    import pandas as pd

    from labkit.records_command.sources import Scan

FIVE_TUPLE = ["srcaddr", "dstaddr", "srcport", "dstport", "protocol"]
PAIR = ["srcaddr", "dstaddr"]
SUMS = ["packets", "bytes"]


@dataclass(frozen=True, slots=True)
class Job:
    """An action, ready to be done.

    Attributes:
        do: Takes the records, and where to write.
        columns: The columns that it needs, None for all.
        addresses: It wants only the records of these.
    """

    do: Callable[[Scan, TextIO], None]
    columns: Collection[str] | None = None
    addresses: tuple[str, ...] = ()


def prepare(action: str, words: Sequence[str], given: argparse.Namespace) -> Job:
    """Read what stands behind an action.

    Raises:
        ParameterError: It cannot stand there.
    """
    return ACTIONS[action](list(words), given)


def _print(words: list[str], given: argparse.Namespace) -> Job:
    most = _number(words.pop(0)) if words else None
    _refuse(words, "print")
    return Job(lambda scan, out: _write_lines(scan, out, most, given.header), _columns(given))


def _find(words: list[str], given: argparse.Namespace) -> Job:
    if not words:
        raise ParameterError("findip needs an address or a network, such as 10.0.1.22.")
    job = _print([], given)
    return Job(job.do, job.columns, addresses=tuple(words))


def _write_lines(scan: Scan, out: TextIO, most: int | None, header: bool) -> None:
    """Print the records, and where it begins or changes the format, if asked for."""
    from labkit.flowlogs.records import write

    written, last_names = 0, None
    for table in scan:
        if most is not None:
            table = table.slice(0, most - written)
        names = [_field_name(name) for name in table.column_names]
        out.write(write(table, names, header=header and names != last_names))
        written, last_names = written + table.num_rows, names
        if written == most:
            scan.close()
            return


def _count(words: list[str], given: argparse.Namespace) -> Job:
    keys = [column(word) for word in words]
    if not keys:
        return Job(_count_rows, columns=())

    def do(scan: Scan, out: TextIO) -> None:
        from labkit.flowlogs import aggregate

        frame = aggregate.count(scan, keys)
        _write_table(frame.sort_values("records", ascending=False, kind="stable"), out)

    return Job(do, columns=keys)


def _count_rows(scan: Scan, out: TextIO) -> None:
    for _ in scan:
        pass
    out.write(f"{scan.summary.rows}\n")


def _top(words: list[str], given: argparse.Namespace) -> Job:
    most = _number(words.pop(0)) if words and words[0].isdigit() else 10
    keys = [column(word) for word in words] or PAIR

    def do(scan: Scan, out: TextIO) -> None:
        frame = _sum(scan, keys, spans=False)
        _write_table(frame.sort_values(given.by, ascending=False, kind="stable").head(most), out)

    return Job(do, columns=_needed(keys, spans=False))


def _aggregate(words: list[str], given: argparse.Namespace) -> Job:
    keys = [column(word) for word in words] or FIVE_TUPLE
    spans = "minute" not in keys

    def do(scan: Scan, out: TextIO) -> None:
        _write_table(_sum(scan, keys, spans=spans), out)

    return Job(do, columns=_needed(keys, spans=spans))


def _sum(scan: Scan, keys: list[str], *, spans: bool) -> pd.DataFrame:
    from labkit.flowlogs import aggregate

    if "minute" in keys:
        return aggregate.by_minute(scan, [key for key in keys if key != "minute"])
    return aggregate.by(scan, keys, spans=spans)


def _needed(keys: Sequence[str], *, spans: bool) -> list[str]:
    times = ["start", "end"] if spans else []
    own = ["start" if key == "minute" else key for key in keys]
    return list(dict.fromkeys([*own, *SUMS, *times]))


def _addresses(words: list[str], given: argparse.Namespace) -> Job:
    _refuse(words, "ips")

    def do(scan: Scan, out: TextIO) -> None:
        from labkit.flowlogs import aggregate

        out.writelines(f"{address}\n" for address in aggregate.addresses(scan))

    return Job(do, columns=PAIR)


def _export(words: list[str], given: argparse.Namespace) -> Job:
    from labkit.records_command import export

    if len(words) != 1:
        raise ParameterError("export needs one file: export records.parquet, .csv or .jsonl.")
    writer = export.choose(words[0])
    return Job(lambda scan, out: export.export(scan, writer), _columns(given))


ACTIONS: dict[str, Callable[[list[str], argparse.Namespace], Job]] = {
    "print": _print,
    "count": _count,
    "top": _top,
    "aggregate": _aggregate,
    "ips": _addresses,
    "ipset": _addresses,
    "findip": _find,
    "export": _export,
}

_FIELD_NAMES = {field.column: name for name, field in KNOWN.items()}


def _field_name(column: str) -> str:
    """Return the name that AWS writes; in one that we do not know, each `_` was a `-`."""
    return _FIELD_NAMES.get(column, column.replace("_", "-"))


def _columns(given: argparse.Namespace) -> list[str] | None:
    return [column(name) for name in given.columns] if given.columns else None


def _number(word: str) -> int:
    if not word.isdigit() or not int(word):
        raise ParameterError(f"{word!r} is no number of records: it is 1 or more.")
    return int(word)


def _refuse(words: Sequence[str], action: str) -> None:
    if words:
        raise ParameterError(f"{action} takes no {' '.join(words)!r}.")


def _write_table(frame: pd.DataFrame, out: TextIO) -> None:
    """Write tab-separated values, the names of the columns first."""
    frame.to_csv(out, sep="\t", index=False, na_rep="-", date_format="%Y-%m-%dT%H:%M:%SZ")
