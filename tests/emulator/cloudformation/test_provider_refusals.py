"""What the providers refuse, and what they make where a template says less than usual.

Source: docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/
"""

import pytest
from round_trip import create, delete, failures, physical_ids

from labkit.emulator.cloudformation.providers import PROVIDERS
from labkit.emulator.cloudformation.providers.provider import Context, HandlerError

NETWORK = """
  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16}}
  Subnet: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.1.0/24}}
  Table: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref Vpc}}
  Gateway: {Type: AWS::EC2::InternetGateway}
"""


@pytest.fixture
def cloudformation(session):
    return session.client("cloudformation")


@pytest.mark.parametrize(
    ("it", "reason"),
    [
        ("{Type: AWS::S3::Bucket, Properties: {AccessControl: LogDeliveryWrite}}",
         "The emulator does not honor AccessControl LogDeliveryWrite: leave it out, or say"),
        ("{Type: AWS::EC2::SecurityGroup, Properties: {VpcId: !Ref Vpc, GroupDescription: g, "
         "SecurityGroupIngress: [{IpProtocol: tcp, SourceSecurityGroupName: x}]}}",
         "The emulator does not honor ['SourceSecurityGroupName'] of a rule."),
        ("{Type: AWS::EC2::Route, Properties: {RouteTableId: !Ref Table, "
         "DestinationCidrBlock: 0.0.0.0/0}}", "A route needs one of GatewayId, InstanceId,"),
        ("{Type: AWS::EC2::Route, Properties: {RouteTableId: !Ref Table, GatewayId: !Ref Gateway}}",
         "A route needs exactly one of DestinationCidrBlock and DestinationPrefixListId."),
        ("{Type: AWS::EC2::Route, Properties: {RouteTableId: !Ref Table, GatewayId: !Ref Gateway, "
         "DestinationCidrBlock: 0.0.0.0/0}}", "belong to different networks"),
        ("{Type: AWS::EC2::VPCGatewayAttachment, Properties: {VpcId: !Ref Vpc}}",
         "An attachment needs an InternetGatewayId."),
        ("{Type: AWS::EC2::VPCGatewayAttachment, Properties: {VpcId: !Ref Vpc, VpnGatewayId: x}}",
         "[VpnGatewayId] is a property that the emulator does not honor"),
        ("{Type: AWS::IAM::Policy, Properties: {PolicyName: p, PolicyDocument: {Statement: []}}}",
         "At least one of [Groups,Roles,Users] must be non-empty."),
        ("{Type: AWS::Glue::Database, Properties: {CatalogId: '210987654321', "
         "DatabaseInput: {Name: n}}}", "Catalog 210987654321 not found."),
        ("{Type: AWS::EC2::NetworkInterfaceAttachment, Properties: {}}",
         "an interface is attached when its instance starts"),
        ("{Type: AWS::SSM::Parameter, Properties: {Type: String}}",
         "#: required key [Value] not found"),
        ("{Type: AWS::KMS::Key, Properties: {KeySpec: ROT13}}",
         "#/KeySpec: ROT13 is not a valid enum value"),
        ("{Type: AWS::Athena::WorkGroup, Properties: {Name: 'a b'}}",
         "Member must satisfy regular expression pattern"),
    ],
    ids=lambda value: value if not value.startswith("{") else None,
)  # fmt: skip
def test_the_stack_fails_with_the_reason(cloudformation, it, reason):
    stack = create(cloudformation, f"Resources:{NETWORK}  It: {it}\n")
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    [told] = [why for name, why in failures(cloudformation, stack["StackId"]) if name == "It"]
    assert reason in told
    delete(cloudformation, stack)


def test_a_security_group_without_a_vpc_is_in_the_default_one(session, cloudformation):
    body = "Resources: {It: {Type: AWS::EC2::SecurityGroup, Properties: {GroupDescription: g}}}"
    stack = create(cloudformation, body)
    [group] = session.client("ec2").describe_security_groups(
        GroupIds=[physical_ids(cloudformation, stack)["It"]]
    )["SecurityGroups"]
    [vpc] = session.client("ec2").describe_vpcs(VpcIds=[group["VpcId"]])["Vpcs"]
    assert vpc["IsDefault"]
    delete(cloudformation, stack)


def test_an_instance_of_a_launch_template(session, cloudformation):
    image = "{{resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64}}"
    body = f"""
Resources:{NETWORK}
  Template:
    Type: AWS::EC2::LaunchTemplate
    Properties:
      LaunchTemplateData:
        ImageId: '{image}'
        InstanceType: t4g.nano
        TagSpecifications: [{{ResourceType: instance, Tags: [{{Key: a, Value: b}}]}}]
  It:
    Type: AWS::EC2::Instance
    Properties:
      SubnetId: !Ref Subnet
      LaunchTemplate:
        LaunchTemplateId: !Ref Template
        Version: !GetAtt Template.LatestVersionNumber
"""
    stack = create(cloudformation, body)
    assert stack["StackStatus"] == "CREATE_COMPLETE", failures(cloudformation, stack["StackId"])
    id_ = physical_ids(cloudformation, stack)["It"]
    [found] = session.client("ec2").describe_instances(InstanceIds=[id_])["Reservations"]
    [instance] = found["Instances"]
    assert instance["InstanceType"] == "t4g.nano"
    assert {"Key": "a", "Value": "b"} in instance["Tags"]
    delete(cloudformation, stack)


def test_the_language_extensions(session, cloudformation):
    body = """
Transform: AWS::LanguageExtensions
Parameters: {Names: {Type: CommaDelimitedList, Default: 'a,b,c'}}
Resources:
  It:
    Type: AWS::SSM::Parameter
    Properties:
      Type: String
      Value:
        Fn::ToJsonString: {count: {'Fn::Length': !Ref Names}, first: !Select [0, !Ref Names]}
"""
    stack = create(cloudformation, body)
    assert stack["StackStatus"] == "CREATE_COMPLETE", failures(cloudformation, stack["StackId"])
    name = physical_ids(cloudformation, stack)["It"]
    found = session.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
    assert found == '{"count":3,"first":"a"}'
    delete(cloudformation, stack)


def test_a_macro_must_be_acknowledged(cloudformation):
    body = "Transform: AWS::LanguageExtensions\nResources: {It: {Type: AWS::S3::Bucket}}"
    refused = cloudformation.exceptions.InsufficientCapabilitiesException
    with pytest.raises(refused, match="CAPABILITY_AUTO_EXPAND"):
        cloudformation.create_stack(StackName="no-macro", TemplateBody=body)


@pytest.mark.parametrize(
    ("kind", "old", "new"),
    [
        ("AWS::Glue::Table", {"TableInput": {"Name": "a"}}, {"TableInput": {"Name": "b"}}),
        ("AWS::EC2::SubnetRouteTableAssociation", {}, {}),
    ],
)
def test_changes_that_are_refused(session, kind, old, new):
    context = Context(session.client, "s", "It", "us-east-1", {}, {}, lambda _: None)
    with pytest.raises(HandlerError) as refused:
        PROVIDERS[kind].update(context, "a", old, new)
    assert refused.value.code == "NotUpdatable"


def test_another_route_table_for_a_subnet_takes_the_place_of_the_first(session, cloudformation):
    """As the engine replaces: the new association first, then the old one's deletion."""
    more = "  Other: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref Vpc}}\n"
    stack = create(cloudformation, f"Resources:{NETWORK}{more}")
    names, made = physical_ids(cloudformation, stack), []
    context = Context(session.client, "s", "It", "us-east-1", {}, {}, made.append)
    provider = PROVIDERS["AWS::EC2::SubnetRouteTableAssociation"]
    first = {"SubnetId": names["Subnet"], "RouteTableId": names["Table"]}
    second = {"SubnetId": names["Subnet"], "RouteTableId": names["Other"]}
    provider.create(context, first)
    provider.create(context, second)
    assert made[0] != made[1]
    with pytest.raises(cloudformation.exceptions.ClientError, match="InvalidAssociationID"):
        provider.delete(context, made[0], first)
    tables = session.client("ec2").describe_route_tables(RouteTableIds=[names["Other"]])
    [association] = tables["RouteTables"][0]["Associations"]
    assert association["RouteTableAssociationId"] == made[1]
    provider.delete(context, made[1], second)
    delete(cloudformation, stack)
