"""Does a request carry the signature that its secret key would give? Signature Version 4.

Source: docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from botocore.auth import HmacV1QueryAuth
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials

_HEADER = re.compile(
    r"AWS4-HMAC-SHA256\s+Credential=(?P<credential>[^,\s]+),\s*"
    r"SignedHeaders=(?P<headers>[^,\s]+),\s*Signature=(?P<signature>[0-9a-f]{64})\s*"
)
_EMPTY_BODY = hashlib.sha256().hexdigest()


@dataclass(frozen=True, slots=True)
class Signature:
    """What a request says about who signed it, and how.

    presigned: the signature stands in the query (a presigned URL), not in a header.
    expires_at: when a presigned URL ends, None for a header.
    """

    access_key_id: str
    date: str
    region: str
    service: str
    signed_headers: str
    value: str
    timestamp: str
    presigned: bool = False
    expires_at: datetime | None = None
    version: int = 4


def read(environ: Mapping[str, Any]) -> Signature | None:
    """Return the signature of a request, or None where there is none that we understand."""
    if match := _HEADER.fullmatch(environ.get("HTTP_AUTHORIZATION", "").strip()):
        timestamp = environ.get("HTTP_X_AMZ_DATE", "")
        return _signature(match["credential"], match["headers"], match["signature"], timestamp)
    query = {name: values[0] for name, values in parse_qs(environ["QUERY_STRING"]).items()}
    try:
        if query.get("X-Amz-Algorithm") == "AWS4-HMAC-SHA256":
            return _read_presigned(query)
        if "AWSAccessKeyId" in query:
            return _read_presigned_v2(query)
    except (KeyError, ValueError, OverflowError):
        pass  # incomplete: as good as none
    return None


def _read_presigned(query: Mapping[str, str]) -> Signature | None:
    signed_at = datetime.strptime(query["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return _signature(
        query["X-Amz-Credential"],
        query["X-Amz-SignedHeaders"],
        query["X-Amz-Signature"],
        query["X-Amz-Date"],
        presigned=True,
        expires_at=signed_at + timedelta(seconds=int(query["X-Amz-Expires"])),
    )


def _read_presigned_v2(query: Mapping[str, str]) -> Signature:
    """Read what boto3 and the AWS CLI put in a presigned URL of S3 by default."""
    return Signature(
        access_key_id=query["AWSAccessKeyId"],
        date="",
        region="us-east-1",
        service="s3",
        signed_headers="",
        value=query["Signature"],
        timestamp=query["Expires"],
        presigned=True,
        expires_at=datetime.fromtimestamp(int(query["Expires"]), UTC),
        version=2,
    )


def _signature(
    credential: str, headers: str, value: str, timestamp: str, **more: Any
) -> Signature | None:
    parts = credential.split("/")
    if len(parts) != 5 or parts[4] != "aws4_request":
        return None
    access_key_id, date, region, service, _ = parts
    return Signature(
        access_key_id, date, region, service.lower(), headers, value, timestamp, **more
    )


def holds(
    signature: Signature, environ: Mapping[str, Any], body: Callable[[], bytes], secret: str
) -> bool:
    """Say whether the request was signed with secret.

    The chunks of an S3 upload in parts ("STREAMING-...") are not verified one by one:
    the signature of their headers is.
    """
    if signature.version == 2:
        expected = _signature_v2(signature, environ, secret)
    else:
        expected = _signature_v4(signature, environ, body, secret)
    return hmac.compare_digest(expected, signature.value)


def _signature_v4(
    signature: Signature, environ: Mapping[str, Any], body: Callable[[], bytes], secret: str
) -> str:
    request = "\n".join(
        [
            environ["REQUEST_METHOD"],
            _canonical_path(signature, environ),
            _canonical_query(environ["QUERY_STRING"]),
            *(f"{name}:{_header(environ, name)}" for name in signature.signed_headers.split(";")),
            "",
            signature.signed_headers,
            _payload_hash(signature, environ, body),
        ]
    )
    scope = f"{signature.date}/{signature.region}/{signature.service}/aws4_request"
    to_sign = "\n".join(
        [
            "AWS4-HMAC-SHA256",
            signature.timestamp,
            scope,
            hashlib.sha256(request.encode()).hexdigest(),
        ]
    )
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, to_sign.encode(), "sha256").hex()


def raw_path(environ: Mapping[str, Any]) -> str:
    """Return the path as the client sent it, percent-encoded."""
    return environ["RAW_URI"].partition("?")[0] or "/"


def _canonical_path(signature: Signature, environ: Mapping[str, Any]) -> str:
    """S3 signs the path as it is sent; all others encode it once more."""
    path = raw_path(environ)
    return path if signature.service == "s3" else quote(path, safe="/-_.~")


def _canonical_query(query: str) -> str:
    pairs = [part.partition("=") for part in query.split("&") if part]
    encoded = sorted(
        (quote(unquote(name), safe="-_.~"), quote(unquote(value), safe="-_.~"))
        for name, _, value in pairs
        if name != "X-Amz-Signature"
    )
    return "&".join(f"{name}={value}" for name, value in encoded)


def _header(environ: Mapping[str, Any], name: str) -> str:
    key = name.upper().replace("-", "_")
    key = key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"
    return " ".join(str(environ.get(key, "")).split())


def _payload_hash(
    signature: Signature, environ: Mapping[str, Any], body: Callable[[], bytes]
) -> str:
    if signature.service != "s3":
        return hashlib.sha256(body()).hexdigest()
    if signature.presigned:
        return "UNSIGNED-PAYLOAD"
    return environ.get("HTTP_X_AMZ_CONTENT_SHA256", _EMPTY_BODY)


def _signature_v2(signature: Signature, environ: Mapping[str, Any], secret: str) -> str:
    """Return the signature of a presigned S3 URL of version 2.

    Source: docs.aws.amazon.com/AmazonS3/latest/API/RESTAuthentication.html
    """
    auth = HmacV1QueryAuth(Credentials(signature.access_key_id, secret))
    headers = HTTPHeaders()
    for name, value in environ.items():
        if name.startswith("HTTP_X_AMZ_"):
            headers[name.removeprefix("HTTP_").replace("_", "-").lower()] = value
    for token in parse_qs(environ["QUERY_STRING"]).get("x-amz-security-token", ()):
        headers["x-amz-security-token"] = token
    to_sign = [
        environ["REQUEST_METHOD"],
        _header(environ, "content-md5"),
        _header(environ, "content-type"),
        signature.timestamp,
        *([auth.canonical_custom_headers(headers)] if headers else []),
        auth.canonical_resource(urlsplit(environ["RAW_URI"])),
    ]
    return auth.sign_string("\n".join(to_sign))
