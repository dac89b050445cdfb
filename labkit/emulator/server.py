"""Puts the emulator together and serves it: the composition root of the control process."""

from __future__ import annotations

import logging
import logging.handlers
import os
import secrets
import signal
import string
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from labkit import home as lab_home
from labkit.emulator import warm_up
from labkit.emulator.calls import Calls
from labkit.emulator.clients import InProcess
from labkit.emulator.data_plane.handle import DataPlane
from labkit.emulator.gateway import Gateway
from labkit.emulator.http_server import Server
from labkit.emulator.operations import FORWARDED, Operation
from labkit.emulator.parts import Parts
from labkit.emulator.upstream import ACCOUNT_ID, Moto, Wsgi, regions
from labkit.errors import EmulatorError
from labkit.home import RunFile

log = logging.getLogger("labkit.emulator")

IDLE_S = 8 * 3600.0
LOOK_EVERY_S = 30.0
GIVE_WAY = 5
"""How much nicer the control process is: where cores are scarce, packets go before API calls, so
that round trips stay the network's (tests/benchmarks/emulator_speed.py, load)."""


@dataclass(frozen=True, slots=True)
class Key:
    """The emulator's access key: made at start, known to its user alone."""

    access_key_id: str
    secret_access_key: str

    @classmethod
    def random(cls) -> Key:
        """Return a fresh key; no key of AWS's starts with LABKIT."""
        letters = string.ascii_uppercase + "234567"
        id_ = "LABKIT" + "".join(secrets.choice(letters) for _ in range(14))
        return cls(id_, secrets.token_urlsafe(30))


def serve(
    folder: Path,
    *,
    port: int = 0,
    pace: str = "lab",
    host_kind: str = "auto",
    idle_s: float = IDLE_S,
    log_requests: bool = False,
    on_ready: Callable[[], None] = lambda: None,
) -> None:
    """Run the emulator of a LABKIT_HOME until it is stopped, idle for idle_s, or broken.

    Raises:
        EmulatorError: one runs already on this home, or the port is taken.
    """
    with lab_home.locked(folder / lab_home.ALIVE_LOCK, wait=False) as ours:
        if not ours:
            raise EmulatorError(f"An emulator already runs on {folder}.")
        _log_to(folder / lab_home.LOG_FILE, log_requests)
        ending = Ending()
        ending.on_signals()
        server = _bound(port)
        running = Emulator(server, pace=pace, host_kind=host_kind, folder=folder, ending=ending)
        try:
            running.start()
            lab_home.write_run_file(folder, running.run_file)
            on_ready()
            ending.wait(idle_s, lambda: running.idle_s)
        finally:
            log.info("Ends: %s", ending.reason)
            running.stop()
            lab_home.remove_run_file(folder)


class Ending:
    """Why and when the emulator ends."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self.reason = "asked to"

    def now(self, reason: str) -> None:
        self.reason = reason
        self._event.set()

    def on_signals(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, _: self.now(signal.Signals(number).name))

    def wait(self, idle_s: float, idle_for: Any) -> None:
        while not self._event.wait(min(LOOK_EVERY_S, idle_s)):
            if idle_for() >= idle_s:
                self.now(f"no request for {idle_s:.0f} s")


class Emulator:
    """All parts of an emulator, built and connected."""

    def __init__(self, server: Server, *, pace: str, host_kind: str, folder: Path, ending: Ending):
        self._server = server
        self._ending = ending
        self._key = key = Key.random()
        self._log_path = folder / lab_home.LOG_FILE
        self._pace = pace
        self._moto = moto = Moto((key.access_key_id, key.secret_access_key))
        host = f"127.0.0.1:{server.port}"

        def clients(answer: Operation, wsgi: Wsgi) -> InProcess:
            return InProcess(answer, wsgi, key.access_key_id, key.secret_access_key, host)

        inner = clients(moto.answer, moto.s3)
        self._inner = inner
        self._parts = Parts(
            inner,
            clients(lambda call: calls(call), lambda *request: self.gateway(*request)),
            moto,
            pace=pace,
            start_data_plane=partial(
                DataPlane.start, pace=pace, host_kind=host_kind, on_died=ending.now
            ),
        )
        self._calls = calls = Calls(
            self._parts.operations(),
            FORWARDED,
            moto.answer,
            changed=self._parts.topology.changed,
            log_path=str(self._log_path),
        )
        self.gateway = server.gateway = Gateway(
            account_id=ACCOUNT_ID,
            regions=regions(),
            hosts=(host, f"localhost:{server.port}"),
            secrets=self._secret,
            calls=calls,
            s3=moto.s3,
        )

    def _secret(self, access_key_id: str) -> str | None:
        if access_key_id == self._key.access_key_id:
            return self._key.secret_access_key
        return self._moto.secret(access_key_id)

    @property
    def run_file(self) -> RunFile:
        return RunFile(
            pid=os.getpid(),
            port=self._server.port,
            endpoint_url=f"http://127.0.0.1:{self._server.port}",
            access_key_id=self._key.access_key_id,
            secret_access_key=self._key.secret_access_key,
            account_id=ACCOUNT_ID,
            pace=self._pace,
            host_kind=self._parts.data_plane.host_kind,
            host_kind_reason=self._parts.data_plane.host_kind_reason,
            log_path=str(self._log_path),
            started_at=datetime.now(UTC).isoformat(timespec="seconds"),
        )

    @property
    def idle_s(self) -> float:
        return time.monotonic() - self._server.last_request_at

    def start(self) -> None:
        """Serve from now on."""
        os.nice(GIVE_WAY)  # threads inherit it; the data process, already there, does not
        self._parts.delivery.start()
        _in_background(self._server.serve_forever)
        warm_up.in_background(warm_up.steps(self._inner), lambda: self._server.is_answering)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._parts.stop()


def _in_background(work: Callable[[], object]) -> None:
    threading.Thread(target=work, name=work.__name__, daemon=True).start()


def _bound(port: int) -> Server:
    try:
        return Server(port)
    except OSError as error:
        raise EmulatorError(
            f"Port {port} of 127.0.0.1 cannot be used ({error.strerror}): choose another one."
        ) from None


class _PrivateLog(logging.handlers.RotatingFileHandler):
    """A log that only the user may read, also after it was rotated."""

    def _open(self) -> Any:
        return open(self.baseFilename, self.mode, opener=lab_home.open_private)


def _log_to(path: Path, log_requests: bool) -> None:
    handler = _PrivateLog(path, maxBytes=5_000_000, backupCount=1)
    handler.setFormatter(logging.Formatter("%(asctime)s %(process)d %(name)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    log.setLevel(logging.INFO)
    logging.getLogger("labkit.emulator.requests").setLevel(
        logging.INFO if log_requests else logging.WARNING
    )
