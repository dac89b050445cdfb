"""The command line of the kit's own ping, with iputils' words for what is wrong with it."""

import getopt
from collections.abc import Sequence
from dataclasses import dataclass, replace

from labkit.emulator.data_plane.ping_text import USAGE

MAX_SIZE_BYTES = 65507
_MAX = 9223372036854775807


class UsageError(Exception):
    """The command line is wrong; the message is what ping prints before it exits with code."""

    def __init__(self, message: str, code: int = 2) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class PingOptions:
    """count and deadline_s are None where not given; timeout_s is -W's, interval_s is -i's."""

    destination: str = ""
    count: int | None = None
    interval_s: float = 1.0
    timeout_s: float = 10.0
    deadline_s: int | None = None
    size_bytes: int = 56
    quiet: bool = False
    flood: bool = False


def read_options(arguments: Sequence[str]) -> PingOptions:
    """Read what stands behind ``ping``.

    Raises:
        UsageError: an unknown option, a bad value, no destination.
    """
    try:
        found, rest = getopt.gnu_getopt(list(arguments), "c:i:W:w:s:qnf")
    except getopt.GetoptError as error:
        raise UsageError(_complaint(error, arguments)) from None
    options = PingOptions()
    for name, value in found:
        options = _with(options, name, value)
    if not rest:
        raise UsageError("ping: usage error: Destination address required\n", 1)
    return replace(options, destination=rest[-1])


def _complaint(error: getopt.GetoptError, arguments: Sequence[str]) -> str:
    if error.msg.endswith("requires argument"):
        return f"ping: option requires an argument -- '{error.opt}'\n{USAGE}"
    if any(argument.startswith("--") for argument in arguments):
        return f"ping: invalid option -- '-'\n{USAGE}"
    return f"ping: invalid option -- '{error.opt}'\n{USAGE}"


def _with(options: PingOptions, name: str, value: str) -> PingOptions:
    match name:
        case "-c":
            return replace(options, count=_whole(value, 1, _MAX))
        case "-i":
            return replace(options, interval_s=_seconds(value, "bad timing interval"))
        case "-W":
            return replace(options, timeout_s=_seconds(value, "bad linger time"))
        case "-w":
            return replace(options, deadline_s=_whole(value, 0, 2147483647) or None)
        case "-s":
            return replace(options, size_bytes=_whole(value, 0, MAX_SIZE_BYTES))
        case "-q":
            return replace(options, quiet=True)
        case "-f":
            return replace(options, flood=True)
        case _:  # -n: addresses are never looked up
            return options


def _whole(value: str, lowest: int, highest: int) -> int:
    try:
        number = int(value)
    except ValueError:
        raise UsageError(f"ping: invalid argument: '{value}'\n", 1) from None
    if not lowest <= number <= highest:
        raise UsageError(
            f"ping: invalid argument: '{value}': out of range: {lowest} <= value <= {highest}\n",
            1,
        )
    return number


def _seconds(value: str, complaint: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        raise UsageError(f"ping: {complaint}: {value}\n") from None
    if not 0 <= seconds < 2147483:
        raise UsageError(f"ping: {complaint}: {value}\n")
    return seconds
