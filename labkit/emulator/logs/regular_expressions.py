"""Regular expressions in filter patterns: ``%AUTHORIZED%``.

Source: docs.aws.amazon.com/AmazonCloudWatch/latest/logs/regex-expressions.html
"""

from __future__ import annotations

import re

from labkit.emulator.refusal import ServiceError

MAX_IN_A_PATTERN = 2
_LITERALS = r"[A-Za-z0-9:_#=@/;,\-]"
_OPERATORS = r"[\^$?\[\]{}|*+.]"
_ESCAPED = r"\\(?:x[0-9A-Fa-f]{2}|[dDsSwW]|[^A-Za-z0-9])"
_SUPPORTED = re.compile(f"(?:{_LITERALS}|{_OPERATORS}|{_ESCAPED})+")


def is_regular_expression(value: str) -> bool:
    """Return whether a value is set between percent signs."""
    return value.startswith("%")


def compile_regular_expression(value: str) -> re.Pattern[str]:
    """Compile what stands between percent signs; it is searched for, case counts.

    Raises:
        ServiceError: InvalidParameterException, for what AWS does not support: parentheses, other
            symbols, characters of several bytes.
    """
    expression = value[1:-1]
    if not value.endswith("%") or not _SUPPORTED.fullmatch(expression):
        raise _invalid(value)
    try:
        return re.compile(expression, re.ASCII)
    except re.error:
        raise _invalid(value) from None


def _invalid(value: str) -> ServiceError:
    message = f"Invalid filter pattern: the regular expression {value} is not supported"
    return ServiceError("InvalidParameterException", message)
