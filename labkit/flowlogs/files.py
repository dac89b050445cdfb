"""Flow log records from files on the local disk: gzipped or plain text, or Parquet."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pandas as pd
import pyarrow as pa

from labkit.flowlogs import layout
from labkit.flowlogs.file_parts import Reading
from labkit.flowlogs.filters import Filter
from labkit.flowlogs.frames import collect
from labkit.flowlogs.records import Malformed
from labkit.flowlogs.scan import Scan
from labkit.flowlogs.selection import Selection
from labkit.flowlogs.stored import Data, Object, part_spans
from labkit.flowlogs.summary import SetAside
from labkit.flowlogs.window import BEGINNING, Window
from labkit.waiting import Watch, silent

Paths = str | Path | Iterable[str | Path]


def read(
    paths: Paths,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    fields: Sequence[str] | None = None,
    columns: Collection[str] | None = None,
    filter: Filter | None = None,
    malformed: Malformed = "raise",
    categorical: Collection[str] = (),
    watch: Watch = silent,
) -> pd.DataFrame:
    """Read the flow log records of files, or of folders with all that is below them.

    Args:
        paths: One or several, read in this order; in a folder, in the order of the paths.
        start: As for `s3.read`, and so are the others.
        end: As there.
        fields: As there.
        columns: As there.
        filter: As there.
        malformed: As there.
        categorical: As there.
        watch: As there.

    Returns:
        As `s3.read`.

    Raises:
        FileNotFoundError: There is no such file or folder.
        RecordFormatError: A line does not fit its file's header, or a file is no flow log.
        ParameterError: A column is in no file; start or end have no time zone.
    """
    scanned = scan(
        paths,
        start=start,
        end=end,
        fields=fields,
        columns=columns,
        filter=filter,
        malformed=malformed,
        categorical=categorical,
        watch=watch,
    )
    return collect(scanned, fields, columns)


def scan(
    paths: Paths,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    fields: Sequence[str] | None = None,
    columns: Collection[str] | None = None,
    filter: Filter | None = None,
    malformed: Malformed = "raise",
    categorical: Collection[str] = (),
    watch: Watch = silent,
) -> Scan:
    """Read as `read` does, but yield Arrow tables one by one, in bounded memory.

    Returns:
        To be iterated once: tables of one log format each. Its `summary` has the account.
    """
    several = [Path(paths)] if isinstance(paths, str | Path) else [Path(each) for each in paths]
    for path in several:
        path.stat()
    wanted = None if columns is None else tuple(columns)
    reading = Reading(
        Selection(Window(start or BEGINNING, end), filter, wanted, tuple(categorical)),
        fields,
        malformed,
    )
    what = str(several[0]) if len(several) == 1 else f"{len(several)} files"
    return Scan(what, _Disk(), _find(several), reading, watch)


def load_and_parse(key: str, data: Data) -> pa.Table:
    """Open and parse one file."""
    parsed = Reading(Selection(Window())).read_files([(key, data)])
    return pa.concat_tables(parsed.tables)


class _Disk:
    def get(self, key: str) -> bytes:
        return Path(key).read_bytes()

    def parts(self, each: Object) -> Iterator[Callable[[], Data]]:
        for start, end in part_spans(each):
            yield partial(_read_part, each.key, start, end)


def _read_part(path: str, start: int, end: int) -> bytes:
    with Path(path).open("rb") as file:
        file.seek(start)
        return file.read(end - start)


def _find(paths: Sequence[Path]) -> Iterator[Object | SetAside]:
    for path in paths:
        if not path.is_dir():
            yield _object(path)
            continue
        for each in sorted(path.rglob("*")):
            if each.is_file() and layout.may_be_flow_log(each.name):
                yield _object(each)
            elif each.is_file():
                yield SetAside(str(each), 0, "its name is not that of a flow log file")


def _object(path: Path) -> Object:
    told = path.stat()
    return Object(str(path), told.st_size, datetime.fromtimestamp(told.st_mtime, UTC))
