"""Two managed nodes on a real emulator, made and asked by AWS's API alone."""

import gzip
import json
import time

import pytest

SUBNET = "10.0.1.0/24"


class Network:
    """Two managed nodes in one subnet, and both flow logs on it."""

    def __init__(self, session, prefix):
        self.prefix = prefix
        client = {name: session.client(name) for name in ("ec2", "ssm", "s3", "logs", "iam")}
        self.ec2, self.ssm, self.s3, self.logs, self.iam = client.values()
        self.vpc_id = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        for attribute in ("EnableDnsSupport", "EnableDnsHostnames"):
            self.ec2.modify_vpc_attribute(VpcId=self.vpc_id, **{attribute: {"Value": True}})
        subnet = self.ec2.create_subnet(VpcId=self.vpc_id, CidrBlock=SUBNET)["Subnet"]
        self.subnet_id = subnet["SubnetId"]
        self.nodes_group = self.make_group("nodes", "icmp", 8, -1)
        self.make_endpoints(self.make_group("endpoints", "tcp", 443, 443))
        self.make_destinations()
        self.instances = self.run_instances()

    def make_group(self, name, protocol, from_port, to_port):
        id_ = self.ec2.create_security_group(GroupName=name, Description=name, VpcId=self.vpc_id)[
            "GroupId"
        ]
        self.ingress = {
            "IpProtocol": protocol,
            "FromPort": from_port,
            "ToPort": to_port,
            "IpRanges": [{"CidrIp": SUBNET}],
        }
        self.ec2.authorize_security_group_ingress(GroupId=id_, IpPermissions=[self.ingress])
        return id_

    def make_endpoints(self, group_id):
        for name in ("ssm", "ssmmessages"):
            self.ec2.create_vpc_endpoint(
                VpcId=self.vpc_id,
                ServiceName=f"com.amazonaws.us-east-1.{name}",
                VpcEndpointType="Interface",
                SubnetIds=[self.subnet_id],
                SecurityGroupIds=[group_id],
                PrivateDnsEnabled=True,
            )

    def make_role(self, name, service, statement=None):
        principal = {"Service": f"{service}.amazonaws.com"}
        trust = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
        role = self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))
        if statement:
            self.iam.put_role_policy(
                RoleName=name, PolicyName="p", PolicyDocument=document(statement)
            )
        return role["Role"]["Arn"]

    def make_destinations(self):
        self.bucket, self.group = f"{self.prefix}-bucket", f"{self.prefix}-group"
        self.s3.create_bucket(Bucket=self.bucket)
        self.logs.create_log_group(logGroupName=self.group)
        actions = ["logs:CreateLogStream", "logs:PutLogEvents"]
        arn = self.make_role(
            f"{self.prefix}-delivery",
            "vpc-flow-logs",
            {
                "Effect": "Allow",
                "Action": actions,
                "Resource": f"arn:aws:logs:*:*:log-group:{self.group}:*",
            },
        )
        subnet = {
            "ResourceIds": [self.subnet_id],
            "ResourceType": "Subnet",
            "TrafficType": "ALL",
            "MaxAggregationInterval": 60,
        }
        self.subnet = subnet
        self.ec2.create_flow_logs(
            **subnet, LogDestinationType="s3", LogDestination=f"arn:aws:s3:::{self.bucket}"
        )
        self.ec2.create_flow_logs(**subnet, LogGroupName=self.group, DeliverLogsPermissionArn=arn)

    def run_instances(self):
        name = f"{self.prefix}-node"
        self.make_role(name, "ec2")
        policy = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
        self.iam.attach_role_policy(RoleName=name, PolicyArn=policy)
        self.iam.create_instance_profile(InstanceProfileName=name)
        self.iam.add_role_to_instance_profile(InstanceProfileName=name, RoleName=name)
        parameter = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"
        image = self.ssm.get_parameter(Name=parameter)["Parameter"]["Value"]
        return [self.run_instance(image, name) for _ in range(2)]

    def run_instance(self, image, profile):
        answer = self.ec2.run_instances(
            ImageId=image,
            InstanceType="t4g.micro",
            MinCount=1,
            MaxCount=1,
            SubnetId=self.subnet_id,
            SecurityGroupIds=[self.nodes_group],
            IamInstanceProfile={"Name": profile},
        )
        return answer["Instances"][0]

    def ping(self, count):
        """Ping the second node from the first; return the invocation."""
        one, two = self.instances
        lines = [f"ping -c {count} -i 0.2 -W 1 {two['PrivateIpAddress']}"]
        command = self.ssm.send_command(
            InstanceIds=[one["InstanceId"]],
            DocumentName="AWS-RunShellScript",
            Parameters={"commands": lines},
        )["Command"]
        asked = {"CommandId": command["CommandId"], "InstanceId": one["InstanceId"]}
        with pytest.raises(self.ssm.exceptions.InvocationDoesNotExist):
            self.ssm.get_command_invocation(**asked)
        time.sleep(0.2)
        return within(20, lambda: finished(self.ssm.get_command_invocation(**asked)))

    def lines_in_s3(self):
        contents = self.s3.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        bodies = [self.s3.get_object(Bucket=self.bucket, Key=o["Key"])["Body"] for o in contents]
        texts = [gzip.decompress(body.read()).decode() for body in bodies]
        return [line for text in texts for line in text.splitlines()[1:]]

    def lines_in_logs(self):
        pages = self.logs.get_paginator("filter_log_events").paginate(logGroupName=self.group)
        return [event["message"] for page in pages for event in page["events"]]


def document(statement):
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def finished(invocation):
    return invocation if invocation["Status"] in ("Success", "Failed") else None


def within(seconds, look):
    """Return what look finds as soon as it finds something."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, "nothing came"
        time.sleep(0.05)
    return found
