"""TemplateURL: which URLs name an object in S3, and where it is read.

Source: docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_CreateStack.html (TemplateURL)
"""

import pytest
from test_updates import ONE

from labkit.emulator.cloudformation.template_urls import Place, place_of
from labkit.emulator.refusal import ServiceError

MORE = (
    "\nFor more information check "
    "http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"
)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("http://127.0.0.1:4566/bucket/a/b.template", Place("bucket", "a/b.template")),
        ("http://localhost:4566/bucket/key", Place("bucket", "key")),
        ("https://bucket.s3.amazonaws.com/a/key.yaml", Place("bucket", "a/key.yaml")),
        ("https://bucket.s3.us-west-2.amazonaws.com/key", Place("bucket", "key")),
        ("https://bucket.s3-eu-west-1.amazonaws.com/key", Place("bucket", "key")),
        ("https://my.dotted.bucket.s3.eu-west-1.amazonaws.com/key",
         Place("my.dotted.bucket", "key")),
        ("https://s3.amazonaws.com/bucket/key", Place("bucket", "key")),
        ("https://s3.us-west-2.amazonaws.com/bucket/key", Place("bucket", "key")),
        ("https://s3-us-west-2.amazonaws.com/bucket/key", Place("bucket", "key")),
        ("https://s3.us-gov-west-1.amazonaws.com/bucket/key", Place("bucket", "key")),
        ("https://s3.cn-north-1.amazonaws.com.cn/bucket/key", Place("bucket", "key")),
        ("https://bucket.s3.dualstack.us-west-2.amazonaws.com/key", Place("bucket", "key")),
        ("https://S3.amazonaws.com/bucket/a%20b%2Bc", Place("bucket", "a b+c")),
        ("https://s3.amazonaws.com/bucket/key?versionId=v1", Place("bucket", "key", "v1")),
    ],
)  # fmt: skip
def test_an_object(url, place):
    """Source: docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html."""
    assert place_of(url) == place


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("./child.yaml", "TemplateURL must be a supported URL."),
        ("s3://bucket/key", "TemplateURL must be a supported URL."),
        ("https://[broken/key", "TemplateURL must be a supported URL."),
        ("ssm-doc://arn:aws:ssm:us-east-1:123456789012:document/d",
         "TemplateURL must be a supported URL."),
        ("https://example.com/bucket/key",
         "S3 error: Domain name specified in example.com is not a valid S3 domain"),
        ("https://bucket.s3-website-us-east-1.amazonaws.com/key",
         "S3 error: Domain name specified in bucket.s3-website-us-east-1.amazonaws.com is not a "
         "valid S3 domain"),
        ("https://s3.amazonaws.com.example.com/bucket/key",
         "S3 error: Domain name specified in s3.amazonaws.com.example.com is not a valid S3 "
         "domain"),
        ("http://bucket.s3.amazonaws.com/key",
         "S3 error: Domain name specified in bucket.s3.amazonaws.com is not a valid S3 domain"),
        ("http://169.254.169.254/latest/meta-data",
         "S3 error: Domain name specified in 169.254.169.254 is not a valid S3 domain"),
        ("https://s3.amazonaws.com/bucket",
         "TemplateURL must reference a valid S3 object to which you have access."),
        ("https://bucket.s3.amazonaws.com/",
         "TemplateURL must reference a valid S3 object to which you have access."),
    ],
)  # fmt: skip
def test_no_object(url, message):
    with pytest.raises(ServiceError) as error:
        place_of(url)
    assert (error.value.code, error.value.message) == ("ValidationError", message)


@pytest.fixture
def bucket(inner, unique):
    inner("s3", "us-east-1").create_bucket(Bucket=unique)
    return unique


def put(inner, bucket, key, body):
    inner("s3", "us-east-1").put_object(Bucket=bucket, Key=key, Body=body)
    return f"https://{bucket}.s3.us-east-1.amazonaws.com/{key}"


def test_a_stack_is_made_of_what_lies_there(cloudformation, inner, bucket):
    url = put(inner, bucket, "one.yaml", ONE.encode())
    stack_id = cloudformation("CreateStack", StackName=bucket, TemplateURL=url)["StackId"]
    assert cloudformation.settled(stack_id)["StackStatus"] == "CREATE_COMPLETE"
    assert cloudformation("GetTemplate", StackName=bucket)["TemplateBody"] == ONE
    assert cloudformation("ValidateTemplate", TemplateURL=url)["Parameters"]


def test_a_template_there_may_be_longer(cloudformation, inner, bucket):
    """Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html."""
    long = ONE + "\n#" + "x" * 60_000
    url = put(inner, bucket, "long", long.encode())
    assert cloudformation("ValidateTemplate", TemplateURL=url)
    with pytest.raises(ServiceError, match="less than or equal to 51200"):
        cloudformation("ValidateTemplate", TemplateBody=long)
    url = put(inner, bucket, "longer", long.encode() + b"x" * 1_000_000)
    with pytest.raises(ServiceError, match="may not exceed 1000000 bytes"):
        cloudformation("ValidateTemplate", TemplateURL=url)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("{}/nothing", "S3 error: The specified key does not exist." + MORE),
        ("{}-no-bucket/key", "S3 error: The specified bucket does not exist" + MORE),
        ("{}/latin1", "Template format error: the template is not UTF-8 text."),
    ],
)
def test_what_is_not_there(cloudformation, inner, bucket, path, message):
    put(inner, bucket, "latin1", "Description: ä".encode("latin-1"))
    with pytest.raises(ServiceError) as error:
        cloudformation(
            "ValidateTemplate", TemplateURL=f"https://s3.amazonaws.com/{path.format(bucket)}"
        )
    assert error.value.message == message


def test_a_version(cloudformation, inner, bucket):
    s3 = inner("s3", "us-east-1")
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=bucket, Key="t", Body=ONE.encode())["VersionId"]
    s3.put_object(Bucket=bucket, Key="t", Body=b"Resources: {}")
    url = f"https://s3.amazonaws.com/{bucket}/t"
    assert cloudformation("ValidateTemplate", TemplateURL=f"{url}?versionId={first}")["Parameters"]
    with pytest.raises(ServiceError, match="At least one Resources member"):
        cloudformation("ValidateTemplate", TemplateURL=url)
