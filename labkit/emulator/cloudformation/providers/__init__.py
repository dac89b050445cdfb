"""One resource provider per type; `PROVIDERS` is all that a stack can hold here."""

from __future__ import annotations

from labkit.emulator.cloudformation.providers import (
    flow_logs,
    iam,
    instances,
    logs,
    network_acls,
    s3,
    security_groups,
    ssm,
    vpc,
    vpc_endpoints,
)
from labkit.emulator.cloudformation.providers.provider import Provider

_ALL: tuple[Provider, ...] = (
    flow_logs.FlowLog(),
    iam.InstanceProfile(),
    iam.Role(),
    instances.Instance(),
    logs.LogGroup(),
    network_acls.NetworkAcl(),
    network_acls.NetworkAclEntry(),
    network_acls.SubnetNetworkAclAssociation(),
    s3.Bucket(),
    s3.BucketPolicy(),
    security_groups.SecurityGroup(),
    security_groups.SecurityGroupEgress(),
    security_groups.SecurityGroupIngress(),
    ssm.Parameter(),
    vpc.Route(),
    vpc.RouteTable(),
    vpc.Subnet(),
    vpc.SubnetRouteTableAssociation(),
    vpc.Vpc(),
    vpc_endpoints.VpcEndpoint(),
)

PROVIDERS: dict[str, Provider] = {provider.type: provider for provider in _ALL}
