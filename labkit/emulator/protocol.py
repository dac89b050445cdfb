"""From an HTTP request to an operation and its parameters.

moto's own parser and router, driven by botocore's service models, know the query, EC2, JSON and
REST-XML protocols. The way back to HTTP is in responses.py.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

from botocore.validate import ParamValidator
from moto.core.parse import PROTOCOL_PARSERS, RequestParserError
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import get_service_router
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

WHERE = (("/", "POST"), ("/", "GET"))
"""Path and method of all requests but S3's."""


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


def sent(model: Any, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of a request that botocore has serialized and not yet sent.

    Args:
        model: moto's OperationModel.
        request: as botocore's serializers make it.
    """
    parser = PROTOCOL_PARSERS[model.service_model.protocol](model)
    body = request["body"]
    found = parser.parse(
        {
            "method": request["method"],
            "values": body if isinstance(body, dict) else {},
            "headers": request["headers"],
            "body": body if isinstance(body, bytes) else b"",
            "url_path": request["url_path"],
            "url_params": {},
        }
    )
    return found or {}


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


def load_router(service: str) -> None:
    """Load a service's model and router, so that no learner's call waits for it."""
    get_service_router(service)
