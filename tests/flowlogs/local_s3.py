"""A small S3 server that can be told to fail: what moto cannot be made to do."""

import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

PAGE = 1000


class LocalS3:
    """Buckets as dicts of keys to bytes.

    Attributes:
        buckets: The objects.
        fail: Called with the handler and the key before each GET; True if it has answered.
        asked: How often each key was fetched.
        listed: The query of each listing.
        region: What x-amz-bucket-region says.
    """

    def __init__(self) -> None:
        self.buckets: dict[str, dict[str, bytes]] = {}
        self.fail: Callable[[Handler, str], bool] = lambda handler, key: False
        self.asked: Counter[str] = Counter()
        self.listed: list[dict[str, str]] = []
        self.region = "us-east-1"
        owner = self

        class Bound(Handler):
            s3 = owner

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Bound)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    s3: LocalS3

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        objects = self.s3.buckets.get(bucket)
        if self.s3.fail(self, key):
            return
        if objects is None:
            self.error(404, "NoSuchBucket")
        elif not key:
            self.s3.listed.append(query)
            self.answer(200, self._page(objects, query).encode())
        elif key not in objects:
            self.error(404, "NoSuchKey")
        else:
            self.s3.asked[key] += 1
            self.give(objects[key])

    def give(self, body: bytes, *, stop_at: int | None = None) -> None:
        """Answer with an object or the range asked for; `stop_at` breaks the connection there."""
        span = self.headers.get("Range", "")
        begin, end = 0, len(body)
        if span:
            first, _, last = span.removeprefix("bytes=").partition("-")
            begin, end = int(first), min(int(last) + 1 if last else len(body), len(body))
        headers = {"Content-Range": f"bytes {begin}-{end - 1}/{len(body)}"} if span else {}
        self.answer(206 if span else 200, body[begin:end], headers, stop_at=stop_at)

    def error(self, status: int, code: str, headers: dict[str, str] | None = None) -> None:
        body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{code}</Message></Error>"
        self.answer(status, body.encode(), headers)

    def answer(
        self,
        status: int,
        body: bytes,
        headers: dict[str, str] | None = None,
        *,
        stop_at: int | None = None,
    ) -> None:
        self.send_response(status)
        every = {
            "Content-Length": str(len(body)),
            "ETag": '"e"',
            "Last-Modified": "Tue, 24 Nov 2026 12:00:00 GMT",
            "x-amz-bucket-region": self.s3.region,
        }
        for name, value in (every | (headers or {})).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[:stop_at])
        if stop_at is not None:
            self.close_connection = True

    def _page(self, objects: dict[str, bytes], query: dict[str, str]) -> str:
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        after = query.get("continuation-token") or query.get("start-after", "")
        most = int(query.get("max-keys", PAGE))
        keys = sorted(key for key in objects if key.startswith(prefix) and key > after)
        folders = sorted(
            {
                prefix + key[len(prefix) :].partition(delimiter)[0] + delimiter
                for key in keys
                if delimiter in key[len(prefix) :]
            }
            if delimiter
            else set()
        )
        if delimiter:
            keys = [key for key in keys if delimiter not in key[len(prefix) :]]
        page, more = keys[:most], len(keys) > most
        contents = "".join(
            f"<Contents><Key>{escape(key)}</Key><Size>{len(objects[key])}</Size><ETag>e</ETag>"
            "<LastModified>2026-11-24T12:00:00.000Z</LastModified></Contents>"
            for key in page
        )
        token = f"<NextContinuationToken>{escape(page[-1])}</NextContinuationToken>" if more else ""
        common = "".join(
            f"<CommonPrefixes><Prefix>{each}</Prefix></CommonPrefixes>" for each in folders
        )
        return (
            f"<?xml version='1.0'?><ListBucketResult><IsTruncated>{str(more).lower()}</IsTruncated>"
            f"<KeyCount>{len(page)}</KeyCount>{token}{contents}{common}</ListBucketResult>"
        )

    def log_message(self, *_: object) -> None:
        pass
