"""Objects of a bucket: listed and fetched by obstore, which is many times faster than boto3.

Anything obstore cannot get is asked for once more by boto3: so odd credentials work, and an
error comes in AWS's own words.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
import obstore
from obstore.auth.boto3 import Boto3CredentialProvider
from obstore.exceptions import BaseError
from obstore.store import S3Store

if TYPE_CHECKING:
    from obstore.store import ClientConfig

LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Object:
    key: str
    size_bytes: int
    last_modified: datetime


class Bucket:
    """One bucket, as a boto3 session reaches it: on AWS or at the session's own endpoint."""

    def __init__(self, aws: boto3.Session, name: str) -> None:
        self.name = name
        self.s3: Any = aws.client("s3")
        self._aws = aws

    @cached_property
    def _store(self) -> S3Store:
        endpoint = self.s3.meta.endpoint_url
        return S3Store(
            self.name,
            endpoint=endpoint,
            aws_endpoint_url_s3=endpoint,  # obstore would take it from the environment
            virtual_hosted_style_request=False,
            client_options=_client_options(endpoint),
            retry_config={"max_retries": 3, "retry_timeout": timedelta(seconds=30)},
            credential_provider=Boto3CredentialProvider(self._aws),
        )

    def list(self, prefix: str = "") -> list[Object]:
        """Return the objects whose keys begin with a prefix that ends in `/`, in keys' order."""
        try:
            found = obstore.list(self._store, prefix or None).collect()
        except BaseError:
            return self._list_by_boto3(prefix)
        return [Object(each["path"], each["size"], each["last_modified"]) for each in found]

    def get(self, key: str) -> bytes:
        try:
            return obstore.get(self._store, key).bytes().to_bytes()
        except (BaseError, FileNotFoundError):
            return self.s3.get_object(Bucket=self.name, Key=key)["Body"].read()

    def _list_by_boto3(self, prefix: str) -> list[Object]:
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        return [
            Object(each["Key"], each["Size"], each["LastModified"])
            for page in pages
            for each in page.get("Contents", ())
        ]


def _client_options(endpoint: str) -> ClientConfig:
    """Allow plain HTTP where the endpoint is plain, and keep loopback clear of any proxy.

    obstore has no option for no proxy at all; a proxy of ours, with an exception for where we
    are going, stands in for those of the environment.
    """
    if not endpoint.startswith("http://"):
        return {}
    options: ClientConfig = {"allow_http": True}
    if urlsplit(endpoint).hostname in LOOPBACK:
        options |= {"proxy_url": endpoint, "proxy_excludes": ",".join(LOOPBACK)}
    return options
