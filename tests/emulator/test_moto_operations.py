"""moto called as functions answers what moto answers by HTTP: its own server is the yardstick."""

import json

import pytest
from botocore.exceptions import ClientError

from labkit.emulator.clients import InProcess
from labkit.emulator.upstream import Moto

KEY = ("AKIAABCDEFGHIJKLMNOP", "secret")
POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "logs:CreateLogStream", "Resource": "*"}],
    }
)
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})
PING = {"IpProtocol": "icmp", "FromPort": -1, "ToPort": -1, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}


@pytest.fixture(scope="module")
def straight():
    moto = Moto(KEY)
    return InProcess(moto.answer, moto.s3, *KEY)


@pytest.fixture(scope="module")
def made(straight):
    """Some of each kind of thing that a lab has."""
    ec2, iam = straight("ec2", "us-east-1"), straight("iam", "us-east-1")
    logs, ssm = straight("logs", "us-east-1"), straight("ssm", "us-east-1")
    vpc = ec2.create_vpc(
        CidrBlock="10.9.0.0/16",
        TagSpecifications=[{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": "ä <&>"}]}],
    )["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.1.0/24")["Subnet"]["SubnetId"]
    group = ec2.create_security_group(VpcId=vpc, GroupName="equal", Description="d")["GroupId"]
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[PING])
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    instance = ec2.run_instances(
        ImageId=image, MinCount=1, MaxCount=1, SubnetId=subnet, SecurityGroupIds=[group]
    )["Instances"][0]["InstanceId"]
    ec2.create_key_pair(KeyName="equal")
    prefix_list = ec2.create_managed_prefix_list(
        PrefixListName="equal",
        MaxEntries=2,
        AddressFamily="IPv4",
        Entries=[{"Cidr": "10.0.0.0/8"}],
    )["PrefixList"]["PrefixListId"]
    iam.create_role(
        RoleName="equal", AssumeRolePolicyDocument=POLICY, Tags=[{"Key": "a", "Value": ""}]
    )
    iam.put_role_policy(RoleName="equal", PolicyName="p", PolicyDocument=POLICY)
    iam.create_instance_profile(InstanceProfileName="equal")
    iam.add_role_to_instance_profile(InstanceProfileName="equal", RoleName="equal")
    logs.create_log_group(logGroupName="/equal", tags={"a": "b"})
    logs.create_log_stream(logGroupName="/equal", logStreamName="s")
    ssm.put_parameter(Name="/equal", Value="v", Type="String", Description="<&>")
    return {"vpc": vpc, "subnet": subnet, "group": group, "instance": instance, "pl": prefix_list}


READS = [
    ("ec2", "describe_vpcs", {}),
    ("ec2", "describe_vpcs", {"VpcIds": ["{vpc}"]}),
    ("ec2", "describe_vpcs", {"Filters": [{"Name": "cidr", "Values": ["10.9.0.0/16"]}]}),
    ("ec2", "describe_vpcs", {"VpcIds": ["vpc-0123456789abcdef0"]}),
    ("ec2", "describe_vpc_attribute", {"VpcId": "{vpc}", "Attribute": "enableDnsSupport"}),
    ("ec2", "describe_subnets", {"MaxResults": 5}),
    ("ec2", "describe_route_tables", {}),
    ("ec2", "describe_network_acls", {}),
    ("ec2", "describe_security_groups", {"GroupIds": ["{group}"]}),
    ("ec2", "describe_security_groups", {"GroupNames": ["not there"]}),
    ("ec2", "describe_security_group_rules", {}),
    ("ec2", "describe_network_interfaces", {}),
    ("ec2", "describe_instances", {}),
    ("ec2", "describe_instances", {"InstanceIds": ["{instance}"]}),
    ("ec2", "describe_instance_status", {"IncludeAllInstances": True}),
    ("ec2", "describe_instance_attribute", {"InstanceId": "{instance}", "Attribute": "userData"}),
    ("ec2", "describe_instance_types", {"InstanceTypes": ["t4g.micro", "m5.large"]}),
    ("ec2", "describe_instance_types", {"InstanceTypes": ["no.such"]}),
    ("ec2", "describe_instance_type_offerings", {}),
    (
        "ec2",
        "describe_instance_type_offerings",
        {
            "LocationType": "availability-zone",
            "Filters": [{"Name": "instance-type", "Values": ["t4g.*"]}],
        },
    ),
    ("ec2", "describe_images", {"Owners": ["amazon"]}),
    ("ec2", "describe_availability_zones", {}),
    ("ec2", "describe_regions", {}),
    ("ec2", "describe_volumes", {}),
    ("ec2", "describe_key_pairs", {}),
    ("ec2", "describe_tags", {}),
    ("ec2", "describe_managed_prefix_lists", {}),
    ("ec2", "get_managed_prefix_list_entries", {"PrefixListId": "{pl}"}),
    ("ec2", "describe_prefix_lists", {}),
    ("ec2", "describe_iam_instance_profile_associations", {}),
    ("ec2", "delete_vpc", {"VpcId": "vpc-0123456789abcdef0"}),
    ("iam", "get_role", {"RoleName": "equal"}),
    ("iam", "get_role", {"RoleName": "not-there"}),
    ("iam", "create_role", {"RoleName": "equal", "AssumeRolePolicyDocument": TRUST}),
    ("iam", "list_roles", {}),
    ("iam", "list_role_tags", {"RoleName": "equal"}),
    ("iam", "get_role_policy", {"RoleName": "equal", "PolicyName": "p"}),
    ("iam", "get_instance_profile", {"InstanceProfileName": "equal"}),
    ("iam", "list_policies", {"MaxItems": 7}),
    ("iam", "list_policies", {"Scope": "Local"}),
    ("iam", "list_attached_role_policies", {"RoleName": "equal"}),
    ("iam", "get_policy", {"PolicyArn": "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"}),
    ("iam", "list_users", {}),
    ("iam", "list_access_keys", {"UserName": "learner"}),
    ("sts", "get_caller_identity", {}),
    ("logs", "describe_log_groups", {}),
    ("logs", "describe_log_streams", {"logGroupName": "/equal"}),
    ("logs", "describe_log_streams", {"logGroupName": "/not-there"}),
    ("logs", "list_tags_log_group", {"logGroupName": "/equal"}),
    ("logs", "create_log_group", {"logGroupName": "/equal"}),
    ("ssm", "get_parameter", {"Name": "/equal"}),
    ("ssm", "get_parameter", {"Name": "/not-there"}),
    ("ssm", "get_parameters", {"Names": ["/equal", "/not-there"]}),
    ("ssm", "get_parameters_by_path", {"Path": "/", "Recursive": True}),
    ("ssm", "describe_parameters", {}),
]


def outcome(client, operation, asked):
    """Return an answer, or code, message and status of an error, without what differs by call."""
    try:
        answer = getattr(client, operation)(**asked)
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        told = error.response["Error"]
        return error.operation_name, type(error).__name__, told["Code"], told["Message"], status
    assert answer.pop("ResponseMetadata")["HTTPStatusCode"] == 200
    return answer


def filled(asked, made):
    if isinstance(asked, str):
        return (
            asked.format(**made)
            if asked.startswith("{") and asked.endswith("}") and " " not in asked
            else asked
        )
    if isinstance(asked, list):
        return [filled(item, made) for item in asked]
    return {k: filled(v, made) for k, v in asked.items()} if isinstance(asked, dict) else asked


@pytest.mark.parametrize(
    ("service", "operation", "asked"), READS, ids=[f"{s}:{o} {list(a)}" for s, o, a in READS]
)
def test_the_answer_is_that_of_motos_server(straight, by_http, made, service, operation, asked):
    asked = filled(asked, made)
    expected = outcome(by_http(service, KEY), operation, asked)
    assert outcome(straight(service, "us-east-1"), operation, asked) == expected
