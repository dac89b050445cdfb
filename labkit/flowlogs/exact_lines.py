"""The exact path: each line by itself, so that the one at fault can be named, or set aside."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from labkit.errors import RecordFormatError
from labkit.fields import KNOWN
from labkit.flowlogs.summary import MOST_TEXT, SetAside

LONGEST_LINE = 1_000_000
"""Bytes; a record of 54 fields, each the longest ARN, has a tenth of it."""

TIMES = ("start", "end")
FIRST_MILLISECONDS = 100_000_000_000
"""The year 5138 in seconds, and 1973 in milliseconds: from here on a time is the latter."""
END_OF_TIME = 100_000_000_000_000
"""Unix milliseconds in the year 5138; more is no time of a record."""

_WHOLE_NUMBER = re.compile(r"-|-?[0-9]+")
_SEPARATORS = re.compile(rb"[ \t]+")


@dataclass(slots=True)
class Lines:
    """The lines of a text, told apart.

    Attributes:
        clean: Those that are records, NODATA or SKIPDATA, with one space between fields.
        set_aside: Those that fit no log format.
        headers: How many only repeat the names of the fields.
        blank: How many hold nothing.
    """

    clean: list[bytes] = field(default_factory=list)
    set_aside: list[SetAside] = field(default_factory=list)
    headers: int = 0
    blank: int = 0

    @property
    def count(self) -> int:
        return len(self.clean) + len(self.set_aside) + self.headers + self.blank


def sort(data: bytes, fields: Sequence[str], *, file: str = "", first_line: int = 1) -> Lines:
    """Tell the lines of a text apart.

    Args:
        data: The lines, UTF-8. Fields are separated by spaces or tabs, one or more.
        fields: Names in the order of the log format.
        file: Where the lines are from.
        first_line: The number of the first line there.
    """
    found = Lines()
    fits = _pattern(fields).fullmatch
    header = [name.encode() for name in fields]
    of_one_unit = _OneUnit(fields)
    for number, line in enumerate(_lines(data), start=first_line):
        words = _words(line)
        if not words:
            found.blank += 1
        elif words == header:
            found.headers += 1
        else:
            clean = b" ".join(words)
            short = len(line) <= LONGEST_LINE
            fault = None if short and fits(clean) else find_fault(line, words, fields)
            fault = fault or of_one_unit.find_fault(words)
            if fault:
                found.set_aside.append(SetAside(file, number, fault, _text(line)))
            else:
                found.clean.append(clean)
    return found


class _OneUnit:
    """Sees that all times of a text are seconds, or all are milliseconds, as its first one."""

    def __init__(self, fields: Sequence[str]) -> None:
        self._places = [place for place, name in enumerate(fields) if name in TIMES]
        self._in_ms: bool | None = None

    def find_fault(self, words: Sequence[bytes]) -> str | None:
        for place in self._places:
            if words[place] != b"-":
                in_ms = int(words[place]) >= FIRST_MILLISECONDS
                if in_ms != (in_ms if self._in_ms is None else self._in_ms):
                    return f"{words[place].decode()} is no time in the unit of the other lines"
                self._in_ms = in_ms
        return None


def error(each: SetAside, fields: Sequence[str]) -> RecordFormatError:
    """Return what to raise for a line that does not fit."""
    where = f"{each.file}, line {each.line_number}" if each.file else f"Line {each.line_number}"
    expected, line = " ".join(fields), " ".join(each.text.split())
    shown = line if len(line) <= 500 else line[:500] + " …"
    return RecordFormatError(
        f"{where}: {each.reason}.\n  line:   {shown}\n  format: {expected}",
        line=line,
        format=expected,
        file=each.file,
        line_number=each.line_number,
    )


def find_fault(line: bytes, words: Sequence[bytes], fields: Sequence[str]) -> str | None:
    """Return what is wrong with a line, or None."""
    if len(line) > LONGEST_LINE:
        return f"a line of {len(line):,} bytes, longer than any record"
    for odd, name in ((b"\0", "a NUL byte"), (b"\r", "a carriage return in its middle")):
        if odd in line:
            return name
    try:
        texts = [word.decode() for word in words]
    except UnicodeDecodeError:
        return "bytes that are no UTF-8"
    if len(words) != len(fields):
        return f"{len(words)} fields where the log format has {len(fields)}"
    for text, name in zip(texts, fields, strict=True):
        dtype = _dtype(name)
        if dtype != "string" and not _fits(text, dtype):
            return f"{name} is {text!r}, which is no {dtype}"
        if name in TIMES and text != "-" and not 0 <= int(text) < END_OF_TIME:
            return f"{name} is {text!r}, which is no Unix time"
    return None


def _lines(data: bytes) -> Iterator[bytes]:
    lines = data.split(b"\n")
    if not lines[-1]:
        lines.pop()
    return (line.removesuffix(b"\r") for line in lines)


def _words(line: bytes) -> list[bytes]:
    return [word for word in _SEPARATORS.split(line) if word]


def _pattern(fields: Sequence[str]) -> re.Pattern[bytes]:
    """Return what surely fits, for speed; the rest is looked at by `find_fault`."""
    kinds = {"int32": rb"(?:-|[0-9]{1,9})", "int64": rb"(?:-|[0-9]{1,14})", "string": rb"[!-~]+"}
    return re.compile(rb" ".join(kinds[_dtype(name)] for name in fields))


def _dtype(name: str) -> str:
    return KNOWN[name].dtype if name in KNOWN else "string"


def _fits(word: str, dtype: str) -> bool:
    if not _WHOLE_NUMBER.fullmatch(word):
        return False
    bits = 32 if dtype == "int32" else 64
    if len(word) > 20:  # more digits than Python turns into a number, maybe
        return False
    return word == "-" or -(2 ** (bits - 1)) <= int(word) < 2 ** (bits - 1)


def _text(line: bytes) -> str:
    return line[:MOST_TEXT].decode(errors="backslashreplace")
