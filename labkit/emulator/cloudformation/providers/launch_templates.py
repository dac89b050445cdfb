"""Launch templates."""

from __future__ import annotations

from typing import Any

from labkit.emulator.cloudformation.providers.provider import (
    Attributes,
    Context,
    Properties,
    Provider,
    picked,
)


class LaunchTemplate(Provider):
    type = "AWS::EC2::LaunchTemplate"
    honors = (
        "LaunchTemplateData",
        "LaunchTemplateName",
        "TagSpecifications",
        "VersionDescription",
    )
    attributes = ("DefaultVersionNumber", "LatestVersionNumber", "LaunchTemplateId")
    in_place = frozenset({"LaunchTemplateData", "VersionDescription"})

    def create(self, context: Context, properties: Properties) -> Attributes:
        ec2 = context.client("ec2")
        template_id = ec2.create_launch_template(
            LaunchTemplateName=properties.get("LaunchTemplateName") or context.name(128),
            **_version(properties),
            **picked(properties, "TagSpecifications"),
        )["LaunchTemplate"]["LaunchTemplateId"]
        context.exists(template_id)
        return _attributes(ec2, template_id)

    def update(
        self, context: Context, physical_id: str, old: Properties, new: Properties
    ) -> Attributes:
        """Add a version; the default one stays what it is.

        Source: docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/
        aws-resource-ec2-launchtemplate.html (LaunchTemplateData, VersionDescription)
        """
        ec2 = context.client("ec2")
        ec2.create_launch_template_version(LaunchTemplateId=physical_id, **_version(new))
        return _attributes(ec2, physical_id)

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        context.client("ec2").delete_launch_template(LaunchTemplateId=physical_id)


def _version(properties: Properties) -> dict[str, Any]:
    return picked(properties, "LaunchTemplateData", "VersionDescription")


def _attributes(ec2: Any, template_id: str) -> Attributes:
    found = ec2.describe_launch_templates(LaunchTemplateIds=[template_id])["LaunchTemplates"][0]
    return {
        "DefaultVersionNumber": str(found["DefaultVersionNumber"]),
        "LatestVersionNumber": str(found["LatestVersionNumber"]),
        "LaunchTemplateId": template_id,
    }
