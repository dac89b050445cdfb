"""The HTTP server: loopback only, one thread a connection, connections that stay open."""

from __future__ import annotations

import contextlib
import logging
import socketserver
import sys
import threading
import time
from collections.abc import Iterator
from http import HTTPStatus
from http.server import HTTPServer
from typing import Any

from moto.core.request import (
    PRESERVED_HEADER_NAMES_ENVIRON_KEY,
    environ_key_for_header,
    should_preserve_original_header_name,
)
from werkzeug.serving import WSGIRequestHandler

from labkit.emulator.refusal import ServiceError
from labkit.emulator.responses import Answer, serialize_error

log = logging.getLogger("labkit.emulator.requests")

DRAINED_AT_MOST = 1_000_000


class Handler(WSGIRequestHandler):
    """Answers one connection's requests, one after the other.

    werkzeug builds the environ; its own way to answer closes each connection, which costs a
    client a new one for each call.
    """

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body leave together ...
    disable_nagle_algorithm = True  # ... and at once
    timeout = 300

    def make_environ(self) -> dict[str, Any]:
        """Build the environ, with the headers of S3's metadata that werkzeug drops.

        It drops each name with an underscore, lest it stand in for the one with a dash. moto
        wants them in the environ, and their spelling beside it.
        """
        environ = super().make_environ()
        dashed = {environ_key_for_header(name) for name in self.headers if "_" not in name}
        spelled: dict[str, str] = {}
        for name in filter(should_preserve_original_header_name, self.headers):
            key = environ_key_for_header(name)
            if key not in dashed and key not in spelled:
                spelled[key] = name
                values = self.headers.get_all(name, ())
                environ[key] = ",".join(value.replace("\r\n", "") for value in values)
        environ[PRESERVED_HEADER_NAMES_ENVIRON_KEY] = spelled
        return environ

    def run_wsgi(self) -> None:
        """Answer one request, unless it does not say where its body ends."""
        length, chunked = self.headers.get("Content-Length"), "Transfer-Encoding" in self.headers
        if length is not None and (chunked or not (length.isascii() and length.isdecimal())):
            self.send_error(400, "The request does not say where its body ends")
            return
        environ = self.make_environ()
        server: Any = self.server
        server.last_request_at = time.monotonic()
        with server.answering():
            answer: Answer = server.gateway.answer(environ)
        self._drain(environ)
        self._send(answer)

    def _drain(self, environ: dict[str, Any]) -> None:
        """Read what the gateway left of the body, else it would be taken for the next request."""
        left = environ.get("labkit.unread", 0)
        if left > DRAINED_AT_MOST:
            self.close_connection = True
        elif left:
            self.rfile.read(left)

    def _send(self, answer: Answer) -> None:
        self.send_response(answer.status, HTTPStatus(answer.status).phrase)
        names = set()
        for name, value in answer.headers:
            names.add(name.lower())
            self.send_header(name, value)
        has_body = self.command != "HEAD" and answer.status not in (204, 304)
        if "content-length" not in names and has_body:
            self.send_header("Content-Length", str(len(answer.body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if has_body:
            self.wfile.write(answer.body)
        self.wfile.flush()

    def handle_expect_100(self) -> bool:
        """Say "100 Continue" at once: the client waits for it (boto3's put_object, a second)."""
        going_on = super().handle_expect_100()
        self.wfile.flush()
        return going_on

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what is not HTTP as we read it (too long, malformed) in AWS's shape, with 4xx."""
        self.close_connection = True
        if not hasattr(self, "headers"):
            self.command, self.path, self.request_version = "GET", "/", self.protocol_version
        code = code if code < 500 else 400
        error = ServiceError("BadRequest", message or HTTPStatus(code).phrase, code)
        self._send(serialize_error("s3", {}, error))

    def log_message(self, format: str, *args: Any) -> None:
        log.info(format, *args)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log a request without its query, which may hold a signature."""
        log.info("%s %s %s", self.command, self.path.partition("?")[0], int(code))


class Server(socketserver.ThreadingMixIn, HTTPServer):
    """Serves a gateway on a port of 127.0.0.1."""

    daemon_threads = True
    request_queue_size = 1024  # a thousand clients at once
    allow_reuse_address = True
    ssl_context = None
    multithread = True
    multiprocess = False
    _server_version = "labkit-emulator"

    def __init__(self, port: int):
        super().__init__(("127.0.0.1", port), Handler)
        self.gateway: Any = None
        self.last_request_at = time.monotonic()
        self._counting = threading.Lock()
        self._being_answered = 0

    @contextlib.contextmanager
    def answering(self) -> Iterator[None]:
        """Count a request that is being answered."""
        with self._counting:
            self._being_answered += 1
        try:
            yield
        finally:
            with self._counting:
                self._being_answered -= 1

    @property
    def is_answering(self) -> bool:
        return self._being_answered > 0

    @property
    def port(self) -> int:
        return self.server_address[1]

    def server_bind(self) -> None:
        """Bind without HTTPServer's look-up of the host's name, which may ask a name server."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log what ended a connection; a client that went away is no error of ours."""
        error = sys.exception()
        if isinstance(error, ConnectionError | TimeoutError):
            log.info("A client went away: %r", error)
            return
        logging.getLogger("labkit.emulator").exception("A connection ended with an error")

    def log(self, type_: str, message: str, *args: Any) -> None:
        log.info(message, *args)
