"""A local S3 that is not what is measured: nginx gives the objects, this program the listings.

Run: python local_s3.py FOLDER PORT LATENCY_MS

By itself it gives objects, too, each answer so much later: for a run with latency. A folder below
FOLDER is a bucket. Nothing is signed or checked.
"""

import asyncio
import bisect
import os
import shutil
import socket
import subprocess
import sys
import time
from email.utils import formatdate
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

NGINX = """
user root; daemon off; worker_processes 1; pid {home}/nginx.pid; error_log {home}/error.log crit;
events {{ worker_connections 1024; }}
http {{
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; etag on;
  client_body_temp_path {home}/b; proxy_temp_path {home}/p; fastcgi_temp_path {home}/f;
  uwsgi_temp_path {home}/u; scgi_temp_path {home}/s;
  server {{
    listen 127.0.0.1:{port} backlog=1024; root {root};
    location / {{ if ($args ~ "list-type=2") {{ proxy_pass http://127.0.0.1:{lister}; }} }}
  }}
}}
"""


class Objects:
    """Keys in order, and pages of them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.keys: dict[str, list[str]] = {}
        self.pages: dict[tuple[str, ...], bytes] = {}

    def of(self, bucket: str) -> list[str]:
        if bucket not in self.keys:
            folder = self.root / bucket
            paths = (each for each in folder.rglob("*") if each.is_file())
            self.keys[bucket] = sorted(str(each.relative_to(folder)) for each in paths)
        return self.keys[bucket]

    def page(self, bucket: str, query: dict[str, str]) -> bytes:
        """Return a page, made when it is first asked for: making them is not to be measured."""
        asked = (bucket, *map(str, sorted(query.items())))
        if asked not in self.pages:
            self.pages[asked] = self._page(bucket, query).encode()
        return self.pages[asked]

    def _page(self, bucket: str, query: dict[str, str]) -> str:
        keys, prefix = self.of(bucket), query.get("prefix", "")
        delimiter, most = query.get("delimiter", ""), int(query.get("max-keys", 1000))
        after = query.get("continuation-token") or query.get("start-after", "")
        place = max(bisect.bisect_left(keys, prefix), bisect.bisect_right(keys, after))
        found, folders = [], []
        while place < len(keys) and keys[place].startswith(prefix) and len(found) < most:
            key = keys[place]
            head, cut, _ = key[len(prefix) :].partition(delimiter) if delimiter else ("", "", "")
            if cut:
                folders.append(prefix + head + cut)
                place = bisect.bisect_left(keys, folders[-1] + chr(0x10FFFF))
            else:
                found.append(key)
                place += 1
        more = place < len(keys) and keys[place].startswith(prefix)
        return self._xml(bucket, found, folders, more)

    def _xml(self, bucket: str, keys: list[str], folders: list[str], more: bool) -> str:
        parts = ['<?xml version="1.0"?><ListBucketResult><Name>', bucket, "</Name>"]
        parts.append(f"<IsTruncated>{str(more).lower()}</IsTruncated>")
        parts.append(f"<KeyCount>{len(keys) + len(folders)}</KeyCount>")
        if more:
            last = max([*keys[-1:], *folders[-1:]])
            parts.append(f"<NextContinuationToken>{escape(last)}</NextContinuationToken>")
        for key in keys:
            told = (self.root / bucket / key).stat()
            parts.append(
                f"<Contents><Key>{escape(key)}</Key><Size>{told.st_size}</Size>"
                f"<ETag>{escape(etag(told))}</ETag>"
                "<LastModified>2026-11-23T00:00:00.000Z</LastModified></Contents>"
            )
        parts += [f"<CommonPrefixes><Prefix>{each}</Prefix></CommonPrefixes>" for each in folders]
        return "".join([*parts, "</ListBucketResult>"])


def etag(told: os.stat_result) -> str:
    """Return what nginx answers."""
    return f'"{int(told.st_mtime):x}-{told.st_size:x}"'


class Server(asyncio.Protocol):
    def __init__(self, objects: Objects, latency_s: float) -> None:
        self.objects, self.latency_s, self.buffer = objects, latency_s, b""

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while b"\r\n\r\n" in self.buffer:
            head, _, self.buffer = self.buffer.partition(b"\r\n\r\n")
            asyncio.get_running_loop().call_later(self.latency_s, self._answer, head)

    def _answer(self, head: bytes) -> None:
        first, *lines = head.decode().split("\r\n")
        method, target, _ = first.split(" ")
        parts = urlsplit(target)
        bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        path = self.objects.root / bucket / key
        status, more = "200 OK", ""
        if not key or "list-type" in query:
            body = self.objects.page(bucket, query)
        elif path.is_file():
            body = path.read_bytes()
            more = f"ETag: {etag(path.stat())}\r\n"
            spans = [each[13:] for each in lines if each.lower().startswith("range: bytes=")]
            for span in spans:
                begin, _, end = span.partition("-")
                last = min(int(end or len(body)), len(body) - 1)
                more += f"Content-Range: bytes {begin}-{last}/{len(body)}\r\n"
                status, body = "206 Partial Content", body[int(begin) : last + 1]
        else:
            status, body = "404 Not Found", b"<Error><Code>NoSuchKey</Code></Error>"
        answer = (
            f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{more}"
            f"Last-Modified: {formatdate(0, usegmt=True)}\r\n\r\n"
        )
        self.transport.write(answer.encode() + (b"" if method == "HEAD" else body))


class LocalS3:
    """As a context: starts the servers; `url` answers, `slow_url` does so later."""

    def __init__(self, root: Path, home: Path, latency_ms: float) -> None:
        self.root, self.home, self.latency_ms = root, home, latency_ms
        self.processes: list[subprocess.Popen] = []

    def __enter__(self) -> "LocalS3":
        nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
        lister, port, slow = (free_port() for _ in range(3))
        self._start(sys.executable, __file__, str(self.root), str(lister), "0")
        self._start(sys.executable, __file__, str(self.root), str(slow), str(self.latency_ms))
        if nginx:
            config = self.home / "nginx.conf"
            config.write_text(
                NGINX.format(home=self.home, port=port, root=self.root, lister=lister)
            )
            self._start(nginx, "-c", str(config), "-e", str(self.home / "error.log"))
        self.server = "nginx" if nginx else "a server in Python (no nginx was found)"
        self.url = f"http://127.0.0.1:{port if nginx else lister}"
        self.slow_url = f"http://127.0.0.1:{slow}"
        for each in (self.url, self.slow_url):
            wait_for(urlsplit(each).port or 0)
        return self

    def __exit__(self, *error: object) -> None:
        for process in self.processes:
            process.terminate()
            process.wait()

    def _start(self, *command: str) -> None:
        self.processes.append(subprocess.Popen(command, stderr=subprocess.DEVNULL))


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_for(port: int, patience_s: float = 20) -> None:
    for _ in range(int(patience_s / 0.05)):
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit("A local server does not start.")


async def serve(root: Path, port: int, latency_s: float) -> None:
    objects = Objects(root)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Server(objects, latency_s), "127.0.0.1", port, backlog=1024
    )
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]) / 1000))
