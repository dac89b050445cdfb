"""A command's whole output in a bucket, as the agent uploads it.

Source: docs.aws.amazon.com/systems-manager/latest/APIReference/API_SendCommand.html
(OutputS3BucketName), and amazon-ssm-agent for the keys
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from botocore.exceptions import ClientError

from labkit.emulator.refusal import ServiceError
from labkit.emulator.upstream import DEFAULT_REGION, Clients

log = logging.getLogger("labkit.emulator")

STDOUT, STDERR = "stdout", "stderr"


@dataclass(frozen=True, slots=True)
class Place:
    """Where in which bucket the output of one command goes."""

    bucket: str
    prefix: str
    bucket_region: str

    def key(self, command_id: str, instance_id: str, name: str) -> str:
        plugin = "awsrunShellScript/0.awsrunShellScript"
        folder = f"{command_id}/{instance_id}/{plugin}"
        return "/".join(part for part in (self.prefix.strip("/"), folder, name) if part)

    def url(self, command_id: str, instance_id: str, name: str) -> str:
        """Return the address on AWS, as the answers tell it."""
        key = self.key(command_id, instance_id, name)
        return f"https://s3.{self.bucket_region}.amazonaws.com/{self.bucket}/{key}"


class Nodes(Protocol):
    """What is asked of the managed nodes."""

    def role_allows(self, instance_id: str, action: str, resource: str) -> bool: ...


class OutputToS3:
    """Uploads output in the role of the node's instance profile.

    What the role does not allow is not uploaded, and the command ends as it would without: the
    agent tells that in its own log only, and the emulator in its.

    Args:
        outer: clients through the gateway.
        nodes: the managed nodes.
    """

    def __init__(self, outer: Clients, nodes: Nodes):
        self._outer = outer
        self._nodes = nodes

    def place(self, asked: Mapping[str, Any]) -> Place | None:
        """Return where SendCommand wants the output; None if it wants it nowhere.

        Raises:
            ServiceError: InvalidOutputFolder, if there is no such bucket.
        """
        bucket = asked.get("OutputS3BucketName")
        if not bucket:
            return None
        try:
            answer = self._s3().get_bucket_location(Bucket=bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchBucket":
                raise
            raise ServiceError("InvalidOutputFolder", "The S3 bucket doesn't exist.") from None
        region = answer.get("LocationConstraint") or DEFAULT_REGION
        return Place(bucket, asked.get("OutputS3KeyPrefix", ""), region)

    def upload(
        self, place: Place, command_id: str, instance_id: str, texts: Mapping[str, str]
    ) -> None:
        """Write the texts that are not empty, by their names, stdout and stderr."""
        for name, text in texts.items():
            key = place.key(command_id, instance_id, name)
            if text and self._may_put(place, instance_id, key):
                self._put(place, key, text)

    def _may_put(self, place: Place, instance_id: str, key: str) -> bool:
        arn = f"arn:aws:s3:::{place.bucket}/{key}"
        is_allowed = self._nodes.role_allows(instance_id, "s3:PutObject", arn)
        if not is_allowed:
            log.warning("%s: its role does not allow s3:PutObject on %s", instance_id, arn)
        return is_allowed

    def _put(self, place: Place, key: str, text: str) -> None:
        try:
            self._s3().put_object(Bucket=place.bucket, Key=key, Body=text.encode())
        except ClientError as error:
            log.warning("output was not uploaded to %s in %s: %s", key, place.bucket, error)

    def _s3(self) -> Any:
        return self._outer("s3", DEFAULT_REGION)
