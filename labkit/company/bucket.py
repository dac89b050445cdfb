"""The company's log in a bucket of its own: made, filled, and removed."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
from botocore.exceptions import ClientError

from labkit.company.files import LogFile, log_files
from labkit.errors import LabError, StackNotOurs
from labkit.waiting import State, Tick, Watch, silent

THREADS = 8
WHAT = "the company's log"


def bucket_name(aws: boto3.Session, prefix: str) -> str:
    """Return the bucket's name: one for each stack name, account and Region, hence nobody else's.

    It cannot be told from the name which account that is.
    """
    account_id = aws.client("sts").get_caller_identity()["Account"]
    whose = hashlib.sha256(f"{account_id} {aws.region_name} {prefix}".encode()).hexdigest()[:10]
    stem = "".join(letter for letter in prefix.lower() if letter.isalnum() or letter == "-")
    return f"{stem[:40].strip('-')}-company-{whose}"


def upload(aws: boto3.Session, prefix: str, *, seed: int = 1, watch: Watch = silent) -> str:
    """Put the day of a seed into its bucket, and return the bucket's name.

    What is there already is not sent again; the day of another seed is replaced. `remove`, and so
    `99_clean_up`, takes the bucket away.

    Args:
        aws: A session.
        prefix: The name of the stack that the bucket belongs to; there need be no such stack.
        seed: Another number is another day, with other culprits.
        watch: Told of each file.

    Raises:
        StackNotOurs: The bucket's Owner tag is somebody else's.
        ClientError: AWS refuses.
    """
    bucket, s3 = bucket_name(aws, prefix), aws.client("s3")
    watch(Tick(WHAT, 0, float("inf"), "writing the records"))
    files = list(log_files(seed))
    if owner_of(s3, bucket) is None:
        _create(aws, s3, bucket)
    check_owner(aws, s3, bucket)
    there, wanted = set(_keys(s3, bucket)), {file.key for file in files}
    _delete(s3, bucket, sorted(there - wanted))
    _send(s3, bucket, [file for file in files if file.key not in there], watch)
    return bucket


def remove(aws: boto3.Session, prefix: str) -> str | None:
    """Delete the bucket with all that is in it; return its name, None if there is none.

    Raises:
        StackNotOurs: The bucket's Owner tag is somebody else's.
    """
    bucket, s3 = bucket_name(aws, prefix), aws.client("s3")
    if owner_of(s3, bucket) is None:
        return None
    check_owner(aws, s3, bucket)
    _delete(s3, bucket, list(_keys(s3, bucket)))
    s3.delete_bucket(Bucket=bucket)
    return bucket


def exists(aws: boto3.Session, prefix: str) -> bool:
    """Tell whether the bucket is there."""
    return owner_of(aws.client("s3"), bucket_name(aws, prefix)) is not None


def owner_of(s3: Any, bucket: str) -> str | None:
    """Return the bucket's Owner tag, "" without one; None if there is no such bucket."""
    try:
        tags = s3.get_bucket_tagging(Bucket=bucket)["TagSet"]
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code == "NoSuchBucket":
            return None
        if code == "NoSuchTagSet":
            return ""
        raise
    return next((tag["Value"] for tag in tags if tag["Key"] == "Owner"), "")


def check_owner(aws: boto3.Session, s3: Any, bucket: str) -> None:
    """Make sure that the bucket is the caller's.

    Raises:
        StackNotOurs: Its Owner tag names somebody else.
    """
    caller, owner = aws.client("sts").get_caller_identity()["Arn"], owner_of(s3, bucket)
    if owner not in ("", caller):
        raise StackNotOurs(
            f"The bucket {bucket} belongs to {owner}, and you are {caller}: choose another prefix."
        )


def _create(aws: boto3.Session, s3: Any, bucket: str) -> None:
    """Create the bucket, closed to the public.

    us-east-1 is the one Region that may not be named.
    Source: docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
    """
    where = {"CreateBucketConfiguration": {"LocationConstraint": aws.region_name}}
    s3.create_bucket(Bucket=bucket, **({} if aws.region_name == "us-east-1" else where))
    owner = aws.client("sts").get_caller_identity()["Arn"]
    s3.put_bucket_tagging(
        Bucket=bucket, Tagging={"TagSet": [{"Key": "Owner", "Value": owner}]}
    )  # fmt: skip
    names = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    s3.put_public_access_block(
        Bucket=bucket, PublicAccessBlockConfiguration=dict.fromkeys(names, True)
    )


def _send(s3: Any, bucket: str, files: list[LogFile], watch: Watch) -> None:
    """Upload files, some at a time."""
    began = time.monotonic()

    def tell(done: int, state: State = State.WAITING) -> None:
        seen = f"{done} of {len(files)} files"
        watch(Tick(WHAT, time.monotonic() - began, float("inf"), seen, state))

    def put(file: LogFile) -> None:
        s3.put_object(Bucket=bucket, Key=file.key, Body=file.body)

    with ThreadPoolExecutor(THREADS) as pool:
        for done, _ in enumerate(pool.map(put, files), start=1):
            if done % 50 == 0:
                tell(done)
    tell(len(files), State.DONE)


def _keys(s3: Any, bucket: str) -> Iterator[str]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        yield from (item["Key"] for item in page.get("Contents", ()))


def _delete(s3: Any, bucket: str, keys: list[str]) -> None:
    """Delete objects, 1,000 in a request, as many as S3 takes.

    Source: docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
    """
    for begin in range(0, len(keys), 1000):
        batch = [{"Key": key} for key in keys[begin : begin + 1000]]
        answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True})
        for refused in answer.get("Errors", []):
            raise LabError(f"{refused['Key']}: {refused['Code']}: {refused['Message']}")
