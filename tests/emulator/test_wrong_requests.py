"""Requests that no client of AWS's sends: the emulator lives on and answers in AWS's shape."""

import http.client
import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from labkit import emulator_process

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/x-amz-json-1.1"}
SSM = {**JSON, "X-Amz-Target": "AmazonSSM.SendCommand"}
GET_PARAMETER = {**JSON, "X-Amz-Target": "AmazonSSM.GetParameter"}
LOGS = {**JSON, "X-Amz-Target": "Logs_20140328.CreateLogGroup"}
BIG = 70_000


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    home = tmp_path_factory.mktemp("wrong")
    run_file = emulator_process.start(home, host_kind="in-process")
    yield run_file
    emulator_process.stop(home)


def send(running, *, service="ec2", method="POST", path="/", body=b"", headers=FORM, raw=()):
    """Send one signed request; raw are headers that the signature does not see."""
    url = running.endpoint_url + path
    request = AWSRequest(method, url, data=body, headers=dict(headers))
    key = Credentials(running.access_key_id, running.secret_access_key)
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    signer(key, service, "us-east-1").add_auth(request)
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
    try:
        connection.request(method, path, body, {**dict(request.headers.items()), **dict(raw)})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def code_of(headers, body):
    """Return AWS's error code from an answer's body, which must be XML or JSON."""
    if "json" in headers["Content-Type"]:
        return json.loads(body)["__type"]
    return next(
        item.text for item in ElementTree.fromstring(body).iter() if item.tag.endswith("Code")
    )


def ec2(body, **more):
    return {"body": body, **more}


def ssm(body, headers=SSM):
    return {"service": "ssm", "body": body, "headers": headers}


def s3(method, path, body=b"", headers=()):
    return {"service": "s3", "method": method, "path": path, "body": body, "headers": headers}


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        pytest.param(ec2(b"\xff\xfe\x00%%%&&&==&Action"), "InvalidAction", id="garbage for a form"),
        pytest.param(
            ec2(b"Action=DescribeSubnets&MaxResults=abc"), "InvalidParameterValue", id="no number"
        ),
        pytest.param(
            ec2(b"Action=CreateFlowLogs&ResourceId.1.x.y=2"), "MissingParameter", id="a wrong list"
        ),
        pytest.param(ec2(b"Action=CreateSubnet"), "MissingParameter", id="a gap, in moto's"),
        pytest.param(ec2(b"{}", headers=JSON), "InvalidAction", id="JSON for EC2"),
        pytest.param(ec2(b"<a/>", headers={"Content-Type": "text/xml"}), "InvalidAction", id="XML"),
        pytest.param(ec2(b"Action=DescribeVpcs", path="/a/b"), "InvalidAction", id="a path"),
        pytest.param(ec2(b"Action=DescribeVpcs", method="FOO"), "InvalidAction", id="a method"),
        pytest.param(ec2(b"Action=DescribeVpcs", method="DELETE"), "InvalidAction", id="DELETE"),
        pytest.param(ssm(b"{}", JSON), "UnknownOperationException", id="no target"),
        pytest.param(
            ssm(b"{}", {**JSON, "X-Amz-Target": "AmazonSSM.No"}),
            "UnknownOperationException",
            id="an unknown target",
        ),
        pytest.param(
            ssm(b"{}", {**JSON, "X-Amz-Target": "DynamoDB_20120810.ListTables"}),
            "UnknownOperationException",
            id="another service's target",
        ),
        pytest.param(ssm(b"[]"), "SerializationException", id="a list for an object"),
        pytest.param(ssm(b"null"), "SerializationException", id="null for an object"),
        pytest.param(ssm(b"[" * BIG), "SerializationException", id="nested without end"),
        pytest.param(ssm(b"{", GET_PARAMETER), "SerializationException", id="half of JSON"),
        pytest.param(ssm(b"{}", GET_PARAMETER), "ValidationException", id="nothing asked, moto's"),
        pytest.param(ssm(b'{"Name":[1]}', GET_PARAMETER), "ValidationException", id="a wrong type"),
        pytest.param(
            {"service": "logs", "body": b'{"logGroupName":"\xff"}', "headers": LOGS},
            "SerializationException",
            id="bytes that are no UTF-8",
        ),
        pytest.param(
            {"service": "iam", "body": b"Action=GetRole"}, "ValidationError", id="a gap, IAM's"
        ),
        pytest.param(s3("PUT", "/wrong-bucket?tagging", b"<"), "MalformedXML", id="half of XML"),
        pytest.param(s3("GET", "/../../etc/passwd"), "NoSuchBucket", id="a path to climb"),
        pytest.param(s3("GET", "/b/%ff%fe"), "NoSuchBucket", id="a key that is no UTF-8"),
        pytest.param(
            s3("PUT", "/no-such-bucket?versioning", b"<VersioningConfiguration/>"),
            "NoSuchBucket",
            id="where moto says 404 and no more",
        ),
        pytest.param(ec2(b"", raw={"X-Big": "a" * BIG}), "BadRequest", id="a huge header"),
        pytest.param(
            ec2(b"", raw={f"X-{n}": "" for n in range(200)}), "BadRequest", id="200 headers"
        ),
        pytest.param(s3("GET", "/b/" + "a" * BIG), "BadRequest", id="a huge path"),
        pytest.param(ec2(b"", raw={"Content-Length": "abc"}), "BadRequest", id="no length"),
        pytest.param(ec2(b"", raw={"Content-Length": "-5"}), "BadRequest", id="less than none"),
        pytest.param(
            ec2(b"5", raw={"Content-Length": "1", "Transfer-Encoding": "chunked"}),
            "BadRequest",
            id="two lengths",
        ),
        pytest.param(
            {"service": 'x"><script>', "body": b"Action=A"},
            "UnsupportedOperation",
            id="a service made up",
        ),
    ],
)
def test_a_wrong_request_is_refused_in_awss_shape(running, request_, code):
    status, headers, body = send(running, **request_)
    assert 400 <= status < 500
    assert code_of(headers, body) == code


def test_bytes_that_are_not_http(running):
    address = urlsplit(running.endpoint_url)
    for junk in (b"\x16\x03\x01\x02\x00\x01\x00\xff", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"):
        with socket.create_connection((address.hostname, address.port), timeout=20) as client:
            client.sendall(junk)
            client.shutdown(socket.SHUT_WR)
            assert not client.recv(100).startswith(b"HTTP/1.1 5")


def test_a_body_that_is_shorter_than_its_chunks_say(running):
    address = urlsplit(running.endpoint_url)
    with socket.create_connection((address.hostname, address.port), timeout=20) as client:
        client.sendall(
            f"POST / HTTP/1.1\r\nHost: {address.netloc}\r\nTransfer-Encoding: chunked\r\n"
            "\r\nzz\r\n".encode()
        )
        assert client.recv(1000).startswith(b"HTTP/1.1 403 ")


def test_a_thousand_requests_at_once(running):
    """All are answered, half of them by operations of ours, and the emulator lives on."""
    ready = threading.Barrier(100)
    bodies = (b"Action=DescribeVpcs", b"Action=DescribeFlowLogs", b"Action=NoSuchThing")

    def ask(number):
        if number < 100:
            ready.wait(30)
        return send(running, body=bodies[number % 3])[0]

    with ThreadPoolExecutor(100) as pool:
        statuses = list(pool.map(ask, range(1000)))
    assert [status for status in statuses if status not in (200, 400)] == []
    assert statuses.count(200) == 667


def test_nothing_of_all_this_is_a_bug_in_the_log(running):
    assert send(running, body=b"Action=DescribeVpcs")[0] == 200
    log = Path(running.log_path).read_text()
    assert "Traceback" not in log
    assert running.access_key_id not in log
    assert running.secret_access_key not in log
