"""Interface VPC endpoints: a network interface in each subnet, with an address of that subnet.

moto's have a random address outside the subnet and the wrong group, hence ours.
Source: docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVpcEndpoint.html
"""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from labkit.emulator.ec2 import vpc_endpoint_request as request
from labkit.emulator.ec2.addresses import Addresses, check_groups
from labkit.emulator.ec2.filters import matching
from labkit.emulator.ec2.vpc_endpoint_services import private_name
from labkit.emulator.operations import Call, Operations
from labkit.emulator.refusal import ServiceError, not_emulated
from labkit.emulator.upstream import ACCOUNT_ID, Clients

ANYTHING = '{"Statement": [{"Action": "*", "Effect": "Allow", "Principal": "*", "Resource": "*"}]}'


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An interface endpoint; interface_ids stand in the order of subnet_ids."""

    id: str
    service_name: str
    vpc_id: str
    region: str
    subnet_ids: tuple[str, ...]
    group_ids: tuple[str, ...]
    interface_ids: tuple[str, ...]
    private_dns: bool
    policy_document: str
    created_at: datetime


class VpcEndpoints:
    """The operations on VPC endpoints; which interfaces belong to one."""

    def __init__(self, inner: Clients, addresses: Addresses):
        self._inner = inner
        self._addresses = addresses
        self._lock = threading.RLock()
        self._endpoints: dict[str, Endpoint] = {}
        self._tokens: dict[tuple[str, str], str] = {}

    def operations(self) -> Operations:
        return {
            ("ec2", "CreateVpcEndpoint"): self.create,
            ("ec2", "DescribeVpcEndpoints"): self.describe,
            ("ec2", "ModifyVpcEndpoint"): self.modify,
            ("ec2", "DeleteVpcEndpoints"): self.delete,
        }

    def endpoints(self, vpc_id: str) -> list[Endpoint]:
        """Return the endpoints of a VPC, oldest first."""
        with self._lock:
            return [item for item in self._endpoints.values() if item.vpc_id == vpc_id]

    def described(self, vpc_id: str) -> list[dict[str, Any]]:
        """Return of a VPC's endpoints what decides where their names lead."""
        return [
            {
                "VpcEndpointId": item.id,
                "VpcEndpointType": "Interface",
                "VpcId": vpc_id,
                "ServiceName": item.service_name,
                "NetworkInterfaceIds": item.interface_ids,
                "PrivateDnsEnabled": item.private_dns,
            }
            for item in self.endpoints(vpc_id)
        ]

    def of_interface(self, interface_id: str) -> Endpoint | None:
        """Return the endpoint that a network interface belongs to."""
        with self._lock:
            return next(
                (item for item in self._endpoints.values() if interface_id in item.interface_ids),
                None,
            )

    def create(self, call: Call) -> dict[str, Any]:
        asked = call.parameters
        request.check(asked, call.region)
        ec2 = self._inner("ec2", call.region)
        token = (call.region, asked.get("ClientToken", ""))
        with self._lock:
            if token[1] and token in self._tokens:
                return {"VpcEndpoint": self._described(ec2, self._endpoints[self._tokens[token]])}
            ec2.describe_vpcs(VpcIds=[asked["VpcId"]])  # moto says so if there is none
            if asked.get("PrivateDnsEnabled", True):
                self._check_private_dns(ec2, asked["VpcId"], asked["ServiceName"])
            endpoint = self._make(call, ec2)
            self._endpoints[endpoint.id] = endpoint
            self._tokens[token] = endpoint.id
        return {"VpcEndpoint": {**self._described(ec2, endpoint), "State": "pending"}}

    def _check_private_dns(self, ec2: Any, vpc_id: str, service: str) -> None:
        """Refuse a private name that the VPC cannot have, or has already."""
        request.check_dns_attributes(ec2, vpc_id)
        if any(e.private_dns and e.service_name == service for e in self.endpoints(vpc_id)):
            raise ServiceError(
                "InvalidParameter",
                "private-dns-enabled cannot be set because there is already a conflicting DNS "
                f"domain for {private_name(service)} in the VPC {vpc_id}",
            )

    def _make(self, call: Call, ec2: Any) -> Endpoint:
        asked, vpc_id = call.parameters, call.parameters["VpcId"]
        id_ = f"vpce-0{secrets.token_hex(8)}"
        subnets = request.subnets(ec2, vpc_id, asked.get("SubnetIds", ()))
        groups = tuple(asked.get("SecurityGroupIds", ())) or request.default_group(ec2, vpc_id)
        check_groups(ec2, vpc_id, groups)
        interfaces = tuple(self._make_interface(call.region, id_, s, groups) for s in subnets)
        if tags := request.tags(asked.get("TagSpecifications", ())):
            ec2.create_tags(Resources=[id_], Tags=tags)
        return Endpoint(
            id=id_,
            service_name=asked["ServiceName"],
            vpc_id=vpc_id,
            region=call.region,
            subnet_ids=subnets,
            group_ids=groups,
            interface_ids=interfaces,
            private_dns=asked.get("PrivateDnsEnabled", True),
            policy_document=asked.get("PolicyDocument", ANYTHING),
            created_at=datetime.now(UTC),
        )

    def _make_interface(
        self, region: str, id_: str, subnet_id: str, groups: tuple[str, ...]
    ) -> str:
        answer = self._inner("ec2", region).create_network_interface(
            SubnetId=subnet_id,
            Groups=list(groups),
            PrivateIpAddress=self._addresses.take(region, subnet_id),
            Description=f"VPC Endpoint Interface {id_}",
        )
        return answer["NetworkInterface"]["NetworkInterfaceId"]

    def describe(self, call: Call) -> dict[str, Any]:
        ec2 = self._inner("ec2", call.region)
        with self._lock:
            here = [item for item in self._endpoints.values() if item.region == call.region]
            wanted = call.parameters.get("VpcEndpointIds")
            if wanted:
                here = [self._endpoint(id_, call.region) for id_ in wanted]
            described = [self._described(ec2, item) for item in here]
        names = {
            "vpc-id": "VpcId",
            "service-name": "ServiceName",
            "vpc-endpoint-id": "VpcEndpointId",
            "vpc-endpoint-state": "State",
            "vpc-endpoint-type": "VpcEndpointType",
            "ip-address-type": "IpAddressType",
        }
        return {"VpcEndpoints": matching(described, call.parameters.get("Filters", ()), names)}

    def modify(self, call: Call) -> dict[str, Any]:
        """Change an endpoint's groups, policy or private DNS."""
        asked = call.parameters
        changes = (
            "AddSecurityGroupIds",
            "RemoveSecurityGroupIds",
            "PolicyDocument",
            "ResetPolicy",
            "PrivateDnsEnabled",
        )
        for name in sorted(set(asked) - {"VpcEndpointId", "DryRun", *changes}):
            raise not_emulated("ec2", f"ModifyVpcEndpoint with {name}")
        ec2 = self._inner("ec2", call.region)
        with self._lock:
            endpoint = self._endpoint(asked["VpcEndpointId"], call.region)
            removed = asked.get("RemoveSecurityGroupIds", ())
            kept = [group for group in endpoint.group_ids if group not in removed]
            groups = tuple(dict.fromkeys([*kept, *asked.get("AddSecurityGroupIds", ())]))
            if not groups:
                raise ServiceError("InvalidParameter", "An endpoint needs a security group.")
            check_groups(ec2, endpoint.vpc_id, groups)
            private_dns = asked.get("PrivateDnsEnabled", endpoint.private_dns)
            if private_dns and not endpoint.private_dns:
                self._check_private_dns(ec2, endpoint.vpc_id, endpoint.service_name)
            for interface_id in endpoint.interface_ids:
                ec2.modify_network_interface_attribute(
                    NetworkInterfaceId=interface_id, Groups=list(groups)
                )
            policy = ANYTHING if asked.get("ResetPolicy") else endpoint.policy_document
            self._endpoints[endpoint.id] = replace(
                endpoint,
                group_ids=groups,
                private_dns=private_dns,
                policy_document=asked.get("PolicyDocument", policy),
            )
        return {"Return": True}

    def delete(self, call: Call) -> dict[str, Any]:
        ec2, unsuccessful = self._inner("ec2", call.region), []
        for id_ in call.parameters["VpcEndpointIds"]:
            try:
                with self._lock:
                    endpoint = self._endpoint(id_, call.region)
                    del self._endpoints[endpoint.id]
            except ServiceError as error:
                reason = {"Code": error.code, "Message": error.message}
                unsuccessful.append({"ResourceId": id_, "Error": reason})
                continue
            found = ec2.describe_network_interfaces(
                NetworkInterfaceIds=list(endpoint.interface_ids)
            )
            for interface in found["NetworkInterfaces"] if endpoint.interface_ids else ():
                ec2.delete_network_interface(NetworkInterfaceId=interface["NetworkInterfaceId"])
                self._addresses.free(
                    call.region, interface["SubnetId"], [interface["PrivateIpAddress"]]
                )
        return {"Unsuccessful": unsuccessful}

    def _endpoint(self, id_: str, region: str) -> Endpoint:
        found = self._endpoints.get(id_)
        if found is None or found.region != region:
            raise ServiceError(
                "InvalidVpcEndpointId.NotFound", f"The Vpc Endpoint Id '{id_}' does not exist"
            )
        return found

    def _described(self, ec2: Any, endpoint: Endpoint) -> dict[str, Any]:
        of_endpoint = [{"Name": "resource-id", "Values": [endpoint.id]}]
        tags = ec2.describe_tags(Filters=of_endpoint)["Tags"]
        groups = ec2.describe_security_groups(GroupIds=list(endpoint.group_ids))["SecurityGroups"]
        zone_name = endpoint.service_name.rpartition(".")[2]
        names = [f"{endpoint.id}.{zone_name}.{endpoint.region}.vpce.amazonaws.com"]
        if endpoint.private_dns:
            names.append(private_name(endpoint.service_name))
        return {
            "VpcEndpointId": endpoint.id,
            "VpcEndpointType": "Interface",
            "VpcId": endpoint.vpc_id,
            "ServiceName": endpoint.service_name,
            "State": "available",
            "PolicyDocument": endpoint.policy_document,
            "RouteTableIds": [],
            "SubnetIds": list(endpoint.subnet_ids),
            "Groups": [{"GroupId": g["GroupId"], "GroupName": g["GroupName"]} for g in groups],
            "IpAddressType": "ipv4",
            "PrivateDnsEnabled": endpoint.private_dns,
            "RequesterManaged": False,
            "NetworkInterfaceIds": list(endpoint.interface_ids),
            "DnsEntries": [{"DnsName": name} for name in names],
            "CreationTimestamp": endpoint.created_at,
            "Tags": [{"Key": tag["Key"], "Value": tag["Value"]} for tag in tags],
            "OwnerId": ACCOUNT_ID,
        }
