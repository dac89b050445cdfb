"""In which log format is an event of a log group written? The data does not say.

DescribeFlowLogs does, for the flow logs that deliver to the group. Where these have several
formats, each event is given to the one that it fits, and refused where nothing tells.

Source: docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from ipaddress import ip_address
from threading import Lock

import boto3

from labkit.errors import ParameterError, RecordFormatError
from labkit.fields import BY_NAME, DEFAULT_FIELDS, DEFAULT_FORMAT, column, parse_format
from labkit.flowlogs.exact_lines import find_fault

Format = tuple[str, ...]
"""The names of a log format's fields, in its order."""


class Formats:
    """The log formats of a group's events, asked for once, and only if there is an event.

    Args:
        aws: The session to ask with.
        group: The log group's name.
        fields: The log format if it is known, so that nobody is asked.
        columns: Names of columns of which each must be in one of the formats.
    """

    def __init__(
        self,
        aws: boto3.Session,
        group: str,
        fields: Sequence[str] | None = None,
        columns: Collection[str] = (),
    ) -> None:
        self._aws = aws
        self._group = group
        self._columns = columns
        self._lock = Lock()
        self._found: tuple[Format, ...] = () if fields is None else (tuple(fields),)
        if self._found:
            self._check_columns()

    def __call__(self) -> tuple[Format, ...]:
        """Return the formats.

        Raises:
            ClientError: UnauthorizedOperation and the like.
            RecordFormatError: No flow log delivers to the group.
            ParameterError: A column is in no format.
        """
        with self._lock:
            if not self._found:
                self._found = self._ask()
                self._check_columns()
        if not self._found:
            raise RecordFormatError(
                f"No flow log of this account delivers to the log group {self._group} in "
                f"{self._aws.region_name} (any more), so nobody tells the log format of its "
                "events: say fields=…, e.g. fields.DEFAULT_FIELDS."
            )
        return self._found

    def of_no_events(self) -> Format:
        """Return a format for a group without events: the default one if nobody tells."""
        return next(iter(self._found or self._ask()), DEFAULT_FIELDS)

    def _ask(self) -> tuple[Format, ...]:
        pages = self._aws.client("ec2").get_paginator("describe_flow_logs")
        asked = pages.paginate(Filters=[{"Name": "log-group-name", "Values": [self._group]}])
        flow_logs = [each for page in asked for each in page["FlowLogs"]]
        return tuple(dict.fromkeys(parse_format(_log_format(each)) for each in flow_logs))

    def _check_columns(self) -> None:
        there = {column(name): None for fields in self._found for name in fields}
        missing = [name for name in self._columns if name not in there]
        if self._found and missing:
            raise ParameterError(
                f"No record of the log group {self._group} has the columns {missing}; "
                f"they have {', '.join(there)}."
            )


def _log_format(flow_log: dict[str, str]) -> str:
    return flow_log.get("LogFormat") or DEFAULT_FORMAT


def choose(words: Sequence[bytes], second: int, formats: Sequence[Format]) -> Format:
    """Return the one format that a record fits; one that fits none gets the nearest one.

    Args:
        words: The record, split.
        second: The event's Unix time, which is the record's start.
        formats: Those that it may have.

    Raises:
        AmbiguousRecord: It fits several.
    """
    line = b" ".join(words)
    fitting = [each for each in formats if find_fault(line, words, each) is None]
    if not fitting:
        return min(formats, key=lambda each: abs(len(each) - len(words)))
    texts = [word.decode() for word in words]
    for tells in (_has_the_values, _tells_second):
        if len(fitting) > 1:
            fitting = [each for each in fitting if tells(texts, each, second)] or fitting
    if len(fitting) > 1:
        raise _ambiguous(" ".join(texts), fitting)
    return fitting[0]


class AmbiguousRecord(RecordFormatError):
    """A record fits several log formats."""


def _ambiguous(line: str, fitting: Sequence[Format]) -> AmbiguousRecord:
    return AmbiguousRecord(
        f"{line!r} fits {len(fitting)} log formats of the flow logs that deliver to this log "
        "group, and nothing in it tells which it has: say fields=…, and streams=… of the "
        "network interfaces that this flow log watches.\n"
        + "\n".join(f"  format: {' '.join(each)}" for each in fitting),
        line=line,
    )


def _has_the_values(words: Sequence[str], fields: Format, second: int) -> bool:
    """Tell whether each word could be its field's value by what AWS writes there."""
    version = str(_version(fields))
    return all(
        word == (version if name == "version" else "-") or _could_be(name, word)
        for word, name in zip(words, fields, strict=True)
    )


def _version(fields: Format) -> int:
    """A record's version is the highest among the fields of its format."""
    return max((BY_NAME[name].version for name in fields if name in BY_NAME), default=2)


def _tells_second(words: Sequence[str], fields: Format, second: int) -> bool:
    return "start" in fields and words[fields.index("start")] in (str(second), f"{second}000")


def _is_address(word: str) -> bool:
    try:
        ip_address(word)
    except ValueError:
        return False
    return True


def _one_of(*values: str) -> Callable[[str], bool]:
    return frozenset(values).__contains__


def _of_form(pattern: str) -> Callable[[str], bool]:
    return re.compile(pattern).fullmatch  # pyright: ignore[reportReturnType]


_FORMS: dict[str, Callable[[str], bool]] = {
    "account-id": _of_form(r"[0-9]{12}|unknown"),
    "interface-id": _of_form(r"eni-\w+"),
    "vpc-id": _of_form(r"vpc-\w+"),
    "subnet-id": _of_form(r"subnet-\w+"),
    "instance-id": _of_form(r"i-\w+"),
    "srcaddr": _is_address,
    "dstaddr": _is_address,
    "pkt-srcaddr": _is_address,
    "pkt-dstaddr": _is_address,
    "action": _one_of("ACCEPT", "REJECT"),
    "log-status": _one_of("OK", "NODATA", "SKIPDATA"),
    "flow-direction": _one_of("ingress", "egress"),
    "type": _one_of("IPv4", "IPv6", "EFA"),
}


def _could_be(name: str, word: str) -> bool:
    return name != "version" and (name not in _FORMS or _FORMS[name](word))
