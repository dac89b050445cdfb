"""Filter patterns of CloudWatch Logs: terms and phrases; fields are in space_delimited.

Source: docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

from __future__ import annotations

import re
from collections.abc import Callable

from labkit.emulator.logs.regular_expressions import (
    compile_regular_expression,
    is_regular_expression,
)
from labkit.emulator.logs.space_delimited import compile_fields
from labkit.emulator.refusal import ServiceError, not_emulated

Matches = Callable[[str], bool]
"""Takes an event's message."""

MAX_LENGTH = 1024
_TERM = re.compile(r'\s*([?-]?)(?:"((?:[^"\\]|\\.)*)"|([^\s"]+))')


def compile_pattern(pattern: str) -> Matches:
    """Return what the filter pattern says about a message; an empty one matches everything.

    Raises:
        ServiceError: InvalidParameterException where AWS would say so; a refusal by name of JSON
            patterns.
    """
    text = pattern.strip()
    if len(pattern) > MAX_LENGTH:
        raise ServiceError("InvalidParameterException", "The filter pattern is too long.")
    if text.startswith("{"):
        raise not_emulated("logs", "FilterLogEvents with JSON filter patterns")
    if is_regular_expression(text):
        expression = compile_regular_expression(text)
        return lambda message: expression.search(message) is not None
    return compile_fields(text) if text.startswith("[") else _compile_terms(text)


def _compile_terms(text: str) -> Matches:
    """Match messages that hold all the plain terms and none of those with a minus sign.

    Terms with a question mark are alternatives. A term may be a part of a word, and case counts.
    AWS ignores question marks beside other terms; how is not documented, so that is refused.
    """
    wanted, unwanted, alternatives = _terms(text)
    if alternatives and (wanted or unwanted):
        raise not_emulated("logs", "FilterLogEvents with ?terms beside other terms")

    def matches(message: str) -> bool:
        return (
            all(term in message for term in wanted)
            and not any(term in message for term in unwanted)
            and (not alternatives or any(term in message for term in alternatives))
        )

    return matches


def _terms(text: str) -> tuple[list[str], list[str], list[str]]:
    found: dict[str, list[str]] = {"": [], "-": [], "?": []}
    position = 0
    while position < len(text):
        match = _TERM.match(text, position)
        if match is None:
            raise ServiceError("InvalidParameterException", "Invalid filter pattern")
        sign, phrase, word = match.groups()
        found[sign].append(_word(word) if phrase is None else re.sub(r"\\(.)", r"\1", phrase))
        position = match.end()
    return found[""], found["-"], found["?"]


def _word(word: str) -> str:
    """Return the bare term; all but letters, digits and underscores need double quotes."""
    if not re.fullmatch(r"\w+", word):
        message = f"Invalid character(s) in term '{word}'"
        raise ServiceError("InvalidParameterException", message)
    return word
