"""Who may speak to the emulator: its own user's programs, and no web page."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from labkit.emulator import signature
from labkit.emulator.refusal import ServiceError
from labkit.emulator.signature import Signature

HINT = "This emulator takes only its own access key: run `labkit emulator env`."

Secrets = Callable[[str], str | None]
"""Gives the secret of an access key id, or None for a key that was not issued here."""


def refuse_browsers(environ: Mapping[str, Any], hosts: Collection[str]) -> None:
    """Refuse what a page in a browser could send: a foreign Host, an Origin, a preflight.

    A page may reach 127.0.0.1 by a name of its own (DNS rebinding), so the Host counts, too.

    Raises:
        ServiceError: AccessDenied.
    """
    host = environ.get("HTTP_HOST", "")
    if host not in hosts:
        raise _denied(f"The emulator is not {host!r}: it answers as {' or '.join(sorted(hosts))}.")
    if "HTTP_ORIGIN" in environ or environ["REQUEST_METHOD"] == "OPTIONS":
        raise _denied("The emulator does not answer web pages.")
    if environ["PATH_INFO"].startswith(("/moto-api", "/latest/", "/favicon.ico")):
        raise _denied("The emulator has no such path.")


def check_key(signed: Signature | None, secrets: Secrets) -> tuple[Signature, str]:
    """Return the signature and its key's secret.

    Raises:
        ServiceError: in the words of the service that was asked.
    """
    if signed is None:
        raise ServiceError(
            "MissingAuthenticationToken", f"Request is missing Authentication Token. {HINT}", 403
        )
    secret = secrets(signed.access_key_id)
    if secret is None:
        raise _unknown_key(signed.service)
    if signed.expires_at and signed.expires_at < datetime.now(UTC):
        raise _denied("Request has expired.")
    return signed, secret


def check_signature(
    signed: Signature, environ: Mapping[str, Any], body: Callable[[], bytes], secret: str
) -> None:
    """Refuse a request whose signature its secret key does not give.

    Raises:
        ServiceError: in the words of the service that was asked.
    """
    if signature.holds(signed, environ, body, secret):
        return
    message = (
        "The request signature we calculated does not match the signature you provided. "
        "Check your AWS Secret Access Key and signing method."
    )
    if signed.service == "ec2":
        raise ServiceError("AuthFailure", f"{_EC2_MESSAGE} {HINT}", 401)
    code = "InvalidSignatureException" if signed.service in _JSON else "SignatureDoesNotMatch"
    raise ServiceError(code, f"{message} {HINT}", 403)


_JSON = ("ssm", "logs")
_EC2_MESSAGE = "AWS was not able to validate the provided access credentials"


def _unknown_key(service: str) -> ServiceError:
    """Each service has its own words for a key that does not exist."""
    if service == "ec2":
        return ServiceError("AuthFailure", f"{_EC2_MESSAGE} {HINT}", 401)
    if service == "s3":
        message = "The AWS Access Key Id you provided does not exist in our records."
        return ServiceError("InvalidAccessKeyId", f"{message} {HINT}", 403)
    code = "UnrecognizedClientException" if service in _JSON else "InvalidClientTokenId"
    return ServiceError(code, f"The security token included in the request is invalid. {HINT}", 403)


def _denied(message: str) -> ServiceError:
    return ServiceError("AccessDenied", message, 403)
