"""moto's S3 as a WSGI application: its operations are bound to HTTP, other services' are not.

moto's own application is Flask's, which takes longer to import than all of S3, and answers a key
with two slashes by a redirection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from moto.core.request import Request
from werkzeug.wrappers import Response


class _ServerRequest(Request):
    from_wsgi_server = True


def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer one request, with a bucket in its path if it has one."""
    request = _ServerRequest(environ)
    handler = _handler(request.raw_path)
    status, headers, content = _whole(handler(request, request.raw_url, dict(request.headers)))
    response = Response(content, status=status, headers=headers)
    if request.method == "HEAD" and "content-length" in headers:
        response.headers["Content-Length"] = headers["content-length"]
    return response(environ, start_response)


def _handler(path: str) -> Callable[..., Any]:
    """Return moto's handler of the service itself, of a bucket, or of an object."""
    operations = _operations()
    bucket, slash, key = path.lstrip("/").partition("/")
    if not bucket:
        return operations.bucket_dispatch
    return operations.key_dispatch if slash and key else operations.ambiguous_dispatch


@cache
def _operations() -> Any:
    from moto.s3.responses import S3Response

    _do_not_enforce_bucket_policies()
    return S3Response


def _whole(answer: Any) -> tuple[int, dict[str, str], Any]:
    return answer if isinstance(answer, tuple) and len(answer) == 3 else (200, {}, answer)


def _do_not_enforce_bucket_policies() -> None:
    """Let moto keep bucket policies, and judge no request by them.

    It does without a look at the conditions: a policy that denies what comes without TLS would
    deny everything. Deliveries are judged by our own evaluation, with conditions.
    """
    from moto.iam.access_control import PermissionResult
    from moto.s3.models import FakeBucket

    bucket: Any = FakeBucket
    bucket.get_permission = lambda *_: PermissionResult.NEUTRAL
