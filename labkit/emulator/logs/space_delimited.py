"""Filter patterns that name the fields of a line: ``[srcaddr, ..., action="REJECT", status]``.

Source: docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html, and
docs.aws.amazon.com/vpc/latest/userguide/search-flow-log-records-cwl.html
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from itertools import groupby

from labkit.emulator.logs.regular_expressions import (
    MAX_IN_A_PATTERN,
    compile_regular_expression,
    is_regular_expression,
)
from labkit.emulator.refusal import ServiceError

Matches = Callable[[str], bool]

_FIELD = re.compile(r'\[([^\]]*)\]|"([^"]*)"|(\S+)')
_TOKEN = re.compile(
    r'\s*(?:(?P<text>"(?:[^"\\]|\\.)*")|(?P<expression>%[^%]*%)|(?P<sign>\.\.\.|,|&&|\|\||!=|<=|>=|=|<|>)'
    r"|(?P<word>[^\s,=<>!&|\"]+))"
)
_NUMERIC = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


def compile_fields(pattern: str) -> Matches:
    """Return what a pattern in brackets says about a message.

    The pattern must name as many fields as the line has, but for one ``...``, which stands for
    any number of them. A field in double quotes or brackets counts as one.
    """
    if not pattern.endswith("]"):
        raise _invalid()
    tokens = _tokens(pattern[1:-1])
    if sum(map(is_regular_expression, tokens)) > MAX_IN_A_PATTERN:
        raise _invalid()
    fields = _split(tokens, ",")
    gaps = [index for index, tokens in enumerate(fields) if tokens == ["..."]]
    if len(gaps) > 1:
        raise _invalid()
    if not gaps:
        conditions = [_condition(tokens) for tokens in fields]
        return lambda message: _all_hold(conditions, words_of(message))
    head = [_condition(tokens) for tokens in fields[: gaps[0]]]
    tail = [_condition(tokens) for tokens in fields[gaps[0] + 1 :]]

    def matches(message: str) -> bool:
        words = words_of(message)
        if len(words) < len(head) + len(tail):
            return False
        last = words[len(words) - len(tail) :]
        return _all_hold(head, words[: len(head)]) and _all_hold(tail, last)

    return matches


def words_of(message: str) -> list[str]:
    """Split a line at spaces; what stands in brackets or double quotes is one word."""
    return [next(filter(None, groups), "") for groups in _FIELD.findall(message)]


def _all_hold(conditions: list[Matches], words: list[str]) -> bool:
    return len(conditions) == len(words) and all(
        holds(word) for holds, word in zip(conditions, words, strict=True)
    )


def _invalid() -> ServiceError:
    return ServiceError("InvalidParameterException", "Invalid filter pattern")


def _tokens(text: str) -> list[str]:
    tokens, position, end = [], 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None:
            raise _invalid()
        tokens.append(match[match.lastgroup or 0])
        position = match.end()
    return tokens


def _split(tokens: list[str], separator: str) -> list[list[str]]:
    """Split at the separators; nothing between two of them is an empty part."""
    runs = groupby([*tokens, separator], key=lambda token: token == separator)
    parts: list[list[str]] = []
    between: list[str] = []
    for is_separator, run in runs:
        if is_separator:
            parts.extend([between, *([] for _ in list(run)[1:])])
            between = []
        else:
            between = list(run)
    return parts


def _condition(tokens: list[str]) -> Matches:
    """Compile one field: nothing, a name, or a name with conditions joined by && and ||."""
    if len(tokens) < 2:
        return lambda word: True
    alternatives = [
        [_comparison(part) for part in _split(either, "&&")] for either in _split(tokens, "||")
    ]
    return lambda word: any(all(holds(word) for holds in every) for every in alternatives)


def _comparison(tokens: list[str]) -> Matches:
    if len(tokens) != 3:
        raise _invalid()
    _, sign, value = tokens
    if sign in _NUMERIC:
        return _number_comparison(sign, value)
    if sign not in ("=", "!="):
        raise _invalid()
    equals = _search(value) if is_regular_expression(value) else _equality(value)
    return equals if sign == "=" else lambda word: not equals(word)


def _number_comparison(sign: str, value: str) -> Matches:
    limit = _number(value)
    if limit is None:
        raise _invalid()

    def holds(word: str) -> bool:
        number = _number(word)
        return number is not None and _NUMERIC[sign](number, limit)

    return holds


def _search(value: str) -> Matches:
    expression = compile_regular_expression(value)
    return lambda word: expression.search(word) is not None


def _equality(value: str) -> Matches:
    """Compare with a text in which * stands for any characters, quoted or not."""
    text = re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
    pattern = re.compile(".*".join(map(re.escape, text.split("*"))))
    number = _number(text)
    return lambda word: (
        pattern.fullmatch(word) is not None or (number is not None and _number(word) == number)
    )


def _number(text: str) -> float | None:
    return float(text) if re.fullmatch(r"[+-]?\d+(\.\d+)?(e[+-]?\d+)?", text) else None
