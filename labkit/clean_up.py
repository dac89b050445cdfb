"""Take a stack with flow logs down, in the order that works on AWS, and hold a receipt.

First whatever writes: the flow logs, then the permission to deliver, since records under way may
arrive for minutes. Then the bucket's objects, then the stack. Each step is safe to repeat, and on
what is not there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3
from botocore.exceptions import ClientError

from labkit import company, stacks
from labkit.errors import LabError, StackFailed, WaitTimedOut
from labkit.inventory import Foreign, Inventory, Resource, existing_flow_logs, is_there, table, take
from labkit.waiting import Watch, silent, until

ATTEMPTS = 4  # the first, and three more
DELIVERY = "delivery.logs.amazonaws.com"


@dataclass(frozen=True, slots=True)
class Removed:
    """A thing that was there; `gone` and `seen` are what its service answered afterwards."""

    type: str
    id: str
    gone: bool
    seen: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """Each thing that was there, and that it is gone."""

    prefix: str
    rows: tuple[Removed, ...]

    @property
    def clean(self) -> bool:
        """Whether nothing is left."""
        return not self.remaining

    @property
    def remaining(self) -> list[str]:
        """What is left, as texts."""
        return [f"{row.type} {row.id}" for row in self.rows if not row.gone]

    def __str__(self) -> str:
        lines = [
            f"{'gone      ' if row.gone else 'STILL HERE'}  {row.type:<38} {row.id}  {row.seen}"
            for row in self.rows
        ]
        return "\n".join([*lines, self._summary()])

    def _repr_html_(self) -> str:
        rows = [
            ("gone" if row.gone else "STILL HERE", row.type, row.id, row.seen) for row in self.rows
        ]
        listed = table(("", "type", "id", "what its service says"), rows) if rows else ""
        return f"{listed}<p><b>{self._summary()}</b></p>"

    def _summary(self) -> str:
        if not self.rows:
            return f"There was no stack {self.prefix}: nothing to remove, nothing is left."
        if self.clean:
            return f"{len(self.rows)} things were there; all of them are gone."
        return f"{len(self.remaining)} of {len(self.rows)} things are still there."


def clean_up(aws: boto3.Session, prefix: str, *, watch: Watch = silent) -> Receipt:
    """Remove everything of a stack, and the bucket of 07; what 99_clean_up does step by step.

    Raises:
        StackNotOurs: The stack is somebody else's; nothing was touched.
        StackFailed: It could not be deleted; says what stayed.
    """
    found = inventory(aws, prefix)
    bucket = company.remove(aws, prefix)
    rows = () if bucket is None else (_bucket_row(aws, prefix, bucket),)
    if found.stack is None:
        return Receipt(prefix, rows)
    watch(f"{len(delete_flow_logs(aws, found))} flow logs deleted")
    stop_delivery(aws, found)
    watch(f"{empty_bucket(aws, found)} objects deleted from the bucket")
    delete_stack(aws, found, watch=watch)
    return Receipt(prefix, (*receipt(aws, found).rows, *rows))


def inventory(aws: boto3.Session, prefix: str) -> Inventory:
    """Return what there is to remove.

    Raises:
        StackNotOurs: The stack's Owner tag is somebody else's.
    """
    found = take(aws, prefix)
    if found.stack is not None:
        stacks.check_owner(found.stack, aws.client("sts").get_caller_identity()["Arn"])
    return found


def delete_flow_logs(aws: boto3.Session, inventory: Inventory) -> list[str]:
    """Delete the flow logs that are still there, by EC2's API; return their ids."""
    ec2 = aws.client("ec2")
    ids = existing_flow_logs(ec2, "flow-log-id", inventory.flow_log_ids)
    if ids:
        for refused in ec2.delete_flow_logs(FlowLogIds=ids).get("Unsuccessful", []):
            error = refused["Error"]
            raise LabError(f"{refused['ResourceId']}: {error['Code']}: {error['Message']}")
    return ids


def stop_delivery(aws: boto3.Session, inventory: Inventory) -> list[dict[str, Any]]:
    """Take the permission to deliver out of the bucket's policy; return what is left of it."""
    if inventory.bucket is None:
        return []
    s3 = aws.client("s3")
    try:
        policy = json.loads(s3.get_bucket_policy(Bucket=inventory.bucket)["Policy"])
    except ClientError as error:
        if _is_absent(error):
            return []
        raise
    kept = [statement for statement in policy["Statement"] if not _lets_deliver(statement)]
    if not kept:
        s3.delete_bucket_policy(Bucket=inventory.bucket)
    elif kept != policy["Statement"]:
        text = json.dumps({**policy, "Statement": kept})
        s3.put_bucket_policy(Bucket=inventory.bucket, Policy=text)
    return kept


def empty_bucket(aws: boto3.Session, inventory: Inventory) -> int:
    """Delete every object, version and delete marker, until a list shows none; return how many.

    Raises:
        LabError: S3 refused to delete one.
    """
    s3, deleted = aws.client("s3"), 0
    while batch := next(_versions(s3, inventory.bucket), None):
        answer = s3.delete_objects(
            Bucket=inventory.bucket, Delete={"Objects": batch, "Quiet": True}
        )
        for refused in answer.get("Errors", []):
            raise LabError(f"{refused['Key']}: {refused['Code']}: {refused['Message']}")
        deleted += len(batch)
    return deleted


def delete_stack(aws: boto3.Session, inventory: Inventory, *, watch: Watch = silent) -> None:
    """Delete the stack, its add-ons first, and wait until it is gone.

    Records that were under way may still have come: on DELETE_FAILED the bucket is emptied and
    the stack deleted again, up to three times. What is gone already is not asked for again.

    Raises:
        StackFailed: It stayed; names what in the VPC is not the stack's.
    """
    if inventory.stack is None:
        return
    for stack in (*inventory.add_ons, inventory.stack):
        _delete_one(aws, inventory, stack.id, watch=watch)


def _delete_one(aws: boto3.Session, inventory: Inventory, stack_id: str, *, watch: Watch) -> None:
    retain: list[str] = []
    for attempt in range(ATTEMPTS):
        try:
            stacks.delete(aws.client("cloudformation"), stack_id, retain=retain, watch=watch)
            return
        except StackFailed as failure:
            left = take(aws, inventory.prefix)
            is_last = attempt == ATTEMPTS - 1
            # Interfaces of our own endpoints linger for a while: only what was foreign from the
            # beginning is not worth another try.
            strangers = [one for one in left.foreign if is_last or one in inventory.foreign]
            if strangers:
                raise _blocked(failure, inventory.prefix, strangers) from None
            if is_last:
                raise
        watch(f"{empty_bucket(aws, left)} late objects deleted; the stack is deleted again")
        retain = [one.logical_id for one in left.resources if _failed_but_gone(aws, one)]


def receipt(aws: boto3.Session, inventory: Inventory, *, timeout_s: float = 60) -> Receipt:
    """Ask each service for each thing that was there, for a minute until all are gone."""

    def look() -> Receipt:
        return Receipt(inventory.prefix, tuple(_rows(aws, inventory)))

    try:
        return until(
            look,
            lambda seen: seen.clean,
            what="everything to be gone",
            timeout_s=timeout_s,
            every_s=10,
        )
    except WaitTimedOut:
        return look()


def _rows(aws: boto3.Session, inventory: Inventory) -> Iterator[Removed]:
    if inventory.stack is None:
        return
    removed = [_stack_row(aws, one) for one in (inventory.stack, *inventory.add_ons)]
    yield from removed
    stack_gone = all(row.gone for row in removed)
    client = cache(aws.client)
    for one in _things(inventory):
        there = is_there(client, one)
        if there is None:
            yield Removed(one.type, one.physical_id, stack_gone, "went with the stack")
        else:
            yield Removed(one.type, one.physical_id, not there, "found" if there else "not found")


def _bucket_row(aws: boto3.Session, prefix: str, bucket: str) -> Removed:
    is_there = company.exists(aws, prefix)
    return Removed("AWS::S3::Bucket", bucket, not is_there, "found" if is_there else "not found")


def _stack_row(aws: boto3.Session, known: stacks.Stack) -> Removed:
    stack = stacks.describe(aws.client("cloudformation"), known.id)
    status = stack.status if stack else "DELETE_COMPLETE"
    return Removed("AWS::CloudFormation::Stack", known.name, status == "DELETE_COMPLETE", status)


def _things(inventory: Inventory) -> list[Resource]:
    """Return the resources and the flow logs, which the learner may have made beside the stack."""
    known = {one.physical_id for one in inventory.resources}
    others = [one for one in inventory.flow_log_ids if one not in known]
    return [*inventory.resources, *(Resource("", "AWS::EC2::FlowLog", one, "") for one in others)]


def _failed_but_gone(aws: boto3.Session, resource: Resource) -> bool:
    return resource.status == "DELETE_FAILED" and is_there(aws.client, resource) is False


def _blocked(failure: StackFailed, prefix: str, strangers: list[Foreign]) -> StackFailed:
    named = ", ".join(str(one) for one in strangers)
    return StackFailed(
        f"The stack {prefix} is in {failure.status}: its VPC holds what the stack did not make: "
        f"{named}. Delete these first (GuardDuty Runtime Monitoring puts an endpoint and a "
        "security group into every VPC: ask whoever runs it), then run 99_clean_up again.",
        stack_name=prefix,
        status=failure.status,
        cause=failure.cause,
    )


def _lets_deliver(statement: dict[str, Any]) -> bool:
    principal = statement.get("Principal")
    services = principal.get("Service", []) if isinstance(principal, dict) else []
    services = [services] if isinstance(services, str) else services
    return statement["Effect"] == "Allow" and DELIVERY in services


def _versions(s3: Any, bucket: str | None) -> Iterator[list[dict[str, str]]]:
    """Yield what is in a bucket, up to 1,000 versions or delete markers at a time."""
    if bucket is None:
        return
    try:
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            found = [*page.get("Versions", []), *page.get("DeleteMarkers", [])]
            if found:
                yield [{"Key": one["Key"], "VersionId": one["VersionId"]} for one in found]
    except ClientError as error:
        if not _is_absent(error):
            raise


def _is_absent(error: ClientError) -> bool:
    return error.response["Error"]["Code"] in {"NoSuchBucket", "NoSuchBucketPolicy"}
