"""What stands for amazon-ssm-agent on a host: TCP connections to its VPC's endpoints.

For each service, a connection to port 443 of an endpoint stands between heartbeats. A heartbeat
opens a new one, says a line over it, hears one, and lets the old one go; where that fails, at every
address of the service, the old one is closed, too. AWS's agent speaks TLS and every five minutes;
sizes, words and rhythm are ours.
"""

import time
from collections.abc import Callable, Mapping
from typing import Protocol

from labkit.emulator.data_plane.loop import Loop, Timer
from labkit.emulator.data_plane.tcp_connection import Events

HTTPS = 443
HELLO, WELCOME = b"labkit agent heartbeat\n", b"labkit endpoint heartbeat\n"
HEARTBEAT_S = 60.0
ANSWER_S = 3.0  # room for two more SYNs
SETTLE_S = 0.05  # between a change of the rules and the heartbeat that tries them

Addresses = Mapping[str, tuple[str, ...]]
"""Service name ("ssm", "ssmmessages") -> the addresses of its endpoints."""
Report = Callable[[Mapping[str, float | None]], None]
"""Is told by service when it was last heard (epoch seconds); None: no connection stands."""


class Connection(Protocol):
    """What an agent does with a connection once it has it."""

    def send(self, data: bytes) -> None: ...

    def close(self) -> None: ...


Dial = Callable[[tuple[str, int], Events], Connection]


class Agent:
    """The agent of one host. report is called when something has changed."""

    def __init__(self, loop: Loop, dial: Dial, report: Report) -> None:
        self._loop, self._dial, self._report = loop, dial, report
        self._lines: dict[str, _Line] = {}
        self._settling: Timer | None = None

    def reach(self, addresses: Addresses) -> None:
        """Have a heartbeat soon with these endpoints: they, or the rules, have changed."""
        for service in self._lines.keys() - addresses.keys():
            self._lines.pop(service).close()
        for service, ips in addresses.items():
            if service not in self._lines:
                self._lines[service] = _Line(self._loop, self._dial, self._tell)
            self._lines[service].addresses = ips
        if self._settling:
            self._settling.cancel()
        self._settling = self._loop.call_later(SETTLE_S, self._beat)
        self._tell()

    def close(self) -> None:
        if self._settling:
            self._settling.cancel()
        for line in self._lines.values():
            line.close()
        self._lines.clear()

    def _beat(self) -> None:
        for line in list(self._lines.values()):
            line.beat()

    def _tell(self) -> None:
        self._report({service: line.heard_at for service, line in self._lines.items()})


class _Line:
    """The connection to one service; heard_at is None while none stands."""

    def __init__(self, loop: Loop, dial: Dial, tell: Callable[[], None]) -> None:
        self.addresses: tuple[str, ...] = ()
        self.heard_at: float | None = None
        self._loop, self._dial, self._tell = loop, dial, tell
        self._standing: _Attempt | None = None
        self._attempt: _Attempt | None = None
        self._next: Timer | None = None

    def beat(self) -> None:
        """Try the addresses, one after the other."""
        self._drop_attempt()
        self._wait(HEARTBEAT_S)
        self._try(self.addresses)

    def close(self) -> None:
        self._drop_attempt()
        if self._next:
            self._next.cancel()
        if self._standing:
            self._standing.close()
            self._standing = None

    def _try(self, addresses: tuple[str, ...]) -> None:
        if not addresses:
            self._lost()
            return
        rest = addresses[1:]
        self._attempt = _Attempt(
            self._loop,
            self._dial,
            addresses[0],
            heard=self._heard,
            failed=lambda attempt: self._failed(attempt, rest),
        )

    def _heard(self, attempt: "_Attempt") -> None:
        old, self._standing, self._attempt = self._standing, attempt, None
        if old:
            old.close()
        self.heard_at = time.time()
        self._tell()

    def _failed(self, attempt: "_Attempt", rest: tuple[str, ...]) -> None:
        if attempt is self._attempt:
            self._attempt = None
            self._try(rest)
        elif attempt is self._standing:
            self._standing = None
            self.heard_at = None
            self._tell()
            self._wait(1.0)

    def _lost(self) -> None:
        if self._standing:
            self._standing.close()
            self._standing = None
        self.heard_at = None
        self._tell()

    def _drop_attempt(self) -> None:
        if self._attempt:
            self._attempt.close()
            self._attempt = None

    def _wait(self, delay_s: float) -> None:
        if self._next:
            self._next.cancel()
        self._next = self._loop.call_later(delay_s, self.beat)


class _Attempt:
    """One connection: heard is called once an answer has come, failed when it is lost."""

    def __init__(
        self,
        loop: Loop,
        dial: Dial,
        address: str,
        *,
        heard: Callable[["_Attempt"], None],
        failed: Callable[["_Attempt"], None],
    ) -> None:
        self._heard, self._failed = heard, failed
        self._is_closed = False
        self._data = bytearray()
        self._limit = loop.call_later(ANSWER_S, self._fail)
        self._connection = dial((address, HTTPS), self)

    def close(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._limit.cancel()
            self._connection.close()

    # as Events

    def connected(self) -> None:
        if not self._is_closed:
            self._connection.send(HELLO)

    def received(self, data: bytes) -> None:
        if self._is_closed or len(self._data) >= len(WELCOME):
            return
        self._data += data
        if len(self._data) >= len(WELCOME):
            self._limit.cancel()
            self._heard(self)

    def finished(self) -> None:
        self._fail()

    def ended(self, problem: str | None) -> None:
        self._fail()

    def _fail(self) -> None:
        if not self._is_closed:
            self.close()
            self._failed(self)
