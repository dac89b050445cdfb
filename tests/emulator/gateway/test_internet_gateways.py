"""Internet gateways: they exist, and what AWS refuses is refused.

Source: docs.aws.amazon.com/vpc/latest/userguide/VPC_Internet_Gateway.html
"""

import pytest
from botocore.exceptions import ClientError

NONE = "igw-0123456789abcdef0"


@pytest.fixture
def ec2(session):
    return session.client("ec2")


@pytest.fixture
def vpc(ec2):
    vpc_id = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    yield vpc_id
    ec2.delete_vpc(VpcId=vpc_id)


@pytest.fixture
def gateway(ec2):
    gateway_id = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    yield gateway_id
    ec2.delete_internet_gateway(InternetGatewayId=gateway_id)


@pytest.fixture
def attached(ec2, vpc, gateway):
    ec2.attach_internet_gateway(VpcId=vpc, InternetGatewayId=gateway)
    yield gateway
    ec2.detach_internet_gateway(VpcId=vpc, InternetGatewayId=gateway)


def main_table(ec2, vpc):
    of_vpc = [{"Name": "vpc-id", "Values": [vpc]}]
    return ec2.describe_route_tables(Filters=of_vpc)["RouteTables"][0]["RouteTableId"]


def refused(call, **asked):
    with pytest.raises(ClientError) as error:
        call(**asked)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def test_a_vpc_has_one_at_most(ec2, vpc, attached):
    other = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    code, message = refused(ec2.attach_internet_gateway, VpcId=vpc, InternetGatewayId=other)
    assert (code, message) == (
        "InvalidParameterValue", f"Network {vpc} already has an internet gateway attached",
    )  # fmt: skip
    ec2.delete_internet_gateway(InternetGatewayId=other)


def test_a_vpc_with_one_is_not_deleted(ec2, vpc, attached):
    assert refused(ec2.delete_vpc, VpcId=vpc)[0] == "DependencyViolation"


def test_one_that_is_attached_is_not_deleted(ec2, attached):
    code, _ = refused(ec2.delete_internet_gateway, InternetGatewayId=attached)
    assert code == "DependencyViolation"


@pytest.mark.parametrize("operation", ["create_route", "replace_route"])
def test_a_route_may_lead_to_it(ec2, vpc, attached, operation):
    table = main_table(ec2, vpc)
    route = {"RouteTableId": table, "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": attached}
    ec2.create_route(**route)
    if operation == "replace_route":
        ec2.replace_route(**route)
    [described] = ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"]
    assert attached in {item.get("GatewayId") for item in described["Routes"]}
    ec2.delete_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0")


def test_a_route_leads_to_no_gateway_of_another_network(ec2, vpc, gateway):
    route = {"RouteTableId": main_table(ec2, vpc), "DestinationCidrBlock": "0.0.0.0/0"}
    code, message = refused(ec2.create_route, **route, GatewayId=gateway)
    assert code == "InvalidParameterValue"
    assert "belong to different networks" in message
    assert (
        refused(ec2.create_route, **route, GatewayId=NONE)[0] == "InvalidInternetGatewayID.NotFound"
    )
