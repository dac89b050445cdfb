"""One answer of FilterLogEvents: its messages as lines, and its events as an Arrow array.

The messages are what is wanted, and mostly all. They are taken out of the answer's JSON by their
key where nothing in it is escaped: then no string has a quote in it, and what looks like the key
and the beginning of a message is just that. Everything else is parsed in full, on demand.
"""

from __future__ import annotations

import json
import re
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json

EVENT = pa.struct(
    [("timestamp", pa.int64()), ("message", pa.string()), ("ingestionTime", pa.int64())]
)
_BODY = pa.schema([("events", pa.list_(EVENT)), ("nextToken", pa.string())])
_MESSAGE, _TOKEN = re.compile(rb'"message":"([^"]*)"'), b'"nextToken":"'


class Page:
    """The events of one answer.

    Attributes:
        count: How many there are.
        size_bytes: What came over the wire.
    """

    def __init__(self, body: bytes, count: int, lines: bytes | None = None) -> None:
        self.count = count
        self.size_bytes = len(body)
        self._body = body
        self._lines = lines

    @cached_property
    def events(self) -> pa.StructArray:
        """An array of `EVENT`: Unix times in milliseconds, and messages."""
        return _parse(self._body)[0]

    @property
    def messages(self) -> pa.StringArray:
        return self.events.field("message").fill_null("")

    @property
    def lines(self) -> bytes:
        """The messages, each with a newline behind it."""
        return lines(self.messages) if self._lines is None else self._lines


def read(body: bytes) -> tuple[Page, str | None]:
    """Return an answer's events, and the token of the next page if there is one.

    Raises:
        ValueError: It is no JSON, or broken off.
    """
    if body.isascii() and b"\\" not in body and body.endswith(b"}"):
        found = _MESSAGE.findall(body)
        # One object is the answer, the others are events: each has its message.
        if body.startswith(b'{"events":[') and body.count(b"{") == len(found) + 1:
            return Page(body, len(found), b"\n".join([*found, b""])), _token(body)
    events, token = _parse(body)
    page = Page(body, len(events))
    page.events = events
    return page, token


def lines(messages: pa.StringArray) -> bytes:
    """Return the messages' text: with a newline each, they lie side by side in one buffer."""
    joined = pc.binary_join_element_wise(messages, pa.scalar(""), "\n")  # pyright: ignore
    data = joined.buffers()[2]
    return data.to_pybytes() if data is not None else b""


def _token(body: bytes) -> str | None:
    _, key, rest = body.rpartition(_TOKEN)
    return rest[: rest.index(b'"')].decode() if key else None


def _parse(body: bytes) -> tuple[pa.StructArray, str | None]:
    try:
        return _by_arrow(body)
    except pa.ArrowInvalid:
        return _by_json(json.loads(body))


def _by_arrow(body: bytes) -> tuple[pa.StructArray, str | None]:
    if not body.isascii():
        body.decode()  # Arrow does not look
    table = pyarrow.json.read_json(
        pa.BufferReader(body),
        # One document is one row, and a row must lie within one block.
        read_options=pyarrow.json.ReadOptions(use_threads=False, block_size=len(body) + 1),
        parse_options=pyarrow.json.ParseOptions(
            explicit_schema=_BODY, unexpected_field_behavior="ignore"
        ),
    )
    if table.num_rows != 1:
        raise pa.ArrowInvalid("not one document")
    return table["events"].chunk(0).flatten(), table["nextToken"][0].as_py()


def _by_json(body: Any) -> tuple[pa.StructArray, str | None]:
    """Read what Arrow refuses: a number with a fraction, half a surrogate pair."""
    if not isinstance(body, dict):
        raise ValueError("no JSON object")
    events = [
        {
            "timestamp": int(event.get("timestamp") or 0),
            "message": _text(event.get("message")),
            "ingestionTime": int(event.get("ingestionTime") or 0),
        }
        for event in body.get("events") or ()
    ]
    return pa.array(events, EVENT), body.get("nextToken")


def _text(message: str | None) -> str:
    """Return the message without what JSON can say and UTF-8 cannot."""
    return (message or "").encode(errors="backslashreplace").decode()
