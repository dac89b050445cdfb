"""VPCs read from the answers of describe_* calls: moto's, and pieces that only AWS sends.

Shapes: docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVpcs.html, and the pages of
DescribeSubnets, DescribeNetworkInterfaces, DescribeRouteTables, DescribeNetworkAcls.
"""

import pickle
from typing import Any

import boto3
import pytest
from moto import mock_aws

from labkit.network.topology import ALL, Route, SecurityGroupRule, Vpc, VpcEndpoint, read_vpcs

AMAZON_LINUX_IN_MOTO = "ami-04681a1dbd79675a5"


@pytest.fixture
def ec2(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with mock_aws():
        yield boto3.client("ec2", region_name="us-east-1")


def describe(ec2: Any, vpc_id: str) -> dict[str, Any]:
    only = [{"Name": "vpc-id", "Values": [vpc_id]}]
    reservations = ec2.describe_instances(Filters=only)["Reservations"]
    return {
        "Vpcs": ec2.describe_vpcs(VpcIds=[vpc_id])["Vpcs"],
        "Subnets": ec2.describe_subnets(Filters=only)["Subnets"],
        "NetworkInterfaces": ec2.describe_network_interfaces(Filters=only)["NetworkInterfaces"],
        "SecurityGroups": ec2.describe_security_groups(Filters=only)["SecurityGroups"],
        "SecurityGroupRules": ec2.describe_security_group_rules()["SecurityGroupRules"],
        "NetworkAcls": ec2.describe_network_acls(Filters=only)["NetworkAcls"],
        "RouteTables": ec2.describe_route_tables(Filters=only)["RouteTables"],
        "Instances": [item for found in reservations for item in found["Instances"]],
    }


def made(ec2: Any) -> Any:
    """Make a VPC with one instance in one subnet; return the ids."""
    vpc_id = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet_id = ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    group_id = ec2.create_security_group(GroupName="web", Description="d", VpcId=vpc_id)["GroupId"]
    instance = ec2.run_instances(
        ImageId=AMAZON_LINUX_IN_MOTO,
        MinCount=1,
        MaxCount=1,
        SubnetId=subnet_id,
        SecurityGroupIds=[group_id],
        PrivateIpAddress="10.0.1.10",
    )["Instances"][0]
    return vpc_id, subnet_id, group_id, instance["InstanceId"]


def test_a_vpc_with_an_instance(ec2):
    vpc_id, subnet_id, group_id, instance_id = made(ec2)
    vpc = read_vpcs(describe(ec2, vpc_id))[vpc_id]
    assert vpc.cidr_blocks == ("10.0.0.0/16",)
    assert vpc.subnets[subnet_id].cidr_block == "10.0.1.0/24"
    (interface,) = vpc.interfaces.values()
    assert interface.private_ips == ("10.0.1.10",)
    assert interface.group_ids == (group_id,)
    assert interface.instance_id == instance_id
    assert vpc.instances[instance_id].interface_ids == (interface.id,)
    assert vpc.instances[instance_id].state == "running"
    assert pickle.loads(pickle.dumps(vpc)) == vpc


def test_the_default_acl_and_the_main_route_table_hold_for_a_subnet(ec2):
    vpc_id, subnet_id, _, _ = made(ec2)
    vpc = read_vpcs(describe(ec2, vpc_id))[vpc_id]
    subnet = vpc.subnets[subnet_id]
    acl, table = vpc.network_acls[subnet.network_acl_id], vpc.route_tables[subnet.route_table_id]
    assert acl.is_default
    assert [(e.rule_number, e.rule_action, e.is_egress) for e in acl.entries] == [
        (100, "allow", True),
        (32767, "deny", True),
        (100, "allow", False),
        (32767, "deny", False),
    ]
    assert table.is_main
    assert table.routes == (Route(table.id, "10.0.0.0/16", "local"),)


def test_an_acl_and_a_route_table_of_its_own(ec2):
    vpc_id, subnet_id, _, _ = made(ec2)
    acl_id = ec2.create_network_acl(VpcId=vpc_id)["NetworkAcl"]["NetworkAclId"]
    table_id = ec2.create_route_table(VpcId=vpc_id)["RouteTable"]["RouteTableId"]
    ec2.associate_route_table(RouteTableId=table_id, SubnetId=subnet_id)
    ec2.create_network_acl_entry(
        NetworkAclId=acl_id,
        RuleNumber=90,
        Protocol="6",
        RuleAction="deny",
        Egress=False,
        CidrBlock="0.0.0.0/0",
        PortRange={"From": 22, "To": 23},
    )
    only = [{"Name": "association.subnet-id", "Values": [subnet_id]}]
    (association,) = ec2.describe_network_acls(Filters=only)["NetworkAcls"][0]["Associations"]
    ec2.replace_network_acl_association(
        AssociationId=association["NetworkAclAssociationId"], NetworkAclId=acl_id
    )
    vpc = read_vpcs(describe(ec2, vpc_id))[vpc_id]
    assert vpc.subnets[subnet_id].network_acl_id == acl_id
    assert vpc.subnets[subnet_id].route_table_id == table_id
    (entry,) = (e for e in vpc.network_acls[acl_id].entries if e.rule_number == 90)
    assert (entry.protocol, entry.from_port, entry.to_port, entry.icmp_type) == (6, 22, 23, ALL)


def test_rules_of_a_security_group_with_their_ids(ec2):
    vpc_id, _, group_id, _ = made(ec2)
    ec2.authorize_security_group_ingress(
        GroupId=group_id,
        IpPermissions=[
            {
                "IpProtocol": "icmp",
                "FromPort": 8,
                "ToPort": -1,
                "IpRanges": [{"CidrIp": "10.0.1.0/24", "Description": "echo"}],
            },
            {
                "IpProtocol": "tcp",
                "FromPort": 22,
                "ToPort": 22,
                "UserIdGroupPairs": [{"GroupId": group_id}],
                "Ipv6Ranges": [{"CidrIpv6": "::/0"}],
            },
        ],
    )
    group = read_vpcs(describe(ec2, vpc_id))[vpc_id].security_groups[group_id]
    assert group.name == "web"
    echo, ipv6, members = group.ingress
    assert (echo.protocol, echo.from_port, echo.to_port, echo.cidr) == (1, 8, -1, "10.0.1.0/24")
    assert (ipv6.cidr, ipv6.cidr_ipv6) == (None, "::/0")
    assert members.referenced_group_id == group_id
    (everything,) = group.egress
    assert (everything.protocol, everything.from_port, everything.to_port) == (ALL, ALL, ALL)
    ids = [rule.id for rule in (*group.ingress, *group.egress)]
    assert len({id_ for id_ in ids if id_ and id_.startswith("sgr-")}) == 4


def test_one_vpc_has_nothing_of_another(ec2):
    (one, *_), (other, *_) = made(ec2), made(ec2)
    answers = {
        key: [*value, *describe(ec2, other)[key]] for key, value in describe(ec2, one).items()
    }
    vpcs = read_vpcs(answers)
    assert set(vpcs) == {one, other}
    assert len(vpcs[one].interfaces) == len(vpcs[other].interfaces) == 1
    assert all(group.vpc_id == one for group in vpcs[one].security_groups.values())


EMPTY: dict[str, Any] = {
    "Vpcs": [{"VpcId": "vpc-1", "CidrBlock": "10.0.0.0/16"}],
    "Subnets": [],
    "NetworkInterfaces": [],
    "SecurityGroups": [],
    "NetworkAcls": [],
    "RouteTables": [],
    "Instances": [],
}


def read(**answers: Any) -> Vpc:
    return read_vpcs({**EMPTY, **answers})["vpc-1"]


def test_icmp_type_and_code_of_an_acl_entry_as_aws_sends_them():
    """docs.aws.amazon.com/AWSEC2/latest/APIReference/API_NetworkAclEntry.html"""
    entry = {
        "CidrBlock": "0.0.0.0/0",
        "Egress": False,
        "IcmpTypeCode": {"Type": 8, "Code": -1},
        "Protocol": "1",
        "RuleAction": "deny",
        "RuleNumber": 90,
    }
    acl = {"NetworkAclId": "acl-1", "VpcId": "vpc-1", "IsDefault": False, "Entries": [entry]}
    (found,) = read(NetworkAcls=[acl]).network_acls["acl-1"].entries
    assert (found.icmp_type, found.icmp_code) == (8, -1)


@pytest.mark.parametrize(
    ("route", "expected"),
    [
        pytest.param(
            {"DestinationCidrBlock": "0.0.0.0/0", "NatGatewayId": "nat-1", "State": "blackhole"},
            Route("rtb-1", "0.0.0.0/0", "nat-1", "blackhole"),
            id="a NAT gateway that is gone",
        ),
        pytest.param(
            {"DestinationPrefixListId": "pl-1", "GatewayId": "vpce-1", "State": "active"},
            Route("rtb-1", "pl-1", "vpce-1"),
            id="a gateway endpoint",
        ),
        pytest.param(
            {"DestinationIpv6CidrBlock": "::/0", "EgressOnlyInternetGatewayId": "eigw-1"},
            Route("rtb-1", "::/0", "eigw-1"),
            id="IPv6",
        ),
    ],
)
def test_routes(route, expected):
    table = {"RouteTableId": "rtb-1", "VpcId": "vpc-1", "Routes": [route]}
    assert read(RouteTables=[table]).route_tables["rtb-1"].routes == (expected,)


def test_secondary_ranges_count_while_they_are_associated():
    vpc = {
        "VpcId": "vpc-1",
        "CidrBlock": "10.0.0.0/16",
        "CidrBlockAssociationSet": [
            {"CidrBlock": "10.0.0.0/16", "CidrBlockState": {"State": "associated"}},
            {"CidrBlock": "100.64.0.0/16", "CidrBlockState": {"State": "associated"}},
            {"CidrBlock": "100.65.0.0/16", "CidrBlockState": {"State": "disassociated"}},
        ],
    }
    assert read(Vpcs=[vpc]).cidr_blocks == ("10.0.0.0/16", "100.64.0.0/16")


def test_addresses_and_interfaces_come_primary_first():
    interface = {
        "NetworkInterfaceId": "eni-1",
        "VpcId": "vpc-1",
        "SubnetId": "subnet-1",
        "PrivateIpAddress": "10.0.1.9",
        "PrivateIpAddresses": [
            {"PrivateIpAddress": "10.0.1.4", "Primary": False},
            {"PrivateIpAddress": "10.0.1.9", "Primary": True},
        ],
    }
    instance = {
        "InstanceId": "i-1",
        "VpcId": "vpc-1",
        "State": {"Name": "stopped"},
        "IamInstanceProfile": {"Arn": "arn:aws:iam::123456789012:instance-profile/p"},
        "NetworkInterfaces": [
            {"NetworkInterfaceId": "eni-2", "Attachment": {"DeviceIndex": 1}},
            {"NetworkInterfaceId": "eni-1", "Attachment": {"DeviceIndex": 0}},
        ],
    }
    vpc = read(NetworkInterfaces=[interface], Instances=[instance])
    assert vpc.interfaces["eni-1"].private_ips == ("10.0.1.9", "10.0.1.4")
    assert vpc.interfaces["eni-1"].instance_id is None
    assert vpc.instances["i-1"].interface_ids == ("eni-1", "eni-2")
    assert vpc.instances["i-1"].profile_arn == "arn:aws:iam::123456789012:instance-profile/p"


def test_a_terminated_instance_belongs_to_no_vpc():
    gone = {"InstanceId": "i-1", "State": {"Name": "terminated"}}
    assert read(Instances=[gone]).instances == {}


@pytest.mark.parametrize(
    ("told", "private_dns"),
    [({"PrivateDnsEnabled": True}, True), ({"PrivateDnsEnabled": False}, False), ({}, False)],
)
def test_an_interface_endpoint(told, private_dns):
    """docs.aws.amazon.com/AWSEC2/latest/APIReference/API_VpcEndpoint.html"""
    endpoint = {
        "VpcEndpointId": "vpce-1",
        "VpcId": "vpc-1",
        "VpcEndpointType": "Interface",
        "ServiceName": "com.amazonaws.us-east-1.ssm",
        "NetworkInterfaceIds": ["eni-1", "eni-2"],
        **told,
    }
    gateway = {**endpoint, "VpcEndpointId": "vpce-2", "VpcEndpointType": "Gateway"}
    elsewhere = {**endpoint, "VpcEndpointId": "vpce-3", "VpcId": "vpc-2"}
    assert read(VpcEndpoints=[endpoint, gateway, elsewhere]).endpoints == {
        "vpce-1": VpcEndpoint(
            "vpce-1", "vpc-1", "com.amazonaws.us-east-1.ssm", ("eni-1", "eni-2"), private_dns
        )
    }


def test_prefix_lists_are_a_dict_of_ranges():
    lists = {"pl-1": ["192.0.2.0/24"]}
    assert read(PrefixLists=lists).prefix_lists == {"pl-1": ("192.0.2.0/24",)}


def test_a_rule_without_its_id_is_told_by_its_content():
    permission = {"IpProtocol": "17", "FromPort": 53, "ToPort": 53}
    group = {
        "GroupId": "sg-1",
        "GroupName": "dns",
        "VpcId": "vpc-1",
        "IpPermissions": [{**permission, "PrefixListIds": [{"PrefixListId": "pl-1"}]}],
    }
    (rule,) = read(SecurityGroups=[group]).security_groups["sg-1"].ingress
    assert rule == SecurityGroupRule(None, "sg-1", False, 17, 53, 53, prefix_list_id="pl-1")
