"""The little of a shell that in-process hosts know: commands, and sequences of them.

Blank lines, comments and a first line with ``#!`` are skipped. ``;``, ``&&``, ``||`` and ``&``
work, ``$?`` in an argument, output sent to /dev/null or to the other output, and a connection
opened by ``</dev/tcp/ADDRESS/PORT``. Everything else is refused before anything runs.
"""

import re
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_TOKEN = re.compile(
    r"""(?P<space>\s+|(?<![^\s;&|])\#.*)
    |(?P<connect><>?\s*/dev/tcp/(?P<address>[^\s/;&|<>()'"$`]+)/(?P<port>\d+)(?![^\s;&|]))
    |(?<![^\s;&|])(?P<redirect>(?P<from>[12]?)>\s*(?P<to>&[12]|/dev/null)(?![^\s;&|]))
    |(?P<separator>&&|\|\||;|&(?![<>]))
    |(?P<word>(?:'[^']*'|"(?:[^"$`\\]|\$\?)*"|\$\?|[^\s'"\\;&|<>()`$*?\[\]{}~])+)""",
    re.VERBOSE,
)
_PART = re.compile(r"""'([^']*)'|"([^"]*)"|([^'"]+)""")
_LAST_CODE = "\0"  # in a word, for an unquoted or doubly quoted $?
_EXIT_CODES = 256

Run = Callable[["Command", Sequence[str]], Generator[Any, Any, int]]


class NotKnown(Exception):
    """The script has something that is not on the closed list; the message names it."""


class _Exit(Exception):
    def __init__(self, code: int) -> None:
        self.code = code


@dataclass(frozen=True, slots=True)
class Command:
    """One command and the separator before it: ";", "&&" or "||".

    outputs: where 1 and 2 go: "stdout", "stderr" or None for nowhere. connect: the address and port
    that ``</dev/tcp/`` names. No words: it only connects.
    """

    after: str
    words: tuple[str, ...]
    outputs: Mapping[int, str | None] = field(default_factory=lambda: {1: "stdout", 2: "stderr"})
    connect: tuple[str, int] | None = None
    is_background: bool = False


def read_script(lines: Iterable[str], check: Callable[[Sequence[str]], None]) -> list[Command]:
    """Return the script's commands in order.

    Args:
        lines: the script.
        check: is given each command's words; raises NotKnown for those that cannot be run.

    Raises:
        NotKnown: by check, or because of syntax beyond sequences.
    """
    commands = [command for line in "\n".join(lines).splitlines() for command in _read_line(line)]
    for command in commands:
        if command.words and command.words[0] != "exit":
            check(command.words)
    return commands


def run_commands(commands: Iterable[Command], run: Run) -> Generator[Any, Any, int]:
    """Run commands one after the other as a shell would; the value is the last one's exit code."""
    code = 0
    try:
        for command in commands:
            if (command.after == "&&" and code) or (command.after == "||" and not code):
                continue
            words = [word.replace(_LAST_CODE, str(code)) for word in command.words]
            if words and words[0] == "exit":
                raise _Exit(_exit_code(words, code))
            code = yield from run(command, words)
    except _Exit as end:
        return end.code
    return code


def _exit_code(words: Sequence[str], code: int) -> int:
    if len(words) == 1:
        return code
    return int(words[1]) % _EXIT_CODES if words[1].isdecimal() else 2


def _read_line(line: str) -> list[Command]:
    commands: list[Command] = []
    draft, after, position = _Draft(), ";", 0
    while position < len(line):
        match = _TOKEN.match(line, position)
        if match is None or match.end() == position:
            raise NotKnown(line.strip())
        position = match.end()
        if match["separator"] is None:
            draft.add(match)
        elif draft.is_empty:
            raise NotKnown(line.strip())
        else:
            in_background = match["separator"] == "&"
            if in_background and after != ";":  # a list in the background: a subshell's work
                raise NotKnown(line.strip())
            commands.append(draft.command(after, in_background))
            draft, after = _Draft(), ";" if in_background else match["separator"]
    if not draft.is_empty:
        commands.append(draft.command(after, False))
    elif after != ";":
        raise NotKnown(line.strip())
    return commands


class _Draft:
    """A command as it is read."""

    def __init__(self) -> None:
        self._words: list[str] = []
        self._outputs: dict[int, str | None] = {1: "stdout", 2: "stderr"}
        self._connect: tuple[str, int] | None = None

    @property
    def is_empty(self) -> bool:
        return not self._words and self._connect is None

    def add(self, match: re.Match[str]) -> None:
        if match["connect"]:
            self._connect = match["address"], int(match["port"])
        elif match["redirect"]:
            to = match["to"]
            self._outputs[int(match["from"] or 1)] = (
                self._outputs[int(to[1])] if to.startswith("&") else None
            )
        elif match["word"]:
            self._words.append(_unquoted(match["word"]))

    def command(self, after: str, in_background: bool) -> Command:
        return Command(after, tuple(self._words), self._outputs, self._connect, in_background)


def _unquoted(word: str) -> str:
    return "".join(
        single or (double or bare).replace("$?", _LAST_CODE)
        for single, double, bare in _PART.findall(word)
    )
