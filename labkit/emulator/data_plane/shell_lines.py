"""The little of a shell that in-process hosts know: commands, and sequences of them.

Blank lines, comments and a first line with ``#!`` are skipped; ``;``, ``&&`` and ``||`` work, and
``$?`` in an argument. Everything else is refused before anything runs.
"""

import re
import shlex
from collections.abc import Callable, Collection, Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

_SEPARATORS = (";", "&&", "||")
_FOREIGN = re.compile(r"[`(){}<>|&*\[\]~]|\$(?!\?)|(?<!\$)\?")  # beyond separators: a real shell's
_EXIT_CODES = 256

Run = Callable[[Sequence[str]], Generator[Any, Any, int]]


class NotKnown(Exception):
    """The script has something that is not on the closed list; the message names it."""


class _Exit(Exception):
    def __init__(self, code: int) -> None:
        self.code = code


@dataclass(frozen=True, slots=True)
class Command:
    """One command and the separator before it: ";", "&&" or "||"."""

    after: str
    words: tuple[str, ...]


def read_script(lines: Iterable[str], known: Collection[str]) -> list[Command]:
    """Return the script's commands in order.

    Raises:
        NotKnown: a program that is not among known, or syntax beyond sequences.
    """
    commands = [command for line in "\n".join(lines).splitlines() for command in _read_line(line)]
    for command in commands:
        if command.words[0] not in known and command.words[0] != "exit":
            raise NotKnown(command.words[0])
    return commands


def run_commands(commands: Iterable[Command], run: Run) -> Generator[Any, Any, int]:
    """Run commands one after the other as a shell would; the value is the last one's exit code."""
    code = 0
    try:
        for command in commands:
            if (command.after == "&&" and code) or (command.after == "||" and not code):
                continue
            words = [word.replace("$?", str(code)) for word in command.words]
            if words[0] == "exit":
                raise _Exit(_exit_code(words, code))
            code = yield from run(words)
    except _Exit as end:
        return end.code
    return code


def _exit_code(words: Sequence[str], code: int) -> int:
    if len(words) == 1:
        return code
    return int(words[1]) % _EXIT_CODES if words[1].isdecimal() else 2


def _read_line(line: str) -> list[Command]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|<>()")
    lexer.whitespace_split = True
    try:
        tokens = list(lexer)
    except ValueError:  # a quotation that does not end on its line
        raise NotKnown(line.strip()) from None
    commands: list[Command] = []
    after, words = ";", []
    for token in [*tokens, ";"]:
        if token not in _SEPARATORS:
            words.append(token)
        elif words:
            commands.append(Command(after, tuple(words)))
            after, words = token, []
        elif token != ";" or after != ";":
            raise NotKnown(line.strip())
    if any(_FOREIGN.search(word) for command in commands for word in command.words):
        raise NotKnown(line.strip())
    return commands
