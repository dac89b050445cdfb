"""The schemas of properties: current, and strict in AWS's words.

Source: docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/
"""

import make_schemas
import pytest

from labkit.emulator.cloudformation.document import load
from labkit.emulator.cloudformation.providers import PROVIDERS
from labkit.emulator.cloudformation.schema import known_types, schemas


def test_schemas_are_current():
    made = make_schemas.TARGET.read_text(encoding="utf-8")
    assert made == make_schemas.text(), f"run {make_schemas.__file__}"


@pytest.mark.parametrize("name", list(PROVIDERS))
def test_attributes_are_those_of_the_type(name):
    """GetAtt knows read-only properties, and others; the emulator must not invent any."""
    known = schemas()[name].read_only | make_schemas.attributes(name)
    assert set(PROVIDERS[name].attributes) <= known


@pytest.mark.parametrize("name", list(PROVIDERS))
def test_what_changes_in_place_is_honored_and_can_be_changed(name):
    provider, schema = PROVIDERS[name], schemas()[name]
    assert provider.in_place <= set(provider.honors)
    assert not provider.in_place & schema.create_only


@pytest.mark.parametrize(
    ("type_name", "create_only"),
    [
        ("AWS::EC2::VPC", {"CidrBlock"}),
        ("AWS::EC2::Subnet", {"AvailabilityZone", "CidrBlock", "VpcId"}),
        ("AWS::Logs::LogGroup", {"LogGroupName"}),
        ("AWS::EC2::InternetGateway", set()),
    ],
)
def test_what_needs_another_resource(type_name, create_only):
    """The "Update requires: Replacement" of the types' pages, of what is honored.

    Source: docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/
    """
    assert schemas()[type_name].create_only == create_only


@pytest.mark.parametrize(
    ("type_name", "known"),
    [("AWS::Lambda::Function", True), ("AWS::EC2::VPC", True), ("AWS::EC2::Vpc", False)],
)
def test_types_that_aws_knows(type_name, known):
    assert (type_name in known_types()) == known


@pytest.mark.parametrize(
    ("type_name", "properties", "problems"),
    [
        pytest.param("AWS::EC2::Subnet", "{VpcId: v, CidrBlock: 10.0.0.0/24}", [], id="fine"),
        pytest.param("AWS::EC2::Subnet", "{CidrBlock: 10.0.0.0/24}",
                     ["#: required key [VpcId] not found"], id="missing"),
        pytest.param("AWS::EC2::VPC", "[a]", ["#: expected type: Object, found: JSONArray"],
                     id="a list in the place of all properties"),
        pytest.param("AWS::EC2::Subnet", "{VpcId: v, CidrBlock: 10.0.0.0/24, Foo: 1}",
                     ["#: extraneous key [Foo] is not permitted"], id="unknown"),
        pytest.param("AWS::EC2::VPC", "{CidrBlock: 10.0.0.0/16, VpcId: v}",
                     ["#: extraneous key [VpcId] is not permitted"], id="read-only"),
        pytest.param("AWS::EC2::Subnet", "{VpcId: v, CidrBlock: 10.0.0.0/24, OutpostArn: a}",
                     ["#: [OutpostArn] is a property that the emulator does not honor"],
                     id="known to AWS, not honored here"),
        pytest.param("AWS::EC2::FlowLog", "{ResourceId: v, ResourceType: Vpc}",
                     ["#/ResourceType: Vpc is not a valid enum value"], id="enum"),
        pytest.param("AWS::EC2::FlowLog", "{ResourceId: v, ResourceType: VPC, "
                     "DestinationOptions: {FileFormat: parquet}}",
                     ["#/DestinationOptions: required key [HiveCompatiblePartitions] not found",
                      "#/DestinationOptions: required key [PerHourPartition] not found"],
                     id="missing further down"),
        pytest.param("AWS::Logs::LogGroup", "{RetentionInDays: 2}",
                     ["#/RetentionInDays: 2 is not a valid enum value"], id="a number's enum"),
        pytest.param("AWS::Logs::LogGroup", "{RetentionInDays: soon}",
                     ["#/RetentionInDays: expected type: Integer, found: String"], id="type"),
        pytest.param("AWS::Logs::LogGroup", "{LogGroupName: 'a b'}",
                     ["#/LogGroupName: string [a b] does not match pattern "
                      "^[.\\-_/#A-Za-z0-9]{1,512}\\Z"], id="pattern"),
        pytest.param("AWS::EC2::SecurityGroup", "{VpcId: v, GroupDescription: lab's}",
                     ["#/GroupDescription: string [lab's] does not match pattern "
                      "^([a-z,A-Z,0-9,. _\\-:/()#,@[\\]+=&;\\{\\}!$*])*$"], id="an apostrophe"),
        pytest.param("AWS::EC2::Instance", "{SubnetId: s, NetworkInterfaces: []}",
                     ["#: property [SubnetId] is not allowed with [NetworkInterfaces]",
                      "#: property [NetworkInterfaces] is not allowed with [SubnetId]"],
                     id="one excludes the other"),
        pytest.param("AWS::EC2::SecurityGroupIngress",
                     "{IpProtocol: tcp, CidrIp: 0.0.0.0/0, SourceSecurityGroupId: sg-1}",
                     ["#: exactly one of ['CidrIp', 'CidrIpv6', 'SourcePrefixListId', "
                      "'SourceSecurityGroupId', 'SourceSecurityGroupName'] is required"],
                     id="exactly one of"),
        pytest.param("AWS::EC2::Subnet", "{VpcId: v}",
                     ["#: at least one of ['CidrBlock', 'Ipv4IpamPoolId', 'Ipv6IpamPoolId', "
                      "'Ipv6CidrBlock'] is required"], id="at least one of"),
        pytest.param("AWS::IAM::Role", "{AssumeRolePolicyDocument: {}, Tags: [{Key: a}]}",
                     ["#/Tags/0: required key [Value] not found"], id="in a list"),
        pytest.param("AWS::SSM::Parameter", "{Type: String, Value: v, Tags: {a: b}}", [],
                     id="tags as a mapping"),
    ],
)  # fmt: skip
def test_problems(type_name, properties, problems):
    schema = schemas()[type_name]
    assert sorted(schema.problems(schema.coerce(load(f"x: {properties}")["x"]))) == sorted(problems)


@pytest.mark.parametrize(
    ("type_name", "given", "coerced"),
    [
        ("AWS::Logs::LogGroup", {"RetentionInDays": "1"}, {"RetentionInDays": 1}),
        ("AWS::EC2::VPC", {"EnableDnsSupport": "true"}, {"EnableDnsSupport": True}),
        ("AWS::EC2::VPC", {"Tags": [{"Key": "a", "Value": 1}]},
         {"Tags": [{"Key": "a", "Value": "1"}]}),
        ("AWS::EC2::VPC", {"Tags": [{"Key": "a", "Value": True}]},
         {"Tags": [{"Key": "a", "Value": "true"}]}),
        ("AWS::Logs::LogGroup", {"RetentionInDays": "soon"}, {"RetentionInDays": "soon"}),
    ],
)  # fmt: skip
def test_texts_become_what_the_schema_says(type_name, given, coerced):
    assert schemas()[type_name].coerce(given) == coerced
