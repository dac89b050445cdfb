"""The HTTP server: connections stay open, clients in parallel, nothing waits for nothing."""

import http.client
import secrets
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest


@pytest.fixture
def bucket(session):
    name = f"http-{secrets.token_hex(4)}"
    session.client("s3").create_bucket(Bucket=name)
    return name


def test_a_connection_serves_several_requests(emulator):
    connection = http.client.HTTPConnection(urlsplit(emulator.endpoint_url).netloc, timeout=20)
    sockets = set()
    for _ in range(3):
        connection.request("GET", "/")
        answer = connection.getresponse()
        answer.read()
        sockets.add(connection.sock)
        assert answer.status == 403
    assert len(sockets) == 1
    assert connection.sock is not None
    connection.close()


def test_a_refused_upload_does_not_become_the_next_request(emulator):
    connection = http.client.HTTPConnection(urlsplit(emulator.endpoint_url).netloc, timeout=20)
    connection.request("PUT", "/bucket/key", body=b"no request line\r\n\r\n" * 100)
    assert connection.getresponse().read()
    connection.request("GET", "/")
    assert connection.getresponse().status == 403
    connection.close()


def test_expect_100_continue_is_answered_at_once(emulator):
    address = urlsplit(emulator.endpoint_url)
    with socket.create_connection((address.hostname, address.port), timeout=20) as client:
        client.sendall(
            f"PUT /b/k HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: 5\r\n"
            "Expect: 100-continue\r\n\r\n".encode()
        )
        assert client.recv(100).startswith(b"HTTP/1.1 100 ")
        client.sendall(b"hello")
        assert client.recv(100).startswith(b"HTTP/1.1 403 ")


def test_twenty_uploads_do_not_wait_a_second_each(session, bucket):
    s3 = session.client("s3")
    started = time.monotonic()
    for number in range(20):
        s3.put_object(Bucket=bucket, Key=f"{number}", Body=b"x" * 1000)
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("size", [0, 1, 70_000, 9_000_000], ids=lambda size: f"{size} bytes")
def test_objects_come_back_as_they_went(session, bucket, size, tmp_path):
    s3, body = session.client("s3"), secrets.token_bytes(size)
    (tmp_path / "file").write_bytes(body)
    s3.upload_file(str(tmp_path / "file"), bucket, "a b/ü+%.bin")
    assert s3.get_object(Bucket=bucket, Key="a b/ü+%.bin")["Body"].read() == body
    head = s3.head_object(Bucket=bucket, Key="a b/ü+%.bin")
    assert head["ContentLength"] == size


def test_metadata_with_an_underscore_survives(session, bucket):
    s3 = session.client("s3")
    s3.put_object(Bucket=bucket, Key="k", Body=b"", Metadata={"my_key": "value"})
    assert s3.head_object(Bucket=bucket, Key="k")["Metadata"] == {"my_key": "value"}


def test_clients_in_parallel(session, bucket):
    s3, ec2 = session.client("s3"), session.client("ec2")

    def work(number):
        s3.put_object(Bucket=bucket, Key=f"parallel-{number}", Body=str(number).encode())
        ec2.create_key_pair(KeyName=f"{bucket}-{number}")
        ec2.describe_vpcs()
        return s3.get_object(Bucket=bucket, Key=f"parallel-{number}")["Body"].read()

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(24))) == [str(number).encode() for number in range(24)]
    names = {f"{bucket}-{number}" for number in range(24)}
    assert names <= {pair["KeyName"] for pair in ec2.describe_key_pairs()["KeyPairs"]}
