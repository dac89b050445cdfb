"""A VPC as it is now, read from EC2's answers; and the picture that is drawn of it."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest

from labkit import charts, describe
from labkit.errors import LabError


@pytest.fixture
def quiet():
    mpl.use("Agg")
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def ec2(session):
    return session.client("ec2")


@pytest.fixture(scope="module")
def vpc(ec2):
    """A VPC with a subnet, a network ACL of its own, and an interface with a group."""
    vpc_id = ec2.create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"]
    subnet_id = ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.7.1.0/24")["Subnet"]["SubnetId"]
    prefix_list_id = ec2.create_managed_prefix_list(
        PrefixListName="offices", AddressFamily="IPv4", MaxEntries=2,
        Entries=[{"Cidr": "198.51.100.0/24"}],
    )["PrefixList"]["PrefixListId"]  # fmt: skip
    group_id = ec2.create_security_group(VpcId=vpc_id, GroupName="web", Description="web")[
        "GroupId"
    ]
    ec2.authorize_security_group_ingress(
        GroupId=group_id,
        IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443,
             "PrefixListIds": [{"PrefixListId": prefix_list_id}]},
        ],
    )  # fmt: skip
    interface_id = ec2.create_network_interface(SubnetId=subnet_id, Groups=[group_id])[
        "NetworkInterface"
    ]["NetworkInterfaceId"]
    ids = {"vpc": vpc_id, "subnet": subnet_id, "group": group_id, "interface": interface_id}
    return {**ids, "prefix_list": prefix_list_id}


def test_all_that_decides_is_read_and_rules_have_their_ids(ec2, vpc):
    seen = describe.read_vpc(ec2, vpc["vpc"])
    (rule,) = seen.security_groups[vpc["group"]].ingress
    assert rule.id.startswith("sgr-")
    assert rule.prefix_list_id == vpc["prefix_list"]
    assert seen.prefix_lists == {vpc["prefix_list"]: ("198.51.100.0/24",)}
    assert set(seen.interfaces) == {vpc["interface"]}
    assert seen.network_acls[seen.subnets[vpc["subnet"]].network_acl_id].is_default


def test_a_vpc_that_is_not_there(ec2):
    with pytest.raises(LabError, match="There is no VPC vpc-0123456789abcdef0: run 01_deploy"):
        describe.read_vpc(ec2, "vpc-0123456789abcdef0")


def test_the_picture_has_the_rules_of_each_group_in_use(ec2, vpc, quiet):
    ax = charts.topology(ec2, {"VpcId": vpc["vpc"]})
    written = [text.get_text() for text in ax.texts]
    assert f"in:  TCP 443 from {vpc['prefix_list']}" in written
    assert "out: everything to anywhere" in written
    assert any(vpc["subnet"] in text for text in written)
    assert "Security group: web" in charts.description(ax)
    assert "Security group: default" not in charts.description(ax)
