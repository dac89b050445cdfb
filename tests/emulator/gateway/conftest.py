import http.client
from urllib.parse import urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials


@pytest.fixture
def send(emulator):
    """Sends one raw request, signed with the emulator's key unless told otherwise."""

    def send(
        method="POST",
        path="/",
        body=b"Action=DescribeVpcs&Version=2016-11-15",
        headers=(),
        service="ec2",
        region="us-east-1",
        key=None,
        signed=True,
        host=None,
    ):
        url = f"{emulator.endpoint_url}{path}"
        fields = {"Content-Type": "application/x-www-form-urlencoded", **dict(headers)}
        request = AWSRequest(method, url, data=body, headers=fields)
        if signed:
            key = key or (emulator.access_key_id, emulator.secret_access_key)
            SigV4Auth(Credentials(*key), service, region).add_auth(request)
        fields = dict(request.headers.items())
        if host:
            fields["Host"] = host
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
        try:
            connection.request(method, path, body, fields)
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read().decode()
        finally:
            connection.close()

    return send
