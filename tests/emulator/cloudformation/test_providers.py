"""Each provider: what it makes is what the template says, and goes with the stack.

Source: docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/
"""

import json

import pytest

NETWORK = """
Resources:
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
  Subnet:
    Type: AWS::EC2::Subnet
    Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.1.0/24, MapPublicIpOnLaunch: true}
"""


@pytest.fixture
def ec2(inner):
    return inner("ec2", "us-east-1")


@pytest.fixture
def deploy(cloudformation, unique):
    """Create a stack from resources beside a VPC and a subnet; return its outputs."""

    def create(more, *outputs):
        values = "".join(f"  O{n}: {{Value: {output}}}\n" for n, output in enumerate(outputs))
        body = NETWORK + more + (f"Outputs:\n{values}" if values else "")
        stack = cloudformation.create(unique, body)
        assert stack["StackStatus"] == "CREATE_COMPLETE", cloudformation(
            "DescribeStackEvents", StackName=unique
        )
        return [output["OutputValue"] for output in stack["Outputs"]]

    yield create
    assert cloudformation.delete(unique)["StackStatus"] == "DELETE_COMPLETE"


def without_tags_of_cloudformation(tags):
    return {tag["Key"]: tag["Value"] for tag in tags if not tag["Key"].startswith("aws:")}


def test_vpc_and_its_defaults(deploy, ec2):
    vpc_id, acl_id, group_id = deploy(
        "", "!Ref Vpc", "!GetAtt Vpc.DefaultNetworkAcl", "!GetAtt Vpc.DefaultSecurityGroup"
    )
    [acl] = ec2.describe_network_acls(NetworkAclIds=[acl_id])["NetworkAcls"]
    [group] = ec2.describe_security_groups(GroupIds=[group_id])["SecurityGroups"]
    assert (acl["VpcId"], acl["IsDefault"]) == (vpc_id, True)
    assert (group["VpcId"], group["GroupName"]) == (vpc_id, "default")


@pytest.mark.parametrize(
    ("properties", "support", "hostnames"),
    [("", True, False), (", EnableDnsHostnames: true", True, True),
     (", EnableDnsSupport: false", False, False)],
    ids=["AWS's defaults", "hostnames", "no support"],
)  # fmt: skip
def test_dns_of_a_vpc(deploy, ec2, properties, support, hostnames):
    more = f"  Other: {{Type: AWS::EC2::VPC, Properties: {{CidrBlock: 10.1.0.0/16{properties}}}}}\n"
    [vpc_id] = deploy(more, "!Ref Other")

    def attribute(name):
        answer = ec2.describe_vpc_attribute(VpcId=vpc_id, Attribute=name)
        return answer[name[0].upper() + name[1:]]["Value"]

    assert attribute("enableDnsSupport") == support
    assert attribute("enableDnsHostnames") == hostnames


def test_subnet(deploy, ec2):
    subnet_id, zone = deploy("", "!Ref Subnet", "!GetAtt Subnet.AvailabilityZone")
    [subnet] = ec2.describe_subnets(SubnetIds=[subnet_id])["Subnets"]
    assert subnet["MapPublicIpOnLaunch"] is True
    assert (subnet["CidrBlock"], subnet["AvailabilityZone"]) == ("10.0.1.0/24", zone)


def test_routes(deploy, ec2):
    more = """
  Table: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref Vpc}}
  Association:
    Type: AWS::EC2::SubnetRouteTableAssociation
    Properties: {SubnetId: !Ref Subnet, RouteTableId: !Ref Table}
  Group: {Type: AWS::EC2::SecurityGroup, Properties: {VpcId: !Ref Vpc, GroupDescription: g}}
"""
    table_id, association_id, subnet_id = deploy(
        more, "!Ref Table", "!Ref Association", "!Ref Subnet"
    )
    [table] = ec2.describe_route_tables(RouteTableIds=[table_id])["RouteTables"]
    [association] = table["Associations"]
    assert association["RouteTableAssociationId"] == association_id
    assert association["SubnetId"] == subnet_id
    assert [route["DestinationCidrBlock"] for route in table["Routes"]] == ["10.0.0.0/16"]


def test_security_group(deploy, ec2):
    more = """
  Peer: {Type: AWS::EC2::SecurityGroup, Properties: {VpcId: !Ref Vpc, GroupDescription: p}}
  Group:
    Type: AWS::EC2::SecurityGroup
    Properties:
      VpcId: !Ref Vpc
      GroupDescription: a group
      SecurityGroupIngress:
        - {IpProtocol: icmp, FromPort: 8, ToPort: -1, CidrIp: 10.0.1.0/24, Description: ping}
        - {IpProtocol: tcp, FromPort: 443, ToPort: 443, SourceSecurityGroupId: !Ref Peer}
      SecurityGroupEgress:
        - {IpProtocol: tcp, FromPort: 80, ToPort: 80, CidrIp: 0.0.0.0/0}
"""
    group_id, peer_id = deploy(more, "!GetAtt Group.GroupId", "!Ref Peer")
    peer, group = (
        ec2.describe_security_groups(GroupIds=[id_])["SecurityGroups"][0]
        for id_ in (peer_id, group_id)
    )
    ping, https = group["IpPermissions"]
    assert (ping["IpProtocol"], ping["FromPort"], ping["ToPort"]) == ("icmp", 8, -1)
    assert ping["IpRanges"] == [{"CidrIp": "10.0.1.0/24", "Description": "ping"}]
    assert [pair["GroupId"] for pair in https["UserIdGroupPairs"]] == [peer_id]
    [egress] = group["IpPermissionsEgress"]  # the open rule of a new group is gone
    assert (egress["FromPort"], egress["ToPort"]) == (80, 80)
    assert [rule["IpProtocol"] for rule in peer["IpPermissionsEgress"]] == ["-1"]  # and here not
    assert group["Description"] == "a group"


def test_rules_of_their_own(cloudformation, deploy, ec2, unique):
    more = """
  Group: {Type: AWS::EC2::SecurityGroup, Properties: {VpcId: !Ref Vpc, GroupDescription: g}}
  In:
    Type: AWS::EC2::SecurityGroupIngress
    Properties: {GroupId: !Ref Group, IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: 1.2.3.4/32}
  Out:
    Type: AWS::EC2::SecurityGroupEgress
    Properties: {GroupId: !Ref Group, IpProtocol: udp, FromPort: 53, ToPort: 53, CidrIp: 1.1.1.1/32}
"""
    group_id, rule_id = deploy(more, "!Ref Group", "!Ref In")
    of_group = [{"Name": "group-id", "Values": [group_id]}]
    rules = ec2.describe_security_group_rules(Filters=of_group)["SecurityGroupRules"]
    ids = {rule["SecurityGroupRuleId"] for rule in rules if not rule["IsEgress"]}
    assert ids == {rule_id} == {cloudformation.physical_id(unique, "In")}
    assert {rule["IpProtocol"] for rule in rules if rule["IsEgress"]} == {"-1", "udp"}


def test_network_acl(deploy, ec2):
    more = """
  Acl: {Type: AWS::EC2::NetworkAcl, Properties: {VpcId: !Ref Vpc, Tags: [{Key: a, Value: b}]}}
  NoSsh:
    Type: AWS::EC2::NetworkAclEntry
    Properties:
      {NetworkAclId: !Ref Acl, RuleNumber: 90, Protocol: 6, RuleAction: deny, Egress: false,
       CidrBlock: 0.0.0.0/0, PortRange: {From: 22, To: 22}}
  Out:
    Type: AWS::EC2::NetworkAclEntry
    Properties:
      {NetworkAclId: !Ref Acl, RuleNumber: 100, Protocol: -1, RuleAction: allow, Egress: true,
       CidrBlock: 0.0.0.0/0}
  Association:
    Type: AWS::EC2::SubnetNetworkAclAssociation
    Properties: {NetworkAclId: !Ref Acl, SubnetId: !Ref Subnet}
"""
    acl_id, subnet_id = deploy(more, "!Ref Acl", "!Ref Subnet")
    [acl] = ec2.describe_network_acls(NetworkAclIds=[acl_id])["NetworkAcls"]
    [association] = acl["Associations"]
    assert association["SubnetId"] == subnet_id
    entries = {entry["RuleNumber"]: entry for entry in acl["Entries"] if entry["RuleNumber"] < 200}
    assert (entries[90]["RuleAction"], entries[90]["Egress"]) == ("deny", False)
    assert entries[90]["PortRange"] == {"From": 22, "To": 22}
    assert (entries[100]["RuleAction"], entries[100]["Egress"]) == ("allow", True)
    assert without_tags_of_cloudformation(acl["Tags"]) == {"a": "b"}


def test_bucket(deploy, inner, call):
    more = """
  Bucket:
    Type: AWS::S3::Bucket
    Properties:
      PublicAccessBlockConfiguration: {BlockPublicAcls: true, BlockPublicPolicy: true}
      BucketEncryption:
        ServerSideEncryptionConfiguration:
          - ServerSideEncryptionByDefault: {SSEAlgorithm: AES256}
      OwnershipControls: {Rules: [{ObjectOwnership: BucketOwnerEnforced}]}
      VersioningConfiguration: {Status: Enabled}
      LifecycleConfiguration:
        Rules: [{Id: r, Status: Enabled, ExpirationInDays: '3', Prefix: p}]
      Tags: [{Key: a, Value: b}]
  Policy:
    Type: AWS::S3::BucketPolicy
    Properties:
      Bucket: !Ref Bucket
      PolicyDocument: {Statement: [{Effect: Deny, Principal: '*', Action: s3:PutObject,
                                    Resource: !Sub '${Bucket.Arn}/*'}]}
"""
    bucket, arn = deploy(more, "!Ref Bucket", "!GetAtt Bucket.Arn")
    s3 = inner("s3", "us-east-1")
    assert arn == f"arn:aws:s3:::{bucket}"
    block = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert (block["BlockPublicPolicy"], block["RestrictPublicBuckets"]) == (True, False)
    [encryption] = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"][
        "Rules"
    ]
    assert encryption["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    [owner] = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]
    assert owner == {"ObjectOwnership": "BucketOwnerEnforced"}
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    [rule] = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert (rule["ID"], rule["Expiration"], rule["Filter"]) == ("r", {"Days": 3}, {"Prefix": "p"})
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == [{"Key": "a", "Value": "b"}]
    policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    assert policy["Statement"][0]["Resource"] == f"{arn}/*"


def test_bucket_of_another_region(cloudformation, inner, unique):
    body = "Resources: {Bucket: {Type: AWS::S3::Bucket}}\nOutputs: {O: {Value: !Ref Bucket}}"
    cloudformation("CreateStack", StackName=unique, TemplateBody=body, region="eu-west-1")
    stack = {"StackStatus": "CREATE_IN_PROGRESS"}
    while stack["StackStatus"].endswith("IN_PROGRESS"):
        [stack] = cloudformation("DescribeStacks", region="eu-west-1", StackName=unique)["Stacks"]
    bucket = stack["Outputs"][0]["OutputValue"]
    location = inner("s3", "eu-west-1").get_bucket_location(Bucket=bucket)
    assert location["LocationConstraint"] == "eu-west-1"


def test_a_second_bucket_policy_fails(cloudformation, unique):
    policy = "{Type: AWS::S3::BucketPolicy, Properties: {Bucket: !Ref Bucket, PolicyDocument: {}}"
    stack = cloudformation.create(
        unique,
        f"Resources:\n  Bucket: {{Type: AWS::S3::Bucket}}\n  First: {policy}}}\n"
        f"  Second: {policy}, DependsOn: First}}\n",
    )
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    reason = cloudformation.reason(unique, "Second", "CREATE_FAILED")
    assert "The bucket policy already exists on bucket" in reason
    assert "HandlerErrorCode: AlreadyExists" in reason


def test_a_lifecycle_that_is_not_honored_fails(cloudformation, unique):
    body = """
    Resources:
      Bucket:
        Type: AWS::S3::Bucket
        Properties:
          LifecycleConfiguration:
            Rules: [{Status: Enabled, Transitions: [{StorageClass: GLACIER, TransitionInDays: 1}]}]
    """
    cloudformation.create(unique, body)
    reason = cloudformation.reason(unique, "Bucket", "CREATE_FAILED")
    assert "The emulator does not honor ['Transitions']" in reason


ROLE = """
  Role:
    Type: AWS::IAM::Role
    Properties:
      Description: a role
      AssumeRolePolicyDocument:
        Version: 2012-10-17
        Statement:
          - {Effect: Allow, Principal: {Service: ec2.amazonaws.com}, Action: sts:AssumeRole}
      ManagedPolicyArns: ['arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore']
      Policies:
        - PolicyName: inline
          PolicyDocument:
            Version: 2012-10-17
            Statement: [{Effect: Allow, Action: s3:*, Resource: '*'}]
      Tags: [{Key: a, Value: b}]
  Profile: {Type: AWS::IAM::InstanceProfile, Properties: {Roles: [!Ref Role]}}
"""


def test_role_and_instance_profile(deploy, inner):
    name, arn, profile_name = deploy(ROLE, "!Ref Role", "!GetAtt Role.Arn", "!Ref Profile")
    iam = inner("iam", "us-east-1")
    role = iam.get_role(RoleName=name)["Role"]
    assert (role["Arn"], role["Description"]) == (arn, "a role")
    assert role["Tags"] == [{"Key": "a", "Value": "b"}]  # CloudFormation adds none of its own
    [managed] = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    assert managed["PolicyName"] == "AmazonSSMManagedInstanceCore"
    assert iam.list_role_policies(RoleName=name)["PolicyNames"] == ["inline"]
    [of_profile] = iam.get_instance_profile(InstanceProfileName=profile_name)["InstanceProfile"][
        "Roles"
    ]
    assert of_profile["RoleName"] == name


def test_a_role_that_someone_attached_a_policy_to_stays(cloudformation, inner, unique):
    cloudformation.create(unique, "Resources:" + ROLE)
    name, iam = cloudformation.physical_id(unique, "Role"), inner("iam", "us-east-1")
    policy = {"RoleName": name, "PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}
    iam.attach_role_policy(**policy)
    assert cloudformation.delete(unique)["StackStatus"] == "DELETE_FAILED"
    iam.detach_role_policy(**policy)
    assert cloudformation.delete(unique)["StackStatus"] == "DELETE_COMPLETE"


def test_log_group(deploy, inner):
    more = """
  Group:
    Type: AWS::Logs::LogGroup
    Properties: {RetentionInDays: '7', Tags: [{Key: a, Value: b}]}
"""
    name, arn = deploy(more, "!Ref Group", "!GetAtt Group.Arn")
    logs = inner("logs", "us-east-1")
    [group] = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    assert group["retentionInDays"] == 7
    assert arn == f"arn:aws:logs:us-east-1:123456789012:log-group:{name}:*"
    assert logs.list_tags_log_group(logGroupName=name)["tags"]["a"] == "b"


def test_parameter(deploy, inner):
    more = """
  Parameter:
    Type: AWS::SSM::Parameter
    Properties: {Type: String, Value: !Ref Vpc, Description: d, Tags: {a: b}}
"""
    name, value, vpc_id = deploy(more, "!Ref Parameter", "!GetAtt Parameter.Value", "!Ref Vpc")
    ssm = inner("ssm", "us-east-1")
    assert ssm.get_parameter(Name=name)["Parameter"]["Value"] == value == vpc_id
    tags = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=name)["TagList"]
    assert without_tags_of_cloudformation(tags) == {"a": "b"}
