"""The day's bucket, on the emulator: filled, read by the strict reader, and removed."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest

from labkit import clean_up, company, flowlogs
from labkit.company import bucket as company_bucket
from labkit.errors import StackNotOurs
from labkit.waiting import State


@pytest.fixture
def prefix(session):
    name = f"Day-{uuid.uuid4().hex[:8]}"
    yield name
    company.remove(session, name)


def objects(session, name):
    pages = session.client("s3").get_paginator("list_objects_v2").paginate(Bucket=name)
    return {item["Key"] for page in pages for item in page.get("Contents", ())}


def test_a_day_is_read_as_any_flow_log_is_and_goes_without_a_trace(session, prefix):
    seen = []
    name = company.upload(session, prefix, watch=seen.append)
    assert (seen[0].seen, seen[-1].state) == ("writing the records", State.DONE)
    end = company.DAY + timedelta(days=1)
    log = flowlogs.s3.read(session, name, start=company.DAY, end=end)
    read = log.attrs["read"]
    assert read.outside == read.blank == 0 and read.objects == len(objects(session, name))
    assert len(log) == read.records + read.nodata > 100_000
    assert company.remove(session, prefix) == name
    assert company.remove(session, prefix) is None and not company.exists(session, prefix)


def test_a_second_upload_sends_only_what_is_missing_and_another_seed_replaces_the_day(
    session, prefix
):
    name = company.upload(session, prefix)
    first = objects(session, name)
    session.client("s3").delete_object(Bucket=name, Key=min(first))
    seen = []
    company.upload(session, prefix, watch=seen.append)
    assert seen[-1].seen == "1 of 1 files" and objects(session, name) == first
    company.upload(session, prefix, seed=2)
    assert not objects(session, name) & first


def test_the_bucket_is_closed_to_the_public_and_says_whose_it_is(session, prefix):
    name = company.upload(session, prefix)
    s3 = session.client("s3")
    closed = s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"]
    assert set(closed.values()) == {True} and len(closed) == 4
    caller = session.client("sts").get_caller_identity()
    assert company_bucket.owner_of(s3, name) == caller["Arn"]
    assert caller["Account"] not in name and name == name.lower() and len(name) <= 63


def test_somebody_elses_bucket_is_neither_filled_nor_removed(session, prefix):
    name = company.bucket_name(session, prefix)
    s3 = session.client("s3")
    s3.create_bucket(Bucket=name)
    tags = [{"Key": "Owner", "Value": "arn:aws:iam::123456789012:user/bob"}]
    s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tags})
    for act in (company.upload, company.remove, clean_up.clean_up):
        with pytest.raises(StackNotOurs, match=r"belongs to .*bob"):
            act(session, prefix)
    s3.delete_bucket_tagging(Bucket=name)
    assert company.remove(session, prefix) == name


@pytest.mark.parametrize("prefix_of_a_stack", ["A" * 128, "a-", "Alice-Lab-1"])
def test_each_stack_name_makes_a_name_that_s3_takes(session, prefix_of_a_stack):
    """Source: docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html."""
    name = company.bucket_name(session, prefix_of_a_stack)
    assert 3 <= len(name) <= 63 and name[0].isalnum() and set(name) <= set(ALLOWED)
    others = {company.bucket_name(session, other) for other in ("b", "alice-lab-1", "A" * 127)}
    assert name not in others


ALLOWED = "abcdefghijklmnopqrstuvwxyz0123456789-"


def test_cleaning_up_takes_it_too_with_or_without_a_stack_and_the_receipt_says_so(session, prefix):
    name = company.upload(session, prefix)
    receipt = clean_up.clean_up(session, prefix)
    assert [(row.type, row.id, row.gone) for row in receipt.rows] == [
        ("AWS::S3::Bucket", name, True)
    ]
    assert receipt.clean and not company.exists(session, prefix)
    assert "nothing to remove" in str(clean_up.clean_up(session, prefix))
