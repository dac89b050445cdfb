"""Mutated templates: each is a template or a ValidationError, never anything else."""

import copy
import json
from pathlib import Path

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit.emulator.cloudformation.check import check
from labkit.emulator.cloudformation.document import load
from labkit.emulator.cloudformation.intrinsics import NO_VALUE, Scope, holds, resolve
from labkit.emulator.cloudformation.parameters import read
from labkit.emulator.cloudformation.rules import Facts, assert_rules
from labkit.emulator.cloudformation.schema import schemas
from labkit.emulator.cloudformation.template import parse
from labkit.emulator.cloudformation.validation import ValidationError

FILES = [
    *sorted(Path(__file__).with_name("templates").iterdir()),
    *sorted((Path(__file__).parents[3] / "cfn").glob("*.yaml")),
]
DOCUMENTS = [load(path.read_text()) for path in FILES]

ODD = [
    None, True, -1, 5, 1.5, "", "x", "${", "${}", "${A.B}", "${Missing}", "{{resolve:ssm:/x}}", [],
    [[]], ["a", "b", "c"], {}, {"Ref": "VPC"}, {"Ref": "Missing"}, {"Ref": ["VPC"]}, {"Ref": {}},
    {"Fn::GetAtt": "VPC"}, {"Fn::GetAtt": ["VPC", "VpcId"]}, {"Fn::GetAtt": [1, 2]},
    {"Fn::If": ["Missing", 1, 2]}, {"Fn::If": []}, {"Fn::If": [{"Ref": "VPC"}, 1, 2]},
    {"Fn::If": "x"}, {"Fn::Sub": []}, {"Fn::Sub": ["${A}", {"A": {"Ref": "A"}}]},
    {"Fn::Sub": {"a": 1}}, {"Fn::Join": [1, 2]}, {"Fn::Join": ["", {"Ref": "VPC"}]},
    {"Fn::Select": [99, ["a"]]}, {"Fn::Select": [{"a": 1}, []]}, {"Fn::Split": ["", "a"]},
    {"Fn::Cidr": ["a", "b", "c"]}, {"Fn::Cidr": [[], {}, -1]}, {"Fn::FindInMap": [[], {}, 1]},
    {"Fn::FindInMap": ["Names", {"Ref": "AWS::Region"}, "x"]}, {"Fn::Base64": []},
    {"Fn::GetAZs": {}}, {"Fn::ImportValue": {"Ref": "VPC"}}, {"Fn::ImportValue": []},
    {"Fn::Length": 1}, {"Fn::ToJsonString": {}}, {"Fn::Transform": {}}, {"Fn::Nothing": 1},
    {"Fn::ForEach::x": []}, {"Condition": "Missing"}, {"Condition": {}}, {"Condition": ["x"]},
    {"Fn::Equals": [1]}, {"Fn::Equals": [{}, []]}, {"Fn::And": []}, {"Fn::And": [1, 2]},
    {"Fn::Not": {}}, {"Fn::Or": [{"Condition": "x"}]}, {"Fn::Contains": [[], []]},
    {"Fn::EachMemberIn": {}}, {"Fn::RefAll": []}, {"Fn::ValueOf": ["x"]},
]  # fmt: skip
"""What stands in the place of something."""

NAMES = ["Ref", "Fn::GetAtt", "Fn::Sub", "Type", "Condition", "DependsOn", "Properties", "a-b", ""]


def paths(value, path=()):
    """Return the places in a document."""
    pairs = value.items() if isinstance(value, dict) else ()
    pairs = enumerate(value) if isinstance(value, list) else pairs
    return [path, *(found for key, inner in pairs for found in paths(inner, (*path, key)))]


PLACES = [paths(document)[1:] for document in DOCUMENTS]


@st.composite
def mutated(draw):
    """A template in which one to three places hold something else, are gone, or named otherwise."""
    number = draw(st.integers(0, len(DOCUMENTS) - 1))
    document = copy.deepcopy(DOCUMENTS[number])
    for _ in range(draw(st.integers(1, 3))):
        *parents, last = draw(st.sampled_from(PLACES[number]))
        where = document
        try:
            for key in parents:
                where = where[key]
            where[last]
        except (KeyError, IndexError, TypeError):  # it went with another
            continue
        if not isinstance(where, dict | list):
            continue
        action = draw(st.sampled_from(["replace", "replace", "delete", "rename"]))
        if action == "delete":
            del where[last]
        elif action == "rename" and isinstance(where, dict):
            where[draw(st.sampled_from(NAMES))] = where.pop(last)
        else:
            where[last] = copy.deepcopy(draw(st.sampled_from(ODD)))
    return document


PSEUDO = {
    "AWS::AccountId": "123456789012",
    "AWS::NoValue": NO_VALUE,
    "AWS::NotificationARNs": [],
    "AWS::Partition": "aws",
    "AWS::Region": "us-east-1",
    "AWS::StackId": "id",
    "AWS::StackName": "name",
    "AWS::URLSuffix": "amazonaws.com",
}


def fetch(name):
    raise ValidationError(f"Unable to fetch parameters [{name}]")


def evaluate(template, values):
    """Resolve all properties and outputs, and hold the properties against their schemas."""
    scope = Scope(
        values={**PSEUDO, **values},
        mappings=template.mappings,
        conditions=template.conditions,
        ref=lambda name: f"id-of-{name}",
        attribute=lambda name, attribute: f"{attribute}-of-{name}",
        zones=lambda region: ["zone-a", "zone-b"],
        import_value=fetch,
        fetch=fetch,
    )
    for resource in template.resources.values():
        if resource.condition is None or holds(resource.condition, scope):
            schema = schemas()[resource.type]
            schema.problems(schema.coerce(resolve(resource.properties, scope)))
    for output in template.outputs.values():
        resolve(output, scope)


@settings(max_examples=300, deadline=None)
@given(document=mutated(), as_json=st.booleans())
def test_a_template_or_a_validation_error(document, as_json):
    text = json.dumps(document) if as_json else yaml.safe_dump(document)
    try:
        template = parse(text)
        check(template)
        values = [
            {"ParameterKey": key, "ParameterValue": "x"}
            for key, declared in template.parameters.items()
            if "Default" not in declared
        ]
        parameters = read(template.parameters, values, fetch)
        found = {key: parameter.value for key, parameter in parameters.items()}
        types = {key: declared["Type"] for key, declared in template.parameters.items()}
        facts = Facts({**PSEUDO, **found}, types, lambda _: [], lambda *_: "")
        assert_rules(template, facts)
        evaluate(template, found)
    except ValidationError as error:
        assert error.message
