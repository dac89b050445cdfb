"""What EC2 refuses to make or change, and in which words.

Source: docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
"""

import pytest
from botocore.exceptions import ClientError

NONE = "0123456789abcdef0"
ANYWHERE = "0.0.0.0/0"


@pytest.fixture(scope="module")
def ec2(session):
    return session.client("ec2")


@pytest.fixture(scope="module")
def made(ec2, request):
    """One of each that the calls below name, by the letters of its id."""
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    group = ec2.create_security_group(VpcId=vpc, GroupName="g", Description="d")["GroupId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    acl = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
    interface = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]
    prefixes = ec2.create_managed_prefix_list(
        PrefixListName="p", MaxEntries=2, AddressFamily="IPv4"
    )["PrefixList"]["PrefixListId"]
    eni = interface["NetworkInterfaceId"]
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    yield {
        "vpc": vpc, "subnet": subnet, "rtb": table, "sg": group, "igw": gateway, "acl": acl,
        "eni": eni, "pl": prefixes, "ami": image,
    }  # fmt: skip
    ec2.delete_managed_prefix_list(PrefixListId=prefixes)
    ec2.delete_network_interface(NetworkInterfaceId=eni)
    ec2.delete_internet_gateway(InternetGatewayId=gateway)
    ec2.delete_network_acl(NetworkAclId=acl)
    ec2.delete_security_group(GroupId=group)
    ec2.delete_route_table(RouteTableId=table)
    ec2.delete_subnet(SubnetId=subnet)
    ec2.delete_vpc(VpcId=vpc)


def filled(value, made):
    """Put the ids in: `vpc` -> one that is there, `no vpc` -> one that is not."""
    if isinstance(value, dict):
        return {key: filled(inner, made) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, made) for inner in value]
    if isinstance(value, str) and value.startswith("no "):
        return f"{value[3:]}-{NONE}"
    return made.get(value, value) if isinstance(value, str) else value


def refused(ec2, made, operation, asked):
    with pytest.raises(ClientError) as error:
        getattr(ec2, operation)(**filled(asked, made))
    return error.value.response["Error"]


RUN = {"ImageId": "ami", "InstanceType": "t4g.micro", "MinCount": 1, "MaxCount": 1}
ENTRY = {"RuleNumber": 7, "Protocol": "6", "RuleAction": "allow", "Egress": False,
         "CidrBlock": ANYWHERE, "PortRange": {"From": 22, "To": 22}}  # fmt: skip
ENDPOINT = {"ServiceName": "com.amazonaws.us-east-1.ssm", "VpcEndpointType": "Interface"}


@pytest.mark.aws_verified
@pytest.mark.parametrize(
    ("operation", "asked", "kind"),
    [
        ("create_subnet", {"VpcId": "no vpc", "CidrBlock": "10.0.0.0/24"}, "vpc"),
        ("create_route_table", {"VpcId": "no vpc"}, "vpc"),
        ("create_network_acl", {"VpcId": "no vpc"}, "vpc"),
        ("create_security_group", {"VpcId": "no vpc", "GroupName": "a", "Description": "b"}, "vpc"),
        ("create_vpc_endpoint", {"VpcId": "no vpc", **ENDPOINT}, "vpc"),
        ("attach_internet_gateway", {"InternetGatewayId": "igw", "VpcId": "no vpc"}, "vpc"),
        ("delete_vpc", {"VpcId": "no vpc"}, "vpc"),
        ("delete_subnet", {"SubnetId": "no subnet"}, "subnet"),
        ("associate_route_table", {"RouteTableId": "rtb", "SubnetId": "no subnet"}, "subnet"),
        ("create_network_interface", {"SubnetId": "no subnet"}, "subnet"),
        ("run_instances", {**RUN, "SubnetId": "no subnet"}, "subnet"),
        ("delete_route_table", {"RouteTableId": "no rtb"}, "rtb"),
        ("delete_route", {"RouteTableId": "no rtb", "DestinationCidrBlock": ANYWHERE}, "rtb"),
        ("associate_route_table", {"RouteTableId": "no rtb", "SubnetId": "subnet"}, "rtb"),
        ("delete_security_group", {"GroupId": "no sg"}, "sg"),
        ("create_network_interface", {"SubnetId": "subnet", "Groups": ["no sg"]}, "sg"),
        ("run_instances", {**RUN, "SubnetId": "subnet", "SecurityGroupIds": ["no sg"]}, "sg"),
        ("modify_network_interface_attribute",
         {"NetworkInterfaceId": "eni", "Groups": ["no sg"]}, "sg"),
        ("update_security_group_rule_descriptions_ingress",
         {"GroupId": "no sg", "IpPermissions": [{"IpProtocol": "-1"}]}, "sg"),
        ("delete_network_acl", {"NetworkAclId": "no acl"}, "acl"),
        ("create_network_acl_entry", {"NetworkAclId": "no acl", **ENTRY}, "acl"),
        ("replace_network_acl_entry", {"NetworkAclId": "no acl", **ENTRY}, "acl"),
        ("delete_network_interface", {"NetworkInterfaceId": "no eni"}, "eni"),
        ("create_route", {"RouteTableId": "rtb", "DestinationCidrBlock": ANYWHERE,
                          "NetworkInterfaceId": "no eni"}, "eni"),
        ("create_route", {"RouteTableId": "rtb", "DestinationCidrBlock": ANYWHERE,
                          "GatewayId": "no igw"}, "igw"),
        ("delete_internet_gateway", {"InternetGatewayId": "no igw"}, "igw"),
        ("attach_internet_gateway", {"InternetGatewayId": "no igw", "VpcId": "vpc"}, "igw"),
        ("detach_internet_gateway", {"InternetGatewayId": "no igw", "VpcId": "vpc"}, "igw"),
        ("describe_internet_gateways", {"InternetGatewayIds": ["no igw"]}, "igw"),
        ("terminate_instances", {"InstanceIds": ["no i"]}, "i"),
        ("modify_instance_metadata_options", {"InstanceId": "no i"}, "i"),
        ("modify_managed_prefix_list", {"PrefixListId": "no pl"}, "pl"),
        ("authorize_security_group_egress", {"GroupId": "sg", "IpPermissions": [
            {"IpProtocol": "-1", "PrefixListIds": [{"PrefixListId": "no pl"}]}]}, "pl"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)  # fmt: skip
def test_what_is_not_there_cannot_be_used(ec2, made, operation, asked, kind):
    code, text = {
        "vpc": ("InvalidVpcID", "vpc ID"),
        "subnet": ("InvalidSubnetID", "subnet ID"),
        "rtb": ("InvalidRouteTableID", "routeTable ID"),
        "sg": ("InvalidGroup", "security group"),
        "acl": ("InvalidNetworkAclID", "networkAcl ID"),
        "eni": ("InvalidNetworkInterfaceID", "networkInterface ID"),
        "igw": ("InvalidInternetGatewayID", "internetGateway ID"),
        "i": ("InvalidInstanceID", "instance ID"),
        "pl": ("InvalidPrefixListID", "prefix list ID"),
    }[kind]
    told = refused(ec2, made, operation, asked)
    assert told["Code"] == f"{code}.NotFound"
    assert told["Message"] == f"The {text} '{kind}-{NONE}' does not exist"


def permission(**changed):
    one = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": ANYWHERE}]}
    return {"GroupId": "sg", "IpPermissions": [{**one, **changed}]}


INVALID = "InvalidParameterValue"


@pytest.mark.parametrize(
    ("operation", "asked", "code", "text"),
    [
        pytest.param(
            "create_security_group", {"VpcId": "vpc", "GroupName": "a", "Description": "it's"},
            INVALID, "Invalid security group description. Valid", id="an apostrophe"),
        pytest.param(
            "create_security_group", {"VpcId": "vpc", "GroupName": "sg-a", "Description": "b"},
            INVALID, "Group names may not be in the format sg-*", id="a name like an id"),
        pytest.param(
            "authorize_security_group_ingress", permission(IpProtocol="nope"),
            INVALID, "Invalid value 'nope' for IP protocol. Unknown protocol.", id="protocol"),
        pytest.param(
            "authorize_security_group_ingress", permission(FromPort=23),
            INVALID, "Invalid TCP/UDP port range (23:22)", id="ports the wrong way round"),
        pytest.param(
            "authorize_security_group_ingress", permission(ToPort=65536),
            INVALID, "TCP/UDP (to) port (65536) out of range", id="a port beyond the last"),
        pytest.param(
            "authorize_security_group_ingress", permission(IpRanges=[{"CidrIp": "x"}]),
            INVALID, "CIDR block x is malformed", id="no range"),
        pytest.param(
            "authorize_security_group_ingress", permission(Ipv6Ranges=[{"CidrIpv6": "10.0.0.0/8"}]),
            INVALID, "CIDR block 10.0.0.0/8 is malformed", id="no range of IPv6"),
        pytest.param(
            "authorize_security_group_ingress",
            permission(IpRanges=[{"CidrIp": ANYWHERE, "Description": "it's"}]),
            INVALID, "Invalid rule description. Valid", id="an apostrophe in a rule"),
        pytest.param(
            "authorize_security_group_egress",
            {"GroupId": "sg", "IpPermissions": [{"IpProtocol": "udp"}]},
            INVALID, "Must specify both from and to ports with TCP/UDP.", id="no ports"),
        pytest.param(
            "create_network_acl_entry", {"NetworkAclId": "acl", **ENTRY, "CidrBlock": "x"},
            INVALID, "CIDR block x is malformed", id="no range in a network ACL"),
        pytest.param(
            "create_network_acl_entry", {"NetworkAclId": "acl", **ENTRY, "Protocol": "999"},
            INVALID, "Invalid value '999' for IP protocol.", id="protocol in a network ACL"),
        pytest.param(
            "create_network_acl_entry", {"NetworkAclId": "acl", **ENTRY, "RuleAction": "maybe"},
            INVALID, "it is allow or deny", id="neither allow nor deny"),
        pytest.param(
            "create_route", {"RouteTableId": "rtb", "DestinationCidrBlock": ANYWHERE},
            "MissingParameter", "must contain exactly one of gatewayId", id="a route to nowhere"),
        pytest.param(
            "create_route", {"RouteTableId": "rtb", "NetworkInterfaceId": "eni"},
            "MissingParameter", "exactly one of destinationCidrBlock", id="a route from nowhere"),
        pytest.param(
            "delete_route", {"RouteTableId": "rtb", "DestinationCidrBlock": "10.0.0.0/16"},
            INVALID, "cannot remove local route 10.0.0.0/16 in route table rtb-", id="local route"),
        pytest.param(
            "create_subnet", {"VpcId": "vpc", "CidrBlock": "10.0.1.0/29"},
            "InvalidSubnet.Range", "The CIDR '10.0.1.0/29' is invalid.", id="a subnet too small"),
        pytest.param(
            "create_subnet",
            {"VpcId": "vpc", "CidrBlock": "10.0.1.0/24", "AvailabilityZone": "us-east-1z"},
            INVALID, "availability zones: us-east-1a, us-east-1b", id="no zone"),
        pytest.param("create_vpc", {}, "MissingParameter", "cidrBlock", id="a VPC of no range"),
        pytest.param(
            "associate_route_table", {"RouteTableId": "rtb"},
            "MissingParameter", "subnetId or gatewayId", id="a table for nothing"),
        pytest.param(
            "run_instances", {**RUN, "MinCount": 2, "SubnetId": "subnet"},
            "InvalidParameterCombination", "minCount (2)", id="more at least than at most"),
        pytest.param(
            "run_instances", {**RUN, "SubnetId": "subnet", "IamInstanceProfile": {"Name": "x"}},
            INVALID, "Value (x) for parameter iamInstanceProfile.name is invalid. Invalid IAM "
            "Instance Profile name", id="no instance profile"),
        pytest.param(
            "start_instances", {"InstanceIds": ["nonsense"]},
            "InvalidInstanceID.Malformed", 'Invalid id: "nonsense"', id="no id of an instance"),
        pytest.param(
            "create_tags", {"Resources": ["vpc"], "Tags": [{"Key": "AWS:a", "Value": "b"}]},
            INVALID, "Tag keys starting with 'aws:' are reserved", id="AWS's own tags"),
        pytest.param(
            "modify_managed_prefix_list", {"PrefixListId": "pl", "CurrentVersion": 7},
            "PrefixListVersionMismatch", "incorrect version", id="another version of a list"),
        pytest.param(
            "import_key_pair", {"KeyName": "k", "PublicKeyMaterial": b"nonsense"},
            "InvalidKey.Format", "Key is not in valid OpenSSH", id="no key"),
        pytest.param(
            "detach_internet_gateway", {"InternetGatewayId": "igw", "VpcId": "vpc"},
            "Gateway.NotAttached", "is not attached to network vpc-", id="not attached"),
        pytest.param(
            "describe_availability_zones", {"ZoneNames": ["us-east-1z"]},
            INVALID, "Invalid availability zone: [us-east-1z]", id="a zone that is none"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(ec2, made, operation, asked, code, text):
    told = refused(ec2, made, operation, asked)
    assert (told["Code"], text in told["Message"]) == (code, True), told


def test_after_a_refused_rule_the_vpc_can_still_be_read(ec2, made):
    """A rule that nobody can read once made each later change of its VPC fail."""
    with pytest.raises(ClientError):
        ec2.authorize_security_group_ingress(
            **filled(permission(IpProtocol="nope"), made),
        )
    subnet = ec2.create_subnet(VpcId=made["vpc"], CidrBlock="10.0.9.0/24")["Subnet"]["SubnetId"]
    ec2.run_instances(**filled({**RUN, "SubnetId": subnet}, made))
    of_subnet = [{"Name": "subnet-id", "Values": [subnet]}]
    (found,) = ec2.describe_instances(Filters=of_subnet)["Reservations"]
    ec2.terminate_instances(InstanceIds=[found["Instances"][0]["InstanceId"]])
    ec2.delete_subnet(SubnetId=subnet)
