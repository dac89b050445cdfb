"""TemplateURL: where in S3 a template lies. It is read from the emulator's S3, from nowhere else.

Source: docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from botocore.exceptions import ClientError

from labkit.emulator.cloudformation.limits import URL_SIZE_LIMIT_BYTES
from labkit.emulator.cloudformation.validation import ValidationError
from labkit.emulator.upstream import Clients

_REGION = r"[a-z]{2}(?:-[a-z]+)+-\d"
_S3_HOST = re.compile(
    rf"(?:(?P<bucket>.+)\.)?s3(?:\.dualstack)?(?:[.-]{_REGION})?\.amazonaws\.com(?:\.cn)?"
)
_LOOPBACK = frozenset({"127.0.0.1", "localhost"})
_MORE = (
    "For more information check http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"
)


@dataclass(frozen=True, slots=True)
class Place:
    """An object in S3."""

    bucket: str
    key: str
    version_id: str | None = None


def place_of(url: str) -> Place:
    """Return the object that a URL names.

    Understood are S3's host names (virtual-hosted, path-style, with a Region after a dot or a
    dash), and path-style on the loopback, as `aws cloudformation package` writes it for an
    endpoint URL.

    Raises:
        ValidationError: it is no URL of an object in S3.
    """
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
    except ValueError:
        raise ValidationError("TemplateURL must be a supported URL.") from None
    if parts.scheme not in {"http", "https"} or not host:
        raise ValidationError("TemplateURL must be a supported URL.")
    at_s3 = _S3_HOST.fullmatch(host)
    if host not in _LOOPBACK and (at_s3 is None or parts.scheme != "https"):
        raise ValidationError(f"S3 error: Domain name specified in {host} is not a valid S3 domain")
    path = unquote(parts.path.lstrip("/"))
    bucket = at_s3["bucket"] if at_s3 else None
    if bucket is None:
        bucket, _, path = path.partition("/")
    if not bucket or not path:
        raise ValidationError(
            "TemplateURL must reference a valid S3 object to which you have access."
        )
    version = parse_qs(parts.query).get("versionId", [None])[0]
    return Place(bucket, path, version)


def fetch(outer: Clients, region: str, url: str) -> str:
    """Return the text that a TemplateURL points at.

    Raises:
        ValidationError: there is none, it is too long, or no text.
    """
    place = place_of(url)
    which = {"VersionId": place.version_id} if place.version_id else {}
    try:
        found = outer("s3", region).get_object(Bucket=place.bucket, Key=place.key, **which)
    except ClientError as error:
        said = error.response["Error"].get("Message", "Not Found")
        raise ValidationError(f"S3 error: {said}\n{_MORE}") from error
    body = found["Body"].read(URL_SIZE_LIMIT_BYTES + 1)
    if len(body) > URL_SIZE_LIMIT_BYTES:
        raise ValidationError(f"Template may not exceed {URL_SIZE_LIMIT_BYTES} bytes in size.")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValidationError("Template format error: the template is not UTF-8 text.") from None
