"""RunInstances and DescribeInstances, where moto says something other than AWS.

Through moto alone, a primary network interface and a root volume outlive their instance, an
instance in a subnet names no security groups, and a terminated one still has its address.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from labkit.emulator.ec2.addresses import Addresses, check_groups
from labkit.emulator.ec2.launches import merged
from labkit.emulator.operations import Call, Operations
from labkit.emulator.refusal import ServiceError, not_emulated
from labkit.emulator.upstream import Clients

Items = list[dict[str, Any]]

HONORED = frozenset(
    {
        "BlockDeviceMappings",
        "ClientToken",
        "CreditSpecification",
        "DisableApiTermination",
        "DryRun",
        "EbsOptimized",
        "IamInstanceProfile",
        "ImageId",
        "InstanceInitiatedShutdownBehavior",
        "InstanceType",
        "KeyName",
        "MaxCount",
        "MetadataOptions",
        "MinCount",
        "Monitoring",
        "NetworkInterfaces",
        "Placement",
        "PrivateIpAddress",
        "SecurityGroupIds",
        "SubnetId",
        "TagSpecifications",
    }
)
HONORED_OF_INTERFACE = frozenset(
    {
        "DeleteOnTermination",
        "Description",
        "DeviceIndex",
        "Groups",
        "NetworkInterfaceId",
        "PrivateIpAddress",
        "SubnetId",
    }
)
GONE_WHEN_TERMINATED = ("VpcId", "SubnetId", "PrivateIpAddress")


class Instances:
    """The operations of instances that are ours.

    Args:
        inner: clients straight to moto.
        addresses: of the subnets.
        template_data: what a launch template says, by region and RunInstances' LaunchTemplate.
    """

    def __init__(
        self,
        inner: Clients,
        addresses: Addresses,
        template_data: Callable[[str, dict[str, Any]], dict[str, Any]],
    ):
        self._inner = inner
        self._addresses = addresses
        self._template_data = template_data
        self._started: dict[tuple[str, str], list[str]] = {}  # by region and client token

    def operations(self) -> Operations:
        return {
            ("ec2", "RunInstances"): self.run_instances,
            ("ec2", "DescribeInstances"): self.describe_instances,
            ("ec2", "ModifyInstanceAttribute"): self.modify_attribute,
        }

    def run_instances(self, call: Call) -> dict[str, Any]:
        """Start instances; the network interface and root volume made for one end with it.

        Source: docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html
        """
        asked = dict(call.parameters)
        if template := asked.pop("LaunchTemplate", None):
            asked = merged(asked, self._template_data(call.region, template))
        for name in sorted(set(asked) - HONORED):
            raise not_emulated("ec2", f"RunInstances with {name}")
        if "ImageId" not in asked:
            raise ServiceError("MissingParameter", "The request must contain the parameter ImageId")
        asked.pop("CreditSpecification", None)  # costs nothing here, see the README
        ec2 = self._inner("ec2", call.region)
        token = (call.region, asked.pop("ClientToken", ""))
        if token[1] and token in self._started:
            return _reservation(ec2, self._started[token])
        asked = _with_interface(_with_volumes(ec2, asked), lambda: _default_subnet(ec2, asked))
        self._check_networks(call.region, ec2, asked["NetworkInterfaces"])
        answer = _answer(ec2.run_instances(**asked))
        _give_profile_to_others(ec2, asked, answer["Instances"])
        self._started[token] = [item["InstanceId"] for item in answer["Instances"]]
        return {**answer, "Instances": [as_on_aws(item) for item in answer["Instances"]]}

    def _check_networks(self, region: str, ec2: Any, interfaces: Items) -> None:
        """Refuse groups of another VPC than the subnet's, and addresses that cannot be had."""
        for interface in interfaces:
            for name in sorted(set(interface) - HONORED_OF_INTERFACE):
                raise not_emulated("ec2", f"RunInstances with NetworkInterfaces.{name}")
            if "SubnetId" not in interface:
                continue  # an existing interface: it was checked when it was made
            subnet_id = interface["SubnetId"]
            vpc_id = ec2.describe_subnets(SubnetIds=[subnet_id])["Subnets"][0]["VpcId"]
            check_groups(ec2, vpc_id, interface.get("Groups", ()))
            if address := interface.get("PrivateIpAddress"):
                self._addresses.check(region, subnet_id, [address])

    def describe_instances(self, call: Call) -> dict[str, Any]:
        if {"InstanceIds", "MaxResults"} <= set(call.parameters):
            raise ServiceError(
                "InvalidParameterCombination",
                "The parameter instancesSet cannot be used with the parameter maxResults",
            )
        ec2 = self._inner("ec2", call.region)
        answer = _answer(ec2.describe_instances(**call.parameters))
        by_place = any(
            item["Name"].startswith(("vpc-id", "subnet-id", "network-interface", "private-ip"))
            for item in call.parameters.get("Filters", ())
        )
        reservations = amended(answer["Reservations"])
        if by_place:
            reservations = [_without_terminated(item) for item in reservations]
        return {**answer, "Reservations": [item for item in reservations if item["Instances"]]}

    def modify_attribute(self, call: Call) -> dict[str, Any]:
        """Change the security groups of an instance: those of its primary interface."""
        asked = call.parameters
        for name in sorted(set(asked) - {"InstanceId", "Groups", "DryRun"}):
            raise not_emulated("ec2", f"ModifyInstanceAttribute with {name}")
        ec2 = self._inner("ec2", call.region)
        found = ec2.describe_instances(InstanceIds=[asked["InstanceId"]])["Reservations"][0]
        instance = found["Instances"][0]
        if groups := asked.get("Groups"):
            check_groups(ec2, instance["VpcId"], groups)
            ec2.modify_network_interface_attribute(
                NetworkInterfaceId=instance["NetworkInterfaces"][0]["NetworkInterfaceId"],
                Groups=groups,
            )
        return {}


def _give_profile_to_others(ec2: Any, asked: dict[str, Any], instances: Items) -> None:
    """Give each instance the profile that was asked for; moto gives it to the first one only."""
    if profile := asked.get("IamInstanceProfile"):
        for instance in instances[1:]:
            ec2.associate_iam_instance_profile(
                InstanceId=instance["InstanceId"], IamInstanceProfile=profile
            )


def _reservation(ec2: Any, instance_ids: list[str]) -> dict[str, Any]:
    """Return what the first call with the same client token returned."""
    (found,) = amended(ec2.describe_instances(InstanceIds=instance_ids)["Reservations"])
    return found


def amended(reservations: Items) -> Items:
    """Return reservations whose instances say what AWS would say."""
    return [
        {**item, "Instances": [as_on_aws(instance) for instance in item["Instances"]]}
        for item in reservations
    ]


def as_on_aws(instance: dict[str, Any]) -> dict[str, Any]:
    """Name the groups of the primary interface; a terminated instance has no place any more."""
    if instance["State"]["Name"] == "terminated":
        kept = {k: v for k, v in instance.items() if k not in GONE_WHEN_TERMINATED}
        return {**kept, "NetworkInterfaces": [], "SecurityGroups": [], "PrivateDnsName": ""}
    interfaces = instance.get("NetworkInterfaces", ())
    primary = [item for item in interfaces if item["Attachment"]["DeviceIndex"] == 0]
    return {**instance, "SecurityGroups": primary[0]["Groups"] if primary else []}


def _without_terminated(reservation: dict[str, Any]) -> dict[str, Any]:
    alive = [item for item in reservation["Instances"] if item["State"]["Name"] != "terminated"]
    return {**reservation, "Instances": alive}


def _with_interface(asked: dict[str, Any], default_subnet: Callable[[], str]) -> dict[str, Any]:
    """Say in full what SubnetId and SecurityGroupIds mean: one interface that ends with it."""
    if "NetworkInterfaces" in asked:
        interfaces = [
            {"DeleteOnTermination": "NetworkInterfaceId" not in interface, **interface}
            for interface in asked["NetworkInterfaces"]
        ]
        return {**asked, "NetworkInterfaces": interfaces}
    rest = dict(asked)
    interface: dict[str, Any] = {"DeviceIndex": 0, "DeleteOnTermination": True}
    interface["SubnetId"] = rest.pop("SubnetId", None) or default_subnet()
    if address := rest.pop("PrivateIpAddress", None):
        interface["PrivateIpAddress"] = address
    if groups := rest.pop("SecurityGroupIds", ()):
        interface["Groups"] = groups
    return {**rest, "NetworkInterfaces": [interface]}


def _default_subnet(ec2: Any, asked: dict[str, Any]) -> str:
    """Return the default VPC's subnet, of the zone that was asked for."""
    filters = [{"Name": "default-for-az", "Values": ["true"]}]
    if zone := asked.get("Placement", {}).get("AvailabilityZone"):
        filters.append({"Name": "availability-zone", "Values": [zone]})
    found = ec2.describe_subnets(Filters=filters)["Subnets"]
    if not found:
        raise ServiceError(
            "MissingInput", "No default subnet was found: say which one with SubnetId."
        )
    return found[0]["SubnetId"]


def _with_volumes(ec2: Any, asked: dict[str, Any]) -> dict[str, Any]:
    """Complete a mapping of the root device from the image, which moto does not.

    A volume that an instance came with ends with it, unless something else is said.
    """
    if "BlockDeviceMappings" not in asked:
        return asked
    images = ec2.describe_images(ImageIds=[asked["ImageId"]])["Images"]
    of_image = {
        mapping["DeviceName"]: mapping.get("Ebs", {})
        for image in images
        for mapping in image.get("BlockDeviceMappings", ())
    }
    mappings = [
        {
            **mapping,
            "Ebs": {
                **of_image.get(mapping["DeviceName"], {}),
                "DeleteOnTermination": True,
                **mapping["Ebs"],
            },
        }
        if "Ebs" in mapping
        else mapping
        for mapping in asked["BlockDeviceMappings"]
    ]
    return {**asked, "BlockDeviceMappings": mappings}


def _answer(answer: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}
