"""A flow log file as it is stored, in a bucket or on the local disk."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

PART_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class Object:
    """A file as it was listed.

    Attributes:
        etag: Tells its content from any other that the key may have later; "" is not known.
    """

    key: str
    size_bytes: int
    last_modified: datetime
    etag: str = ""


Data = bytes | memoryview
"""Bytes as they came, which may lie where they were received."""


class Store(Protocol):
    """Where objects are."""

    def get(self, key: str) -> Data: ...

    def parts(self, each: Object) -> Iterator[Callable[[], Data]]: ...


def part_spans(each: Object) -> Iterator[tuple[int, int]]:
    """Yield the beginning and the end of each part that a large object is fetched in."""
    for start in range(0, each.size_bytes, PART_BYTES):
        yield start, min(start + PART_BYTES, each.size_bytes)


def is_gone(error: Exception) -> bool:
    """Tell whether an object that was listed is no longer there: by ClientError, or on the disk."""
    response: Any = getattr(error, "response", None)
    if isinstance(response, dict):
        return response.get("Error", {}).get("Code") in ("NoSuchKey", "404")
    return isinstance(error, FileNotFoundError)
