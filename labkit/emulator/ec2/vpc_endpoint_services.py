"""The services that a VPC endpoint can lead to: those whose agents and clients run on hosts."""

from __future__ import annotations

from typing import Any

from labkit.emulator.ec2.filters import matching
from labkit.emulator.operations import Call, Operations
from labkit.emulator.refusal import ServiceError
from labkit.emulator.upstream import Clients

SERVICES = ("ec2messages", "logs", "ssm", "ssmmessages")


class VpcEndpointServices:
    """DescribeVpcEndpointServices."""

    def __init__(self, inner: Clients):
        self._inner = inner

    def operations(self) -> Operations:
        return {("ec2", "DescribeVpcEndpointServices"): self.describe}

    def describe(self, call: Call) -> dict[str, Any]:
        names = service_names(call.region)
        asked = call.parameters.get("ServiceNames") or names
        for name in asked:
            if name not in names:
                raise no_such_service(name, call.region)
        ec2 = self._inner("ec2", call.region)
        zones = [z["ZoneName"] for z in ec2.describe_availability_zones()["AvailabilityZones"]]
        details = matching(
            [_described(name, zones) for name in names if name in asked],
            call.parameters.get("Filters", ()),
            {"service-name": "ServiceName", "owner": "Owner"},
        )
        found = [item["ServiceName"] for item in details]
        return {"ServiceNames": found, "ServiceDetails": details}


def service_names(region: str) -> list[str]:
    return [f"com.amazonaws.{region}.{name}" for name in SERVICES]


def private_name(service_name: str) -> str:
    """Return the name that private DNS gives to an endpoint of the service."""
    region, name = service_name.split(".")[2:]
    return f"{name}.{region}.amazonaws.com"


def no_such_service(name: str, region: str) -> ServiceError:
    return ServiceError(
        "InvalidServiceName",
        f"The Vpc Endpoint Service '{name}' does not exist. "
        f"(The emulator has {', '.join(service_names(region))}.)",
    )


def _described(name: str, zones: list[str]) -> dict[str, Any]:
    return {
        "ServiceName": name,
        "ServiceType": [{"ServiceType": "Interface"}],
        "AvailabilityZones": zones,
        "Owner": "amazon",
        "PrivateDnsName": private_name(name),
        "PrivateDnsNames": [{"PrivateDnsName": private_name(name)}],
        "VpcEndpointPolicySupported": True,
        "AcceptanceRequired": False,
        "ManagesVpcEndpoints": False,
        "SupportedIpAddressTypes": ["ipv4"],
    }
