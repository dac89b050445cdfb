"""Launch templates, and instances of them.

Source: docs.aws.amazon.com/AWSEC2/latest/UserGuide/create-launch-template.html
"""

import pytest
from botocore.exceptions import ClientError

IMAGE = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"
MISSING = "lt-0123456789abcdef0"


@pytest.fixture
def ec2(session):
    return session.client("ec2")


@pytest.fixture
def data(session):
    image = session.client("ssm").get_parameter(Name=IMAGE)["Parameter"]["Value"]
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "a", "Value": "template"}]}]
    return {"ImageId": image, "InstanceType": "t4g.nano", "TagSpecifications": tags}


@pytest.fixture
def template(ec2, data, unique):
    answer = ec2.create_launch_template(
        LaunchTemplateName=unique,
        LaunchTemplateData=data,
        TagSpecifications=[{"ResourceType": "launch-template",
                            "Tags": [{"Key": "k", "Value": "v"}]}],
    )  # fmt: skip
    yield answer["LaunchTemplate"]
    ec2.delete_launch_template(LaunchTemplateId=answer["LaunchTemplate"]["LaunchTemplateId"])


@pytest.fixture
def run(ec2):
    started = []

    def run(**asked):
        [instance] = ec2.run_instances(MinCount=1, MaxCount=1, **asked)["Instances"]
        started.append(instance["InstanceId"])
        return instance

    yield run
    if started:
        ec2.terminate_instances(InstanceIds=started)


def code(call, **asked):
    with pytest.raises(ClientError) as error:
        call(**asked)
    return error.value.response["Error"]["Code"]


def test_what_is_told_of_one(ec2, template, unique):
    [found] = ec2.describe_launch_templates(LaunchTemplateNames=[unique])["LaunchTemplates"]
    assert (found["DefaultVersionNumber"], found["LatestVersionNumber"]) == (1, 1)
    assert found["Tags"] == template["Tags"] == [{"Key": "k", "Value": "v"}]
    by_tag = [{"Name": "tag:k", "Values": ["v"]}]
    assert ec2.describe_launch_templates(Filters=by_tag)["LaunchTemplates"] == [found]


def test_all_are_told(ec2, data):
    """moto tells of fifteen."""
    ids = [
        ec2.create_launch_template(LaunchTemplateName=f"many-{n}", LaunchTemplateData=data)[
            "LaunchTemplate"
        ]["LaunchTemplateId"]
        for n in range(16)
    ]
    found = {one["LaunchTemplateId"] for one in ec2.describe_launch_templates()["LaunchTemplates"]}
    assert found >= set(ids)
    for id_ in ids:
        ec2.delete_launch_template(LaunchTemplateId=id_)


def test_versions(ec2, template, data):
    which = {"LaunchTemplateId": template["LaunchTemplateId"]}
    changed = {**data, "InstanceType": "t4g.small"}
    ec2.create_launch_template_version(
        **which, LaunchTemplateData=changed, VersionDescription="larger"
    )

    def versions(**asked):
        found = ec2.describe_launch_template_versions(**which, **asked)["LaunchTemplateVersions"]
        return [(one["VersionNumber"], one["LaunchTemplateData"]["InstanceType"],
                 one["DefaultVersion"]) for one in found]  # fmt: skip

    assert versions() == [(2, "t4g.small", False), (1, "t4g.nano", True)]
    assert versions(Versions=["$Default"]) == [(1, "t4g.nano", True)]
    assert versions(Versions=["$Latest"]) == [(2, "t4g.small", False)]
    ec2.modify_launch_template(**which, DefaultVersion="2")
    assert versions(Versions=["$Default"]) == [(2, "t4g.small", True)]


@pytest.mark.parametrize("call", ["describe_launch_template_versions", "delete_launch_template",
                                  "modify_launch_template"])  # fmt: skip
def test_one_that_is_not_there(ec2, call):
    asked = {"LaunchTemplateId": MISSING}
    assert code(getattr(ec2, call), **asked) == "InvalidLaunchTemplateId.NotFound"


def test_what_is_refused(ec2, template, data, unique):
    create = ec2.create_launch_template
    asked = {"LaunchTemplateName": unique, "LaunchTemplateData": data}
    assert code(create, **asked) == "InvalidLaunchTemplateName.AlreadyExistsException"
    asked = {"LaunchTemplateName": "a b c", "LaunchTemplateData": data}
    assert code(create, **asked) == "InvalidLaunchTemplateName.MalformedException"
    which = {"LaunchTemplateId": template["LaunchTemplateId"]}
    wrong = {**which, "LaunchTemplateData": data, "SourceVersion": "1"}
    assert code(ec2.create_launch_template_version, **wrong) == "UnsupportedOperation"
    versions = {**which, "Versions": ["7"]}
    missing = code(ec2.describe_launch_template_versions, **versions)
    assert missing == "InvalidLaunchTemplateId.VersionNotFound"


def test_an_instance_of_one(run, template):
    which = {"LaunchTemplateId": template["LaunchTemplateId"], "Version": "$Latest"}
    instance = run(LaunchTemplate=which)
    assert instance["InstanceType"] == "t4g.nano"
    assert {tag["Key"]: tag["Value"] for tag in instance["Tags"]} == {"a": "template"}


def test_what_the_call_says_comes_first(run, template, unique):
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "a", "Value": "call"},
                                                  {"Key": "b", "Value": "c"}]}]  # fmt: skip
    instance = run(
        LaunchTemplate={"LaunchTemplateName": unique},
        InstanceType="t4g.small",
        TagSpecifications=tags,
    )
    assert instance["InstanceType"] == "t4g.small"
    assert {tag["Key"]: tag["Value"] for tag in instance["Tags"]} == {"a": "call", "b": "c"}


def test_what_contradicts_itself_is_refused(ec2, run, data, unique):
    [subnet, *_] = ec2.describe_subnets()["Subnets"]
    interface = {"DeviceIndex": 0, "SubnetId": subnet["SubnetId"]}
    ec2.create_launch_template(
        LaunchTemplateName=unique, LaunchTemplateData={**data, "NetworkInterfaces": [interface]}
    )
    which = {"LaunchTemplateName": unique}
    asked = {"LaunchTemplate": which, "SubnetId": subnet["SubnetId"]}
    assert code(run, **asked) == "InvalidParameterCombination"
    ec2.delete_launch_template(**which)


def test_what_the_emulator_does_not_honor_is_refused_at_the_launch(ec2, run, data, unique):
    ec2.create_launch_template(
        LaunchTemplateName=unique, LaunchTemplateData={**data, "UserData": "ZWNobw=="}
    )
    assert code(run, LaunchTemplate={"LaunchTemplateName": unique}) == "UnsupportedOperation"
    ec2.delete_launch_template(LaunchTemplateName=unique)
