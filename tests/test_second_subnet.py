"""cfn/second-subnet.yaml as data, and the parameters that EC2 tells about the lab's stack."""

from __future__ import annotations

import re
import subprocess
import sys
import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from labkit import second_subnet, stacks
from labkit.emulator.cloudformation import check, graph, schema, template
from labkit.errors import LabError

TEXT = second_subnet.TEMPLATE.read_text(encoding="utf-8")
ADD_ON = template.parse(TEXT)
RESOURCES = ADD_ON.resources
NEEDS = graph.dependencies(RESOURCES.values(), lambda condition: True)
LAB_CIDR = {"Ref": "LabSubnetCidr"}


def properties(name):
    return RESOURCES[name].properties


def everything_needed_by(name):
    """Return what is there before a resource, through others too."""
    found, waiting = set(), {name}
    while waiting:
        waiting = {need for one in waiting for need in NEEDS[one]} - found
        found |= waiting
    return found


def test_cfn_lint_passes_with_no_ignored_rule():
    program = Path(sys.executable).with_name("cfn-lint")
    run = subprocess.run(
        [program, "--template", second_subnet.TEMPLATE, "--include-checks", "I",
         "--regions", "us-east-1", "eu-central-1", "ap-northeast-1"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (run.returncode, run.stdout + run.stderr) == (0, "")
    assert "cfn-lint" not in TEXT


def test_the_emulator_takes_it_and_no_capability_is_needed():
    check.check(ADD_ON)
    assert check.required_capabilities(ADD_ON) == []


@pytest.mark.parametrize("name", list(RESOURCES))
def test_no_resource_has_a_name_of_its_own_and_all_that_take_tags_have_them(name):
    given = {key for key in properties(name) if key.endswith("Name")}
    assert given - {"LogGroupName"} == set()
    if schema.schemas()[RESOURCES[name].type].taggable:
        tags = {tag["Key"]: tag["Value"] for tag in properties(name)["Tags"]}
        assert set(tags) == {"Name", "Owner", "RunId"}
        assert tags["Name"]["Fn::Sub"].startswith("${LabStackName}-")


def test_the_server_comes_last():
    """Else its agent hibernates, or its first packets are not recorded."""
    assert everything_needed_by("Server") >= RESOURCES.keys() - {"Server", "NothingElseOut"}
    assert not any("Server" in NEEDS[name] for name in RESOURCES)


def entry(name):
    asked = properties(name)
    return tuple(asked.get(key) for key in ("RuleNumber", "Egress", "Protocol", "RuleAction"))


def test_the_acl_allows_one_way():
    """docs.aws.amazon.com/vpc/latest/userguide/nacl-rules.html: the lowest number decides."""
    assert entry("EverythingIn") == (100, False, -1, "allow")
    assert entry("HttpsOut") == (100, True, 6, "allow")
    assert properties("HttpsOut")["PortRange"] == {"From": 443, "To": 443}
    assert entry("NothingElseOut") == (200, True, -1, "deny")
    entries = [one for one in RESOURCES.values() if one.type == "AWS::EC2::NetworkAclEntry"]
    assert len(entries) == 3
    assert all(one.properties["CidrBlock"] == LAB_CIDR for one in entries)


def test_the_group_lets_in_ping_and_one_port():
    ping, web = properties("ServerSecurityGroup")["SecurityGroupIngress"]
    assert (ping["IpProtocol"], ping["FromPort"], ping["ToPort"]) == ("icmp", 8, -1)
    port = {"Ref": "ServerPort"}
    assert (web["IpProtocol"], web["FromPort"], web["ToPort"]) == ("tcp", port, port)
    assert ping["CidrIp"] == web["CidrIp"] == LAB_CIDR
    described = [properties("ServerSecurityGroup")["GroupDescription"], ping["Description"],
                 web["Description"], properties("HttpsFromServer")["Description"]]  # fmt: skip
    assert all(re.fullmatch(r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{1,255}", d) for d in described)


def test_the_server_is_as_the_labs_instances():
    lab = template.parse(stacks.TEMPLATE.read_text(encoding="utf-8")).resources["Instance1"]
    given, like = properties("Server"), lab.properties
    for name in ("CreditSpecification", "MetadataOptions", "BlockDeviceMappings",
                 "PropagateTagsToVolumeOnCreation", "ImageId", "InstanceType"):  # fmt: skip
        assert given[name] == like[name], name


@pytest.mark.parametrize("name", ["SecondFlowLogToS3", "SecondFlowLogToCloudWatchLogs"])
def test_each_destination_has_a_flow_log_of_this_subnet(name):
    asked = properties(name)
    assert (asked["ResourceType"], asked["ResourceId"]) == ("Subnet", {"Ref": "SecondSubnet"})
    assert asked["TrafficType"] == "ALL"


@pytest.fixture(scope="module")
def lab(session):
    """The lab's stack, as 01 deploys it."""
    cloudformation = session.client("cloudformation")
    owner = session.client("sts").get_caller_identity()["Arn"]
    name = f"second-{uuid.uuid4().hex[:8]}"
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=stacks.TEMPLATE.read_text(encoding="utf-8"),
        Capabilities=["CAPABILITY_IAM"],
        Parameters=[{"ParameterKey": "Owner", "ParameterValue": owner}],
    )
    return stacks.follow(cloudformation, name)


def test_every_parameter_without_a_default_is_found_and_is_the_labs(session, lab):
    found = second_subnet.parameters(session.client("ec2"), lab)
    declared = ADD_ON.parameters
    assert found.keys() >= {name for name, one in declared.items() if "Default" not in one}
    assert found.keys() <= declared.keys()
    outputs = lab.outputs
    assert found["LabStackName"] == lab.name and found["VpcId"] == outputs["VpcId"]
    assert found["FlowLogBucketArn"].endswith(f":{outputs['FlowLogBucketName']}")
    assert found["FlowLogGroupName"] == outputs["FlowLogGroupName"]
    resources = stacks.resources(session.client("cloudformation"), lab.name)
    ids = dict(zip(resources.LogicalResourceId, resources.PhysicalResourceId, strict=True))
    assert found["EndpointSecurityGroupId"] == ids["EndpointSecurityGroup"]
    assert found["InstanceProfileName"] == ids["InstanceProfile"]
    assert found["DeliverLogRoleArn"].endswith(f"/{ids['DeliverLogRole']}")


def test_an_add_on_that_waits_for_its_change_set_is_found_too(session, lab):
    """A page that stopped between the plan and its execution leaves one; 99 has to remove it."""
    cloudformation, ec2 = session.client("cloudformation"), session.client("ec2")
    name = second_subnet.stack_name(lab.name)
    text = second_subnet.TEMPLATE.read_text(encoding="utf-8")
    asked = second_subnet.parameters(ec2, lab)
    planned = stacks.plan(cloudformation, name, text, parameters=asked)
    again = stacks.plan(cloudformation, name, text, parameters=asked)
    assert len(planned) == len(again) == len(ADD_ON.resources)
    assert [one.name for one in second_subnet.add_ons(cloudformation, lab.name)] == [name]
    stacks.delete(cloudformation, name)
    assert second_subnet.add_ons(cloudformation, lab.name) == []


def test_a_flow_log_that_was_removed_by_hand_is_named(session, lab):
    ec2 = session.client("ec2")
    outputs = {**lab.outputs, "FlowLogToS3Id": "fl-00000000000000000"}
    with pytest.raises(LabError, match=r"fl-0+ \(FlowLogToS3\) is gone: run 99_clean_up"):
        second_subnet.parameters(ec2, replace(lab, outputs=outputs))


def test_an_add_on_is_no_stack_of_the_lab(session, lab):
    """Else a mistyped prefix would be answered by the add-on's name."""
    assert not {*ADD_ON.parameters} >= stacks.LAB_PARAMETERS
    assert second_subnet.add_ons(session.client("cloudformation"), lab.name) == []
