"""moto behind the gateway: its WSGI application, and boto3 clients that reach it in-process.

The only module that touches moto's backends; everything else speaks to clients.
"""

from __future__ import annotations

import io
import threading
import traceback
from collections.abc import Callable, Iterable
from typing import Any, Protocol
from urllib.parse import unquote_to_bytes, urlsplit

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config

ACCOUNT_ID = "123456789012"
USER_NAME = "learner"
DEFAULT_REGION = "us-east-1"

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Clients(Protocol):
    """Gives the boto3 client of a service in a region; the same one each time, thread-safe."""

    def __call__(self, service: str, region: str) -> Any: ...


class Moto:
    """moto's server application, made when it is first asked, one call of a service at a time.

    moto's backends are plain dicts and lists without locks: a thread that lists while another
    creates sees "dictionary changed size during iteration".

    Args:
        key: an access key id and its secret, which shall belong to an IAM user.
    """

    def __init__(self, key: tuple[str, str] | None = None) -> None:
        self._key = key
        self._making = threading.Lock()
        self._application: Wsgi | None = None
        self._turns: dict[str, threading.RLock] = {}

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        application = self.application()
        with self._turn(environ.get("labkit.service", "")):
            return list(application(environ, start_response))

    def application(self) -> Wsgi:
        """Return moto's WSGI application; importing it takes most of a second.

        The key belongs to an IAM user from the start, so that GetCallerIdentity says who one is.
        """
        with self._making:
            if self._application is None:
                from moto.moto_server.werkzeug_app import (
                    DomainDispatcherApplication,
                    create_backend_app,
                )

                if self._key:
                    _give_user_key(*self._key)
                _do_not_enforce_bucket_policies()
                self._application = DomainDispatcherApplication(create_backend_app)
            return self._application

    def secret(self, access_key_id: str) -> str | None:
        """Return the secret of an active key that moto's IAM or STS issued, else None."""
        self.application()
        from moto.iam.models import iam_backends

        key = iam_backends[ACCOUNT_ID]["aws"].access_keys.get(access_key_id)
        return key.secret_access_key if key and key.status == "Active" else None

    def take_address(self, region: str, subnet_id: str, address: str | None = None) -> str | None:
        """Take an address of a subnet (None: the next free one) so that no other gets it.

        moto gives a network interface any random address, be it taken or reserved. Returns None
        where there is no free one.
        """
        self.application()
        from moto.ec2.models import ec2_backends

        subnet: Any = ec2_backends[ACCOUNT_ID][region].get_subnet(subnet_id)
        with self._turn("ec2"):
            if address is not None:
                subnet.request_ip(address, None)
                return address
            try:
                return subnet.get_available_subnet_ip(None)
            except StopIteration:
                return None

    def free_address(self, region: str, subnet_id: str, address: str) -> None:
        from moto.ec2.models import ec2_backends

        subnet: Any = ec2_backends[ACCOUNT_ID][region].get_subnet(subnet_id)
        with self._turn("ec2"):
            subnet.del_subnet_ip(address)

    def _turn(self, service: str) -> threading.RLock:
        return self._turns.setdefault(service, threading.RLock())


def _give_user_key(access_key_id: str, secret_access_key: str) -> None:
    from moto.iam.models import iam_backends

    iam = iam_backends[ACCOUNT_ID]["aws"]
    user = iam.create_user("us-east-1", USER_NAME)
    user.id = f"AIDA{access_key_id[-16:]}"
    key = user.create_access_key(prefix="AKIA")
    key.access_key_id, key.secret_access_key = access_key_id, secret_access_key
    iam.access_keys[access_key_id] = key


def _do_not_enforce_bucket_policies() -> None:
    """Let moto keep bucket policies, and judge no request by them.

    It does without a look at the conditions: a policy that denies what comes without TLS would
    deny everything. Deliveries are judged by our own evaluation, with conditions.
    """
    from moto.iam.access_control import PermissionResult
    from moto.s3.models import FakeBucket

    bucket: Any = FakeBucket
    bucket.get_permission = lambda *_: PermissionResult.NEUTRAL


def failed_in_moto(error: Exception) -> str | None:
    """Return where moto failed, or None for an error that is not of moto's making.

    It is moto's if moto was called last: below the last frame of ours, which is in this module.
    """
    frames = traceback.extract_tb(error.__traceback__)
    ours = [number for number, frame in enumerate(frames) if "/labkit/" in frame.filename]
    if not ours or frames[ours[-1]].filename != __file__:
        return None
    moto = [frame for frame in frames[ours[-1] :] if "/moto/" in frame.filename]
    return f"{moto[-1].filename.rpartition('/moto/')[2]}:{moto[-1].lineno}" if moto else None


def regions() -> frozenset[str]:
    """Return the regions that the emulator has: those of AWS's standard partition."""
    # Asked of STS, which is everywhere and whose model loads fast.
    return frozenset(boto3.Session().get_available_regions("sts", "aws"))


class InProcess:
    """Clients of a WSGI application, without a socket between.

    Args:
        application: moto for the inner clients, the gateway for the outer ones.
        access_key_id: the key that signs.
        secret_access_key: its secret.
        host: what to send as Host.
    """

    def __init__(
        self,
        application: Wsgi,
        access_key_id: str,
        secret_access_key: str,
        host: str = "127.0.0.1",
    ):
        self._application = application
        self._host = host
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str], Any] = {}
        self._session = boto3.Session(access_key_id, secret_access_key, region_name=DEFAULT_REGION)

    def __call__(self, service: str, region: str) -> Any:
        """Return the client of a service in a region.

        boto3 builds clients slowly and not thread-safely, hence once and under a lock.
        """
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
        client.meta.events.register("before-send", self._send)
        return client

    def _send(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        """Answer a request of botocore's by calling the application (a before-send handler)."""
        answer: dict[str, Any] = {}

        def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
            answer.update(status=int(status.split()[0]), headers=headers)

        body = b"".join(self._application(environ_of(request), start_response))
        headers = {name.lower(): value for name, value in answer["headers"]}
        return AWSResponse(request.url, answer["status"], headers, _Raw(body))


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
