"""Every operation of the ten services, called with the least that botocore's models take.

The issue's rule: no 5xx, nothing unparsable, and each operation is answered or refused honestly.
"""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError
from generated_input import minimal

from labkit import aws, emulator_process
from labkit.emulator import table
from labkit.emulator.protocol import SERVICES

SAME_ON_THE_WIRE = {
    ("s3", "GetBucketLifecycle"): "GetBucketLifecycleConfiguration",
    ("s3", "PutBucketLifecycle"): "PutBucketLifecycleConfiguration",
    ("s3", "GetBucketNotification"): "GetBucketNotificationConfiguration",
    ("s3", "PutBucketNotification"): "PutBucketNotificationConfiguration",
}
"""Operations that S3 replaced: their requests are those of the younger ones."""

UNSIGNED = {("sts", "AssumeRoleWithSAML"), ("sts", "AssumeRoleWithWebIdentity")}
"""Operations that no client signs; the emulator answers nothing that is not signed."""

SIGNED_FOR_ANOTHER = {
    ("s3", "CreateSession"): "s3:CreateSession",
    ("s3", "ListDirectoryBuckets"): "s3express:GET /",
    ("s3", "WriteGetObjectResponse"): "s3-object-lambda:POST /WriteGetObjectResponse",
}
"""Operations whose requests name another service, and how the refusal then calls them."""


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """An emulator of this module's own: nothing else writes into its log."""
    home = tmp_path_factory.mktemp("sweep")
    run_file = emulator_process.start(home, host_kind="in-process")
    yield run_file
    emulator_process.stop(home)


@pytest.fixture(scope="module")
def emulated():
    return {
        (service, name)
        for service, (ours, motos) in table.operations().items()
        for name in (*ours, *motos)
    }


def call_all(run_file, service):
    """Call each operation once; return its name and its answer, or the exception."""
    client = aws.on_emulator(run_file).client(
        service,
        config=Config(
            retries={"total_max_attempts": 1}, inject_host_prefix=False, max_pool_connections=8
        ),
    )

    def call(name):
        shape = client.meta.service_model.operation_model(name).input_shape
        asked = minimal(shape) if shape else {}
        try:
            return name, getattr(client, xform_name(name))(**asked)
        except Exception as error:
            return name, error

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(call, client.meta.service_model.operation_names))


def complaint(service, name, answer, emulated):
    """Say what is wrong with an answer, or return None."""
    if isinstance(answer, ClientError):
        status = answer.response["ResponseMetadata"]["HTTPStatusCode"]
        code = answer.response["Error"]["Code"]
        message = answer.response["Error"].get("Message", "")
    elif isinstance(answer, Exception):
        return f"{type(answer).__name__}: {answer}"
    else:
        status, code, message = answer["ResponseMetadata"]["HTTPStatusCode"], None, ""
    head = name.startswith("Head")
    if not 200 <= status < 500:
        return f"HTTP {status}"
    if code and not head and not (re.fullmatch(r"[A-Z][A-Za-z.]+", code) and message):
        return f"not AWS's shape: {code!r} {message!r}"
    if code in ("InternalError", "InternalFailure"):
        return f"a bug: {message}"
    if (service, name) in UNSIGNED:
        return None if code == "MissingAuthenticationToken" else f"not refused: {code}"
    name = SAME_ON_THE_WIRE.get((service, name), name)
    if (service, name) in emulated:
        refusal = f"The emulator does not emulate {service}:{name}"
        named = code != "UnsupportedOperation" or message.startswith(refusal)
        return None if named else f"the refusal does not name it: {message}"
    what = SIGNED_FOR_ANOTHER.get((service, name), f"{service}:{name}")
    if code != "UnsupportedOperation" or f"does not emulate {what}." not in message:
        return f"not emulated, and not refused by name: {status} {code} {message}"
    return None


@pytest.mark.parametrize("service", SERVICES)
def test_every_operation_is_answered_or_refused(swept, emulated, service):
    answers = call_all(swept, service)
    complaints = {
        name: said
        for name, answer in answers
        if (said := complaint(service, name, answer, emulated))
    }
    assert len(answers) >= 11
    assert complaints == {}
    log = Path(swept.log_path).read_text()
    assert "Traceback" not in log
    assert "InternalError" not in log
