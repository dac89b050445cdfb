import json
from dataclasses import dataclass, field, replace

import pytest

from labkit.emulator.ssm.dispatch import Dispatch
from labkit.emulator.ssm.nodes import ManagedNodes
from labkit.emulator.ssm.output_to_s3 import OutputToS3
from labkit.emulator.ssm.run_command import RunCommand
from labkit.network.packets import syn
from labkit.network.path import round_trip
from labkit.network.topology import (
    AclEntry,
    Instance,
    NetworkAcl,
    NetworkInterface,
    SecurityGroup,
    SecurityGroupRule,
    Subnet,
    Vpc,
)

NOW = 1_800_000_000.0  # 2027-01-15T08:00:00Z
ONE, TWO = "i-00000000000000001", "i-00000000000000002"
REGION = "us-east-1"


@dataclass
class Clock:
    now: float = NOW

    def __call__(self):
        return self.now


@dataclass(frozen=True)
class Endpoint:
    service_name: str
    interface_ids: tuple
    private_dns: bool = True


@dataclass
class RecordingDataPlane:
    """Notes what it was asked to run and to cancel."""

    specs: list = field(default_factory=list)
    cancelled: list = field(default_factory=list)

    def run(self, spec):
        self.specs.append(spec)

    def cancel(self, command_id, instance_id):
        self.cancelled.append((command_id, instance_id))


class World:
    """A VPC that the tests change: two instances and two endpoints, all as AWS wants it."""

    def __init__(self, profile_arn, clock):
        self.clock = clock
        https = {"protocol": 6, "from_port": 443, "to_port": 443}
        self.groups = {
            "sg-nodes": SecurityGroup(
                "sg-nodes", "vpc-1", "nodes", egress=(rule("sg-nodes", True, cidr="0.0.0.0/0"),)
            ),
            "sg-endpoints": SecurityGroup(
                "sg-endpoints",
                "vpc-1",
                "endpoints",
                ingress=(rule("sg-endpoints", False, referenced_group_id="sg-nodes", **https),),
            ),
        }
        self.instances = {
            id_: Instance(id_, "vpc-1", "running", (f"eni-{n}",), profile_arn, f"ip-10-0-1-1{n}.x")
            for n, id_ in enumerate((ONE, TWO), 1)
        }
        self.endpoints = {
            name: Endpoint(f"com.amazonaws.us-east-1.{name}", (f"eni-{name}",))
            for name in ("ssm", "ssmmessages")
        }
        self.acl_entries = [
            AclEntry("acl-1", 100, egress, -1, "allow", "0.0.0.0/0") for egress in (True, False)
        ]
        self.subnet_of_endpoints = "subnet-1"

    def vpc(self):
        interfaces = [
            interface(f"eni-{n}", f"10.0.1.1{n}", "sg-nodes", "subnet-1", id_)
            for n, id_ in enumerate((ONE, TWO), 1)
        ] + [
            interface(f"eni-{name}", f"10.0.1.2{n}", "sg-endpoints", "subnet-1", None)
            for n, name in enumerate(("ssm", "ssmmessages"))
        ]
        return Vpc(
            id="vpc-1",
            cidr_blocks=("10.0.0.0/16",),
            subnets={"subnet-1": Subnet("subnet-1", "vpc-1", "10.0.1.0/24", "acl-1", None)},
            interfaces={item.id: item for item in interfaces},
            instances=dict(self.instances),
            security_groups=dict(self.groups),
            network_acls={"acl-1": NetworkAcl("acl-1", "vpc-1", True, tuple(self.acl_entries))},
            route_tables={},
            prefix_lists={},
        )

    def last_heard_at(self, instance_id):
        """Say that an agent is heard if its SYNs, and the answers to them, would get through.

        That the data plane's agents really are, is tested there.
        """
        instance = self.instances.get(instance_id)
        vpc = self.vpc()
        own = vpc.interfaces[instance.interface_ids[0]] if instance else None
        for service in ("ssm", "ssmmessages"):
            endpoint = self.endpoints.get(service)
            if own is None or endpoint is None or not endpoint.private_dns:
                return None
            if endpoint.service_name != f"com.amazonaws.{REGION}.{service}":
                return None
            to = vpc.interfaces[endpoint.interface_ids[0]]
            paths = round_trip(vpc, syn(own.primary_ip, to.primary_ip, dstport=443), own.id)
            if not (len(paths) == 2 and all(path.receiver_id for path in paths)):
                return None
        return self.clock()

    # as ssm.nodes.Topology

    def with_instances(self, region):
        return [self.vpc()] if region == REGION else []

    def instance(self, instance_id):
        found = self.instances.get(instance_id)
        return (REGION, self.vpc(), found) if found else None

    # what tests do to it

    def set_state(self, instance_id, state):
        self.instances[instance_id] = replace(self.instances[instance_id], state=state)

    def rename(self, instance_id, new_id):
        self.instances[new_id] = replace(self.instances.pop(instance_id), id=new_id)

    def set_ingress_of_endpoints(self, *rules):
        group = self.groups["sg-endpoints"]
        self.groups["sg-endpoints"] = replace(group, ingress=rules)


def rule(group_id, is_egress, *, protocol=-1, from_port=-1, to_port=-1, **peer):
    return SecurityGroupRule(None, group_id, is_egress, protocol, from_port, to_port, **peer)


def interface(id_, ip, group, subnet, instance_id):
    kind = "interface" if instance_id else "vpc_endpoint"
    return NetworkInterface(id_, "vpc-1", subnet, (ip,), (group,), instance_id, kind)


@pytest.fixture
def iam(inner):
    return inner("iam", REGION)


@pytest.fixture
def make_profile(iam, unique):
    """Makes an instance profile whose role has policies attached or inline."""

    def make(*, attached=(), inline=None, name=unique):
        principal = {"Service": "ec2.amazonaws.com"}
        trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))
        for policy in attached:
            iam.attach_role_policy(RoleName=name, PolicyArn=f"arn:aws:iam::aws:policy/{policy}")
        if inline:
            iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=document(inline))
        arn = iam.create_instance_profile(InstanceProfileName=name)["InstanceProfile"]["Arn"]
        iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
        return arn

    return make


def document(statement):
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture
def world(make_profile, clock):
    return World(make_profile(attached=["AmazonSSMManagedInstanceCore"]), clock)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def data_plane():
    return RecordingDataPlane()


@pytest.fixture
def nodes(world, inner):
    return ManagedNodes(world, world.last_heard_at, inner)


@pytest.fixture
def output(inner, nodes):
    return OutputToS3(inner, nodes)


@pytest.fixture
def dispatch(data_plane, nodes, clock, output):
    return Dispatch(data_plane, nodes, clock, output=output, later=lambda job: job())


@pytest.fixture
def ssm(dispatch, nodes, inner, clock, call, output):
    """Calls an operation of SSM as the gateway would: ssm("SendCommand", InstanceIds=[...])."""
    operations = RunCommand(dispatch, inner, clock, output=output).operations() | nodes.operations()
    return lambda name, **asked: operations["ssm", name](call("ssm", name, **asked))
