"""The Rules section, by the example and the function reference of AWS's documentation.

Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/rules-section-structure.html and
intrinsic-function-reference-rules.html
"""

import pytest

from labkit.emulator.cloudformation.check import check
from labkit.emulator.cloudformation.document import load
from labkit.emulator.cloudformation.rules import Facts, assert_rules
from labkit.emulator.cloudformation.template import parse
from labkit.emulator.cloudformation.validation import ValidationError

HEAD = """
Parameters:
  InstanceType: {Type: String}
  Environment: {Type: String}
  Subnets: {Type: 'List<AWS::EC2::Subnet::Id>'}
  Vpc: {Type: 'AWS::EC2::VPC::Id'}
Resources: {A: {Type: AWS::EC2::VPC}}
"""
ATTRIBUTES = {
    ("AWS::EC2::Subnet::Id", "subnet-1", "VpcId"): "vpc-1",
    ("AWS::EC2::Subnet::Id", "subnet-2", "VpcId"): "vpc-2",
    ("AWS::EC2::VPC::Id", "vpc-1", "Tags.Department"): "IT",
    ("AWS::EC2::VPC::Id", "vpc-2", "Tags.Department"): "Sales",
}
EVERY = {"AWS::EC2::VPC::Id": ["vpc-1", "vpc-2"]}


def judge(rule, **values):
    """Return what a template with one rule is refused with, or None."""
    template = parse(HEAD + f"Rules:\n  R: {rule}\n")
    check(template)
    types = {name: declared["Type"] for name, declared in template.parameters.items()}
    facts = Facts(
        {"AWS::Region": "us-east-1", **values},
        types,
        EVERY.__getitem__,
        lambda *key: ATTRIBUTES[key],
    )
    try:
        assert_rules(template, facts)
    except ValidationError as error:
        return error.message
    return None


def only_if(condition):
    return f"{{RuleCondition: {condition}, Assertions: [{{Assert: !Equals [a, b]}}]}}"


def asserts(assertion):
    return f"{{Assertions: [{{Assert: {assertion}, AssertDescription: wrong}}]}}"


@pytest.mark.parametrize(
    ("assertion", "values", "holds"),
    [
        ("!Contains [[a1.medium], !Ref InstanceType]", {"InstanceType": "a1.medium"}, True),
        ("!Contains [[a1.medium], !Ref InstanceType]", {"InstanceType": "a1.large"}, False),
        ("!EachMemberEquals [!Ref Subnets, subnet-1]", {"Subnets": ["subnet-1"]}, True),
        ("!EachMemberEquals [!Ref Subnets, subnet-1]", {"Subnets": ["subnet-1", "x"]}, False),
        ("!EachMemberIn [!Ref Subnets, [subnet-1, subnet-2]]", {"Subnets": ["subnet-2"]}, True),
        ("!EachMemberIn [!Ref Subnets, [subnet-1]]", {"Subnets": ["subnet-2"]}, False),
        ("!Contains [!RefAll 'AWS::EC2::VPC::Id', !Ref Vpc]", {"Vpc": "vpc-2"}, True),
        ("!Contains [!RefAll 'AWS::EC2::VPC::Id', !Ref Vpc]", {"Vpc": "vpc-3"}, False),
        ("!Equals [!ValueOf [Vpc, Tags.Department], IT]", {"Vpc": "vpc-1"}, True),
        ("!Equals [!ValueOf [Vpc, Tags.Department], IT]", {"Vpc": "vpc-2"}, False),
        ("!EachMemberIn [!ValueOf [Subnets, VpcId], !RefAll 'AWS::EC2::VPC::Id']",
         {"Subnets": ["subnet-1", "subnet-2"]}, True),
        ("!EachMemberEquals [!ValueOf [Subnets, VpcId], !Ref Vpc]",
         {"Subnets": ["subnet-1", "subnet-2"], "Vpc": "vpc-1"}, False),
        ("!Contains [!ValueOfAll ['AWS::EC2::VPC::Id', Tags.Department], Sales]", {}, True),
        ("!Not [!Equals [!Ref AWS::Region, us-east-1]]", {}, False),
        ("!And [!Equals [a, a], !Equals [b, b]]", {}, True),
        ("!And [!Equals [a, a], !Equals [a, b]]", {}, False),
        ("!Or [!Equals [a, b], !Equals [b, b]]", {}, True),
    ],
)  # fmt: skip
def test_functions(assertion, values, holds):
    assert judge(asserts(assertion), **values) == (
        None if holds else "Template error: Rule R: wrong"
    )


@pytest.mark.parametrize(
    ("environment", "message"),
    [("test", "Template error: Rule R: an assertion does not hold"), ("prod", None)],
    ids=["it holds, the assertion counts", "it does not hold, all is well"],
)
def test_a_condition_decides_whether_the_assertions_count(environment, message):
    rule = only_if("!Equals [!Ref Environment, test]")
    assert judge(rule, Environment=environment) == message


def test_all_that_is_broken_is_told():
    rule = (
        "{Assertions: [{Assert: !Equals [a, b], AssertDescription: first}, "
        "{Assert: !Equals [a, a], AssertDescription: fine}, "
        "{Assert: !Equals [a, c], AssertDescription: second}]}"
    )
    assert judge(rule) == "Template error: Rule R: first; Rule R: second"


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("[]", "Rule R must contain a list of Assertions."),
        ("{Assertions: []\n    , Foo: 1}", "Rule R has unknown members: [Foo]"),
        ("{Assertions: [{AssertDescription: x}]}", "Every assertion of rule R must contain an "),
        (asserts("!GetAtt A.VpcId"), "The function Fn::GetAtt cannot be used in Rules."),
        (asserts("!Equals [!Ref A, b]"), "Unresolved dependencies [A]. Cannot reference resources"),
        (asserts("!Equals [a]"), "In Rules, Fn::Equals requires a list of 2."),
        (asserts("!ValueOf [Nothing, VpcId]"), "Unresolved dependencies [Nothing] in the Rules"),
        (asserts("{a: b, c: d}"), "Rules take functions, texts and lists only."),
    ],
)
def test_rules_that_are_none(rule, message):
    with pytest.raises(ValidationError) as error:
        check(parse(HEAD + f"Rules:\n  R: {rule}\n"))
    assert error.value.message.startswith(f"Template format error: {message}")


def test_the_documents_short_forms_are_known():
    assert load("!RefAll x") == {"Fn::RefAll": "x"}
