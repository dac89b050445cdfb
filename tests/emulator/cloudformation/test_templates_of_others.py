"""Whole templates in the shape of those that others wrote: the article, and the guides.

Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-anatomy.html
"""

import time
from pathlib import Path

import pytest
from round_trip import create, delete, failures, physical_ids

from labkit import ping, run_command

TEMPLATES = Path(__file__).with_name("templates")


@pytest.fixture
def cloudformation(session):
    return session.client("cloudformation")


def body(name):
    return (TEMPLATES / name).read_text()


def given(**values):
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]


def outputs(stack):
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def test_a_vpc_with_public_and_private_subnets(session, cloudformation):
    stack = create(cloudformation, body("public_vpc.yaml"))
    assert stack["StackStatus"] == "CREATE_COMPLETE", failures(cloudformation, stack["StackId"])
    names, ec2 = physical_ids(cloudformation, stack), session.client("ec2")
    of_vpc = [{"Name": "vpc-id", "Values": [names["VPC"]]}]
    subnets = ec2.describe_subnets(Filters=of_vpc)["Subnets"]
    assert {subnet["CidrBlock"] for subnet in subnets} == {
        "10.192.0.0/24", "10.192.1.0/24", "10.192.2.0/24", "10.192.3.0/24",
    }  # fmt: skip
    assert len({subnet["AvailabilityZone"] for subnet in subnets}) == 2
    [table] = ec2.describe_route_tables(RouteTableIds=[names["PublicRouteTable"]])["RouteTables"]
    targets = {route["DestinationCidrBlock"]: route["GatewayId"] for route in table["Routes"]}
    assert targets == {"10.192.0.0/16": "local", "0.0.0.0/0": names["InternetGateway"]}
    [flow_log] = ec2.describe_flow_logs(FlowLogIds=[names["FlowLog"]])["FlowLogs"]
    assert flow_log["DeliverLogsStatus"] == "SUCCESS"
    assert outputs(stack)["FlowLogs"].endswith(names["FlowLogGroup"])
    delete(cloudformation, stack)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"KeepRecordsForDays": "0"}, "Say for how many days the records of all traffic are kept."),
        ({"VpcCidr": "10.0.0.0/8"}, "Parameter VpcCidr failed to satisfy constraint: A block such"),
        ({"TrafficType": "SOME"}, "Parameter 'TrafficType' must be one of AllowedValues"),
        ({"EnvironmentName": "Sample"}, "Parameter 'EnvironmentName' must match pattern"),
    ],
)
def test_what_the_sample_refuses_before_anything_is_made(cloudformation, parameters, message):
    with pytest.raises(cloudformation.exceptions.ClientError, match=message.replace("(", r"\(")):
        create(cloudformation, body("public_vpc.yaml"), Parameters=given(**parameters))


def test_flow_logs_of_a_vpc_that_exists(session, cloudformation):
    ec2 = session.client("ec2")
    vpc_id = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet_id = ec2.create_subnet(VpcId=vpc_id, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    asked = given(VpcId=vpc_id, SubnetIds=subnet_id)
    stack = create(cloudformation, body("flow_logs_to_s3.json"), Parameters=asked)
    assert stack["StackStatus"] == "CREATE_COMPLETE", failures(cloudformation, stack["StackId"])
    names = physical_ids(cloudformation, stack)
    ids = [names["FlowLog"], names["FlowLogOfSubnet"]]
    flow_logs = ec2.describe_flow_logs(FlowLogIds=ids)["FlowLogs"]
    assert {one["ResourceId"] for one in flow_logs} == {vpc_id, subnet_id}
    query = session.client("athena").get_named_query(NamedQueryId=names["TopRejected"])
    assert query["NamedQuery"]["QueryString"] == "SELECT * FROM records WHERE action = 'REJECT'"
    delete(cloudformation, stack)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"VpcId": "vpc-0123456789abcdef0"}, "parameter value vpc-0123456789abcdef0 for parameter"),
        ({"SubnetIds": "subnet-1"}, "parameter value subnet-1 for parameter name SubnetIds does"),
        (
            {"Zone": "us-east-1z"},
            "parameter value us-east-1z for parameter name Zone does not",
        ),
    ],
)
def test_parameters_must_name_what_exists(session, cloudformation, parameters, message):
    ec2 = session.client("ec2")
    [vpc] = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    subnet = ec2.describe_subnets()["Subnets"][0]
    fine = {"VpcId": vpc["VpcId"], "SubnetIds": subnet["SubnetId"]}
    with pytest.raises(cloudformation.exceptions.ClientError, match=message):
        create(
            cloudformation, body("flow_logs_to_s3.json"), Parameters=given(**{**fine, **parameters})
        )


def test_records_arrive_in_the_articles_bucket_without_a_policy(session, cloudformation):
    """CreateFlowLogs writes what the bucket's policy lacks.

    Source: docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-permissions.html
    """
    asked = given(Prefix="fa-014-article")
    stack = create(cloudformation, body("article_network.yaml"), Parameters=asked)
    assert stack["StackStatus"] == "CREATE_COMPLETE", failures(cloudformation, stack["StackId"])
    found = outputs(stack)
    wait_for_agent(session, found["Instance1"])
    lines = [f"ping -c 2 -W 2 {found['Instance2Ip']}"]
    result = run_command.run(session.client("ssm"), found["Instance1"], lines)
    assert ping.parse(result.stdout).received == 2
    assert ping_arrives(session.client("logs"), found["Instance2Ip"])
    bucket = session.resource("s3").Bucket("fa-014-article")
    assert [one for one in bucket.objects.all() if one.key.endswith(".log.gz")]
    for _ in range(5):  # the agents go on talking
        bucket.objects.delete()
        cloudformation.delete_stack(StackName=stack["StackId"])
        if settled_status(cloudformation, stack) == "DELETE_COMPLETE":
            return
    pytest.fail(str(failures(cloudformation, stack["StackId"])))


def wait_for_agent(session, instance_id):
    give_up_at = time.monotonic() + 60
    ssm = session.client("ssm")
    while time.monotonic() < give_up_at:
        nodes = ssm.describe_instance_information()["InstanceInformationList"]
        if instance_id in {node["InstanceId"] for node in nodes if node["PingStatus"] == "Online"}:
            return
        time.sleep(0.1)
    pytest.fail("the instance is no managed node")


def ping_arrives(logs, address):
    give_up_at = time.monotonic() + 30
    while time.monotonic() < give_up_at:
        events = logs.filter_log_events(
            logGroupName="fa-014-article-FlowLogGroup",
            filterPattern="[version, account, eni, source, destination, srcport, dstport, "
            "protocol=1, ...]",
        )["events"]
        if any(event["message"].split()[4] == address for event in events):
            return True
        time.sleep(0.1)
    return False


def settled_status(cloudformation, stack):
    give_up_at = time.monotonic() + 60
    while time.monotonic() < give_up_at:
        [found] = cloudformation.describe_stacks(StackName=stack["StackId"])["Stacks"]
        if not found["StackStatus"].endswith("IN_PROGRESS"):
            return found["StackStatus"]
        time.sleep(0.05)
    return pytest.fail("the stack does not settle")


def test_the_articles_function_fails_with_the_reason_and_is_rolled_back(session, cloudformation):
    asked = given(BucketName="some-bucket")
    stack = create(cloudformation, body("article_lambda.yaml"), Parameters=asked)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    [(name, reason), *_] = failures(cloudformation, stack["StackId"])
    assert name == "Function"
    assert (
        "The emulator does not make resources of type AWS::Lambda::Function: no code runs here"
        in reason
    )
    role = physical_ids(cloudformation, stack)["FunctionRole"]
    assert role not in {one["RoleName"] for one in session.client("iam").list_roles()["Roles"]}
    delete(cloudformation, stack)


@pytest.mark.parametrize(
    ("type_name", "properties", "reason"),
    [
        ("AWS::Logs::SubscriptionFilter", "{}",
         "AWS::Logs::SubscriptionFilter: nothing here would take the log events that it sends."),
        ("AWS::CloudFormation::WaitCondition", "{}",
         "AWS::CloudFormation::WaitCondition: no signal could reach it, and it would wait for "
         "ever."),
        ("Custom::CleanUp", "{ServiceToken: x, Anything: y}",
         "Custom::CleanUp: no Lambda function or topic could answer it."),
        ("AWS::EC2::NatGateway", "{SubnetId: x}",
         "AWS::EC2::NatGateway: packets that leave the VPC are dropped."),
        ("AWS::Glue::Crawler", "{}",
         "AWS::Glue::Crawler. Of this service it makes: AWS::Glue::Database, AWS::Glue::Table."),
        ("AWS::SNS::Topic", "{}", "AWS::SNS::Topic."),
    ],
)  # fmt: skip
def test_types_that_are_not_made(cloudformation, type_name, properties, reason):
    text = f"Resources: {{It: {{Type: '{type_name}', Properties: {properties}}}}}"
    stack = create(cloudformation, text)
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    [(_, told), *_] = failures(cloudformation, stack["StackId"])
    assert f"The emulator does not make resources of type {reason}" in told
    delete(cloudformation, stack)
