"""The gateway: admits an HTTP request, finds its operation, and lets it be answered.

An operation is answered as a call (see calls.py); S3's, which are bound to HTTP, go to moto as
requests. What is refused, is so in AWS's own shape and with a 4xx (boto3 retries 5xx).
"""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from labkit.emulator import admission, protocol, responses, s3_ignores, signature
from labkit.emulator.admission import Secrets
from labkit.emulator.calls import Calls
from labkit.emulator.ec2 import request_values
from labkit.emulator.operations import Call
from labkit.emulator.protocol import Routed
from labkit.emulator.refusal import ServiceError, not_emulated
from labkit.emulator.responses import Answer
from labkit.emulator.upstream import Wsgi

log = logging.getLogger("labkit.emulator")


class Gateway:
    """Answers the requests of boto3, the AWS CLI and everybody else.

    Args:
        account_id: whose calls these are.
        regions: the names of the regions it has.
        hosts: the values of Host that it answers to.
        secrets: gives the secret of an access key id issued here.
        calls: answers the calls.
        s3: moto's S3, as a WSGI application.
    """

    def __init__(
        self,
        *,
        account_id: str,
        regions: Collection[str],
        hosts: Collection[str],
        secrets: Secrets,
        calls: Calls,
        s3: Wsgi,
    ):
        self._account_id = account_id
        self._regions = frozenset(regions)
        self._hosts = frozenset(hosts)
        self._secrets = secrets
        self._calls = calls
        self._s3 = s3

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer as a WSGI application, for in-process clients of S3."""
        answer = self.answer(environ)
        start_response(f"{answer.status} -", answer.headers)
        return [answer.body]

    def answer(self, environ: dict[str, Any]) -> Answer:
        """Answer a request given as a WSGI environ; never raises, never with a 5xx.

        Leaves the number of bytes of the body that were not read in environ["labkit.unread"].
        """
        body = _Body(environ)
        signed = signature.read(environ)
        service = signed.service if signed else _guess_service(environ)
        try:
            admission.refuse_browsers(environ, self._hosts)
            signed, secret = admission.check_key(signed, self._secrets)
            admission.check_signature(signed, environ, body.read, secret)
            if signed.region not in self._regions:
                raise ServiceError(
                    "UnsupportedOperation", f"The emulator has no region {signed.region!r}."
                )
            routed = protocol.route(service, environ, body.read())
            return self._answer(routed, environ, signed)
        except ServiceError as error:
            return responses.serialize_error(service, environ, error)
        except Exception:
            log.exception("A bug of the emulator's, in a call of %s", service)
            return responses.serialize_error(service, environ, self._calls.bug())
        finally:
            environ["labkit.unread"] = body.unread

    def _answer(
        self, routed: Routed, environ: dict[str, Any], signed: signature.Signature
    ) -> Answer:
        self._calls.operation(routed.service, routed.operation)  # a refusal needs no parameters
        if routed.service == "s3" and not self._calls.is_ours("s3", routed.operation):
            protocol.check_xml(routed)
            s3_ignores.check(routed.operation, environ, self._account_id)
            return self._forward(routed, environ)
        call = Call(
            routed.service,
            routed.operation,
            signed.region,
            self._account_id,
            signed.access_key_id,
            protocol.parameters(routed),
        )
        request_values.check_tags(call)
        return responses.serialize(routed, self._calls(call))

    def _forward(self, routed: Routed, environ: dict[str, Any]) -> Answer:
        """Let moto's S3 answer; where it fails, the call is refused like the rest."""
        answer: dict[str, Any] = {}

        def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
            answer.update(status=int(status.split()[0]), headers=headers)

        environ["wsgi.input"] = io.BytesIO(routed.body)
        environ["CONTENT_LENGTH"] = str(len(routed.body))
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        with_these = f"{routed.operation} with these parameters"
        try:
            body = b"".join(self._s3(environ, start_response))
        except Exception as error:
            log.warning("moto failed at s3:%s: %r", routed.operation, error)
            raise not_emulated("s3", with_these) from None
        if answer["status"] >= 500:
            log.warning("moto answered s3:%s with %s", routed.operation, _gist(body))
            raise not_emulated("s3", with_these)
        if answer["status"] == 404 and not body:
            _say_what_is_missing(routed)
        return Answer(answer["status"], _own_headers(answer["headers"]), body)


class _Body:
    """A request's body, read once and only when it is asked for."""

    def __init__(self, environ: dict[str, Any]):
        self._input = environ["wsgi.input"]
        self._length: int | None = None
        if not environ.get("wsgi.input_terminated"):
            self._length = int(environ.get("CONTENT_LENGTH") or 0)
        self._read: bytes | None = None

    def read(self) -> bytes:
        if self._read is not None:
            return self._read
        length, read = self._length, self._input.read
        try:
            self._read = read() if length is None else read(length) if length else b""
        except OSError as error:  # chunks that are none, or a client that went away
            self._length = None
            raise ServiceError("IncompleteBody", f"The body cannot be read: {error}.") from None
        return self._read or b""

    @property
    def unread(self) -> float:
        """How many bytes were left; infinity if nobody said how long the body is."""
        if self._read is not None:
            return 0
        return float("inf") if self._length is None else self._length


def _gist(body: bytes) -> str:
    """Return an error page of moto's in one line: its last one, where a traceback says what."""
    lines = body.decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:300] if lines else "nothing"


def _say_what_is_missing(routed: Routed) -> None:
    """Give a 404 of S3 the body that AWS gives it, where moto gives none.

    Source: docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
    """
    if routed.request.method != "HEAD":
        raise ServiceError("NoSuchBucket", "The specified bucket does not exist", 404)


def _guess_service(environ: Mapping[str, Any]) -> str:
    """Name the service of an unsigned request, for the shape of its refusal."""
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    if target:
        return "ssm" if target.startswith("AmazonSSM") else "logs"
    form = environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded")
    return "sts" if form else "s3"


def _own_headers(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Drop what would let a web page read the answer, and what the HTTP server adds itself."""
    dropped = ("access-control-", "connection", "server", "date")
    return [(name, value) for name, value in headers if not name.lower().startswith(dropped)]
