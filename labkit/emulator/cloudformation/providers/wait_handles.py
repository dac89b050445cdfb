"""Handles of wait conditions. Nobody waits here: the conditions themselves are refused."""

from __future__ import annotations

import uuid
from urllib.parse import quote

from labkit.emulator.cloudformation.providers.provider import (
    Attributes,
    Context,
    Properties,
    Provider,
)


class WaitConditionHandle(Provider):
    type = "AWS::CloudFormation::WaitConditionHandle"
    honors = ()
    attributes = ("Id",)

    def create(self, context: Context, properties: Properties) -> Attributes:
        """Make up a URL of the shape of AWS's; it leads nowhere.

        Source: docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/
        aws-resource-cloudformation-waitconditionhandle.html (Ref)
        """
        host = f"cloudformation-waitcondition-{context.region}.s3.amazonaws.com"
        stack = quote(context.system_tags.get("aws:cloudformation:stack-id", ""), safe="")
        url = f"https://{host}/{stack}/{context.logical_id}/{uuid.uuid4()}"
        context.exists(url)
        return {"Id": url}

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        """Nothing is there."""
