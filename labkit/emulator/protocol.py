"""From an HTTP request to a call of an operation, and from its answer back to HTTP.

The only module that imports moto.core: its parser, router and serializers are driven by
botocore's service models and know the query, EC2, JSON and REST-XML protocols.
"""

from __future__ import annotations

import io
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from botocore.validate import ParamValidator
from moto.core.parse import PROTOCOL_PARSERS, RequestParserError
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
from moto.core.serialize import SerializationContext, get_serializer_class
from moto.core.utils import get_service_model
from werkzeug.exceptions import NotFound

from labkit.emulator.refusal import ServiceError, not_emulated

SERVICES = (
    "athena",
    "cloudformation",
    "ec2",
    "glue",
    "iam",
    "kms",
    "logs",
    "s3",
    "ssm",
    "sts",
)
"""The services that the emulator has, by the name in a signature."""

JSON = ("athena", "glue", "kms", "logs", "ssm")
"""Those of them that speak JSON."""

XMLNS = {
    "ec2": "http://ec2.amazonaws.com/doc/2016-11-15/",
    "iam": "https://iam.amazonaws.com/doc/2010-05-08/",
    "sts": "https://sts.amazonaws.com/doc/2011-06-15/",
    "cloudformation": "http://cloudformation.amazonaws.com/doc/2010-05-15/",
}


WHERE = (("/", "POST"), ("/", "GET"))
"""Path and method of all requests but S3's."""

REST_XML = ("cloudfront", "route53", "s3", "s3-object-lambda", "s3-outposts", "s3express")


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, whole."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


@dataclass(frozen=True, slots=True)
class Routed:
    """A request whose operation is known.

    model is moto's OperationModel; uri holds the parameters that stood in the path.
    """

    service: str
    operation: str
    model: Any
    request: Any
    body: bytes
    uri: dict[str, Any]

    @property
    def protocol(self) -> str:
        return determine_request_protocol(self.model.service_model, self.request.content_type)


def route(service: str, environ: dict[str, Any], body: bytes) -> Routed:
    """Find the operation that a request asks for.

    Raises:
        ServiceError: a service that the emulator does not have, or no operation of its API.
    """
    if service not in SERVICES:
        raise not_emulated(service, named_operation(environ, body))
    environ["wsgi.input"] = io.BytesIO(body)
    request = Request(environ)
    if service != "s3" and (environ["PATH_INFO"], request.method) not in WHERE:
        raise _unknown_operation(service, named_operation(environ, b""))
    try:
        model, uri = get_service_router(service).match(request)
    except (NotFound, NotImplementedError):
        raise _unknown_operation(service, named_operation(environ, body)) from None
    environ["wsgi.input"] = io.BytesIO(body)  # routing may have read the form
    return Routed(service, str(model.name), model, request, body, uri)


def named_operation(environ: Mapping[str, Any], body: bytes) -> str:
    """Return what a request of any service calls its operation, for a sentence."""
    if target := environ.get("HTTP_X_AMZ_TARGET"):
        return target.rpartition(".")[2]
    for part in body[:10_000].split(b"&"):
        if part.startswith(b"Action="):
            return part.removeprefix(b"Action=").decode("ascii", "replace")
    return f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}"


def _unknown_operation(service: str, name: str) -> ServiceError:
    code = "UnknownOperationException" if service in JSON else "InvalidAction"
    return ServiceError(code, f"The action {name} is not valid for this web service ({service}).")


def parameters(routed: Routed) -> dict[str, Any]:
    """Parse the parameters and hold them against botocore's model.

    Raises:
        ServiceError: they cannot be parsed, or one is missing, of a wrong type or out of range.
    """
    request = routed.request
    if routed.service in JSON:
        _check_json(routed)
    parser = PROTOCOL_PARSERS[routed.protocol](routed.model)
    try:
        found = parser.parse(
            {
                "method": request.method,
                "values": request.values,
                "headers": request.headers,
                "body": routed.body,
                "url_path": request.path,
                "url_params": routed.uri,
            }
        )
    except (RequestParserError, RecursionError, *_WRONG) as error:
        raise _unreadable(routed.service, error) from None
    found = found or {}
    if routed.model.input_shape is not None:
        report = ParamValidator().validate(found, routed.model.input_shape)
        if report.has_errors():
            raise _malformed(routed.service, report.generate_report())
    return found


_WRONG = (AttributeError, KeyError, TypeError, ValueError)
"""What the parser raises at a value of another type than the model's."""


def _check_json(routed: Routed) -> None:
    """Refuse a body that is no JSON object: the parser takes it for an empty one."""
    try:
        readable = not routed.body or isinstance(json.loads(routed.body), dict)
    except (RecursionError, ValueError):
        readable = False
    if not readable:
        raise ServiceError("SerializationException", "The request is not a JSON object.")


def _unreadable(service: str, error: Exception) -> ServiceError:
    message = f"The request cannot be parsed: {error}"
    if service == "ec2":
        return ServiceError("InvalidParameterValue", message)
    code = "SerializationException" if service in JSON else "ValidationError"
    return ServiceError(code, message)


_INVALID = {
    "athena": "InvalidRequestException",
    "glue": "InvalidInputException",
    "kms": "ValidationException",
    "logs": "InvalidParameterException",
    "ssm": "ValidationException",
}


def _malformed(service: str, report: str) -> ServiceError:
    """Tell a report of botocore's validation in the service's own words."""
    missing = re.search(r'Missing required parameter in (\S+): "(\w+)"', report)
    if service == "ec2":
        if missing:
            message = f"The request must contain the parameter {missing[2]}"
            return ServiceError("MissingParameter", message)
        return ServiceError("InvalidParameterValue", report)
    if missing:
        inside = "" if missing[1] == "input" else f"{missing[1]}."
        name = missing[2][:1].lower() + missing[2][1:]
        report = (
            f"1 validation error detected: Value null at '{inside}{name}' failed to satisfy "
            "constraint: Member must not be null"
        )
    return ServiceError(_INVALID.get(service, "ValidationError"), report)


def check_xml(routed: Routed) -> None:
    """Refuse a body of S3's that should be XML and is not.

    Raises:
        ServiceError: MalformedXML.
    """
    shape: Any = routed.model.input_shape
    payload = shape.serialization.get("payload") if shape is not None else None
    if (
        shape is None
        or payload is None
        or shape.members[payload].type_name != "structure"
        or not routed.body
    ):
        return
    try:
        ElementTree.fromstring(routed.body)
    except ElementTree.ParseError:
        message = (
            "The XML you provided was not well-formed or did not validate against our "
            "published schema"
        )
        raise ServiceError("MalformedXML", message) from None


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


def preload() -> None:
    """Load the service models and routers, so that no learner's call waits for it."""
    for service in SERVICES:
        get_service_model(service)
        get_service_router(service)
