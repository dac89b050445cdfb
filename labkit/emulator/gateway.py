"""The gateway: admits a request, finds its operation, and lets it be answered.

An operation of ours is a function from dict to dict; those on the allow-list go to moto;
every other one is refused by name, in AWS's own shape and with a 4xx (boto3 retries 5xx).
"""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from labkit.emulator import admission, protocol, signature
from labkit.emulator.admission import Secrets
from labkit.emulator.operations import DRY_RUN_THEMSELVES, Call, Operations
from labkit.emulator.protocol import Answer, Routed
from labkit.emulator.refusal import ServiceError, not_emulated
from labkit.emulator.upstream import Wsgi, failed_in_moto
from labkit.errors import LabError

log = logging.getLogger("labkit.emulator")

READING = ("Describe", "Get", "List", "Head", "Lookup", "Search", "Filter", "Validate")

Changed = Callable[[str, str, str, bytes], None]
"""Told of each call that may have changed something: service, operation, region, and the
text of the request and of its answer, in which all ids that it touched stand."""


class Gateway:
    """Answers the requests of boto3, the AWS CLI and everybody else.

    Args:
        account_id: whose calls these are.
        regions: the names of the regions it has.
        hosts: the values of Host that it answers to.
        secrets: gives the secret of an access key id issued here.
        moto: the application behind it.
        operations: ours, by service and operation.
        forwarded: the allow-list of operations that moto answers.
        changed: called after a mutating call succeeded, before its answer goes out.
        log_path: where its own bugs are logged, for the sentence that admits one.
    """

    def __init__(
        self,
        *,
        account_id: str,
        regions: Collection[str],
        hosts: Collection[str],
        secrets: Secrets,
        moto: Wsgi,
        operations: Operations,
        forwarded: Mapping[str, frozenset[str]],
        changed: Changed = lambda *_: None,
        log_path: str = "its log",
    ):
        self._account_id = account_id
        self._regions = frozenset(regions)
        self._hosts = frozenset(hosts)
        self._secrets = secrets
        self._moto = moto
        self._operations = operations
        self._forwarded = forwarded
        self._changed = changed
        self._log_path = log_path

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer as a WSGI application, for in-process clients."""
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
            return protocol.serialize_error(service, environ, error)
        except ClientError as error:  # an inner client's: moto's own words
            return protocol.serialize_error(service, environ, _as_service_error(error))
        except LabError as error:  # the data process is gone, or cannot make a host
            log.error("%s", error)
            error = ServiceError("InternalError", str(error))
            return protocol.serialize_error(service, environ, error)
        except Exception:
            log.exception("A bug of the emulator's, in a call of %s", service)
            return protocol.serialize_error(service, environ, self._bug())
        finally:
            environ["labkit.unread"] = body.unread

    def _answer(
        self, routed: Routed, environ: dict[str, Any], signed: signature.Signature
    ) -> Answer:
        try:
            answer = self._dispatch(routed, environ, signed)
        except NotImplementedError as error:  # moto's way to say so, of a filter for example
            log.info("moto has not: %s", error)
            raise _not_so(routed) from None
        except Exception as error:
            place = failed_in_moto(error)
            if place is None:
                raise
            log.warning("moto failed at %s:%s: %r in %s", *_names(routed), error, place)
            raise _not_so(routed) from None
        if answer.status < 400 and not routed.operation.startswith(READING):
            touched = routed.body + answer.body if routed.service != "s3" else b""
            self._changed(routed.service, routed.operation, signed.region, touched)
        return answer

    def _dispatch(
        self, routed: Routed, environ: dict[str, Any], signed: signature.Signature
    ) -> Answer:
        ours = self._operations.get((routed.service, routed.operation))
        if ours or routed.operation in self._forwarded.get(routed.service, ()):
            _answer_dry_run(routed)
        if ours is not None:
            call = Call(
                routed.service,
                routed.operation,
                signed.region,
                self._account_id,
                signed.access_key_id,
                protocol.parameters(routed),
            )
            return protocol.serialize(routed, ours(call))
        if routed.operation in self._forwarded.get(routed.service, ()):
            _check(routed)
            return self._forward(routed, environ)
        raise not_emulated(routed.service, routed.operation)

    def _forward(self, routed: Routed, environ: dict[str, Any]) -> Answer:
        """Let moto answer; where it fails, the call is refused like the rest."""
        answer: dict[str, Any] = {}

        def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> None:
            answer.update(status=int(status.split()[0]), headers=headers)

        environ["wsgi.input"] = io.BytesIO(routed.body)
        environ["CONTENT_LENGTH"] = str(len(routed.body))
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        environ["labkit.service"] = routed.service
        body = b"".join(self._moto(environ, start_response))
        if answer["status"] >= 500:
            log.warning("moto answered %s:%s with %s", *_names(routed), _gist(body))
            raise _not_so(routed)
        if routed.service == "s3" and answer["status"] == 404 and not body:
            _say_what_is_missing(routed)
        return Answer(answer["status"], _own_headers(answer["headers"]), body)

    def _bug(self) -> ServiceError:
        message = f"The emulator has a bug: its traceback is in {self._log_path}."
        return ServiceError("InternalError", message, 400)


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


def _check(routed: Routed) -> None:
    """Hold what goes to moto to botocore's model: moto itself fails at what does not fit."""
    if routed.service == "s3":
        protocol.check_xml(routed)
    else:
        protocol.parameters(routed)


def _answer_dry_run(routed: Routed) -> None:
    """Refuse a DryRun before it does something: neither moto nor ours look at it everywhere.

    Source: docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonParameters.html
    """
    if routed.service != "ec2" or routed.operation in DRY_RUN_THEMSELVES:
        return
    if routed.request.values.get("DryRun", "").lower() == "true":
        message = "Request would have succeeded, but DryRun flag is set."
        raise ServiceError("DryRunOperation", message, 412)


def _names(routed: Routed) -> tuple[str, str]:
    return routed.service, routed.operation


def _not_so(routed: Routed) -> ServiceError:
    """Refuse what moto has not, or fails at."""
    return not_emulated(routed.service, f"{routed.operation} with these parameters")


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


def _as_service_error(error: ClientError) -> ServiceError:
    answer: Any = error.response
    status = answer["ResponseMetadata"]["HTTPStatusCode"]
    return ServiceError(
        answer["Error"]["Code"], answer["Error"]["Message"], status if status < 500 else 400
    )


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
