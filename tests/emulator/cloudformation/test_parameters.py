"""Parameters: what is missing, unknown, or breaks its constraints.

Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/parameters-section-structure.html
"""

import pytest

from labkit.emulator.cloudformation.document import load
from labkit.emulator.cloudformation.parameters import read
from labkit.emulator.cloudformation.validation import ValidationError

STORE = {"/ami": "ami-1", "/list": "a,b"}


def given(**values):
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]


def value(declaration, text=None):
    declared = load(f"P: {declaration}")
    return read(declared, given(P=text) if text is not None else [], STORE.__getitem__)["P"]


@pytest.mark.parametrize(
    ("declaration", "text", "result"),
    [
        pytest.param("{Type: String, Default: a}", None, "a", id="the default"),
        pytest.param("{Type: String, Default: a}", "b", "b", id="given instead of the default"),
        pytest.param("{Type: String, Default: a}", "", "", id="given, though empty"),
        pytest.param("{Type: Number, Default: 60}", None, "60", id="a number is text"),
        pytest.param("{Type: Number, AllowedValues: [60, 600]}", "600", "600", id="allowed"),
        pytest.param("{Type: String, Default: true}", None, "true", id="a boolean is text"),
        pytest.param("{Type: CommaDelimitedList}", "a, b", ["a", "b"], id="a list"),
        pytest.param("{Type: List<Number>}", "1,2", ["1", "2"], id="numbers"),
        pytest.param("{Type: 'List<AWS::EC2::Subnet::Id>'}", "s-1,s-2", ["s-1", "s-2"], id="ids"),
        pytest.param("{Type: AWS::EC2::VPC::Id}", "vpc-1", "vpc-1", id="an id"),
        pytest.param("{Type: 'AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>'}", "/ami", "ami-1",
                     id="from the parameter store"),
        pytest.param("{Type: 'AWS::SSM::Parameter::Value<List<String>>'}", "/list", ["a", "b"],
                     id="a list from the parameter store"),
        pytest.param("{Type: String, AllowedPattern: 'a+'}", "aa", "aa", id="pattern"),
    ],
)  # fmt: skip
def test_value(declaration, text, result):
    assert value(declaration, text).value == result


@pytest.mark.parametrize(
    ("declaration", "text", "message"),
    [
        (
            "{Type: String, AllowedValues: [a, b]}",
            "c",
            "Parameter 'P' must be one of AllowedValues",
        ),
        ("{Type: String, AllowedPattern: 'a+'}", "aab", "Parameter 'P' must match pattern a+"),
        ("{Type: String, MinLength: 2}", "a", "Parameter 'P' must contain at least 2 characters"),
        (
            "{Type: String, MaxLength: '2'}",
            "abc",
            "Parameter 'P' must contain at most 2 characters",
        ),
        ("{Type: Number}", "x", "Parameter 'P' must be a number"),
        ("{Type: Number, MinValue: 3}", "2", "Parameter 'P' must be a number not less than 3"),
        ("{Type: Number, MaxValue: 3}", "4", "Parameter 'P' must be a number not greater than 3"),
        ("{Type: List<Number>}", "1,x", "Parameter 'P' must be a number"),
        (
            "{Type: String, AllowedPattern: 'a+', ConstraintDescription: only a}",
            "b",
            "Parameter P failed to satisfy constraint: only a",
        ),
        ("{Type: Text}", "b", "Template format error: Unrecognized parameter type: Text"),
        (
            "{Type: String, AllowedPattern: '['}",
            "b",
            "Template format error: AllowedPattern [ is not a pattern: unterminated character set "
            "at position 0",
        ),
        (
            "{Type: String, MinLength: many}",
            "b",
            "Template format error: Every MinLength member must be a number.",
        ),
        (
            "{Type: AWS::Route53::HostedZone::Id}",
            "Z1",
            "Template format error: The emulator does not emulate the parameter type "
            "AWS::Route53::HostedZone::Id.",
        ),
        (
            "{Type: 'List<AWS::EC2::KeyPair::KeyName>'}",
            "k",
            "Template format error: Unrecognized parameter type: List<AWS::EC2::KeyPair::KeyName>",
        ),
    ],
)
def test_breaks_its_constraints(declaration, text, message):
    with pytest.raises(ValidationError) as error:
        value(declaration, text)
    assert error.value.message == message


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        (given(A="1"), "Parameters: [B, C] must have values"),
        (
            given(A="1", B="1", C="1", X="1", Y="1"),
            "Parameters: [X, Y] do not exist in the template",
        ),
        (
            [{"ParameterKey": "A", "UsePreviousValue": True}],
            "Invalid input for parameter key A. Cannot specify usePreviousValue as true for a "
            "parameter key not in the previous template",
        ),
    ],
)
def test_missing_or_unknown(pairs, message):
    declared = {name: {"Type": "String"} for name in "ABC"}
    with pytest.raises(ValidationError) as error:
        read(declared, pairs, STORE.__getitem__)
    assert error.value.message == message


@pytest.mark.parametrize(
    ("declaration", "shown"),
    [
        ("{Type: String}", {"ParameterKey": "P", "ParameterValue": "/ami"}),
        ("{Type: String, NoEcho: true}", {"ParameterKey": "P", "ParameterValue": "****"}),
        (
            "{Type: 'AWS::SSM::Parameter::Value<String>'}",
            {"ParameterKey": "P", "ParameterValue": "/ami", "ResolvedValue": "ami-1"},
        ),
    ],
)
def test_description(declaration, shown):
    assert value(declaration, "/ami").description() == shown


THERE = {("AWS::EC2::VPC::Id", "vpc-1"), ("AWS::EC2::Subnet::Id", "s-1"),
         ("AWS::EC2::Image::Id", "ami-1")}  # fmt: skip


@pytest.mark.parametrize(
    ("declared_type", "text", "missing"),
    [
        pytest.param("AWS::EC2::VPC::Id", "vpc-1", None, id="there"),
        pytest.param("AWS::EC2::VPC::Id", "vpc-2", "vpc-2", id="not there"),
        pytest.param("AWS::EC2::VPC::Id", "s-1", "s-1", id="there, but something else"),
        pytest.param("List<AWS::EC2::Subnet::Id>", "s-1,s-2", "s-2", id="one of a list is not"),
        pytest.param("AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>", "/ami", None,
                     id="what the parameter store says is there"),
        pytest.param("AWS::SSM::Parameter::Value<AWS::EC2::VPC::Id>", "/ami", "ami-1",
                     id="what the parameter store says is not"),
        pytest.param("String", "vpc-2", None, id="a text may be anything"),
    ],
)  # fmt: skip
def test_types_of_aws_are_checked_against_what_exists(declared_type, text, missing):
    """docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/
    cloudformation-supplied-parameter-types.html.
    """

    def check():
        declared = {"P": {"Type": declared_type}}
        exists = lambda kind, value: (kind, value) in THERE  # noqa: E731
        return read(declared, given(P=text), STORE.__getitem__, exists=exists)

    if missing is None:
        assert check()["P"].given == text
        return
    with pytest.raises(ValidationError) as error:
        check()
    assert error.value.message == (
        f"Parameter validation failed: parameter value {missing} for parameter name P does not "
        "exist"
    )


def test_a_previous_value_is_used_again():
    declared = {"P": {"Type": "String", "Default": "a"}}
    first = read(declared, given(P="b"), STORE.__getitem__)
    again = [{"ParameterKey": "P", "UsePreviousValue": True}]
    assert read(declared, again, STORE.__getitem__, previous=first)["P"].value == "b"


def test_a_parameters_name_must_be_there():
    with pytest.raises(KeyError, match="/none"):  # of what fetches it
        value("{Type: AWS::SSM::Parameter::Name}", "/none")
    assert value("{Type: AWS::SSM::Parameter::Name}", "/ami").value == "/ami"
