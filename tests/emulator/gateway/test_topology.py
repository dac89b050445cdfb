"""The topology follows each change before its answer goes out, and reads no more than it must."""

import threading

import pytest

from labkit.emulator.clients import InProcess
from labkit.emulator.topology import Topology
from labkit.emulator.upstream import Moto
from labkit.emulator.vpc_reader import VpcReader


class DataPlane:
    """Remembers what it was told, as the data process would be."""

    def __init__(self):
        self.told = []

    def set_vpc(self, vpc_id, vpc, captures):
        self.told.append((vpc_id, vpc, captures))


@pytest.fixture
def data_plane():
    return DataPlane()


@pytest.fixture
def reads():
    """The id of each VPC that was read, in order."""
    return []


@pytest.fixture
def topology(inner, data_plane, reads):
    def note(vpcs):
        reads.extend(vpc["VpcId"] for vpc in vpcs)
        return vpcs

    describe = VpcReader(inner, {"Vpcs": note})
    return Topology(describe, data_plane, lambda vpc, region: {"eni-1": ()})


@pytest.fixture
def ec2(inner):
    return inner("ec2", "us-east-1")


@pytest.fixture
def vpc(ec2):
    vpc_id = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet_id = ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    return vpc_id, subnet_id


@pytest.fixture
def run(ec2, inner):
    name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"
    image = inner("ssm", "us-east-1").get_parameter(Name=name)["Parameter"]["Value"]

    def run(subnet_id, clients=inner):
        answer = clients("ec2", "us-east-1").run_instances(
            ImageId=image, InstanceType="t4g.micro", MinCount=1, MaxCount=1, SubnetId=subnet_id
        )
        return answer["Instances"][0]["InstanceId"]

    return run


def changed(topology, operation, *ids):
    topology.changed("ec2", operation, "us-east-1", " ".join(ids).encode())


def test_a_vpc_without_instances_is_not_read_before_it_is_asked_for(
    topology, data_plane, vpc, reads
):
    changed(topology, "CreateSubnet", *vpc)
    topology.refresh("us-east-1", [vpc[0]])
    assert reads == []
    assert set(topology.vpc(vpc[0]).subnets) == {vpc[1]}
    assert topology.vpc(vpc[0]).id == vpc[0]
    assert reads == [vpc[0]]
    assert data_plane.told == []


def test_an_instance_brings_its_vpc_to_the_data_plane_and_takes_it_away(
    topology, data_plane, vpc, run, ec2
):
    changed(topology, "CreateSubnet", *vpc)
    instance_id = run(vpc[1])
    changed(topology, "RunInstances", *vpc, instance_id)
    assert [(id_, captures) for id_, _, captures in data_plane.told] == [(vpc[0], {"eni-1": ()})]
    assert instance_id in data_plane.told[0][1].instances
    assert topology.instance(instance_id)[2].id == instance_id
    ec2.delete_tags(Resources=[instance_id])
    changed(topology, "DeleteTags", instance_id)
    assert len(data_plane.told) == 1


@pytest.mark.parametrize(
    "named",
    [
        pytest.param("group", id="a call that names the group finds the group's VPC"),
        pytest.param("nothing", id="a call that names nothing known reads all that run"),
    ],
)
def test_a_rule_change_is_told_at_once(topology, data_plane, vpc, run, ec2, named):
    vpc_id, subnet_id = vpc
    group = ec2.create_security_group(GroupName="g", Description="d", VpcId=vpc_id)["GroupId"]
    changed(topology, "CreateSecurityGroup", vpc_id, group)
    changed(topology, "RunInstances", vpc_id, run(subnet_id))
    rule = {"IpProtocol": "icmp", "FromPort": 8, "ToPort": -1}
    rule["IpRanges"] = [{"CidrIp": "10.0.0.0/16"}]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    changed(topology, "AuthorizeSecurityGroupIngress", group if named == "group" else "pl-00000000")
    assert len(data_plane.told) == 2
    assert [r.from_port for r in data_plane.told[-1][1].security_groups[group].ingress] == [8]


def test_another_vpc_is_left_alone(topology, data_plane, vpc, run, ec2):
    changed(topology, "RunInstances", *vpc, run(vpc[1]))
    other = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    changed(topology, "CreateVpc", other)
    changed(topology, "ModifyVpcAttribute", other)
    assert len(data_plane.told) == 1


def test_a_vpc_that_is_gone_is_forgotten(topology, ec2):
    vpc_id = ec2.create_vpc(CidrBlock="10.8.0.0/16")["Vpc"]["VpcId"]
    changed(topology, "CreateVpc", vpc_id)
    assert topology.vpc(vpc_id).id == vpc_id
    ec2.delete_vpc(VpcId=vpc_id)
    changed(topology, "DeleteVpc", vpc_id)
    assert topology.vpc(vpc_id) is None
    assert topology.interface("eni-00000000") is None


def test_refresh_reads_again_what_has_instances(topology, data_plane, vpc, run):
    changed(topology, "RunInstances", *vpc, run(vpc[1]))
    topology.refresh("us-east-1", [vpc[0]])
    topology.refresh("us-east-1")
    topology.refresh("eu-west-1")
    assert len(data_plane.told) == 3


def test_a_vpc_is_read_at_one_moment(run, vpc):
    """While a VPC is read nothing changes in it: each instance's interface is among the others."""
    moto = Moto()
    clients = InProcess(moto.answer, moto.s3, "AKIATEST", "secret")
    describe = VpcReader(clients, hold=lambda: moto.turn("ec2"))
    ending = threading.Event()

    def change():
        while not ending.is_set():
            run(vpc[1], clients)

    changing = threading.Thread(target=change)
    changing.start()
    try:
        for _ in range(20):
            found = describe("us-east-1", vpc[0])
            interfaces = {item["NetworkInterfaceId"] for item in found["NetworkInterfaces"]}
            for instance in found["Instances"]:
                assert {
                    i["NetworkInterfaceId"] for i in instance["NetworkInterfaces"]
                } <= interfaces
    finally:
        ending.set()
        changing.join()


def test_to_ask_for_instances_reads_no_vpc_that_has_none(topology, vpc, run, ec2, reads):
    other = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    changed(topology, "RunInstances", *vpc, run(vpc[1]))
    changed(topology, "CreateVpc", other)
    reads.clear()
    assert [found.id for found in topology.with_instances("us-east-1")] == [vpc[0]]
    assert topology.instance("i-00000000000000000") is None
    assert reads == []
