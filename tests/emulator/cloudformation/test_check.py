"""References, circles and types: what AWS says before anything is made.

Sources: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html,
docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/control-access-with-iam.html (capabilities)
"""

import pytest

from labkit.emulator.cloudformation.capabilities import missing_capabilities, required_capabilities
from labkit.emulator.cloudformation.check import check
from labkit.emulator.cloudformation.graph import dependencies, order
from labkit.emulator.cloudformation.template import parse
from labkit.emulator.cloudformation.validation import ValidationError

GROUP = "Type: AWS::EC2::SecurityGroup, Properties: "


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(
            "Resources: {A: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref B}}}",
            "Template format error: Unresolved resource dependencies [B] in the Resources block "
            "of the template",
            id="Ref to nothing",
        ),
        pytest.param(
            "Resources: {A: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Sub '${AWS::Zone}'}}}",
            "Template format error: Unresolved resource dependencies [AWS::Zone] in the Resources "
            "block of the template",
            id="no such pseudo parameter",
        ),
        pytest.param(
            "Resources: {A: {Type: AWS::EC2::VPC, DependsOn: B}}",
            "Template format error: Unresolved resource dependencies [B] in the Resources block "
            "of the template",
            id="DependsOn nothing",
        ),
        pytest.param(
            "Parameters: {B: {Type: String}}\nResources: {A: {Type: AWS::EC2::VPC, DependsOn: B}}",
            "Template format error: Unresolved resource dependencies [B] in the Resources block "
            "of the template",
            id="DependsOn a parameter",
        ),
        pytest.param(
            "Resources: {A: {Type: AWS::EC2::VPC}}\nOutputs: {O: {Value: !Ref B}}",
            "Template format error: Unresolved resource dependencies [B] in the Outputs block of "
            "the template",
            id="an output of nothing",
        ),
        pytest.param(
            "Resources: {A: {Type: AWS::EC2::Subnet, Properties: {VpcId: !GetAtt B.VpcId}}}",
            "Template error: instance of Fn::GetAtt references undefined resource B",
            id="GetAtt of nothing",
        ),
        pytest.param(
            "Resources: {A: {Type: AWS::EC2::Instance}}\n"
            "Outputs: {O: {Value: !GetAtt A.PrimaryNetworkInterfaceId}}",
            "Template error: resource A does not support attribute type PrimaryNetworkInterfaceId "
            "in Fn::GetAtt",
            id="an instance does not know its network interface",
        ),
        pytest.param(
            "Resources: {A: {Type: AWS::EC2::VPC}}\nOutputs: {O: {Value: !Sub '${A.Foo}'}}",
            "Template error: resource A does not support attribute type Foo in Fn::GetAtt",
            id="no such attribute, by Sub",
        ),
        pytest.param(
            "Resources: {A: {Type: AWS::EC2::VPC, Condition: C}}",
            "Template format error: Unresolved condition dependency C",
            id="no such condition",
        ),
        pytest.param(
            "Resources: {A: {Type: AWS::EC2::VPC, Properties: {CidrBlock: !If [C, a, b]}}}",
            "Template format error: Unresolved condition dependency C",
            id="no such condition, by If",
        ),
        pytest.param(
            "Conditions: {C: !Equals [!Ref A, x]}\nResources: {A: {Type: AWS::EC2::VPC}}",
            "Template format error: Unresolved dependencies [A]. Cannot reference resources in the "
            "Conditions block of the template",
            id="a condition on a resource",
        ),
        pytest.param(
            "Conditions: {C: !Not [!Condition D], D: !Not [!Condition C]}\n"
            "Resources: {A: {Type: AWS::EC2::VPC}}",
            "Circular dependency between conditions: [C, D]",
            id="conditions in a circle",
        ),
        pytest.param(
            "Conditions: {C: !Not [!Condition D]}\nResources: {A: {Type: AWS::EC2::VPC}}",
            "Template format error: Unresolved condition dependency D",
            id="a condition on nothing",
        ),
        pytest.param(
            "Resources: {A: {Type: AWS::Lambda::Function}, B: {Type: AWS::EC2::Vpc}}",
            "Template format error: Unrecognized resource types: [AWS::EC2::Vpc]",
            id="a type that AWS does not know",
        ),
        pytest.param(
            "Resources: {A: {Type: AWS::EC2::VPC, Properties: {X: {Fn::Length: [1]}}}}",
            "Template error: Encountered unsupported function: Fn::Length needs the transform "
            "AWS::LanguageExtensions",
            id="an extension without its transform",
        ),
        pytest.param(
            "Resources: {A: {Type: AWS::EC2::VPC, Properties: {X: !FindInMap [M, a, b]}}}",
            "Template error: Unable to get mapping for M::a::b",
            id="no such mapping",
        ),
        pytest.param(
            "Resources: {A: {Type: AWS::EC2::VPC, Properties: {X: !Join [a]}}}",
            "Template error: every Fn::Join object requires two parameters, (1) a string delimiter "
            "and (2) a list of strings to be joined or a function that returns a list of strings "
            "(such as Fn::GetAZs) to be joined.",
            id="a function's arguments",
        ),
        pytest.param(
            "Resources: {A: {Type: AWS::EC2::VPC, Properties: {X: !ImportValue {Ref: A}}}}",
            "Template error: the attribute in Fn::ImportValue must not depend on any resources, "
            "imported values, or Fn::GetAZs",
            id="an import by a resource",
        ),
        pytest.param(
            "Conditions: {C: !Equals [!ImportValue x, y]}\nResources: {A: {Type: AWS::EC2::VPC}}",
            "Template error: Cannot use Fn::ImportValue in Conditions.",
            id="an import in a condition",
        ),
        pytest.param(
            "Resources: {A: {Type: AWS::EC2::VPC}}\nOutputs: {O: {Value: x, Condition: C}}",
            "Template format error: Unresolved condition dependency C",
            id="an output's condition",
        ),
        pytest.param(
            "Resources: {A: {Type: AWS::EC2::VPC}}\n"
            "Outputs: {O: {Value: x, Export: {Name: !Ref A}}}",
            "Template format error: Output export names must not depend on any resources, imported "
            "values, or Fn::GetAZs",
            id="an export named after a resource",
        ),
        pytest.param(
            "Resources: {A: {Type: AWS::CloudFormation::Stack}}\n"
            "Outputs: {O: {Value: !GetAtt A.VpcId}}",
            "Template error: resource A does not support attribute type VpcId in Fn::GetAtt",
            id="a nested stack has outputs only",
        ),
        pytest.param(
            "Resources: {A: {Type: AWS::EC2::VPC, DependsOn: A}}",
            "Circular dependency between resources: [A]",
            id="on itself",
        ),
        pytest.param(
            "Resources:\n"
            f"  A: {{{GROUP}{{SecurityGroupEgress: [{{DestinationSecurityGroupId: !Ref B}}]}}}}\n"
            f"  B: {{{GROUP}{{SecurityGroupIngress: [{{SourceSecurityGroupId: !Ref A}}]}}}}\n"
            "  C: {Type: AWS::EC2::VPC, DependsOn: A}\n",
            "Circular dependency between resources: [A, B]",
            id="two groups that name each other",
        ),
    ],
)
def test_refuses(text, message):
    with pytest.raises(ValidationError) as error:
        check(parse(text))
    assert error.value.message == message


@pytest.mark.parametrize(
    "text",
    [
        "Resources: {A: {Type: AWS::Lambda::Function}}",
        "Resources: {A: {Type: Custom::Thing, Properties: {ServiceToken: x}}}",
        "Resources: {A: {Type: AWS::CloudFormation::CustomResource}}",
        "Resources: {A: {Type: Custom::Thing}}\nOutputs: {O: {Value: !GetAtt A.Anything}}",
        "Resources: {A: {Type: AWS::Lambda::Function}}\nOutputs: {O: {Value: !GetAtt A.Arn}}",
        "Resources: {A: {Type: AWS::CloudFormation::Stack}}\n"
        "Outputs: {O: {Value: !GetAtt A.Outputs.VpcId}}",
        "Transform: AWS::LanguageExtensions\n"
        "Resources: {A: {Type: AWS::EC2::VPC, Properties: {Tags: {Fn::Length: [1]}}}}",
        "Mappings: {M: {a: {b: c}}}\n"
        "Resources:\n"
        "  A: {Type: AWS::EC2::VPC, Properties: {X: !FindInMap [M, !Ref AWS::Region, b]}}",
        "Resources: {A: {Type: AWS::EC2::VPC}}\n"
        "Outputs: {O: {Value: x, Export: {Name: !Sub '${AWS::StackName}-x'}}}",
    ],
)
def test_takes(text):
    """A type that AWS knows and the emulator does not make fails when it should be made."""
    check(parse(text))


@pytest.mark.parametrize(
    ("resources", "capabilities"),
    [
        ("{A: {Type: AWS::EC2::VPC}}", []),
        ("{A: {Type: AWS::IAM::Role}}", ["CAPABILITY_IAM"]),
        (
            "{A: {Type: AWS::IAM::Role, Properties: {RoleName: x}}, B: {Type: AWS::IAM::Role}}",
            ["CAPABILITY_NAMED_IAM"],
        ),
        (
            "{A: {Type: AWS::IAM::InstanceProfile, Properties: {InstanceProfileName: x}}}",
            ["CAPABILITY_NAMED_IAM"],
        ),
        ("{A: {Type: AWS::IAM::Policy, Properties: {PolicyName: x}}}", ["CAPABILITY_IAM"]),
        (
            "{A: {Type: AWS::IAM::ManagedPolicy, Properties: {ManagedPolicyName: x}}}",
            ["CAPABILITY_NAMED_IAM"],
        ),
        ("{A: {Type: AWS::IAM::User}}", ["CAPABILITY_IAM"]),
    ],
)
def test_capabilities(resources, capabilities):
    assert required_capabilities(parse(f"Resources: {resources}")) == capabilities


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ([], ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]),
        (["CAPABILITY_IAM"], ["CAPABILITY_AUTO_EXPAND"]),
        (["CAPABILITY_AUTO_EXPAND"], ["CAPABILITY_IAM"]),
        (["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"], []),
    ],
)
def test_each_capability_must_be_acknowledged(given, missing):
    template = parse("Transform: AWS::LanguageExtensions\nResources: {A: {Type: AWS::IAM::Role}}")
    assert missing_capabilities(template, given) == missing


RESOURCES = """
Resources:
  Last: {Type: A, Properties: {X: !Sub '${Second}', Y: [!GetAtt First.Arn]}}
  Second: {Type: A, DependsOn: [First]}
  Other: {Type: A, Properties: {X: !If [C, !Ref First, !Ref Third]}}
  First: {Type: A}
  Third: {Type: A, Properties: {X: !Ref Parameter}}
"""


@pytest.mark.parametrize(
    ("holds", "needed_by_other"),
    [(None, {"First", "Third"}), (True, {"First"}), (False, {"Third"})],
    ids=["both branches, before conditions are known", "the first branch", "the second branch"],
)
def test_dependencies(holds, needed_by_other):
    chooses = None if holds is None else lambda condition: holds
    needs = dependencies(parse(RESOURCES).resources.values(), chooses)
    assert needs == {
        "Last": {"Second", "First"},
        "Second": {"First"},
        "Other": needed_by_other,
        "First": set(),
        "Third": set(),
    }


def test_order_is_that_of_the_template_where_nothing_else_is_said():
    needs = dependencies(parse(RESOURCES).resources.values())
    assert order(needs) == ["First", "Third", "Second", "Other", "Last"]
