"""Objects of a bucket: listed and fetched by obstore, which is many times faster than boto3.

Anything obstore cannot get is asked for once more by boto3: so odd credentials work, and an
error comes in AWS's own words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
import obstore
from botocore.exceptions import BotoCoreError
from obstore.auth.boto3 import Boto3CredentialProvider
from obstore.exceptions import BaseError
from obstore.store import S3Store
from urllib3.exceptions import HTTPError

from labkit.flowlogs.stored import Data, Object, part_spans

if TYPE_CHECKING:
    from obstore.store import ClientConfig

LOOPBACK = ("127.0.0.1", "localhost", "::1")
ATTEMPTS = 5
PAGE = 1000


class Bucket:
    """One bucket, as a boto3 session reaches it: on AWS or at the session's own endpoint."""

    def __init__(self, aws: boto3.Session, name: str) -> None:
        self.name = name
        self.s3: Any = aws.client("s3")
        self._aws = aws

    def open(self) -> None:
        """Ask for the bucket, and go to where it is if that is another Region.

        Raises:
            ClientError: NoSuchBucket, AccessDenied and the like.
        """
        answer = self.s3.list_objects_v2(Bucket=self.name, MaxKeys=1)
        region = answer["ResponseMetadata"]["HTTPHeaders"].get("x-amz-bucket-region")
        if region and region != self.s3.meta.region_name:
            self.s3 = self._aws.client("s3", region_name=region)

    @cached_property
    def _store(self) -> S3Store:
        endpoint = self.s3.meta.endpoint_url
        return S3Store(
            self.name,
            endpoint=endpoint,
            aws_endpoint_url_s3=endpoint,  # obstore would take it from the environment
            region=self.s3.meta.region_name,
            virtual_hosted_style_request=False,
            client_options=_client_options(endpoint),
            retry_config={  # of throttling, of errors of the server, of connections that break
                "max_retries": 8,
                "backoff": {
                    "init_backoff": timedelta(milliseconds=50),
                    "max_backoff": timedelta(seconds=5),
                    "base": 2,
                },
                "retry_timeout": timedelta(seconds=60),
            },
            credential_provider=Boto3CredentialProvider(self._aws),
        )

    def list(self, prefix: str = "", after: str = "") -> Iterator[Object]:
        """Yield the objects whose keys begin with a prefix that ends in `/`, in keys' order.

        Args:
            prefix: A folder, or "" for the whole bucket.
            after: Only keys that come after it.
        """
        if not self._can_store_list(prefix):
            yield from self._list_by_boto3(prefix, after)
            return
        last = after
        try:
            pages = obstore.list(self._store, prefix or None, offset=last or None, chunk_size=PAGE)
            for page in pages:
                for each in page:
                    last = each["path"]
                    yield Object(last, each["size"], each["last_modified"], each["e_tag"] or "")
        except (BaseError, ValueError):
            yield from self._list_by_boto3(prefix, last)

    def folders(self, prefix: str) -> list[str]:
        """Return the folders right below one; the objects beside them should be few."""
        if not self._can_store_list(prefix):
            return self.folders_among_objects(prefix)
        try:
            found = obstore.list_with_delimiter(self._store, prefix or None)
        except (BaseError, ValueError):
            return self.folders_among_objects(prefix)
        return [f"{each}/" for each in found["common_prefixes"]]

    def folders_among_objects(self, prefix: str) -> list[str]:
        """Return the folders right below one, however many objects are beside them."""
        pages = self._pages(Prefix=prefix, Delimiter="/")
        return [each["Prefix"] for page in pages for each in page.get("CommonPrefixes", ())]

    def get(self, key: str) -> Data:
        """Fetch one object whole."""
        if not _is_plain(key):
            return self._get_by_boto3(key)
        try:
            return memoryview(obstore.get(self._store, key).bytes())
        except (BaseError, FileNotFoundError, ValueError):
            return self._get_by_boto3(key)

    def parts(self, each: Object) -> Iterator[Callable[[], Data]]:
        """Yield for each part of a large object what fetches it.

        So a fetch that fails goes on at its part. Where the object is replaced meanwhile, it
        raises ClientError (PreconditionFailed).
        """
        etag = each.etag or self.s3.head_object(Bucket=self.name, Key=each.key)["ETag"]
        for start, end in part_spans(each):
            yield partial(self._get_part, each.key, start, end, etag)

    def _get_part(self, key: str, start: int, end: int, etag: str) -> Data:
        if not _is_plain(key):
            return self._get_by_boto3(key, start, end, {"IfMatch": etag})
        options: Any = {"range": (start, end), "if_match": etag}
        try:
            return memoryview(obstore.get(self._store, key, options=options).bytes())
        except (BaseError, FileNotFoundError, ValueError):
            return self._get_by_boto3(key, start, end, {"IfMatch": etag})

    def _get_by_boto3(
        self,
        key: str,
        start: int = 0,
        end: int | None = None,
        options: dict[str, str] | None = None,
    ) -> bytes:
        """Fetch an object, or a range of it, going on where a connection broke."""
        received = bytearray()
        for attempt in range(1, ATTEMPTS + 1):
            begin = start + len(received)
            span = f"bytes={begin}-{'' if end is None else end - 1}" if begin or end else ""
            asked = {"Range": span} if span else {}
            answer = self.s3.get_object(Bucket=self.name, Key=key, **asked, **(options or {}))
            try:
                for chunk in answer["Body"].iter_chunks(1 << 16):
                    received += chunk
                return bytes(received)
            except (BotoCoreError, HTTPError):
                if attempt == ATTEMPTS:
                    raise
                options = {**(options or {}), "IfMatch": answer["ETag"]}
        raise AssertionError("unreachable")

    def _can_store_list(self, prefix: str) -> bool:
        return _is_plain(prefix) if prefix else not self._has_rooted_keys

    @cached_property
    def _has_rooted_keys(self) -> bool:
        """Whether keys begin with `/`, which obstore would tell without it."""
        answer = self.s3.list_objects_v2(Bucket=self.name, Prefix="/", MaxKeys=1)
        return bool(answer.get("Contents"))

    def _list_by_boto3(self, prefix: str, after: str) -> Iterator[Object]:
        for page in self._pages(Prefix=prefix, StartAfter=after):
            for each in page.get("Contents", ()):
                yield Object(each["Key"], each["Size"], each["LastModified"], each.get("ETag", ""))

    def _pages(self, **asked: str) -> Iterator[dict[str, Any]]:
        """Yield pages of the listing; making a paginator takes longer than most of them."""
        token: dict[str, str] = {}
        while True:
            page = self.s3.list_objects_v2(Bucket=self.name, **asked, **token)
            yield page
            if not page.get("IsTruncated"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}


def _is_plain(key: str) -> bool:
    """Tell whether obstore takes a key as it is: it knows no empty part of a path, `.` or `..`."""
    return not {"", ".", ".."} & set(key.removesuffix("/").split("/"))


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
