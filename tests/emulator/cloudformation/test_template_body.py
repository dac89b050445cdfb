"""What is a template, and what AWS says of a text that is none.

Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html
"""

import pytest

from labkit.emulator.cloudformation.document import load
from labkit.emulator.cloudformation.template import SIZE_LIMIT_BYTES, URL_SIZE_LIMIT_BYTES, parse
from labkit.emulator.cloudformation.validation import ValidationError

VPC = "Resources: {Vpc: {Type: AWS::EC2::VPC}}"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("a: !Ref b", {"a": {"Ref": "b"}}, id="Ref"),
        pytest.param("a: !GetAtt b.c.d", {"a": {"Fn::GetAtt": "b.c.d"}}, id="GetAtt by a dot"),
        pytest.param("a: !GetAtt [b, c]", {"a": {"Fn::GetAtt": ["b", "c"]}}, id="GetAtt by a list"),
        pytest.param(
            "a: !If [b, !Sub '${c}', !GetAZs '']",
            {"a": {"Fn::If": ["b", {"Fn::Sub": "${c}"}, {"Fn::GetAZs": ""}]}},
            id="a tag in a tag",
        ),
        pytest.param("a: !Condition b", {"a": {"Condition": "b"}}, id="Condition"),
        pytest.param("a: !Sub [x, {b: !Ref c}]", {"a": {"Fn::Sub": ["x", {"b": {"Ref": "c"}}]}},
                     id="a tag in a mapping in a tag"),
        pytest.param("a: 2012-10-17", {"a": "2012-10-17"}, id="a date stays a text"),
        pytest.param("a: 2010-09-09T12:00:00Z", {"a": "2010-09-09T12:00:00Z"}, id="a time, too"),
        pytest.param("a: yes", {"a": True}, id="YAML 1.1's booleans"),
        pytest.param('{"a": {"Ref": "b"}}', {"a": {"Ref": "b"}}, id="JSON"),
        pytest.param('\n {"a": 1}', {"a": 1}, id="JSON after an empty line"),
    ],
)  # fmt: skip
def test_document(text, value):
    assert load(text) == value


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("a: b: c", "YAML not well-formed. (line 1, column 5)", id="YAML"),
        pytest.param("a: \x00", "YAML not well-formed.", id="a control character"),
        pytest.param('{"a": }', "JSON not well-formed. (line 1, column 7)", id="JSON"),
        pytest.param("a: &x 1\nb: *x", "YAML aliases are not allowed in CloudFormation templates",
                     id="an alias"),
        pytest.param("a: 1\na: 2", "Duplicate key a found in template. (line 2)", id="a key twice"),
        pytest.param("a: {1: b}", "map keys must be strings; received numeric [1] instead",
                     id="a number as a key"),
        pytest.param("just text", "unsupported structure.", id="text"),
        pytest.param("[1, 2]", "unsupported structure.", id="a list"),
        pytest.param("Description: x", "At least one Resources member must be defined.",
                     id="no resources"),
        pytest.param("Resources: []", "Resources must be an object.", id="resources as a list"),
        pytest.param("Resources: {Vpc: }", "[/Resources/Vpc] 'null' values are not allowed in "
                     "templates", id="null"),
        pytest.param("Resources: {Vpc: {Type: A, Properties: {Tags: [null]}}}",
                     "[/Resources/Vpc/Properties/Tags/0] 'null' values are not allowed in "
                     "templates", id="null further down"),
        pytest.param("Resources: {Vpc: {Properties: {}}}",
                     "[/Resources/Vpc] Every Resources object must contain a Type member.",
                     id="no type"),
        pytest.param("Resources: {my-vpc: {Type: A}}", "Resource name my-vpc is non alphanumeric.",
                     id="a hyphen in a logical id"),
        pytest.param("AWSTemplateFormatVersion: 2011-01-01\n" + VPC,
                     "Template format version not supported.", id="another version"),
        pytest.param("Resources: {Vpc: {Type: A, DeletionPolicy: Keep}}",
                     "Unrecognized DeletionPolicy Keep for resource Vpc", id="deletion policy"),
        pytest.param("Outputs: {A: {Description: x}}\n" + VPC,
                     "Every Outputs member must contain a Value object. [A]", id="no value"),
        pytest.param("Transform: AWS::Serverless-2016-10-31\n" + VPC,
                     "The emulator does not emulate the transform AWS::Serverless-2016-10-31.",
                     id="a macro of AWS's"),
        pytest.param("Transform: [AWS::LanguageExtensions, MyMacro]\n" + VPC,
                     "The emulator does not emulate the transform MyMacro.", id="one's own macro"),
        pytest.param("Transform: {Name: AWS::Include, Parameters: {}}\n" + VPC,
                     "The emulator does not emulate the transform AWS::Include.", id="Include"),
        pytest.param("Transform: AWS::Serverless-2016-10-31\nGlobals: {Function: {}}\n" + VPC,
                     "The emulator does not emulate the transform AWS::Serverless-2016-10-31.",
                     id="a section that a transform knows"),
        pytest.param("Hooks: {}\n" + VPC, "The emulator does not emulate the section Hooks.",
                     id="Hooks"),
        pytest.param('{"a": 1, "a": 2}', "Duplicate key a found in template.", id="twice in JSON"),
        pytest.param("Resources: {A: {Type: B}, A: {Type: B}}",
                     "Duplicate key A found in template. (line 1)", id="a logical id twice"),
        pytest.param("Resources: {A: {Type: B, Properties: {C: 1, C: 2}}}",
                     "Duplicate key C found in template. (line 1)", id="a property twice"),
        pytest.param("x: !Length [a]\n" + VPC, "Unknown tag !Length (line 1): write Fn::Length in "
                     "full.", id="a short form that AWS does not have"),
        pytest.param("Description: [x]\n" + VPC, "Every Description member must be a string.",
                     id="description"),
        pytest.param(f"Description: {'x' * 1025}\n" + VPC,
                     "'Description' length is greater than 1024.", id="a long description"),
        pytest.param("Parameters: {P: {Default: x}}\n" + VPC,
                     "Every Parameters object must contain a Type member.", id="no type of it"),
        pytest.param("Parameters: {P-1: {Type: String}}\n" + VPC,
                     "Parameter name P-1 is non alphanumeric.", id="a parameter's name"),
        pytest.param("Parameters: {P: {Type: String, Default: [a]}}\n" + VPC,
                     "Every Default member must be a string.", id="a list as default"),
        pytest.param("Outputs: {O-1: {Value: x}}\n" + VPC,
                     "Output name O-1 is non alphanumeric.", id="an output's name"),
        pytest.param("Outputs: {O: {Value: x, Export: name}}\n" + VPC,
                     "Output O is malformed: Export must contain a Name, only.", id="export"),
        pytest.param("Mappings: {M: [a]}\n" + VPC,
                     "Every Mappings attribute must be a String or a List.", id="mapping"),
        pytest.param("Resources: {A: {Type: B, DependsOn: 5}}",
                     "DependsOn must be a string or list of strings.", id="DependsOn a number"),
        pytest.param("Resources: {A: {Type: B, Condition: [C]}}",
                     "Every Condition member must be a string.", id="a list as condition"),
        pytest.param("Resources: {A: {Type: B, UpdateReplacePolicy: RetainExceptOnCreate}}",
                     "Unrecognized UpdateReplacePolicy RetainExceptOnCreate for resource A",
                     id="update replace policy"),
        pytest.param("Resources: {A: {Type: B, CreationPolicy: {ResourceSignal: {}}}}",
                     "The emulator does not emulate CreationPolicy of resource A: no signal could "
                     "reach the stack, and it would wait for ever.", id="a wait for signals"),
        pytest.param("Parameters: {" + ", ".join(f"P{n}: {{Type: String}}" for n in range(201)) +
                     "}\n" + VPC, "Number of parameters, 201, is greater than maximum allowed, 200",
                     id="too many parameters"),
        pytest.param("Resources: {" + ", ".join(f"R{n}: {{Type: A}}" for n in range(501)) + "}",
                     "Number of resources, 501, is greater than maximum allowed, 500",
                     id="too many resources"),
    ],
)  # fmt: skip
def test_no_template(text, message):
    with pytest.raises(ValidationError) as error:
        parse(text)
    assert error.value.message == f"Template format error: {message}"
    assert error.value.code == "ValidationError"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("Foo: {}\n" + VPC, "Invalid template property or properties [Foo]",
                     id="section"),
        pytest.param("Resources: {Vpc: {Type: A, Propertys: {}}}",
                     "Invalid template resource property 'Propertys'", id="attribute"),
        pytest.param("Resources: {A: {Type: B, DeletionPolicy: Snapshot}}",
                     "Template error: resource type B does not support deletion policy Snapshot",
                     id="snapshot"),
        pytest.param("Parameters: {P: {Type: String, Defualt: x}}\n" + VPC,
                     "Invalid template parameter property 'Defualt'", id="parameter"),
    ],
)  # fmt: skip
def test_unknown(text, message):
    with pytest.raises(ValidationError, match=message.replace("[", r"\[")):
        parse(text)


@pytest.mark.parametrize(
    ("size", "fits"), [(SIZE_LIMIT_BYTES, True), (SIZE_LIMIT_BYTES + 1, False)]
)
def test_size_limit(size, fits):
    text = VPC + "\n#"
    text += "x" * (size - len(text))
    if fits:
        assert parse(text).body == text
        return
    with pytest.raises(ValidationError, match="length less than or equal to 51200"):
        parse(text)


def test_sections():
    parsed = parse(
        "Description: d\nParameters: {P: {Type: String}}\nConditions: {C: !Equals [a, b]}\n"
        "Resources:\n  A: {Type: T, Condition: C, DependsOn: B, DeletionPolicy: Retain}\n"
        "  B: {Type: U, Properties: {X: 1}}\nOutputs: {O: {Value: 1}}"
    )
    assert (parsed.description, list(parsed.parameters), list(parsed.conditions)) == (
        "d", ["P"], ["C"],
    )  # fmt: skip
    first, second = parsed.resources.values()
    assert (first.condition, first.depends_on, first.deletion_policy) == ("C", ("B",), "Retain")
    assert (second.properties, second.deletion_policy) == ({"X": 1}, "Delete")
    assert parsed.outputs == {"O": {"Value": 1}}


def test_deep_in_a_property_the_last_of_two_keys_counts():
    """As everywhere on AWS; the kit refuses it where names are declared."""
    policy = "{PolicyDocument: {Statement: [{Resource: first, Resource: last}]}}"
    for text in (
        f"Resources: {{A: {{Type: B, Properties: {policy}}}}}",
        '{"Resources": {"A": {"Type": "B", "Properties": {"PolicyDocument": {"Statement": '
        '[{"Resource": "first", "Resource": "last"}]}}}}}',
    ):
        [resource] = parse(text).resources.values()
        assert resource.properties["PolicyDocument"]["Statement"] == [{"Resource": "last"}]


def test_what_stands_beside_the_properties():
    [resource] = parse(
        "Resources: {A: {Type: B, UpdateReplacePolicy: Retain, UpdatePolicy: {AutoScaling: {}}, "
        "Metadata: {a: b}, DependsOn: [C, D]}}"
    ).resources.values()
    assert resource.update_replace_policy == "Retain"
    assert resource.update_policy == {"AutoScaling": {}}
    assert resource.metadata == {"a": "b"}
    assert resource.depends_on == ("C", "D")


def test_only_the_transform_for_language_extensions_is_taken():
    assert parse("Transform: AWS::LanguageExtensions\n" + VPC).extended
    assert parse("Transform: [AWS::LanguageExtensions]\n" + VPC).extended
    assert not parse(VPC).extended


def test_a_template_of_an_url_may_be_longer():
    text = VPC + "\n#" + "x" * 60_000
    assert parse(text, limit_bytes=URL_SIZE_LIMIT_BYTES).body == text


@pytest.mark.parametrize(
    ("resource", "part"),
    [
        pytest.param("A: {Type: T, Properties: {P: !FindInMap [M, a, b, {DefaultValue: c}]}}",
                     "Fn::FindInMap with a default value", id="a default of FindInMap"),
        pytest.param("A: {Type: T, Properties: {P: {Ref: !Sub '${X}'}}}",
                     "Ref of what a function names", id="Ref of a function"),
        pytest.param("A: {Type: T, Properties: {P: {'Fn::GetAtt': [!Ref X, Arn]}}}",
                     "Fn::GetAtt of a resource that a function names", id="GetAtt of a function"),
        pytest.param("A: {Type: T, DeletionPolicy: !Ref Policy}",
                     "a DeletionPolicy that a function yields", id="DeletionPolicy"),
        pytest.param("A: {Type: T, UpdateReplacePolicy: !If [C, Delete, Retain]}",
                     "a UpdateReplacePolicy that a function yields", id="UpdateReplacePolicy"),
        pytest.param("'Fn::ForEach::Loop': [N, [a, b], {'A${N}': {Type: T}}]",
                     "Fn::ForEach", id="a loop over resources"),
    ],
)  # fmt: skip
def test_what_of_the_language_extensions_is_not_done(resource, part):
    """docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/transform-aws-languageextensions.html"""
    with pytest.raises(ValidationError) as error:
        parse(f"Transform: AWS::LanguageExtensions\nResources: {{{resource}}}")
    assert error.value.message == (
        f"Template format error: The emulator does not emulate {part}: of the transform "
        "AWS::LanguageExtensions it has Fn::Length and Fn::ToJsonString, no more."
    )
