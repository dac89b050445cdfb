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
from labkit.emulator.cloudformation.providers.tags import retag
from labkit.emulator.cloudformation.providers.vpc import default_group

_AS_THEY_ARE = (
    "BlockDeviceMappings",
    "DisableApiTermination",
    "EbsOptimized",
    "ImageId",
    "InstanceInitiatedShutdownBehavior",
    "InstanceType",
    "KeyName",
    "LaunchTemplate",
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
        "Monitoring",
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
    in_place = frozenset({"IamInstanceProfile", "MetadataOptions", "SecurityGroupIds", "Tags"})

    def create(self, context: Context, properties: Properties) -> Attributes:
        ec2 = context.client("ec2")
        answer = ec2.run_instances(**_request(context, properties), MinCount=1, MaxCount=1)
        instance_id = answer["Instances"][0]["InstanceId"]
        context.exists(instance_id)
        return _attributes(_wait(ec2, instance_id, until="running"))

    def update(
        self, context: Context, physical_id: str, old: Properties, new: Properties
    ) -> Attributes:
        ec2 = context.client("ec2")
        instance = _look(ec2, physical_id)
        if old.get("SecurityGroupIds") != new.get("SecurityGroupIds"):
            groups = new.get("SecurityGroupIds") or [default_group(ec2, instance["VpcId"])]
            ec2.modify_instance_attribute(InstanceId=physical_id, Groups=groups)
        if old.get("IamInstanceProfile") != new.get("IamInstanceProfile"):
            _set_profile(ec2, physical_id, new.get("IamInstanceProfile"))
        if old.get("MetadataOptions") != new.get("MetadataOptions"):
            ec2.modify_instance_metadata_options(
                InstanceId=physical_id, **new.get("MetadataOptions", {})
            )
        retag(ec2, physical_id, old, new)
        return _attributes(_look(ec2, physical_id))

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
    if "Monitoring" in properties:
        request["Monitoring"] = {"Enabled": properties["Monitoring"]}
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


def _attributes(instance: Properties) -> Attributes:
    return {
        "AvailabilityZone": instance["Placement"]["AvailabilityZone"],
        "InstanceId": instance["InstanceId"],
        "PrivateDnsName": instance.get("PrivateDnsName", ""),
        "PrivateIp": instance["PrivateIpAddress"],
        "PublicDnsName": instance.get("PublicDnsName", ""),
        "PublicIp": instance.get("PublicIpAddress", ""),
        "VpcId": instance.get("VpcId", ""),
    }


def _set_profile(ec2: Any, instance_id: str, name: str | None) -> None:
    """Give an instance another instance profile, or none."""
    filters = [{"Name": "instance-id", "Values": [instance_id]}]
    found = ec2.describe_iam_instance_profile_associations(Filters=filters)
    ids = [item["AssociationId"] for item in found["IamInstanceProfileAssociations"]]
    if name is None:
        for id_ in ids:
            ec2.disassociate_iam_instance_profile(AssociationId=id_)
    elif ids:
        ec2.replace_iam_instance_profile_association(
            AssociationId=ids[0], IamInstanceProfile={"Name": name}
        )
    else:
        ec2.associate_iam_instance_profile(
            InstanceId=instance_id, IamInstanceProfile={"Name": name}
        )


def _look(ec2: Any, instance_id: str) -> dict[str, Any]:
    reservations = ec2.describe_instances(InstanceIds=[instance_id])["Reservations"]
    return reservations[0]["Instances"][0]


def _wait(ec2: Any, instance_id: str, *, until: str) -> dict[str, Any]:
    return wait(
        lambda: _look(ec2, instance_id),
        lambda seen: seen["State"]["Name"],
        until=until,
        what=instance_id,
    )
