"""From an answer, or an error, to HTTP: moto's serializers, driven by botocore's service models."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import escape

from moto.core.serialize import SerializationContext, get_serializer_class

from labkit.emulator.protocol import JSON, SERVICES, Routed
from labkit.emulator.refusal import ServiceError

XMLNS = {
    "ec2": "http://ec2.amazonaws.com/doc/2016-11-15/",
    "iam": "https://iam.amazonaws.com/doc/2010-05-08/",
    "sts": "https://sts.amazonaws.com/doc/2011-06-15/",
    "cloudformation": "http://cloudformation.amazonaws.com/doc/2010-05-15/",
}


REST_XML = ("cloudfront", "route53", "s3", "s3-object-lambda", "s3-outposts", "s3express")


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, whole."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


def serialize(routed: Routed, answer: dict[str, Any]) -> Answer:
    """Turn an answer in botocore's output shape into HTTP."""
    context = SerializationContext(str(uuid.uuid4()))
    serializer = get_serializer_class(routed.service, routed.protocol)
    out = serializer(routed.model, context=context).serialize(answer)
    body = out["body"]
    headers = [*out["headers"].items(), _request_id(routed.service, context.request_id)]
    return Answer(out["status_code"], headers, body.encode() if isinstance(body, str) else body)


def _request_id(service: str, request_id: str) -> tuple[str, str]:
    return ("x-amz-request-id" if service == "s3" else "x-amzn-RequestId", request_id)


def serialize_error(service: str, environ: Mapping[str, Any], error: ServiceError) -> Answer:
    """Give an error the shape that clients of the service understand."""
    request_id = str(uuid.uuid4())
    members = {
        name: value
        for name, value in vars(error).items()
        if name not in ("code", "message", "status")
    }
    if service in REST_XML:
        kind, body = "application/xml", _rest_xml(error, request_id)
    elif _speaks_json(service, environ):
        kind, body = "application/x-amz-json-1.1", _json(error, members)
    elif service == "ec2":
        kind, body = "text/xml;charset=UTF-8", _ec2_xml(error, request_id)
    else:
        kind, body = "text/xml", _query_xml(service, error, request_id)
    headers = [("Content-Type", kind), _request_id(service, request_id)]
    if kind.endswith("json-1.1"):
        headers.append(("X-Amzn-Errortype", error.code))
    return Answer(error.status, headers, body.encode())


def _speaks_json(service: str, environ: Mapping[str, Any]) -> bool:
    """Say whether a service speaks JSON; of one that the emulator does not have, by its request."""
    form = environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded")
    return service in JSON or (service not in SERVICES and not form)


def _json(error: ServiceError, members: Mapping[str, Any]) -> str:
    return json.dumps({"__type": error.code, "message": error.message, **members}, default=str)


def _rest_xml(error: ServiceError, request_id: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>"
        f"<RequestId>{request_id}</RequestId></Error>"
    )


def _ec2_xml(error: ServiceError, request_id: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<Response><Errors><Error>'
        f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>"
        f"</Error></Errors><RequestID>{request_id}</RequestID></Response>"
    )


def _query_xml(service: str, error: ServiceError, request_id: str) -> str:
    namespace = f' xmlns="{XMLNS[service]}"' if service in XMLNS else ""
    return (
        f"<ErrorResponse{namespace}><Error><Type>Sender</Type>"
        f"<Code>{escape(error.code)}</Code><Message>{escape(error.message)}</Message>"
        f"</Error><RequestId>{request_id}</RequestId></ErrorResponse>"
    )
