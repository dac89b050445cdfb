"""moto's operations as functions from dict to dict: no HTTP, no XML and no router between.

What moto's own server does for each request (find the service among all of AWS's by its host,
Flask, a look through the hundreds of methods of a class) costs several times the operation itself.
"""

from __future__ import annotations

import io
import json
from functools import cache
from importlib import import_module
from typing import Any

from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from moto.core.errors import get_error_model
from moto.core.exceptions import ServiceException
from moto.core.request import Request
from moto.core.responses import ActionContext, ActionResult
from moto.core.utils import camelcase_to_underscores, get_service_model
from werkzeug.exceptions import HTTPException

from labkit.emulator import moto_ec2
from labkit.emulator.operations import Call
from labkit.emulator.plain_results import PlainResults
from labkit.emulator.refusal import ServiceError

CLASSES = {
    "ec2": ("moto.ec2.responses", "EC2Response"),
    "glue": ("moto.glue.responses", "GlueResponse"),
    "iam": ("moto.iam.responses", "IamResponse"),
    "kms": ("moto.kms.responses", "KmsResponse"),
    "logs": ("moto.logs.responses", "LogsResponse"),
    "ssm": ("moto.ssm.responses", "SimpleSystemManagerResponse"),
    "sts": ("moto.sts.responses", "TokenResponse"),
}
"""Where moto keeps the operations of a service. S3's are bound to HTTP: they stay with its WSGI."""


def answer(call: Call) -> dict[str, Any]:
    """Let moto answer a call.

    Raises:
        ServiceError: in moto's words.
        NotImplementedError: moto has no such operation, or not with these parameters.
    """
    model = operation_model(call.service, call.operation)
    responder = _responder(call, model)
    method = getattr(responder, camelcase_to_underscores(call.operation), None)
    if method is None:
        raise NotImplementedError(f"The {call.operation} action has not been implemented")
    try:
        result = method()
        if isinstance(result, ActionResult):
            how: Any = PlainResults
            context = ActionContext(model.service_model, model, how, responder)
            answered: Any = result.execute_result(context)[2]
            return answered
    except ServiceException as error:
        raise _service_error(error, model) from None
    except HTTPException as error:
        headers = dict(error.get_headers() or ())
        return _parsed(model, error.code or 400, headers, error.description or "")
    if isinstance(result, str):
        return _parsed(model, 200, {}, result)
    status, headers, body = responder._transform_response(responder.response_headers, result)
    return _parsed(model, int(status), headers, body)


@cache
def operation_model(service: str, operation: str) -> Any:
    """Return moto's model of an operation; it knows errors that botocore's has not."""
    return get_service_model(service).operation_model(operation)


@cache
def _class(service: str) -> Any:
    module, name = CLASSES[service]
    if service in ("ec2", "ssm"):  # which knows EC2's images
        moto_ec2.load()
    return getattr(import_module(module), name)


def _responder(call: Call, model: Any) -> Any:
    """Return an object of moto's that has the call's operations, and its parameters."""
    responder = _class(call.service)()
    parsed = responder.automated_parameter_parsing
    body = b"" if parsed else _body(model, call.parameters)
    responder.automated_parameter_parsing = False  # they are parsed already
    responder.setup_class(Request(_environ(call, model, body)))
    responder.automated_parameter_parsing = parsed
    responder.params = call.parameters
    return responder


def _body(model: Any, parameters: dict[str, Any]) -> bytes:
    serializer = create_serializer(model.service_model.protocol, include_validation=False)
    return serializer.serialize_to_request(parameters, model)["body"]


def _environ(call: Call, model: Any, body: bytes) -> dict[str, Any]:
    """Return the little of a request that moto looks at: whose it is, where it goes, its body."""
    scope = f"{call.access_key_id}/20200101/{call.region}/{call.service}/aws4_request"
    return {
        "REQUEST_METHOD": "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": "/",
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_HOST": f"{call.service}.{call.region}.amazonaws.com",
        "HTTP_X_MOTO_ACCOUNT_ID": call.account_id,  # see OWN_ACCOUNT in upstream.py
        "HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host",
        "HTTP_X_AMZ_TARGET": f"{model.service_model.metadata.get('targetPrefix')}.{model.name}",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
    }


def _service_error(error: ServiceException, model: Any) -> ServiceError:

    shape: Any = get_error_model(error, model.service_model)
    status = shape.metadata.get("error", {}).get("httpStatusCode", 400)
    return ServiceError(shape.error_code, str(error.message), status)


def _parsed(model: Any, status: int, headers: dict[str, Any], body: Any) -> dict[str, Any]:
    """Read what an older operation of moto's answers: the text of an HTTP response."""
    text = body if isinstance(body, bytes) else str(body).encode()
    parser = create_parser(model.service_model.protocol)
    response = {"status_code": status, "headers": headers, "body": text}
    found = parser.parse(response, model.output_shape)
    found.pop("ResponseMetadata", None)
    if status < 300:
        return found
    error = found.pop("Error", {})
    code = error.get("Code") or "UnsupportedOperation"
    message = error.get("Message") or _message(text)
    raise ServiceError(code, message, status)


def _message(text: bytes) -> str:
    try:
        return json.loads(text)["message"]
    except (ValueError, KeyError, TypeError):
        return text.decode("utf-8", "replace")
