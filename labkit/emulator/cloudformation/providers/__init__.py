"""One resource provider per type; `PROVIDERS` is all that a stack can hold here."""

from __future__ import annotations

from labkit.emulator.cloudformation.providers import (
    athena,
    flow_logs,
    glue,
    iam,
    iam_policies,
    instances,
    internet_gateways,
    key_pairs,
    kms,
    launch_templates,
    logs,
    network_acls,
    network_interfaces,
    prefix_lists,
    route_tables,
    s3,
    security_group_rules,
    security_groups,
    ssm,
    stacks,
    subnets,
    vpc,
    vpc_endpoints,
    wait_handles,
)
from labkit.emulator.cloudformation.providers.not_made import NotMade
from labkit.emulator.cloudformation.providers.provider import Provider

_ALL: tuple[Provider, ...] = (
    athena.NamedQuery(),
    athena.WorkGroup(),
    flow_logs.FlowLog(),
    glue.Database(),
    glue.Table(),
    iam.InstanceProfile(),
    iam.Role(),
    iam_policies.ManagedPolicy(),
    iam_policies.Policy(),
    iam_policies.RolePolicy(),
    instances.Instance(),
    internet_gateways.InternetGateway(),
    internet_gateways.VpcGatewayAttachment(),
    key_pairs.KeyPair(),
    kms.Alias(),
    kms.Key(),
    launch_templates.LaunchTemplate(),
    logs.LogGroup(),
    logs.LogStream(),
    logs.ResourcePolicy(),
    network_acls.NetworkAcl(),
    network_acls.NetworkAclEntry(),
    network_acls.SubnetNetworkAclAssociation(),
    network_interfaces.NetworkInterface(),
    prefix_lists.PrefixList(),
    route_tables.Route(),
    route_tables.RouteTable(),
    s3.Bucket(),
    s3.BucketPolicy(),
    security_group_rules.SecurityGroupEgress(),
    security_group_rules.SecurityGroupIngress(),
    security_groups.SecurityGroup(),
    ssm.Parameter(),
    stacks.Stack(),
    subnets.Subnet(),
    subnets.SubnetRouteTableAssociation(),
    vpc.Vpc(),
    vpc_endpoints.VpcEndpoint(),
    wait_handles.WaitConditionHandle(),
)


class _Providers(dict[str, Provider]):
    """The providers by type; for any other type one that says why it makes nothing."""

    def __missing__(self, type_name: str) -> Provider:
        return NotMade(type_name, self)


PROVIDERS: dict[str, Provider] = _Providers({provider.type: provider for provider in _ALL})
