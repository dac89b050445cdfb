"""Who the emulator answers: its own user's programs, and nobody else."""

import secrets
import urllib.request

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from labkit import aws


def test_a_signed_request_is_answered(send):
    status, _, text = send()
    assert status == 200
    assert "<vpcSet>" in text


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        pytest.param({"signed": False}, 403, "MissingAuthenticationToken", id="no key at all"),
        pytest.param({"key": ("AKIAIOSFODNN7EXAMPLE", "x")}, 401, "AuthFailure", id="another key"),
        pytest.param(
            {"service": "s3", "method": "GET", "body": b"", "key": ("AKIAIOSFODNN7EXAMPLE", "x")},
            403,
            "InvalidAccessKeyId",
            id="another key, in the words of S3",
        ),
        pytest.param(
            {"service": "iam", "key": ("AKIAIOSFODNN7EXAMPLE", "x")},
            403,
            "InvalidClientTokenId",
            id="another key, in the words of IAM",
        ),
        pytest.param({"host": "rebound.example:80"}, 403, "AccessDenied", id="a foreign Host"),
        pytest.param(
            {"headers": {"Origin": "http://evil.example"}},
            403,
            "AccessDenied",
            id="a web page's Origin",
        ),
        pytest.param({"method": "OPTIONS"}, 403, "AccessDenied", id="a web page's preflight"),
        pytest.param({"path": "/moto-api/reset"}, 403, "AccessDenied", id="moto's control API"),
        pytest.param({"region": "us-east-9"}, 400, "UnsupportedOperation", id="no such region"),
    ],
)
def test_a_request_is_refused(send, request_, status, code):
    got, headers, text = send(**request_)
    assert (got, f"<Code>{code}</Code>" in text) == (status, True), text
    assert not [name for name in headers if name.lower().startswith("access-control-")]


def test_no_answer_has_cors_headers(send):
    _, headers, _ = send()
    assert not [name for name in headers if name.lower().startswith("access-control-")]


def test_knowing_the_key_id_alone_is_not_enough(emulator, send):
    status, _, text = send(key=(emulator.access_key_id, "not the secret"))
    assert (status, "AuthFailure" in text) == (401, True)


@pytest.mark.parametrize(
    ("service", "code"),
    [
        ("ec2", "AuthFailure"),
        ("s3", "SignatureDoesNotMatch"),
        ("ssm", "InvalidSignatureException"),
        ("sts", "SignatureDoesNotMatch"),
    ],
)
def test_boto3_reads_the_refusal_of_a_wrong_secret(session, service, code):
    client = session.client(
        service,
        aws_access_key_id=session.get_credentials().access_key,
        aws_secret_access_key="wrong",
    )
    call = {
        "ec2": lambda: client.describe_vpcs(),
        "s3": lambda: client.list_buckets(),
        "ssm": lambda: client.describe_parameters(),
        "sts": lambda: client.get_caller_identity(),
    }[service]
    with pytest.raises(ClientError) as refused:
        call()
    assert refused.value.response["Error"]["Code"] == code
    assert "labkit emulator env" in refused.value.response["Error"]["Message"]


def test_a_body_changed_on_its_way_is_refused(send, emulator):
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    request = AWSRequest("POST", emulator.endpoint_url, data=b"Action=DescribeVpcs")
    key = Credentials(emulator.access_key_id, emulator.secret_access_key)
    SigV4Auth(key, "ec2", "us-east-1").add_auth(request)
    status, _, _ = send(signed=False, headers=request.headers, body=b"Action=DescribeSubnets")
    assert status == 401


@pytest.mark.parametrize("version", ["s3v4", "s3"])
def test_a_presigned_url_is_good_until_it_expires(session, version):
    bucket = f"presigned-{secrets.token_hex(4)}"
    s3 = session.client("s3")
    presigning = session.client("s3", config=Config(signature_version=version))
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="a b/ü+.txt", Body=b"hello")

    def url(seconds):
        asked = {"Bucket": bucket, "Key": "a b/ü+.txt"}
        return presigning.generate_presigned_url("get_object", asked, ExpiresIn=seconds)

    with urllib.request.urlopen(url(60)) as answer:
        assert answer.read() == b"hello"
    for wrong in (url(-60), url(60).replace("%20b", "%20c")):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(wrong)
        assert refused.value.code == 403
        refused.value.close()


def test_a_key_of_the_emulators_own_iam_is_taken_until_it_is_deleted(session, emulator):
    iam = session.client("iam")
    name = f"colleague-{secrets.token_hex(4)}"
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    sts = session.client(
        "sts",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    assert sts.get_caller_identity()["Arn"].endswith(f":user/{name}")
    iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    with pytest.raises(ClientError, match="InvalidClientTokenId"):
        sts.get_caller_identity()


def test_the_emulators_own_key_is_an_iam_users(session):
    identity = session.client("sts").get_caller_identity()
    assert identity["Arn"] == "arn:aws:iam::123456789012:user/learner"
    assert identity["UserId"].startswith("AIDA")


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "ap-northeast-1"])
def test_each_region_is_a_world_of_its_own(emulator, region):
    ec2 = aws.on_emulator(emulator, region=region).client("ec2")
    zones = ec2.describe_availability_zones()["AvailabilityZones"]
    assert {zone["RegionName"] for zone in zones} == {region}


def test_a_role_gives_a_key_only_if_it_exists(session):
    iam, sts = session.client("iam"), session.client("sts")
    name = f"role-{secrets.token_hex(4)}"
    arn = f"arn:aws:iam::123456789012:role/{name}"
    with pytest.raises(ClientError, match="there is no such role"):
        sts.assume_role(RoleArn=arn, RoleSessionName="me")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument='{"Statement": []}')
    key = sts.assume_role(RoleArn=arn, RoleSessionName="me")["Credentials"]
    assumed = session.client(
        "sts",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
        aws_session_token=key["SessionToken"],
    )
    assert assumed.get_caller_identity()["Arn"].endswith(f":assumed-role/{name}/me")
