"""EC2 as it is on AWS where moto alone would say something else.

Errors: docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
"""

import ipaddress

import pytest
from botocore.exceptions import ClientError

IMAGE = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"


@pytest.fixture
def ec2(session):
    return session.client("ec2")


@pytest.fixture(scope="session")
def image(session):
    return session.client("ssm").get_parameter(Name=IMAGE)["Parameter"]["Value"]


@pytest.fixture
def vpc(ec2, removed):
    vpc_id = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    removed(ec2.delete_vpc, VpcId=vpc_id)
    ec2.modify_vpc_attribute(VpcId=vpc_id, EnableDnsHostnames={"Value": True})
    return vpc_id


@pytest.fixture
def subnet(ec2, vpc, removed):
    id_ = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/28")["Subnet"]["SubnetId"]
    removed(ec2.delete_subnet, SubnetId=id_)
    return id_


@pytest.fixture
def group(ec2, vpc, removed):
    id_ = ec2.create_security_group(GroupName="g", Description="d", VpcId=vpc)["GroupId"]
    removed(ec2.delete_security_group, GroupId=id_)
    return id_


@pytest.fixture
def run(ec2, image):
    def run(**asked):
        common = {"ImageId": image, "InstanceType": "t4g.micro", "MinCount": 1, "MaxCount": 1}
        answer = ec2.run_instances(**{**common, **asked})
        return answer["Instances"]

    return run


@pytest.fixture
def endpoint(ec2):
    def endpoint(vpc, subnet, service="ssm", **asked):
        answer = ec2.create_vpc_endpoint(
            VpcId=vpc,
            VpcEndpointType="Interface",
            ServiceName=f"com.amazonaws.us-east-1.{service}",
            SubnetIds=[subnet],
            **asked,
        )
        return answer["VpcEndpoint"]

    return endpoint


def code(error):
    return error.value.response["Error"]["Code"]


def interfaces(ec2, subnet):
    filters = [{"Name": "subnet-id", "Values": [subnet]}]
    return ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]


class TestInstances:
    def test_an_instance_has_the_groups_and_an_address_of_the_subnet(self, ec2, run, subnet, group):
        (instance,) = run(SubnetId=subnet, SecurityGroupIds=[group])
        assert [item["GroupId"] for item in instance["SecurityGroups"]] == [group]
        assert ipaddress.ip_address(instance["PrivateIpAddress"]) in ipaddress.ip_network(
            "10.0.1.0/28"
        )
        (interface,) = interfaces(ec2, subnet)
        assert interface["PrivateIpAddress"] == instance["PrivateIpAddress"]
        assert [item["GroupId"] for item in interface["Groups"]] == [group]

    def test_a_terminated_instance_releases_interface_address_and_volume(self, ec2, run, subnet):
        disk = {"DeviceName": "/dev/xvda", "Ebs": {"Encrypted": True, "VolumeSize": 8}}
        (instance,) = run(SubnetId=subnet, BlockDeviceMappings=[disk])
        id_ = instance["InstanceId"]
        volumes = [{"Name": "attachment.instance-id", "Values": [id_]}]
        assert [v["Encrypted"] for v in ec2.describe_volumes(Filters=volumes)["Volumes"]] == [True]
        ec2.terminate_instances(InstanceIds=[id_])
        assert interfaces(ec2, subnet) == []
        assert ec2.describe_volumes(Filters=volumes)["Volumes"] == []
        found = ec2.describe_instances(InstanceIds=[id_])["Reservations"][0]["Instances"][0]
        assert found["State"]["Name"] == "terminated"
        assert "PrivateIpAddress" not in found
        assert "VpcId" not in found
        by_subnet = [{"Name": "subnet-id", "Values": [subnet]}]
        assert ec2.describe_instances(Filters=by_subnet)["Reservations"] == []
        ec2.delete_subnet(SubnetId=subnet)

    def test_a_stopped_instance_keeps_its_address(self, ec2, run, subnet):
        (instance,) = run(SubnetId=subnet)
        ec2.stop_instances(InstanceIds=[instance["InstanceId"]])
        found = ec2.describe_instances(InstanceIds=[instance["InstanceId"]])
        stopped = found["Reservations"][0]["Instances"][0]
        assert stopped["State"]["Name"] == "stopped"
        assert stopped["PrivateIpAddress"] == instance["PrivateIpAddress"]

    def test_metadata_options_are_kept(self, run, subnet):
        (instance,) = run(SubnetId=subnet, MetadataOptions={"HttpTokens": "required"})
        assert instance["MetadataOptions"]["HttpTokens"] == "required"

    def test_the_same_client_token_starts_nothing_new(self, run, subnet):
        first, second = (run(SubnetId=subnet, ClientToken=subnet)[0] for _ in range(2))
        assert first["InstanceId"] == second["InstanceId"]

    def test_an_instance_without_a_subnet_is_in_the_default_vpc(self, ec2, run):
        (instance,) = run()
        subnet = ec2.describe_subnets(SubnetIds=[instance["SubnetId"]])["Subnets"][0]
        assert subnet["DefaultForAz"]
        assert ipaddress.ip_address(instance["PrivateIpAddress"]) in ipaddress.ip_network(
            subnet["CidrBlock"]
        )
        ec2.terminate_instances(InstanceIds=[instance["InstanceId"]])

    def test_groups_can_be_changed(self, ec2, run, subnet, group):
        (instance,) = run(SubnetId=subnet)
        ec2.modify_instance_attribute(InstanceId=instance["InstanceId"], Groups=[group])
        assert [item["GroupId"] for item in interfaces(ec2, subnet)[0]["Groups"]] == [group]

    @pytest.mark.parametrize(
        ("asked", "expected"),
        [
            pytest.param({"UserData": "IyEvYmluL3No"}, "UnsupportedOperation", id="user data"),
            pytest.param(
                {"InstanceType": "t9.micro"}, "InvalidInstanceType.NotFound", id="no such type"
            ),
            pytest.param({"ImageId": "ami-00000000"}, "InvalidAMIID.NotFound", id="no such image"),
            pytest.param(
                {"SecurityGroupIds": ["sg-0123456789abcdef0"]},
                "InvalidGroup.NotFound",
                id="no such group",
            ),
            pytest.param(
                {"PrivateIpAddress": "10.0.2.5"}, "InvalidParameterValue", id="not of the subnet"
            ),
            pytest.param(
                {"PrivateIpAddress": "10.0.1.1"}, "InvalidParameterValue", id="the router's"
            ),
            pytest.param(
                {"PrivateIpAddress": "10.0.1.15"}, "InvalidParameterValue", id="the broadcast's"
            ),
        ],
    )
    def test_what_cannot_be_is_refused(self, ec2, run, subnet, asked, expected):
        with pytest.raises(ClientError) as refused:
            run(**{"SubnetId": subnet, **asked})
        assert code(refused) == expected
        assert interfaces(ec2, subnet) == []

    def test_no_address_is_given_twice(self, ec2, run, vpc, subnet, endpoint):
        endpoint(vpc, subnet)
        ec2.create_network_interface(SubnetId=subnet, SecondaryPrivateIpAddressCount=2)
        run(SubnetId=subnet, MinCount=3, MaxCount=3)
        ec2.create_network_interface(SubnetId=subnet)
        given = [
            item["PrivateIpAddress"]
            for interface in interfaces(ec2, subnet)
            for item in interface["PrivateIpAddresses"]
        ]
        assert len(given) == len(set(given)) == 8
        assert not {"10.0.1.0", "10.0.1.1", "10.0.1.2", "10.0.1.3", "10.0.1.15"} & set(given)
        with pytest.raises(ClientError) as refused:
            run(SubnetId=subnet, PrivateIpAddress=given[0])
        assert code(refused) == "InvalidIPAddress.InUse"

    def test_a_full_subnet_says_so(self, ec2, subnet):
        made = [
            ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"] for _ in range(11)
        ]
        with pytest.raises(ClientError) as refused:
            ec2.create_network_interface(SubnetId=subnet)
        assert code(refused) == "InsufficientFreeAddressesInSubnet"
        ec2.delete_network_interface(NetworkInterfaceId=made[0]["NetworkInterfaceId"])
        again = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]
        assert again["PrivateIpAddress"] == made[0]["PrivateIpAddress"]


class TestVpcEndpoints:
    def test_an_endpoint_has_an_interface_in_its_subnet_with_its_groups(
        self, ec2, vpc, subnet, group, endpoint
    ):
        made = endpoint(
            vpc,
            subnet,
            SecurityGroupIds=[group],
            TagSpecifications=[
                {"ResourceType": "vpc-endpoint", "Tags": [{"Key": "Name", "Value": "ssm"}]}
            ],
        )
        (interface,) = interfaces(ec2, subnet)
        assert made["NetworkInterfaceIds"] == [interface["NetworkInterfaceId"]]
        assert ipaddress.ip_address(interface["PrivateIpAddress"]) in ipaddress.ip_network(
            "10.0.1.0/28"
        )
        assert [item["GroupId"] for item in interface["Groups"]] == [group]
        assert interface["InterfaceType"] == "vpc_endpoint"
        assert interface["RequesterManaged"] is True
        filters = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "tag:Name", "Values": ["s*"]}]
        (found,) = ec2.describe_vpc_endpoints(Filters=filters)["VpcEndpoints"]
        assert (found["VpcEndpointId"], found["State"]) == (made["VpcEndpointId"], "available")
        assert found["Tags"] == [{"Key": "Name", "Value": "ssm"}]

    def test_its_interface_is_found_by_type_and_is_not_the_users(self, ec2, vpc, subnet, endpoint):
        made = endpoint(vpc, subnet)
        filters = [
            {"Name": "vpc-id", "Values": [vpc]},
            {"Name": "interface-type", "Values": ["vpc_endpoint"]},
        ]
        (interface,) = ec2.describe_network_interfaces(Filters=filters)["NetworkInterfaces"]
        assert interface["NetworkInterfaceId"] == made["NetworkInterfaceIds"][0]
        with pytest.raises(ClientError) as refused:
            ec2.delete_network_interface(NetworkInterfaceId=interface["NetworkInterfaceId"])
        assert code(refused) == "InvalidParameterValue"

    def test_deleting_it_takes_its_interface_along(self, ec2, vpc, subnet, endpoint):
        id_ = endpoint(vpc, subnet)["VpcEndpointId"]
        assert ec2.delete_vpc_endpoints(VpcEndpointIds=[id_])["Unsuccessful"] == []
        assert interfaces(ec2, subnet) == []
        with pytest.raises(ClientError) as missing:
            ec2.describe_vpc_endpoints(VpcEndpointIds=[id_])
        assert code(missing) == "InvalidVpcEndpointId.NotFound"
        again = ec2.delete_vpc_endpoints(VpcEndpointIds=[id_])["Unsuccessful"]
        assert again[0]["Error"]["Code"] == "InvalidVpcEndpointId.NotFound"

    def test_its_groups_can_be_changed(self, ec2, vpc, subnet, group, endpoint):
        made = endpoint(vpc, subnet)
        ec2.modify_vpc_endpoint(
            VpcEndpointId=made["VpcEndpointId"],
            AddSecurityGroupIds=[group],
            RemoveSecurityGroupIds=[made["Groups"][0]["GroupId"]],
        )
        assert [item["GroupId"] for item in interfaces(ec2, subnet)[0]["Groups"]] == [group]
        (found,) = ec2.describe_vpc_endpoints(VpcEndpointIds=[made["VpcEndpointId"]])[
            "VpcEndpoints"
        ]
        assert [item["GroupId"] for item in found["Groups"]] == [group]

    def test_private_dns_needs_both_dns_attributes(self, ec2, vpc, subnet, endpoint):
        ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": False})
        with pytest.raises(ClientError, match="requires both enableDnsSupport") as refused:
            endpoint(vpc, subnet)
        assert code(refused) == "InvalidParameter"
        assert endpoint(vpc, subnet, PrivateDnsEnabled=False)["PrivateDnsEnabled"] is False

    def test_two_endpoints_cannot_have_one_private_name(self, vpc, subnet, endpoint):
        endpoint(vpc, subnet)
        with pytest.raises(ClientError, match="conflicting DNS domain"):
            endpoint(vpc, subnet)

    def test_services_that_are_not_there_are_refused_by_name(self, ec2, vpc, subnet, endpoint):
        with pytest.raises(ClientError, match="sqs") as refused:
            endpoint(vpc, subnet, "sqs")
        assert code(refused) == "InvalidServiceName"
        with pytest.raises(ClientError, match="VpcEndpointType Gateway"):
            ec2.create_vpc_endpoint(VpcId=vpc, ServiceName="com.amazonaws.us-east-1.s3")

    def test_the_services_and_their_zones_can_be_asked_for(self, ec2):
        asked = ["com.amazonaws.us-east-1.ssm", "com.amazonaws.us-east-1.ssmmessages"]
        answer = ec2.describe_vpc_endpoint_services(ServiceNames=asked)
        assert answer["ServiceNames"] == asked
        assert "us-east-1a" in answer["ServiceDetails"][0]["AvailabilityZones"]


@pytest.mark.aws_verified
class TestNetworkAcls:
    @pytest.fixture
    def acl(self, ec2, vpc, removed):
        id_ = ec2.create_network_acl(VpcId=vpc)["NetworkAcl"]["NetworkAclId"]
        removed(ec2.delete_network_acl, NetworkAclId=id_)
        return id_

    def entry(self, ec2, acl, number=90):
        (found,) = ec2.describe_network_acls(NetworkAclIds=[acl])["NetworkAcls"]
        return next(item for item in found["Entries"] if item["RuleNumber"] == number)

    def asked(self, acl, **more):
        common = {"NetworkAclId": acl, "RuleNumber": 90, "Egress": False, "RuleAction": "deny"}
        return {**common, "CidrBlock": "0.0.0.0/0", **more}

    def test_icmp_type_and_code_are_kept_replaced_and_removed(self, ec2, acl):
        echo = {"Protocol": "1", "IcmpTypeCode": {"Type": 8, "Code": -1}}
        ec2.create_network_acl_entry(**self.asked(acl, **echo))
        assert self.entry(ec2, acl)["IcmpTypeCode"] == {"Type": 8, "Code": -1}
        unreachable = {"Protocol": "1", "IcmpTypeCode": {"Type": 3, "Code": 4}}
        ec2.replace_network_acl_entry(**self.asked(acl, **unreachable))
        assert self.entry(ec2, acl)["IcmpTypeCode"] == {"Type": 3, "Code": 4}
        ports = {"Protocol": "6", "PortRange": {"From": 22, "To": 22}}
        ec2.replace_network_acl_entry(**self.asked(acl, **ports))
        assert "IcmpTypeCode" not in self.entry(ec2, acl)
        ec2.delete_network_acl_entry(NetworkAclId=acl, RuleNumber=90, Egress=False)
        with pytest.raises(StopIteration):
            self.entry(ec2, acl)

    @pytest.mark.parametrize(
        ("more", "expected"),
        [
            pytest.param({"Protocol": "1"}, "MissingParameter", id="ICMP without type and code"),
            pytest.param({"Protocol": "6"}, "MissingParameter", id="TCP without ports"),
            pytest.param(
                {"Protocol": "-1", "RuleNumber": 40000}, "InvalidParameterValue", id="number 40000"
            ),
        ],
    )
    def test_incomplete_entries_are_refused(self, ec2, acl, more, expected):
        with pytest.raises(ClientError) as refused:
            ec2.create_network_acl_entry(**self.asked(acl, **more))
        assert code(refused) == expected

    @pytest.mark.parametrize("operation", ["replace_network_acl_entry", "delete_network_acl_entry"])
    def test_an_entry_that_is_not_there(self, ec2, acl, operation):
        asked = self.asked(acl, Protocol="-1")
        if operation.startswith("delete"):
            asked = {name: asked[name] for name in ("NetworkAclId", "RuleNumber", "Egress")}
        with pytest.raises(ClientError) as refused:
            getattr(ec2, operation)(**asked)
        assert code(refused) == "InvalidNetworkAclEntry.NotFound"


@pytest.mark.aws_verified
class TestDependencies:
    def test_a_subnet_with_an_interface_stays(self, ec2, subnet):
        made = ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]
        with pytest.raises(ClientError) as refused:
            ec2.delete_subnet(SubnetId=subnet)
        assert code(refused) == "DependencyViolation"
        ec2.delete_network_interface(NetworkInterfaceId=made["NetworkInterfaceId"])
        ec2.delete_subnet(SubnetId=subnet)

    def test_a_group_in_use_stays(self, ec2, subnet, group):
        made = ec2.create_network_interface(SubnetId=subnet, Groups=[group])["NetworkInterface"]
        with pytest.raises(ClientError) as refused:
            ec2.delete_security_group(GroupId=group)
        assert code(refused) == "DependencyViolation"
        ec2.delete_network_interface(NetworkInterfaceId=made["NetworkInterfaceId"])
        ec2.delete_security_group(GroupId=group)

    def test_a_group_that_a_rule_names_stays(self, ec2, vpc, group, removed):
        other = ec2.create_security_group(GroupName="o", Description="d", VpcId=vpc)["GroupId"]
        removed(ec2.delete_security_group, GroupId=other)
        pair = [
            {
                "IpProtocol": "tcp",
                "FromPort": 443,
                "ToPort": 443,
                "UserIdGroupPairs": [{"GroupId": group}],
            }
        ]
        ec2.authorize_security_group_ingress(GroupId=other, IpPermissions=pair)
        with pytest.raises(ClientError) as refused:
            ec2.delete_security_group(GroupId=group)
        assert code(refused) == "DependencyViolation"
        ec2.revoke_security_group_ingress(GroupId=other, IpPermissions=pair)
        ec2.delete_security_group(GroupId=group)

    def test_a_vpc_with_a_group_stays(self, ec2, vpc, group):
        with pytest.raises(ClientError) as refused:
            ec2.delete_vpc(VpcId=vpc)
        assert code(refused) == "DependencyViolation"
        ec2.delete_security_group(GroupId=group)
        ec2.delete_vpc(VpcId=vpc)


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(lambda ec2, ids: ec2.delete_vpc(VpcId=ids["vpc"], DryRun=True), id="ours"),
        pytest.param(
            lambda ec2, ids: ec2.delete_vpc_endpoints(
                VpcEndpointIds=[ids["endpoint"]], DryRun=True
            ),
            id="all ours",
        ),
        pytest.param(
            lambda ec2, ids: ec2.create_route_table(VpcId=ids["vpc"], DryRun=True), id="moto's"
        ),
        pytest.param(
            lambda ec2, ids: ec2.create_managed_prefix_list(
                PrefixListName="p", MaxEntries=1, AddressFamily="IPv4", DryRun=True
            ),
            id="moto's that does not look",
        ),
    ],
)
def test_a_dry_run_does_nothing(ec2, vpc, subnet, endpoint, act):
    id_ = endpoint(vpc, subnet)["VpcEndpointId"]
    with pytest.raises(ClientError) as dry:
        act(ec2, {"vpc": vpc, "endpoint": id_})
    assert code(dry) == "DryRunOperation"
    assert ec2.describe_vpc_endpoints(VpcEndpointIds=[id_])["VpcEndpoints"]


MISSING = "0123456789abcdef0"


@pytest.mark.aws_verified
@pytest.mark.parametrize(
    ("operation", "parameter", "name", "error", "text"),
    [
        ("vpcs", "VpcIds", "vpc-", "InvalidVpcID", "vpc ID"),
        ("subnets", "SubnetIds", "subnet-", "InvalidSubnetID", "subnet ID"),
        ("route_tables", "RouteTableIds", "rtb-", "InvalidRouteTableID", "routeTable ID"),
        ("network_acls", "NetworkAclIds", "acl-", "InvalidNetworkAclID", "networkAcl ID"),
        ("security_groups", "GroupIds", "sg-", "InvalidGroup", "security group"),
        (
            "network_interfaces",
            "NetworkInterfaceIds",
            "eni-",
            "InvalidNetworkInterfaceID",
            "networkInterface ID",
        ),
        ("instances", "InstanceIds", "i-", "InvalidInstanceID", "instance ID"),
        ("instance_status", "InstanceIds", "i-", "InvalidInstanceID", "instance ID"),
        ("volumes", "VolumeIds", "vol-", "InvalidVolume", "volume"),
        ("key_pairs", "KeyNames", "no-such-key-", "InvalidKeyPair", "key pair"),
        ("key_pairs", "KeyPairIds", "key-", "InvalidKeyPair", "key pair ID"),
        ("images", "ImageIds", "ami-", "InvalidAMIID", "image id"),
        ("managed_prefix_lists", "PrefixListIds", "pl-", "InvalidPrefixListID", "prefix list ID"),
    ],
)
def test_what_is_not_there_is_not_described(ec2, operation, parameter, name, error, text):
    """docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html."""
    id_ = name + MISSING
    with pytest.raises(ClientError) as refused:
        getattr(ec2, f"describe_{operation}")(**{parameter: [id_]})
    told = refused.value.response["Error"]
    assert told["Code"] == f"{error}.NotFound"
    shown = f"[{id_}]" if operation == "images" else id_
    assert told["Message"].rstrip(".") == f"The {text} '{shown}' does not exist"


def test_the_profile_is_each_instance_s(ec2, session, subnet, run, unique):
    """docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html."""
    iam = session.client("iam")
    arn = iam.create_instance_profile(InstanceProfileName=unique)["InstanceProfile"]["Arn"]
    made = run(SubnetId=subnet, MinCount=3, MaxCount=3, IamInstanceProfile={"Name": unique})
    ids = [instance["InstanceId"] for instance in made]
    reservations = ec2.describe_instances(InstanceIds=ids)["Reservations"]
    found = [instance for one in reservations for instance in one["Instances"]]
    assert [item.get("IamInstanceProfile", {}).get("Arn") for item in found] == [arn] * 3
    ec2.terminate_instances(InstanceIds=ids)


def test_instances_by_id_have_no_pages(ec2):
    """docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html."""
    with pytest.raises(ClientError) as refused:
        ec2.describe_instances(InstanceIds=[f"i-{MISSING}"], MaxResults=5)
    assert refused.value.response["Error"]["Code"] == "InvalidParameterCombination"


def test_a_key_pair_is_described_by_its_id(ec2, unique, removed):
    """docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeKeyPairs.html."""
    ids = {name: ec2.create_key_pair(KeyName=name)["KeyPairId"] for name in (unique, f"{unique}-2")}
    found = ec2.describe_key_pairs(KeyPairIds=[ids[unique]])["KeyPairs"]
    assert [pair["KeyName"] for pair in found] == [unique]
    with pytest.raises(ClientError) as refused:
        ec2.describe_key_pairs(KeyPairIds=[f"key-{MISSING}"])
    assert refused.value.response["Error"]["Code"] == "InvalidKeyPair.NotFound"
