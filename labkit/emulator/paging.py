"""MaxResults and NextToken of the list and describe operations that are ours."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

from labkit.emulator.refusal import ServiceError


def page(
    items: Sequence[Any],
    max_results: int | None,
    next_token: str | None,
    *,
    invalid: str = "InvalidNextToken",
) -> tuple[list[Any], str | None]:
    """Return one page of the items, and the token for the next one if there is more.

    Args:
        items: all of them, in the order of the answer.
        max_results: the size of a page; None for no limit.
        next_token: what the page before gave.
        invalid: AWS's error code for a token that is none.
    """
    start = _offset(next_token, invalid)
    end = len(items) if max_results is None else start + max_results
    return list(items[start:end]), _token(end) if end < len(items) else None


def _token(offset: int) -> str:
    return base64.urlsafe_b64encode(f"offset {offset}".encode()).decode()


def _offset(token: str | None, invalid: str) -> int:
    if token is None:
        return 0
    try:
        word, number = base64.urlsafe_b64decode(token).decode().split()
        if word == "offset":
            return int(number)
    except (binascii.Error, UnicodeDecodeError, ValueError):
        pass  # answered below
    raise ServiceError(invalid, "The specified token is not valid.")
