"""cfn/lab.yaml as data: each thing that goes wrong on AWS is kept out by a test."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from labkit.emulator.cloudformation import check, document, graph, schema, template

PATH = Path(__file__).parents[1] / "cfn" / "lab.yaml"
LAB = template.parse(PATH.read_text(encoding="utf-8"))
RESOURCES = LAB.resources
REGIONS = ["us-east-1", "us-west-2", "eu-central-1", "eu-west-1", "ap-northeast-1", "sa-east-1"]
NEEDS = graph.dependencies(RESOURCES.values(), lambda condition: True)


def properties(name):
    return RESOURCES[name].properties


def of_type(type_name):
    return [item for item in RESOURCES.values() if item.type == type_name]


def everything_needed_by(name):
    """Return what is there before a resource, through others too."""
    found, waiting = set(), {name}
    while waiting:
        waiting = {need for one in waiting for need in NEEDS[one]} - found
        found |= waiting
    return found


def statements(name):
    return properties(name)["PolicyDocument"]["Statement"]


def statement(sid):
    return next(item for item in statements("FlowLogBucketPolicy") if item["Sid"] == sid)


def keys_in(value):
    if isinstance(value, dict):
        yield from value
    for inner in value.values() if isinstance(value, dict) else value:
        if isinstance(inner, dict | list):
            yield from keys_in(inner)


# --- The whole


def test_it_is_under_the_limit_of_a_template_body():
    assert len(PATH.read_bytes()) < 51_200


def test_cfn_lint_passes_in_several_regions_with_no_ignored_rule():
    program = Path(sys.executable).with_name("cfn-lint")
    run = subprocess.run(
        [program, "--template", PATH, "--include-checks", "I", "--regions", *REGIONS],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (run.returncode, run.stdout + run.stderr) == (0, "")
    assert "cfn-lint" not in PATH.read_text()


def test_the_emulator_takes_it():
    check.check(LAB)


def test_capability_iam_is_enough():
    assert check.required_capabilities(LAB) == ["CAPABILITY_IAM"]


@pytest.mark.parametrize("name", list(RESOURCES))
def test_no_resource_has_a_name_of_its_own(name):
    """Names collide: between participants, and with what a failed deletion left behind."""
    given = {key for key in properties(name) if key.endswith("Name")}
    by_reference = {"LogGroupName"} if RESOURCES[name].type == "AWS::EC2::FlowLog" else set()
    assert given - by_reference - {"ServiceName"} == set()


def test_outputs():
    assert list(LAB.outputs) == [
        "VpcId", "PrivateSubnetId", "Instance1Id", "Instance2Id", "Instance1PrivateIp",
        "Instance2PrivateIp", "FlowLogBucketName", "FlowLogGroupName", "FlowLogToS3Id",
        "FlowLogToCloudWatchLogsId",
    ]  # fmt: skip
    assert not any("Export" in output for output in LAB.outputs.values())  # names would collide


def test_no_attribute_for_network_interfaces_is_asked():
    assert "PrimaryNetworkInterfaceId" not in json.dumps([LAB.outputs, *map(properties, RESOURCES)])


# --- Parameters


@pytest.mark.parametrize(
    ("name", "default"),
    [
        ("Prefix", "flow-logs-lab"),
        ("Owner", "not-set"),
        ("RunId", "not-set"),
        ("InstanceType", "t4g.micro"),
        ("ImageId", "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"),
        ("AvailabilityZone", ""),
        ("VpcCidr", "10.0.0.0/16"),
        ("SubnetCidr", "10.0.1.0/24"),
        ("AggregationInterval", 60),
        ("LogRetentionDays", 1),
    ],
)
def test_default(name, default):
    assert LAB.parameters[name]["Default"] == default


def test_these_are_all_parameters_and_each_says_what_it_is():
    assert len(LAB.parameters) == 10
    assert all(declared["Description"] for declared in LAB.parameters.values())


def test_the_image_comes_from_the_public_parameter():
    declared = LAB.parameters["ImageId"]
    assert declared["Type"] == "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>"
    assert declared["Default"].endswith("-arm64")


def test_only_burstable_arm64_types_may_be_chosen():
    """The image is arm64; CreditSpecification fails on other than T types."""
    allowed = LAB.parameters["InstanceType"]["AllowedValues"]
    assert {"t4g.micro", "t4g.small"} <= set(allowed)  # eligible in AWS's Free plan
    assert all(re.fullmatch(r"t4g\.\w+", name) for name in allowed)


def test_only_retention_times_of_cloudwatch_logs_may_be_chosen():
    allowed = schema.schemas()["AWS::Logs::LogGroup"].properties["properties"]["RetentionInDays"]
    assert LAB.parameters["LogRetentionDays"]["AllowedValues"] == allowed["enum"]


def test_only_aggregation_intervals_of_ec2_may_be_chosen():
    assert LAB.parameters["AggregationInterval"]["AllowedValues"] == [60, 600]


@pytest.mark.parametrize(
    "owner",
    [
        "arn:aws:iam::123456789012:user/alice",
        "arn:aws:sts::123456789012:assumed-role/Admin_1/alice@example.com",
        "",
    ],
)
def test_owner_takes_the_arn_of_a_caller(owner):
    assert re.fullmatch(LAB.parameters["Owner"]["AllowedPattern"], owner)


# --- Tags


@pytest.mark.parametrize("name", list(RESOURCES))
def test_everything_that_takes_tags_has_them(name):
    tags = {tag["Key"]: tag["Value"] for tag in properties(name).get("Tags", [])}
    if not schema.schemas()[RESOURCES[name].type].taggable:
        assert not tags
        return
    assert set(tags) == {"Name", "Owner", "RunId"}
    assert tags["Name"]["Fn::Sub"].startswith("${Prefix}-")
    assert (tags["Owner"], tags["RunId"]) == ({"Ref": "Owner"}, {"Ref": "RunId"})


def test_the_only_untagged_types_cannot_be_tagged():
    untagged = {item.type for item in RESOURCES.values() if "Tags" not in item.properties}
    assert untagged == {
        "AWS::EC2::SubnetRouteTableAssociation",
        "AWS::IAM::InstanceProfile",
        "AWS::S3::BucketPolicy",
    }


# --- The network


def test_private_dns_has_what_it_needs():
    assert properties("Vpc")["EnableDnsSupport"] is True
    assert properties("Vpc")["EnableDnsHostnames"] is True


def test_nothing_leads_to_the_internet():
    gates = re.compile(r"Gateway|EIP|::Route$|Address")
    assert not [item.type for item in RESOURCES.values() if gates.search(item.type)]
    assert properties("PrivateSubnet")["MapPublicIpOnLaunch"] is False
    assert properties("PrivateSubnetRouteTableAssociation") == {
        "SubnetId": {"Ref": "PrivateSubnet"},
        "RouteTableId": {"Ref": "PrivateRouteTable"},
    }


def test_the_first_zone_is_taken_when_none_is_given():
    assert properties("PrivateSubnet")["AvailabilityZone"] == {
        "Fn::If": [
            "HasAvailabilityZone",
            {"Ref": "AvailabilityZone"},
            {"Fn::Select": [0, {"Fn::GetAZs": ""}]},
        ]
    }


def test_instances_let_in_pings_from_the_subnet_only():
    [rule] = properties("InstanceSecurityGroup")["SecurityGroupIngress"]
    del rule["Description"]
    echo_request = {"IpProtocol": "icmp", "FromPort": 8, "ToPort": -1}
    assert rule == {**echo_request, "CidrIp": {"Ref": "SubnetCidr"}}


def test_endpoints_let_in_https_from_the_instances_only():
    [rule] = properties("EndpointSecurityGroup")["SecurityGroupIngress"]
    del rule["Description"]
    instances = {"Fn::GetAtt": "InstanceSecurityGroup.GroupId"}
    https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}
    assert rule == {**https, "SourceSecurityGroupId": instances}


def test_rules_stand_inside_their_groups():
    """A rule of its own may come later than the endpoint that it opens."""
    assert not of_type("AWS::EC2::SecurityGroupIngress")
    assert not of_type("AWS::EC2::SecurityGroupEgress")


def test_egress_is_left_open_so_that_the_groups_do_not_need_each_other():
    groups = of_type("AWS::EC2::SecurityGroup")
    assert not any("SecurityGroupEgress" in group.properties for group in groups)


def described():
    for group in of_type("AWS::EC2::SecurityGroup"):
        yield pytest.param(group.properties["GroupDescription"], id=group.logical_id)
        for rule in group.properties["SecurityGroupIngress"]:
            yield pytest.param(rule["Description"], id=f"a rule of {group.logical_id}")


@pytest.mark.parametrize("description", list(described()))
def test_descriptions_have_only_characters_that_ec2_takes(description):
    """cfn-lint looks at the group's, not at the rules'.

    Source: docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateSecurityGroup.html
    """
    assert re.fullmatch(r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{1,255}", description)


@pytest.mark.parametrize("name", ["SsmEndpoint", "SsmMessagesEndpoint"])
def test_endpoint(name):
    service = {"SsmEndpoint": "ssm", "SsmMessagesEndpoint": "ssmmessages"}[name]
    asked = properties(name)
    assert asked["ServiceName"] == {"Fn::Sub": f"com.amazonaws.${{AWS::Region}}.{service}"}
    assert asked["VpcEndpointType"] == "Interface"
    assert asked["PrivateDnsEnabled"] is True
    assert asked["SubnetIds"] == [{"Ref": "PrivateSubnet"}]
    assert asked["SecurityGroupIds"] == [{"Fn::GetAtt": "EndpointSecurityGroup.GroupId"}]


# --- The instances

INSTANCES = ["Instance1", "Instance2"]


@pytest.mark.parametrize("name", INSTANCES)
@pytest.mark.parametrize(
    "earlier",
    [
        pytest.param("SsmEndpoint", id="else the agent hibernates"),
        pytest.param("SsmMessagesEndpoint", id="else the agent hibernates, too"),
        pytest.param("FlowLogToS3", id="else the first ping is not recorded in S3"),
        pytest.param("FlowLogToCloudWatchLogs", id="else not in CloudWatch Logs"),
    ],
)
def test_instances_come_after(name, earlier):
    assert earlier in RESOURCES[name].depends_on


def test_both_instances_are_alike():
    first, second = ({**properties(name), "Tags": None} for name in INSTANCES)
    assert first == second


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SubnetId", {"Ref": "PrivateSubnet"}),
        ("SecurityGroupIds", [{"Fn::GetAtt": "InstanceSecurityGroup.GroupId"}]),
        ("IamInstanceProfile", {"Ref": "InstanceProfile"}),
        ("MetadataOptions", {"HttpTokens": "required"}),
        ("CreditSpecification", {"CPUCredits": "standard"}),
        ("PropagateTagsToVolumeOnCreation", True),
    ],
)
def test_instance(name, value):
    assert properties("Instance1")[name] == value


def test_the_root_volume_and_no_second_one_is_encrypted():
    [mapping] = properties("Instance1")["BlockDeviceMappings"]
    assert mapping["DeviceName"] == "/dev/xvda"  # Amazon Linux 2023's root device
    assert mapping["Ebs"]["Encrypted"] is True


def test_the_instances_role_is_what_a_managed_node_needs():
    role = properties("InstanceRole")
    policy = "arn:${AWS::Partition}:iam::aws:policy/AmazonSSMManagedInstanceCore"
    assert role["ManagedPolicyArns"] == [{"Fn::Sub": policy}]
    assert "Policies" not in role
    assert properties("InstanceProfile") == {"Roles": [{"Ref": "InstanceRole"}]}


# --- The bucket


def test_bucket():
    bucket = properties("FlowLogBucket")
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    [encryption] = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    assert bucket["OwnershipControls"] == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    [rule] = bucket["LifecycleConfiguration"]["Rules"]
    assert (rule["Status"], rule["ExpirationInDays"]) == ("Enabled", {"Ref": "LogRetentionDays"})
    assert "VersioningConfiguration" not in bucket  # versions would keep it from being empty


@pytest.mark.parametrize("name", ["FlowLogBucket", "FlowLogGroup"])
def test_state_goes_with_the_stack_and_the_template_says_so(name):
    declared = document.load(PATH.read_text())["Resources"][name]
    assert declared["DeletionPolicy"] == declared["UpdateReplacePolicy"] == "Delete"


ACCOUNT = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
LOGS_ARN = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:*"
DELIVERY = {"Service": "delivery.logs.amazonaws.com"}


def test_delivery_may_write_anywhere_in_the_bucket_for_this_account():
    """One prefix only, and a second flow log makes AWS write the policy anew."""
    write = statement("AWSLogDeliveryWrite")
    assert (write["Effect"], write["Principal"]) == ("Allow", DELIVERY)
    assert write["Action"] == "s3:PutObject"
    assert write["Resource"] == {"Fn::Sub": "${FlowLogBucket.Arn}/*"}
    assert write["Condition"] == {
        "StringEquals": {
            **ACCOUNT["StringEquals"],
            "s3:x-amz-acl": "bucket-owner-full-control",
        },
        "ArnLike": {"aws:SourceArn": {"Fn::Sub": LOGS_ARN}},
    }


def test_delivery_may_look_at_the_buckets_acl():
    look = statement("AWSLogDeliveryAclCheck")
    assert (look["Effect"], look["Principal"]) == ("Allow", DELIVERY)
    assert "s3:GetBucketAcl" in look["Action"]
    assert look["Resource"] == {"Fn::GetAtt": "FlowLogBucket.Arn"}
    assert look["Condition"] == {
        **ACCOUNT,
        "ArnLike": {"aws:SourceArn": {"Fn::Sub": LOGS_ARN}},
    }


def test_plain_http_is_denied():
    deny = statement("DenyPlainHttp")
    assert (deny["Effect"], deny["Principal"], deny["Action"]) == ("Deny", "*", "s3:*")
    assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert len(deny["Resource"]) == 2  # the bucket, and what is in it


def test_nothing_in_the_policy_keeps_aws_from_adding_to_it():
    assert not {"NotPrincipal", "NotAction"} & set(keys_in(statements("FlowLogBucketPolicy")))


def test_the_flow_log_to_s3_comes_after_the_buckets_policy():
    assert RESOURCES["FlowLogToS3"].depends_on == ("FlowLogBucketPolicy",)


# --- The log group and its role


def test_log_group():
    assert properties("FlowLogGroup")["RetentionInDays"] == {"Ref": "LogRetentionDays"}


def test_only_flow_logs_of_this_account_may_use_the_role():
    [trust] = properties("DeliverLogRole")["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "vpc-flow-logs.amazonaws.com"}
    flow_logs = "arn:${AWS::Partition}:ec2:${AWS::Region}:${AWS::AccountId}:vpc-flow-log/*"
    assert trust["Condition"] == {**ACCOUNT, "ArnLike": {"aws:SourceArn": {"Fn::Sub": flow_logs}}}


def test_the_role_may_write_to_the_group_and_nothing_else():
    [policy] = properties("DeliverLogRole")["Policies"]
    write, look = policy["PolicyDocument"]["Statement"]
    assert write == {
        "Effect": "Allow",
        "Action": ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"],
        "Resource": {"Fn::GetAtt": "FlowLogGroup.Arn"},  # ends in ":*" already
    }
    assert look == {"Effect": "Allow", "Action": "logs:DescribeLogGroups", "Resource": "*"}


def test_no_role_may_create_a_log_group():
    """It would come back after the stack is gone."""
    assert "CreateLogGroup" not in json.dumps(properties("DeliverLogRole"))


def test_permissions_are_inline_so_that_the_role_never_exists_without():
    assert not [item for item in RESOURCES.values() if item.type.endswith("Policy")
                and item.type.startswith("AWS::IAM::")]  # fmt: skip


def test_the_role_is_minutes_old_when_the_flow_log_needs_it():
    assert "SsmEndpoint" in RESOURCES["FlowLogToCloudWatchLogs"].depends_on
    assert "DeliverLogRole" in NEEDS["FlowLogToCloudWatchLogs"]


# --- The flow logs


@pytest.mark.parametrize("name", ["FlowLogToS3", "FlowLogToCloudWatchLogs"])
def test_flow_log(name):
    asked = properties(name)
    assert (asked["ResourceType"], asked["ResourceId"]) == ("Subnet", {"Ref": "PrivateSubnet"})
    assert asked["TrafficType"] == "ALL"
    assert asked["MaxAggregationInterval"] == {"Ref": "AggregationInterval"}


def test_destinations():
    to_s3, to_logs = properties("FlowLogToS3"), properties("FlowLogToCloudWatchLogs")
    assert to_s3["LogDestinationType"] == "s3"
    assert to_s3["LogDestination"] == {"Fn::GetAtt": "FlowLogBucket.Arn"}
    assert "DeliverLogsPermissionArn" not in to_s3
    assert to_logs["LogDestinationType"] == "cloud-watch-logs"
    assert to_logs["LogGroupName"] == {"Ref": "FlowLogGroup"}
    assert "LogDestination" not in to_logs  # GetAtt's ARN ends in ":*"
    assert to_logs["DeliverLogsPermissionArn"] == {"Fn::GetAtt": "DeliverLogRole.Arn"}


def test_instances_are_the_last_to_come_and_the_first_to_go():
    others = RESOURCES.keys() - set(INSTANCES)
    assert not any(set(INSTANCES) & NEEDS[name] for name in others)
    assert everything_needed_by("Instance1") == others - {"PrivateSubnetRouteTableAssociation",
                                                          "PrivateRouteTable"}  # fmt: skip
