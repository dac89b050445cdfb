import json
from dataclasses import dataclass, field

import pytest

from labkit.emulator.flow_logs.flow_logs import FlowLogs
from labkit.emulator.flow_logs.registry import Registry
from labkit.network.topology import read_vpcs

NOW = 1_800_000_000.0
GROUP_ACTIONS = ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"]


@dataclass
class RecordingTopology:
    """Notes which VPCs it was told to read again."""

    refreshed: list = field(default_factory=list)

    def refresh(self, region, vpc_ids=None):
        self.refreshed.append((region, set(vpc_ids)))


class Lab:
    """A VPC with one subnet and two instances, a bucket, a log group and a role, in moto."""

    def __init__(self, inner, name):
        self.inner, self.name = inner, name
        self.ec2, self.s3, self.logs, self.iam = (
            inner(service, "us-east-1") for service in ("ec2", "s3", "logs", "iam")
        )
        self.vpc_id = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        subnet = self.ec2.create_subnet(VpcId=self.vpc_id, CidrBlock="10.0.1.0/24")["Subnet"]
        self.subnet_id, self.zone_id = subnet["SubnetId"], subnet["AvailabilityZoneId"]
        self.bucket = f"bucket-{name}"
        self.s3.create_bucket(Bucket=self.bucket)
        self.logs.create_log_group(logGroupName=name)
        self.role_arn = self.make_role(name, ["vpc-flow-logs.amazonaws.com"])
        self.grant(GROUP_ACTIONS)

    def make_role(self, name, services, condition=None):
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": services},
            "Action": "sts:AssumeRole",
            **({"Condition": condition} if condition else {}),
        }
        trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        return self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]

    def grant(self, actions, resource=None):
        """Give the role one inline policy: these actions on the group and its streams."""
        resource = resource or f"arn:aws:logs:us-east-1:123456789012:log-group:{self.name}:*"
        statement = {"Effect": "Allow", "Action": actions, "Resource": resource}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.iam.put_role_policy(RoleName=self.name, PolicyName="p", PolicyDocument=document)

    def run_instance(self, instance_type="t4g.micro"):
        image = self.ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
        answer = self.ec2.run_instances(
            ImageId=image,
            MinCount=1,
            MaxCount=1,
            SubnetId=self.subnet_id,
            InstanceType=instance_type,
        )
        return answer["Instances"][0]

    def read_vpc(self):
        ec2, of_vpc = self.ec2, [{"Name": "vpc-id", "Values": [self.vpc_id]}]
        answers = {
            "Vpcs": ec2.describe_vpcs(Filters=of_vpc)["Vpcs"],
            "Subnets": ec2.describe_subnets(Filters=of_vpc)["Subnets"],
            "NetworkInterfaces": ec2.describe_network_interfaces(Filters=of_vpc)[
                "NetworkInterfaces"
            ],
            "SecurityGroups": [],
            "NetworkAcls": [],
            "RouteTables": [],
            "Instances": [
                instance
                for reservation in ec2.describe_instances(Filters=of_vpc)["Reservations"]
                for instance in reservation["Instances"]
            ],
        }
        return read_vpcs(answers)[self.vpc_id]

    def to_s3(self, **more):
        return {
            "ResourceIds": [self.subnet_id],
            "ResourceType": "Subnet",
            "TrafficType": "ALL",
            "LogDestinationType": "s3",
            "LogDestination": f"arn:aws:s3:::{self.bucket}",
            **more,
        }

    def to_logs(self, **more):
        return {
            "ResourceIds": [self.subnet_id],
            "ResourceType": "Subnet",
            "TrafficType": "ALL",
            "LogGroupName": self.name,
            "DeliverLogsPermissionArn": self.role_arn,
            **more,
        }


@pytest.fixture
def lab(inner, unique):
    return Lab(inner, unique)


@pytest.fixture
def topology():
    return RecordingTopology()


@pytest.fixture
def registry(inner):
    return Registry(inner)


@pytest.fixture
def flow_logs(registry, inner, topology):
    return FlowLogs(registry, inner, topology, lambda: NOW)


@pytest.fixture
def create(flow_logs, call):
    """Calls CreateFlowLogs and returns its answer."""
    return lambda **asked: flow_logs.create(call("ec2", "CreateFlowLogs", **asked))
