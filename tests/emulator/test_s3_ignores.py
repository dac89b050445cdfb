"""What moto's S3 would ignore is refused by name, or judged here.

Source: docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html, and the pages of the others
"""

import inspect

import pytest
from botocore.exceptions import ClientError

from labkit.emulator import s3_ignores
from labkit.emulator.moto_operations import operation_model
from labkit.emulator.operations import FORWARDED
from labkit.emulator.refusal import ServiceError
from labkit.emulator.s3_ignores import IGNORED

ACCOUNT = "123456789012"
CHANGES_NOTHING = {
    "x-amz-request-payer",  # nobody pays
    "x-amz-optional-object-attributes",  # of archived objects
    "x-amz-expected-bucket-owner",  # judged
    "x-amz-source-expected-bucket-owner",  # judged
    "x-amz-meta-",  # moto looks for what begins so
    "x-amz-object-lock-event-hold-duration-days",  # not without ...-event-hold
    "x-amz-object-lock-event-hold-duration-years",
}
WITH_AN_ALGORITHM = "customer-key"  # the key, and its MD5, of customer-algorithm


def ignored_by_moto():
    """Yield each header and query parameter whose name does not stand in moto's S3."""
    from moto.s3 import responses

    source = inspect.getsource(responses).lower()
    for operation in sorted(FORWARDED["s3"]):
        for member in operation_model("s3", operation).input_shape.members.values():
            where, name = member.serialization.get("location"), member.serialization.get("name", "")
            if where in ("header", "headers", "querystring") and name.lower() not in source:
                yield name.lower()


def test_each_parameter_that_moto_does_not_know_is_dealt_with():
    """The checksums of what is sent are not compared: the README says so."""
    left = set(ignored_by_moto()) - set(IGNORED) - CHANGES_NOTHING
    left = {name for name in left if WITH_AN_ALGORITHM not in name}
    assert {name for name in left if not name.startswith("x-amz-checksum-")} == set()


@pytest.mark.parametrize("name", IGNORED)
def test_each_is_refused_by_name(name):
    with pytest.raises(ServiceError) as refused:
        s3_ignores.check("PutObject", header(name, "something"), ACCOUNT)
    assert (
        refused.value.message == f"The emulator does not emulate s3:PutObject with {IGNORED[name]}."
    )


def header(name, value):
    return {"HTTP_" + name.upper().replace("-", "_"): value, "QUERY_STRING": ""}


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        pytest.param({"ACL": "public-read"}, "PutObject with ACL public-read", id="ACL"),
        pytest.param({"GrantRead": "id=x"}, "PutObject with GrantRead", id="grant"),
        pytest.param(
            {"SSECustomerKey": "k" * 32, "SSECustomerAlgorithm": "AES256"},
            "PutObject with SSECustomerAlgorithm",
            id="the customer's key",
        ),
        pytest.param(
            {"ServerSideEncryption": "aws:kms"},
            "PutObject with ServerSideEncryption aws:kms",
            id="a key of KMS",
        ),
        pytest.param(
            {"ObjectLockLegalHoldStatus": "ON"},
            "PutObject with ObjectLockLegalHoldStatus",
            id="object lock",
        ),
        pytest.param(
            {"WebsiteRedirectLocation": "/x"},
            "PutObject with WebsiteRedirectLocation",
            id="website",
        ),
    ],
)
def test_what_an_upload_may_not_ask_for(session, bucket, asked, text):
    s3 = session.client("s3")
    with pytest.raises(ClientError) as refused:
        s3.put_object(Bucket=bucket, Key="k", **asked)
    assert refused.value.response["Error"]["Message"] == f"The emulator does not emulate s3:{text}."
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


@pytest.fixture
def bucket(session, unique):
    s3 = session.client("s3")
    s3.create_bucket(Bucket=f"ignored-{unique}")
    yield f"ignored-{unique}"
    for item in s3.list_objects_v2(Bucket=f"ignored-{unique}").get("Contents", ()):
        s3.delete_object(Bucket=f"ignored-{unique}", Key=item["Key"])
    s3.delete_bucket(Bucket=f"ignored-{unique}")


def test_a_bucket_of_another_owner_is_not_touched(session, bucket):
    """docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html."""
    s3 = session.client("s3")
    s3.put_object(Bucket=bucket, Key="mine", ExpectedBucketOwner=ACCOUNT)
    with pytest.raises(ClientError) as refused:
        s3.put_object(Bucket=bucket, Key="theirs", ExpectedBucketOwner="111122223333")
    answer = refused.value.response
    assert (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == (
        "AccessDenied", 403,
    )  # fmt: skip
    assert [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["mine"]


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param({"ACL": "bucket-owner-full-control"}, id="the owner's ACL"),
        pytest.param({"ServerSideEncryption": "AES256"}, id="S3's own encryption"),
        pytest.param({"Metadata": {"a": "b"}, "Tagging": "a=b"}, id="metadata and tags"),
        pytest.param({"RequestPayer": "requester"}, id="who pays"),
    ],
)
def test_what_an_upload_may_ask_for(session, bucket, asked):
    session.client("s3").put_object(Bucket=bucket, Key="k", **asked)
