"""boto3 clients that reach moto, or the gateway, without a socket between.

They are boto3's own: paginators, errors and the checks of parameters are what they are elsewhere.
A call is taken out of botocore where botocore's Stubber takes it out, before it would be signed
and sent; S3's calls, which are bound to HTTP, go on as requests to a WSGI application.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import boto3
import botocore.session
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config

from labkit.emulator import protocol
from labkit.emulator.moto_operations import operation_model
from labkit.emulator.operations import Call, Operation
from labkit.emulator.plain_results import plain
from labkit.emulator.refusal import ServiceError
from labkit.emulator.service_models import LOADER
from labkit.emulator.upstream import ACCOUNT_ID, DEFAULT_REGION, Wsgi


class InProcess:
    """Clients of one answering function.

    Args:
        answer: moto for the inner clients, the gateway for the outer ones.
        wsgi: the same as a WSGI application, for S3.
        access_key_id: the key that calls.
        secret_access_key: its secret, which signs requests to S3.
        host: what to send to S3 as Host.
    """

    def __init__(
        self,
        answer: Operation,
        wsgi: Wsgi,
        access_key_id: str,
        secret_access_key: str,
        host: str = "127.0.0.1",
    ):
        self._answer = answer
        self._wsgi = wsgi
        self._access_key_id = access_key_id
        self._host = host
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str], Any] = {}
        session = botocore.session.get_session()
        session.register_component("data_loader", LOADER)
        self._session = boto3.Session(
            access_key_id,
            secret_access_key,
            region_name=DEFAULT_REGION,
            botocore_session=session,
        )

    def __call__(self, service: str, region: str) -> Any:
        """Return the client of a service in a region.

        boto3 builds clients slowly and not thread-safely, hence once and under a lock.
        """
        found = self._clients.get((service, region))
        if found is not None:
            return found
        with self._lock:
            if (service, region) not in self._clients:
                self._clients[service, region] = self._make(service, region)
            return self._clients[service, region]

    def _make(self, service: str, region: str) -> Any:
        config = Config(
            retries={"total_max_attempts": 1},
            s3={"addressing_style": "path"},
            signature_version="s3v4" if service == "s3" else None,
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            ignore_configured_endpoint_urls=True,
        )
        make: Any = self._session.client
        client = make(
            service, region_name=region, endpoint_url=f"http://{self._host}", config=config
        )
        if service == "s3":
            client.meta.events.register("before-send", self._send)
        else:
            client.meta.events.register("before-call", self._called(service, region))
        return client

    def _called(self, service: str, region: str) -> Callable[..., Any]:
        """Return the handler that answers a call in the place of botocore's endpoint."""

        def answer(model: Any, params: dict[str, Any], **_: Any) -> tuple[AWSResponse, Any]:
            motos = operation_model(service, model.name)
            asked = protocol.sent(motos, params)
            call = Call(service, model.name, region, ACCOUNT_ID, self._access_key_id, asked)
            try:
                status, answered = 200, plain(motos, self._answer(call))
            except ServiceError as error:
                status, answered = error.status, _error(error)
            metadata = {"HTTPStatusCode": status, "HTTPHeaders": {}, "RetryAttempts": 0}
            answered["ResponseMetadata"] = metadata
            return AWSResponse(params["url"], status, {}, None), answered

        return answer

    def _send(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        """Answer a request of botocore's by calling the application (a before-send handler)."""
        answer: dict[str, Any] = {}

        def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
            answer.update(status=int(status.split()[0]), headers=headers)

        body = b"".join(self._wsgi(environ_of(request), start_response))
        headers = {name.lower(): value for name, value in answer["headers"]}
        return AWSResponse(request.url, answer["status"], headers, _Raw(body))


def _error(error: ServiceError) -> dict[str, Any]:
    more = {k: v for k, v in vars(error).items() if k not in ("code", "message", "status")}
    return {"Error": {"Code": error.code, "Message": error.message}, **more}


class _Raw(io.BytesIO):
    """A response's body with the method of urllib3's that botocore calls."""

    def stream(self, **_: Any) -> Iterable[bytes]:
        yield self.read()


def environ_of(request: AWSPreparedRequest) -> dict[str, Any]:
    """Turn a prepared request of botocore's into a WSGI environ (PEP 3333)."""
    url = urlsplit(request.url)
    body = _body(request.body)
    environ = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(url.path or "/").decode("latin-1"),
        "RAW_URI": f"{url.path or '/'}?{url.query}" if url.query else url.path or "/",
        "QUERY_STRING": url.query,
        "SERVER_NAME": url.hostname,
        "SERVER_PORT": str(url.port or 80),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": url.netloc,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers.items():
        text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
        key = name.upper().replace("-", "_")
        environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = text
    environ["CONTENT_LENGTH"] = str(len(body))
    return environ


def _body(body: Any) -> bytes:
    if body is None:
        return b""
    if isinstance(body, str):
        return body.encode()
    if isinstance(body, bytes | bytearray):
        return bytes(body)
    return body.read()
