"""The intrinsic functions, by the examples of AWS's reference where it has some.

Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html
"""

import pytest

from labkit.emulator.cloudformation.document import load
from labkit.emulator.cloudformation.intrinsics import NO_VALUE, Scope, resolve
from labkit.emulator.cloudformation.validation import ValidationError

MADE = {"Vpc": "vpc-1", "Bucket": "bucket-1"}
ATTRIBUTES = {("Bucket", "Arn"): "arn:aws:s3:::bucket-1", ("Vpc", "CidrBlock"): "10.0.0.0/16",
              ("Stack", "Outputs.Name"): "nested"}  # fmt: skip

SCOPE = Scope(
    values={
        "AWS::NoValue": NO_VALUE,
        "AWS::Region": "us-east-1",
        "Env": "prod",
        "Count": "2",
        "Zones": ["a", "b"],
    },
    mappings={"RegionMap": {"us-east-1": {"HVM64": "ami-0ff8a91507f77f867", "Ports": [80, 443]}}},
    conditions=load(
        """
        IsProd: !Equals [!Ref Env, prod]
        IsTest: !Equals [!Ref Env, test]
        IsTwo: !Equals [!Ref Count, 2]
        Not: !Not [!Condition IsProd]
        And: !And [!Condition IsProd, !Condition IsTwo]
        NotAnd: !And [!Condition IsProd, !Condition IsTest]
        Or: !Or [!Condition IsTest, !Condition IsTwo]
        NotOr: !Or [!Condition IsTest, !Condition Not]
        """
    ),
    ref=MADE.__getitem__,
    attribute=lambda name, attribute: ATTRIBUTES[name, attribute],
    zones=lambda region: [f"{region}a", f"{region}b"],
    import_value={"network-VpcId": "vpc-2"}.__getitem__,
    fetch={"/ami": "ami-1", "/ami:3": "ami-3", "prod-name": "of prod"}.__getitem__,
)


def yields(text):
    return resolve(load(f"x: {text}")["x"], SCOPE)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("!Ref Env", "prod"),
        ("!Ref Vpc", "vpc-1"),
        ("!Ref AWS::Region", "us-east-1"),
        ("!Ref Zones", ["a", "b"]),
        ("!GetAtt Bucket.Arn", "arn:aws:s3:::bucket-1"),
        ("!GetAtt [Bucket, Arn]", "arn:aws:s3:::bucket-1"),
        ("!GetAtt Stack.Outputs.Name", "nested"),
        ("!Sub '${Env}-${Vpc}-${Bucket.Arn}'", "prod-vpc-1-arn:aws:s3:::bucket-1"),
        ("!Sub '${AWS::Region}'", "us-east-1"),
        ("!Sub '${!Literal} and ${Env}'", "${Literal} and prod"),
        ("!Sub ['${A}.${Env}', {A: !Ref Vpc}]", "vpc-1.prod"),
        ("!Sub ['${Env}', {Env: own}]", "own"),
        ("!Sub 'cost: 5$ {Env}'", "cost: 5$ {Env}"),
        ("!Join [':', [a, b, c]]", "a:b:c"),
        ("!Join ['', [1, true, !Ref Env]]", "1trueprod"),
        ("!Join [',', !Ref Zones]", "a,b"),
        ("!Split ['|', 'a|b|c']", ["a", "b", "c"]),
        ("!Select [1, [apples, grapes, oranges]]", "grapes"),
        ("!Select ['0', !GetAZs '']", "us-east-1a"),
        ("!Split ['.', 1.5]", ["1", "5"]),
        ("!GetAZs eu-west-1", ["eu-west-1a", "eu-west-1b"]),
        ("!GetAZs {Ref: AWS::Region}", ["us-east-1a", "us-east-1b"]),
        ("!FindInMap [RegionMap, !Ref AWS::Region, HVM64]", "ami-0ff8a91507f77f867"),
        ("!FindInMap [RegionMap, us-east-1, Ports]", [80, 443]),
        ("!Base64 'AWS CloudFormation'", "QVdTIENsb3VkRm9ybWF0aW9u"),
        (
            "!Cidr ['192.168.0.0/24', 6, 5]",
            ["192.168.0.0/27", "192.168.0.32/27", "192.168.0.64/27", "192.168.0.96/27",
             "192.168.0.128/27", "192.168.0.160/27"],
        ),
        ("!Select [1, !Cidr [!GetAtt Vpc.CidrBlock, '2', '8']]", "10.0.1.0/24"),
        ("!If [IsProd, a, b]", "a"),
        ("!If [IsTest, a, b]", "b"),
        ("!If [IsTwo, a, b]", "a"),
        ("!If [Not, a, b]", "b"),
        ("!If [And, a, b]", "a"),
        ("!If [NotAnd, a, b]", "b"),
        ("!If [Or, a, b]", "a"),
        ("!If [NotOr, a, b]", "b"),
        ("{a: !Ref AWS::NoValue, b: 1}", {"b": 1}),
        ("[a, !If [IsTest, b, !Ref AWS::NoValue], c]", ["a", "c"]),
        ("{Condition: {Bool: {k: v}}}", {"Condition": {"Bool": {"k": "v"}}}),
        ("{Condition: x}", {"Condition": "x"}),
        ("!ImportValue network-VpcId", "vpc-2"),
        ("{Fn::ImportValue: !Sub ['network-${Name}', {Name: VpcId}]}", "vpc-2"),
        ("{Fn::Length: [1, 2, 3]}", 3),
        ("{Fn::Length: !Ref Zones}", 2),
        ("{Fn::ToJsonString: {a: !Ref Env, b: [1, true]}}", '{"a":"prod","b":[1,true]}'),
        ("{Fn::ToJsonString: [!Ref Vpc, !Ref AWS::NoValue]}", '["vpc-1"]'),
        ("'{{resolve:ssm:/ami}}'", "ami-1"),
        ("'{{resolve:ssm:/ami:3}}'", "ami-3"),
        ("'a {{resolve:ssm:/ami}} and {{resolve:ssm:/ami:3}}'", "a ami-1 and ami-3"),
        ("!Sub '{{resolve:ssm:${Env}-name}}'", "of prod"),
        ("[{a: '{{resolve:ssm:/ami}}'}]", [{"a": "ami-1"}]),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)  # fmt: skip
def test_yields(text, value):
    assert yields(text) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{Fn::Foo: x}", "Encountered unsupported function: Fn::Foo Supported functions are: "),
        ("{Fn::Sub: x, Other: y}", "Encountered unsupported function: Fn::Sub"),
        ("{Fn::ForEach::Loop: [x]}", "The emulator does not emulate the function Fn::ForEach::"),
        ("!Transform {Name: x}", "The emulator does not emulate the function Fn::Transform."),
        ("!Select [3, [a]]", "Fn::Select cannot select nonexistent value at index 3"),
        ("!Select [-1, [a]]", "Fn::Select cannot select nonexistent value at index -1"),
        ("!Select [0]", "Fn::Select requires a list argument with two elements"),
        ("!Select [a, [b]]", "Fn::Select requires a list argument with two elements"),
        ("!Select [{Condition: IsProd}, [b]]", "Fn::Select requires a list argument with two elem"),
        ("!Select [0, {Condition: IsProd}]", "Fn::Select requires a list argument with two eleme"),
        (f"!Select ['{'9' * 5000}', [b]]", "Fn::Select requires a list argument with two elements"),
        ("!Cidr ['10.0.0.0/24', {Condition: IsProd}, 8]", "every Fn::Cidr object requires two or"),
        ("!Split [',', {Condition: IsProd}]", "every Fn::Split object requires two parameters"),
        ("!Join ['', a]", "every Fn::Join object requires two parameters, (1) a string delimiter"),
        ("!Split [a]", "every Fn::Split object requires two parameters, (1) a string delimiter"),
        ("!Base64 {a: b}", "every Fn::Base64 object must have a String-typed value."),
        ("!GetAZs [a]", "every Fn::GetAZs object must have a String-typed value."),
        ("!FindInMap [RegionMap]", "every Fn::FindInMap object requires three parameters"),
        ("!Join ['', [{a: b}]]", "every Fn::Join object must have String-typed values"),
        ("!Sub '${a b}'", "variable names in Fn::Sub syntax must contain only alphanumeric"),
        ("!Sub [a]", "One or more Fn::Sub intrinsic functions don't specify expected arguments"),
        ("!Sub [a, b]", "One or more Fn::Sub intrinsic functions don't specify expected arguments"),
        ("!GetAtt Bucket", "every Fn::GetAtt object requires two non-empty parameters"),
        ("!Ref [a]", "every Ref object must have a single String value"),
        ("!FindInMap [RegionMap, mars, HVM64]", "Unable to get mapping for RegionMap::mars::HVM64"),
        ("!Cidr ['192.168.0.0/24', 9, 5]", "Fn::Cidr: 192.168.0.0/24 does not have 9 blocks"),
        ("!Cidr ['192.168.0.0/24', 1, 9]", "Fn::Cidr: "),
        ("!Cidr [nonsense, 1, 8]", "Fn::Cidr: "),
        ("!Cidr ['192.168.0.0/24', 1]", "the emulator does not emulate Fn::Cidr without"),
        ("!If [IsProd, a]", "Fn::If requires a list argument with the first element being a cond"),
        ("'{{resolve:secretsmanager:a}}'", "the emulator does not emulate dynamic references to "),
        ("'{{resolve:ssm-secure:a:1}}'", "the emulator does not emulate dynamic references to ssm"),
        ("'{{resolve:ssm:}}'", "the dynamic reference {{resolve:ssm:}} is not valid"),
        ("'{{resolve:vault:a}}'", "the dynamic reference {{resolve:vault:a}} is not valid"),
        ("{Fn::Length: a}", "Fn::Length requires a list"),
        ("{Fn::ToJsonString: a}", "Fn::ToJsonString requires an object or an array."),
    ],
)
def test_refuses(text, message):
    with pytest.raises(ValidationError) as error:
        yields(text)
    assert error.value.message.startswith(f"Template error: {message}")


def test_a_condition_must_be_one():
    scope = Scope(SCOPE.values, {}, {"Odd": "maybe"}, MADE.__getitem__, lambda *_: "", lambda _: [])
    with pytest.raises(ValidationError, match="must be functions that yield true or false"):
        resolve({"Fn::If": ["Odd", 1, 2]}, scope)
