"""Mutated templates: whatever is wrong with one, it is refused, or its stack comes to an end.

A longer run than the test suite's, for so many seconds:

    PYTHONPATH=. python tests/emulator/cloudformation/fuzzing.py 300 [SEED]
"""

from __future__ import annotations

import copy
import json
import random
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from labkit.emulator.cloudformation import Stacks
from labkit.emulator.cloudformation.document import load
from labkit.emulator.operations import Call
from labkit.emulator.refusal import ServiceError
from labkit.emulator.upstream import ACCOUNT_ID, DEFAULT_REGION, InProcess, Moto

LAB = Path(__file__).parents[3] / "cfn" / "lab.yaml"
PATIENCE_S = 60

NETWORK = """
Parameters:
  Cidr: {Type: String, Default: 10.1.0.0/16, AllowedPattern: '[0-9./]+'}
  Zones: {Type: Number, Default: 2, MinValue: 1, MaxValue: 3}
  Names: {Type: CommaDelimitedList, Default: 'a,b'}
Mappings: {Sizes: {small: {Bits: 8}, large: {Bits: 10}}}
Conditions:
  Two: !Equals [!Ref Zones, 2]
  Both: !And [!Condition Two, !Not [!Equals [!Ref Cidr, '']]]
Resources:
  Vpc:
    Type: AWS::EC2::VPC
    Properties: {CidrBlock: !Ref Cidr, EnableDnsSupport: true, Tags: [{Key: Name, Value: !Sub '${AWS::StackName}-vpc'}]}
  A:
    Type: AWS::EC2::Subnet
    Properties:
      VpcId: !Ref Vpc
      AvailabilityZone: !Select [0, !GetAZs '']
      CidrBlock: !Select [0, !Cidr [!GetAtt Vpc.CidrBlock, 4, !FindInMap [Sizes, small, Bits]]]
  B:
    Type: AWS::EC2::Subnet
    Condition: Both
    Properties: {VpcId: !Ref Vpc, CidrBlock: !Select [1, !Cidr [!GetAtt Vpc.CidrBlock, 4, 8]]}
  Group:
    Type: AWS::EC2::SecurityGroup
    DeletionPolicy: Delete
    Properties:
      VpcId: !Ref Vpc
      GroupDescription: !Join [' ', [a, !Select [1, !Ref Names]]]
      SecurityGroupIngress: [{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: !Ref Cidr}]
  Inner:
    Type: AWS::EC2::SecurityGroupIngress
    Properties: {GroupId: !GetAtt Group.GroupId, IpProtocol: '-1', SourceSecurityGroupId: !Ref Group}
  Log: {Type: AWS::Logs::LogGroup, Properties: {RetentionInDays: 7}}
  Word:
    Type: AWS::SSM::Parameter
    DependsOn: [A, Log]
    Properties: {Type: String, Value: !If [Two, !Ref A, !Ref Log]}
Outputs:
  Vpc: {Value: !Ref Vpc, Export: {Name: !Sub '${AWS::StackName}-vpc'}}
  Second: {Condition: Both, Value: !Ref B}
"""  # noqa: E501

NESTED = """
Resources:
  Child:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: 'https://fuzzing.s3.amazonaws.com/child', Parameters: {Cidr: 10.2.0.0/16}}
  Word: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: !GetAtt Child.Outputs.Vpc}}
"""  # noqa: E501

STRANGE = (
    None, True, False, 0, -1, 10**20, 1.5, "", " ", "x" * 300, "ü\u0000", "!Ref", "${}", "${A.B.C}",
    "10.0.0.0/99", "arn:aws:x", [], {}, [[]], {"Ref": "Nope"}, {"Ref": []}, {"Fn::GetAtt": "Vpc"},
    {"Fn::Sub": ["${x}", {"x": {"Ref": "AWS::NoValue"}}]}, {"Fn::If": ["Nope", 1, 2]},
    {"Fn::Select": ["9", ["a"]]}, {"Fn::ImportValue": "nothing"}, {"Fn::Nope": 1},
    {"Fn::Transform": {"Name": "x"}}, {"Ref": "AWS::NoValue"}, {"Fn::Join": ["", {"Ref": "Vpc"}]},
    {"Fn::GetAZs": {"Ref": "AWS::Region"}}, {"Fn::Cidr": ["x", 1, 1]}, "{{resolve:ssm:/nothing}}",
)  # fmt: skip

Place = tuple[Any, Any]
"""A mapping or a list, and a key or an index of it."""


def mutated(body: str, chance: random.Random) -> str:
    """Return a template's text with one to three things wrong, in its data or in its letters."""
    if chance.random() < 0.2:
        return _in_letters(body, chance)
    document = copy.deepcopy(load(body))
    for _ in range(chance.randint(1, 3)):
        _in_data(document, chance)
    return json.dumps(document)


def _in_letters(body: str, chance: random.Random) -> str:
    lines = body.split("\n")
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(lines))
        kind = chance.randrange(4)
        if kind == 0:
            del lines[at]
        elif kind == 1:
            lines[at] = " " * chance.randint(1, 3) + lines[at]
        elif kind == 2:
            lines.insert(at, lines[chance.randrange(len(lines))])
        else:
            where = chance.randrange(len(lines[at]) + 1)
            letter = chance.choice("{}[]:&*!|'\"#,\t\x00é-%@")
            lines[at] = lines[at][:where] + letter + lines[at][where:]
        if not lines:
            return ""
    return "\n".join(lines)


def _in_data(document: Any, chance: random.Random) -> None:
    places = list(_places(document))
    if not places:
        return
    inside, key = chance.choice(places)
    kind = chance.randrange(5)
    if kind == 0:
        del inside[key]
    elif kind == 1:
        inside[key] = copy.deepcopy(chance.choice(STRANGE))
    elif kind == 2:
        other, other_key = chance.choice(places)
        inside[key] = copy.deepcopy(other[other_key])
    elif kind == 3 and isinstance(inside, dict):
        inside[f"{key}{chance.choice(['', 'X', '::', '-'])}"] = inside.pop(key)
    elif isinstance(inside[key], str) and inside[key]:
        at = chance.randrange(len(inside[key]))
        inside[key] = inside[key][:at] + inside[key][at + 1 :]


def _places(value: Any) -> list[Place]:
    pairs = list(value.items()) if isinstance(value, dict) else []
    pairs = list(enumerate(value)) if isinstance(value, list) else pairs
    return [(value, key) for key, _ in pairs] + [
        place for _, inner in pairs for place in _places(inner)
    ]


class Fuzzer:
    """Makes stacks of mutated templates, and changes sound ones to them.

    Args:
        clients: moto's, or those of a gateway.
        seed: decides all mutations.
        name: begins the names of the stacks.
    """

    def __init__(self, clients: Any, seed: int, name: str = "fuzz"):
        self._operations = Stacks(clients).operations()
        self._chance = random.Random(seed)
        self._name = f"{name}-{seed}"
        self._number = 0
        self.seen: Counter[str] = Counter()
        s3 = clients("s3", DEFAULT_REGION)
        s3.create_bucket(Bucket="fuzzing")
        s3.put_object(Bucket="fuzzing", Key="child", Body=NETWORK.encode())

    def step(self) -> list[str]:
        """Do one stack's whole life; return what was wrong with it."""
        self._number += 1
        name = f"{self._name}-{self._number}"
        body = self._chance.choice([LAB.read_text(), NETWORK, NESTED])
        wrong = mutated(body, self._chance)
        complaints = (
            self._updated(name, body, wrong)
            if self._chance.random() < 0.4
            else self._created(name, wrong)
        )
        return [f"{complaint}\n{wrong}" for complaint in complaints + self._deleted(name)]

    def _created(self, name: str, body: str) -> list[str]:
        self._ask("ValidateTemplate", TemplateBody=body)
        return self._done("CreateStack", name, body)

    def _updated(self, name: str, body: str, wrong: str) -> list[str]:
        """Bring a sound stack to a mutated template, by an update or by a change set."""
        complaints = self._done("CreateStack", name, body)
        if self._chance.random() < 0.5:
            return complaints + self._done("UpdateStack", name, wrong)
        complaints += self._done("CreateChangeSet", name, wrong, ChangeSetName="cs")
        which = {"StackName": name, "ChangeSetName": "cs"}
        self._ask("DescribeChangeSet", IncludePropertyValues=True, **which)
        self._ask("ExecuteChangeSet", **which)
        return complaints + self._unsettled(name)

    def _deleted(self, name: str) -> list[str]:
        self._ask("DeleteStack", StackName=name)
        return self._unsettled(name)

    def _done(self, operation: str, name: str, body: str, **asked: Any) -> list[str]:
        all_of_them = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
        asked |= {"StackName": name, "TemplateBody": body, "Capabilities": all_of_them}
        self._ask(operation, **asked)
        return self._unsettled(name)

    def _ask(self, operation: str, **asked: Any) -> dict[str, Any] | None:
        """Call an operation. What is not a refusal goes on up: it would be a defect."""
        call = Call("cloudformation", operation, DEFAULT_REGION, ACCOUNT_ID, "AKIATEST", asked)
        try:
            answer = self._operations["cloudformation", operation](call)
        except ServiceError as error:
            assert 400 <= error.status < 500, error
            self.seen[f"{operation} refused"] += 1
            return None
        self.seen[f"{operation} accepted"] += 1
        return answer

    def _unsettled(self, name: str) -> list[str]:
        """Wait until a stack settled; return why that is wrong, if it is."""
        give_up_at = time.monotonic() + PATIENCE_S
        while (found := self._ask("DescribeStacks", StackName=name)) is not None:
            [stack] = found["Stacks"]
            if not stack["StackStatus"].endswith("_IN_PROGRESS"):
                self.seen[stack["StackStatus"]] += 1
                return self._internal_failures(stack["StackId"])
            if time.monotonic() > give_up_at:
                return [f"{name} is still {stack['StackStatus']}"]
            time.sleep(0.002)
        return []

    def _internal_failures(self, stack_id: str) -> list[str]:
        found = self._ask("DescribeStackEvents", StackName=stack_id) or {"StackEvents": []}
        return [
            f"{event['LogicalResourceId']} ({event['ResourceType']}): Internal Failure"
            for event in found["StackEvents"]
            if "Internal Failure" in event.get("ResourceStatusReason", "")
        ]


def main() -> int:
    """Run for so many seconds; print what was seen; return how much of it was wrong."""
    seconds, seed = float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1
    fuzzer = Fuzzer(InProcess(Moto(), "AKIATEST", "secret"), seed)
    complaints: list[str] = []
    end_at, steps = time.monotonic() + seconds, 0
    while time.monotonic() < end_at:
        complaints += fuzzer.step()
        steps += 1
    lines = [f"{number:7} {what}" for what, number in sorted(fuzzer.seen.items())]
    print(f"{steps} templates, seed {seed}", *lines, *complaints, sep="\n")  # noqa: T201
    return min(len(complaints), 100)


if __name__ == "__main__":
    sys.exit(main())
