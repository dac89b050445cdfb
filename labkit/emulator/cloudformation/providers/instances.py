"""Instances."""

from __future__ import annotations

import base64
from typing import Any

from labkit.emulator.cloudformation.providers.provider import (
    Attributes,
    Context,
    Properties,
    Provider,
    picked,
    wait,
)

_AS_THEY_ARE = (
    "BlockDeviceMappings",
    "DisableApiTermination",
    "EbsOptimized",
    "ImageId",
    "InstanceInitiatedShutdownBehavior",
    "InstanceType",
    "KeyName",
    "MetadataOptions",
    "PrivateIpAddress",
    "SecurityGroupIds",
    "SubnetId",
)


class Instance(Provider):
    type = "AWS::EC2::Instance"
    honors = (
        *_AS_THEY_ARE,
        "AvailabilityZone",
        "CreditSpecification",
        "IamInstanceProfile",
        "NetworkInterfaces",
        "PropagateTagsToVolumeOnCreation",
        "Tags",
        "UserData",
    )
    attributes = (
        "AvailabilityZone",
        "InstanceId",
        "PrivateDnsName",
        "PrivateIp",
        "PublicDnsName",
        "PublicIp",
        "VpcId",
    )

    def create(self, context: Context, properties: Properties) -> Attributes:
        ec2 = context.client("ec2")
        answer = ec2.run_instances(**_request(context, properties), MinCount=1, MaxCount=1)
        instance_id = answer["Instances"][0]["InstanceId"]
        context.exists(instance_id)
        instance = _wait(ec2, instance_id, until="running")
        return {
            "AvailabilityZone": instance["Placement"]["AvailabilityZone"],
            "InstanceId": instance_id,
            "PrivateDnsName": instance.get("PrivateDnsName", ""),
            "PrivateIp": instance["PrivateIpAddress"],
            "PublicDnsName": instance.get("PublicDnsName", ""),
            "PublicIp": instance.get("PublicIpAddress", ""),
            "VpcId": instance.get("VpcId", ""),
        }

    def delete(self, context: Context, physical_id: str, properties: Properties) -> None:
        ec2 = context.client("ec2")
        ec2.terminate_instances(InstanceIds=[physical_id])
        _wait(ec2, physical_id, until="terminated")


def _request(context: Context, properties: Properties) -> dict[str, Any]:
    """Return RunInstances's parameters: the same things, some under another name."""
    request = picked(properties, *_AS_THEY_ARE)
    kinds = ["instance"]
    if properties.get("PropagateTagsToVolumeOnCreation"):
        kinds.append("volume")
    request["TagSpecifications"] = [
        specification
        for kind in kinds
        for specification in context.tag_specifications(kind, properties)
    ]
    if "IamInstanceProfile" in properties:
        request["IamInstanceProfile"] = {"Name": properties["IamInstanceProfile"]}
    if "CreditSpecification" in properties:
        credits = properties["CreditSpecification"]["CPUCredits"]
        request["CreditSpecification"] = {"CpuCredits": credits}
    if "AvailabilityZone" in properties:
        request["Placement"] = picked(properties, "AvailabilityZone")
    if "NetworkInterfaces" in properties:
        request["NetworkInterfaces"] = [
            _interface(interface) for interface in properties["NetworkInterfaces"]
        ]
    if "UserData" in properties:  # base64 in a template; boto3 encodes by itself
        request["UserData"] = base64.b64decode(properties["UserData"]).decode()
    return request


def _interface(interface: Properties) -> dict[str, Any]:
    renamed = {"GroupSet": "Groups"}
    specification = {renamed.get(name, name): value for name, value in interface.items()}
    return {**specification, "DeviceIndex": int(interface["DeviceIndex"])}


def _wait(ec2: Any, instance_id: str, *, until: str) -> dict[str, Any]:
    def look() -> dict[str, Any]:
        reservations = ec2.describe_instances(InstanceIds=[instance_id])["Reservations"]
        return reservations[0]["Instances"][0]

    return wait(look, lambda seen: seen["State"]["Name"], until=until, what=instance_id)
