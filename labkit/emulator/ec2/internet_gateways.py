"""Internet gateways, where moto takes what AWS refuses: a VPC has one at most.

Packets do not leave by them: what would is dropped (see the README).
Source: docs.aws.amazon.com/vpc/latest/userguide/VPC_Internet_Gateway.html
"""

from __future__ import annotations

from typing import Any

from labkit.emulator.ec2 import existence
from labkit.emulator.operations import Call, Operations
from labkit.emulator.refusal import ServiceError
from labkit.emulator.upstream import Clients


class InternetGateways:
    """AttachInternetGateway, and routes that lead to a gateway.

    Args:
        inner: clients straight to moto, which keeps the gateways.
    """

    def __init__(self, inner: Clients):
        self._inner = inner

    def operations(self) -> Operations:
        return {
            ("ec2", "AttachInternetGateway"): self.attach,
            ("ec2", "CreateRoute"): self.create_route,
            ("ec2", "ReplaceRoute"): self.replace_route,
        }

    def attach(self, call: Call) -> dict[str, Any]:
        asked, ec2 = call.parameters, self._inner("ec2", call.region)
        existence.check(ec2, [asked["VpcId"]], "vpc")
        if attached(ec2, asked["VpcId"]):
            raise ServiceError(
                "InvalidParameterValue",
                f"Network {asked['VpcId']} already has an internet gateway attached",
            )
        ec2.attach_internet_gateway(**asked)
        return {}

    def create_route(self, call: Call) -> dict[str, Any]:
        self._check_gateway(call)
        answer = self._inner("ec2", call.region).create_route(**call.parameters)
        return {"Return": answer.get("Return", True)}

    def replace_route(self, call: Call) -> dict[str, Any]:
        self._check_gateway(call)
        self._inner("ec2", call.region).replace_route(**call.parameters)
        return {}

    def _check_gateway(self, call: Call) -> None:
        """Refuse a route to a gateway that is not there, or not attached to the table's VPC."""
        asked, ec2 = call.parameters, self._inner("ec2", call.region)
        gateway_id, table_id = asked.get("GatewayId", ""), asked["RouteTableId"]
        if not gateway_id.startswith("igw-"):
            return
        existence.check(ec2, [table_id], "rtb")
        existence.check(ec2, [gateway_id], "igw")
        tables = ec2.describe_route_tables(RouteTableIds=[table_id])["RouteTables"]
        if gateway_id not in attached(ec2, tables[0]["VpcId"]):
            raise ServiceError(
                "InvalidParameterValue",
                f"route table {table_id} and network gateway {gateway_id} belong to different "
                "networks",
            )


def attached(ec2: Any, vpc_id: str) -> list[str]:
    """Return the ids of the internet gateways of a VPC."""
    filters = [{"Name": "attachment.vpc-id", "Values": [vpc_id]}]
    found = ec2.describe_internet_gateways(Filters=filters)["InternetGateways"]
    return [gateway["InternetGatewayId"] for gateway in found]
