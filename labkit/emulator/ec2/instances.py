"""RunInstances and DescribeInstances, where moto says something other than AWS.

Through moto alone, a primary network interface and a root volume outlive their instance, an
instance in a subnet names no security groups, and a terminated one still has its address.
"""

from __future__ import annotations

from typing import Any

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
OF_INTERFACE = ("SubnetId", "PrivateIpAddress")
GONE_WHEN_TERMINATED = ("VpcId", "SubnetId", "PrivateIpAddress")


class Instances:
    """The operations of instances that are ours."""

    def __init__(self, inner: Clients):
        self._inner = inner
        self._reservations: dict[tuple[str, str], str] = {}

    def operations(self) -> Operations:
        return {
            ("ec2", "RunInstances"): self.run_instances,
            ("ec2", "DescribeInstances"): self.describe_instances,
        }

    def run_instances(self, call: Call) -> dict[str, Any]:
        """Start instances; the network interface and root volume made for one end with it.

        Source: docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html
        """
        asked = dict(call.parameters)
        for name in sorted(set(asked) - HONORED):
            raise not_emulated("ec2", f"RunInstances with {name}")
        asked.pop("CreditSpecification", None)  # costs nothing here, see the README
        ec2 = self._inner("ec2", call.region)
        token = (call.region, asked.pop("ClientToken", ""))
        if token[1] and token in self._reservations:
            return self._reservation(ec2, self._reservations[token])
        _check_networks(ec2, asked)
        answer = _answer(ec2.run_instances(**_with_interface(_with_volumes(asked))))
        self._reservations[token] = answer["ReservationId"]
        return {**answer, "Instances": [as_on_aws(item) for item in answer["Instances"]]}

    def _reservation(self, ec2: Any, reservation_id: str) -> dict[str, Any]:
        """Return what an earlier call with the same client token returned."""
        of_reservation = [{"Name": "reservation-id", "Values": [reservation_id]}]
        found = ec2.describe_instances(Filters=of_reservation)["Reservations"][0]
        return {**found, "Instances": [as_on_aws(item) for item in found["Instances"]]}

    def describe_instances(self, call: Call) -> dict[str, Any]:
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


def _check_networks(ec2: Any, asked: dict[str, Any]) -> None:
    """Refuse security groups of another VPC than the subnet's, which moto takes."""
    parts = [asked, *asked.get("NetworkInterfaces", ())]
    subnets = sorted({part["SubnetId"] for part in parts if "SubnetId" in part})
    groups = {
        id_ for part in parts for key in ("SecurityGroupIds", "Groups") for id_ in part.get(key, ())
    }
    if not subnets or not groups:
        return
    vpcs = {item["VpcId"] for item in ec2.describe_subnets(SubnetIds=subnets)["Subnets"]}
    for group in ec2.describe_security_groups(GroupIds=sorted(groups))["SecurityGroups"]:
        if group["VpcId"] not in vpcs:
            raise ServiceError(
                "InvalidParameter",
                f"Security group {group['GroupId']} and subnet {subnets[0]} "
                "belong to different networks.",
            )


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


def _with_interface(asked: dict[str, Any]) -> dict[str, Any]:
    """Say in full what SubnetId and SecurityGroupIds mean: one interface that ends with it."""
    interfaces = [
        {"DeleteOnTermination": "NetworkInterfaceId" not in interface, **interface}
        for interface in asked.get("NetworkInterfaces", ())
    ]
    if interfaces or "SubnetId" not in asked:
        return {**asked, "NetworkInterfaces": interfaces} if interfaces else asked
    interface: dict[str, Any] = {"DeviceIndex": 0, "DeleteOnTermination": True}
    rest = dict(asked)
    for name in OF_INTERFACE:
        if name in rest:
            interface[name] = rest.pop(name)
    if groups := rest.pop("SecurityGroupIds", ()):
        interface["Groups"] = groups
    return {**rest, "NetworkInterfaces": [interface]}


def _with_volumes(asked: dict[str, Any]) -> dict[str, Any]:
    """A volume that an instance came with ends with it, unless something else is said."""
    mappings = [
        {**mapping, "Ebs": {"DeleteOnTermination": True, **mapping["Ebs"]}}
        if "Ebs" in mapping
        else mapping
        for mapping in asked.get("BlockDeviceMappings", ())
    ]
    return {**asked, "BlockDeviceMappings": mappings} if mappings else asked


def _answer(answer: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}
