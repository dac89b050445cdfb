"""What of a filter CloudWatch Logs can do for us: as a filter pattern, before it answers.

A pattern here never sorts out a record that the filter wants, and may let others through: the
filter itself is applied to what comes. So terms serve best. They hold for every log format,
wherever in the record the value stands; a pattern of fields would hold for one format alone, and
drop without a word what has another number of fields.

Source: docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import IPv4Network
from typing import Any

from labkit.flowlogs.filters import Filter

LONGEST = 1024


def of(filter: Filter | None) -> str | None:
    """Return a filter pattern that lets through all that a filter wants, or None for no pattern.

    Each kind with one value is a term that must be there. If no kind is such, the values of one
    kind are terms of which any must be there; AWS does not let us have both at once.
    """
    if filter is None:
        return None
    kinds = [terms for terms in _terms_by_kind(filter) if terms]
    single = [terms[0] for terms in kinds if len(terms) == 1]
    if single:
        pattern = " ".join(f'"{term}"' for term in single)
    elif kinds:
        pattern = " ".join(f'?"{term}"' for term in kinds[0])
    else:
        return None
    return pattern if len(pattern) <= LONGEST else None


def _terms_by_kind(filter: Filter) -> Iterator[list[str]]:
    """Yield the terms of each kind, the rarest first; none if one value of it is no term.

    A protocol is a number so short that it stands somewhere in every record.
    """
    kinds: list[Any] = [filter.address, filter.interface_id, filter.port, filter.action]
    for wanted in kinds:
        terms = [_term(each) for each in wanted or ()]
        yield [] if None in terms else [term for term in terms if term]


def _term(value: Any) -> str | None:
    """Return a value as records write it, None where that is not known for certain."""
    if isinstance(value, IPv4Network):
        return str(value.network_address) if value.prefixlen == 32 else None
    text = str(value)
    return text if re.fullmatch(r"[\w-]+", text) else None  # so an IPv6 network is none
