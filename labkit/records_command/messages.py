"""AWS's errors and the system's in one line, and what to do."""

from __future__ import annotations

import argparse
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

_REDIRECTS = (
    "PermanentRedirect",
    "AuthorizationHeaderMalformed",
    "301",
    "IllegalLocationConstraint",
)
_EXPIRED = (
    "ExpiredToken",
    "ExpiredTokenException",
    "RequestExpired",
    "UnrecognizedClientException",
)


def explain(error: ClientError | BotoCoreError | OSError, given: argparse.Namespace) -> str:
    """Return AWS's own words, or the system's, and a hint if we have one."""
    if isinstance(error, OSError) and not isinstance(error, BotoCoreError):
        name = f"{error.filename}: " if error.filename else ""
        return f"{name}{error.strerror or error}."
    text = str(error).rstrip(".")
    hint = _hint(error.response, given) if isinstance(error, ClientError) else ""
    return " ".join(f"{text}. {hint}".split())


def _hint(response: Any, given: argparse.Namespace) -> str:
    code = response["Error"].get("Code", "")
    if code in _REDIRECTS:
        headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        region = response["Error"].get("Region") or headers.get("x-amz-bucket-region")
        where = f" It is in {region}: say --region {region}." if region else ""
        return f"The bucket is in another Region.{where or ' Say which by --region.'}"
    if code in ("NoSuchBucket", "ResourceNotFoundException"):
        where = "on the emulator" if given.target == "emulator" else "on AWS"
        region = f" in {given.region}" if given.region else ""
        other = (
            "another --region, or --target aws,"
            if given.target == "emulator"
            else "another --region"
        )
        return f"It is not {where}{region}: is {given.words[0]} its name, or is {other} meant?"
    if code in _EXPIRED:
        return "The credentials are not valid any more: renew them, e.g. by `aws sso login`."
    return ""
