"""The private addresses of a subnet: which are free, and which nobody may have.

Source: docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Any

from labkit.emulator.refusal import ServiceError
from labkit.emulator.upstream import Clients, Moto

RESERVED_AT_START = 4  # the network, the router, DNS, "for future use"


class Addresses:
    """Gives and checks addresses; moto itself would give any, be it taken or reserved."""

    def __init__(self, inner: Clients, moto: Moto):
        self._inner = inner
        self._moto = moto

    def take(self, region: str, subnet_id: str, address: str | None = None) -> str:
        """Take an address of a subnet, the next free one by default.

        Raises:
            ServiceError: it is not in the subnet, reserved or in use, or none is left.
        """
        if address is not None:
            self.check(region, subnet_id, [address])
        taken = self._moto.take_address(region, subnet_id, address)
        if taken is None:
            raise ServiceError(
                "InsufficientFreeAddressesInSubnet",
                f"There are not enough free addresses in subnet '{subnet_id}'.",
            )
        return taken

    def free(self, region: str, subnet_id: str, addresses: Iterable[str]) -> None:
        for address in addresses:
            self._moto.free_address(region, subnet_id, address)

    def check(self, region: str, subnet_id: str, addresses: Iterable[str]) -> None:
        """Refuse addresses that cannot be had in a subnet.

        Raises:
            ServiceError: one is not in the subnet, reserved or in use.
        """
        ec2: Any = self._inner("ec2", region)
        subnet = ec2.describe_subnets(SubnetIds=[subnet_id])["Subnets"][0]
        network = ipaddress.ip_network(subnet["CidrBlock"])
        used = _used(ec2, subnet_id)
        for text in addresses:
            address = ipaddress.ip_address(text)
            if address not in network:
                raise _invalid(f"Address {text} does not fall within the subnet's address range")
            first = int(network.network_address) + RESERVED_AT_START
            if int(address) < first or address == network[-1]:
                raise _invalid(f"Address {text} is in subnet's reserved address range")
            if text in used:
                raise ServiceError("InvalidIPAddress.InUse", f"Address {text} is in use.")


def check_groups(ec2: Any, vpc_id: str, groups: Iterable[str]) -> None:
    """Refuse security groups that do not exist (moto makes them up) or are of another VPC."""
    wanted = sorted(set(groups))
    if not wanted:
        return
    for group in ec2.describe_security_groups(GroupIds=wanted)["SecurityGroups"]:
        if group["VpcId"] != vpc_id:
            raise ServiceError(
                "InvalidParameter",
                f"Security group {group['GroupId']} and {vpc_id} belong to different networks.",
            )


def _used(ec2: Any, subnet_id: str) -> set[str]:
    filters = [{"Name": "subnet-id", "Values": [subnet_id]}]
    return {
        item["PrivateIpAddress"]
        for interface in ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
        for item in interface["PrivateIpAddresses"]
    }


def _invalid(message: str) -> ServiceError:
    return ServiceError("InvalidParameterValue", message)
