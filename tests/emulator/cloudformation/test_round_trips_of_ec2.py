"""Each type of EC2: made, told by Ref and GetAtt, changed in place and back, deleted.

Ref and GetAtt: docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_EC2.html
What changes in place: the "Update requires: No interruption" of the same pages.
"""

import pytest
from round_trip import Case, go, tags

VPC = (
    "  Vpc: {Type: AWS::EC2::VPC, Properties: {CidrBlock: 10.0.0.0/16, EnableDnsHostnames: true}}\n"
)
SUBNET = (
    VPC
    + "  Subnet: {Type: AWS::EC2::Subnet, Properties: {VpcId: !Ref Vpc, CidrBlock: 10.0.1.0/24}}\n"
)
GROUP = (
    "  Group: {Type: AWS::EC2::SecurityGroup, Properties: {VpcId: !Ref Vpc, GroupDescription: g}}\n"
)
ACL = VPC + "  Acl: {Type: AWS::EC2::NetworkAcl, Properties: {VpcId: !Ref Vpc}}\n"
TABLE = "  Table: {Type: AWS::EC2::RouteTable, Properties: {VpcId: !Ref Vpc}}\n"
GATEWAY = "  Gateway: {Type: AWS::EC2::InternetGateway}\n"
ATTACHED = (
    GATEWAY + "  Attachment: {Type: AWS::EC2::VPCGatewayAttachment, "
    "Properties: {VpcId: !Ref Vpc, InternetGatewayId: !Ref Gateway}}\n"
)
IMAGE = "'{{resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64}}'"
INTERFACE = "  Interface: {Type: AWS::EC2::NetworkInterface, Properties: {SubnetId: !Ref Subnet}}\n"


def ec2(session):
    return session.client("ec2")


def vpc(session, id_):
    client = ec2(session)
    found = client.describe_vpcs(VpcIds=[id_])["Vpcs"][0]
    asked = {"VpcId": id_, "Attribute": "enableDnsHostnames"}
    hostnames = client.describe_vpc_attribute(**asked)["EnableDnsHostnames"]["Value"]
    return found["CidrBlock"], hostnames, tags(found["Tags"])


def subnet(session, id_):
    found = ec2(session).describe_subnets(SubnetIds=[id_])["Subnets"][0]
    return found["CidrBlock"], found["MapPublicIpOnLaunch"], tags(found["Tags"])


def table_tags(session, id_):
    return tags(ec2(session).describe_route_tables(RouteTableIds=[id_])["RouteTables"][0]["Tags"])


def route(session, id_):
    table_id, destination = id_.split("|")
    [table] = ec2(session).describe_route_tables(RouteTableIds=[table_id])["RouteTables"]
    [found] = [one for one in table["Routes"] if one.get("DestinationCidrBlock") == destination]
    return found.get("GatewayId") or found["NetworkInterfaceId"]


def route_association(session, id_):
    filters = [{"Name": "association.route-table-association-id", "Values": [id_]}]
    [table] = ec2(session).describe_route_tables(Filters=filters)["RouteTables"][:1] or [None]
    return table and table["RouteTableId"]


def gateway_tags(session, id_):
    found = ec2(session).describe_internet_gateways(InternetGatewayIds=[id_])["InternetGateways"]
    return tags(found[0]["Tags"])


def attached(session, id_):
    filters = [{"Name": "attachment.vpc-id", "Values": [id_.removeprefix("IGW|")]}]
    found = ec2(session).describe_internet_gateways(Filters=filters)["InternetGateways"]
    return found[0]["InternetGatewayId"]


def acl_tags(session, id_):
    return tags(ec2(session).describe_network_acls(NetworkAclIds=[id_])["NetworkAcls"][0]["Tags"])


def entries(session, _):
    filters = [{"Name": "default", "Values": ["false"]}]
    return [
        (entry["RuleNumber"], entry["RuleAction"], entry["Protocol"], entry.get("PortRange"),
         entry.get("IcmpTypeCode"), entry["CidrBlock"])
        for acl in ec2(session).describe_network_acls(Filters=filters)["NetworkAcls"]
        for entry in acl["Entries"]
        if entry["RuleNumber"] < 32767
    ]  # fmt: skip


def acl_association(session, id_):
    acls = ec2(session).describe_network_acls()["NetworkAcls"]
    ids = [
        acl["NetworkAclId"]
        for acl in acls
        for association in acl["Associations"]
        if association["NetworkAclAssociationId"] == id_
    ]
    return ids[0]


def group(session, id_):
    found = ec2(session).describe_security_groups(GroupIds=[id_])["SecurityGroups"][0]
    rules = [
        sorted(
            (rule["IpProtocol"], rule.get("FromPort"), peer["CidrIp"], peer.get("Description"))
            for rule in found[direction]
            for peer in rule["IpRanges"]
        )
        for direction in ("IpPermissions", "IpPermissionsEgress")
    ]
    return (*rules, tags(found["Tags"]))


def rule(session, id_):
    client = ec2(session)
    found = client.describe_security_group_rules(SecurityGroupRuleIds=[id_])
    [one] = found["SecurityGroupRules"]
    return one["IsEgress"], one["IpProtocol"], one["FromPort"], one.get("Description", "")


def interface(session, id_):
    client = ec2(session)
    [found] = client.describe_network_interfaces(NetworkInterfaceIds=[id_])["NetworkInterfaces"]
    groups = [item["GroupId"] for item in found["Groups"]]
    return (found["Description"], found["SourceDestCheck"], groups, tags(found["TagSet"]),
            [item["PrivateIpAddress"] for item in found["PrivateIpAddresses"]])  # fmt: skip


def instance(session, id_):
    client = ec2(session)
    [found] = client.describe_instances(InstanceIds=[id_])["Reservations"][0]["Instances"]
    if found["State"]["Name"] == "terminated":
        return "terminated"
    profile = found.get("IamInstanceProfile", {}).get("Arn", "").rpartition("/")[2]
    groups = [item["GroupId"] for item in found["SecurityGroups"]]
    return found["InstanceType"], groups, profile, tags(found["Tags"])


def template(session, id_):
    versions = ec2(session).describe_launch_template_versions(LaunchTemplateId=id_)
    return [
        (one["LaunchTemplateData"]["InstanceType"], one["VersionDescription"])
        for one in versions["LaunchTemplateVersions"][:1]
    ]


def endpoint(session, id_):
    [found] = ec2(session).describe_vpc_endpoints(VpcEndpointIds=[id_])["VpcEndpoints"]
    groups = [item["GroupId"] for item in found["Groups"]]
    return (
        found["PrivateDnsEnabled"],
        groups,
        "Deny" in found["PolicyDocument"],
        tags(found["Tags"]),
    )


def flow_log(session, id_):
    [found] = ec2(session).describe_flow_logs(FlowLogIds=[id_])["FlowLogs"]
    return found["TrafficType"], tags(found["Tags"])


def prefix_list(session, id_):
    client = ec2(session)
    [found] = client.describe_managed_prefix_lists(PrefixListIds=[id_])["PrefixLists"]
    if found["State"].startswith("delete"):
        return None
    entries = client.get_managed_prefix_list_entries(PrefixListId=id_)["Entries"]
    return found["PrefixListName"], sorted(entry["Cidr"] for entry in entries), tags(found["Tags"])


def key_pair(session, id_):
    [found] = ec2(session).describe_key_pairs(KeyNames=[id_])["KeyPairs"]
    names = [f"/ec2/keypair/{found['KeyPairId']}"]
    kept = session.client("ssm").get_parameters(Names=names, WithDecryption=True)["Parameters"]
    return [item["Value"].startswith("-----BEGIN") for item in kept], tags(found["Tags"])


A, B = "Tags: [{Key: a, Value: b}]", "Tags: [{Key: a, Value: c}, {Key: d, Value: e}]"
TAGGED, TAGGED_THEN = {"a": "b"}, {"a": "c", "d": "e"}

CASES = [
    Case(
        "AWS::EC2::VPC", f"{{CidrBlock: 10.0.0.0/16, {A}}}", vpc,
        shows=("10.0.0.0/16", False, TAGGED), ref="vpc-",
        changed=f"{{CidrBlock: 10.0.0.0/16, EnableDnsHostnames: true, {B}}}",
        shows_then=("10.0.0.0/16", True, TAGGED_THEN),
        attributes={"VpcId": lambda it: it["It"], "CidrBlock": "10.0.0.0/16",
                    "DefaultNetworkAcl": "acl-", "DefaultSecurityGroup": "sg-"},
    ),
    Case(
        "AWS::EC2::Subnet", f"{{VpcId: !Ref Vpc, CidrBlock: 10.0.1.0/24, {A}}}", subnet,
        shows=("10.0.1.0/24", False, TAGGED), ref="subnet-", beside=VPC,
        changed=f"{{VpcId: !Ref Vpc, CidrBlock: 10.0.1.0/24, MapPublicIpOnLaunch: true, {B}}}",
        shows_then=("10.0.1.0/24", True, TAGGED_THEN),
        attributes={"SubnetId": lambda it: it["It"], "VpcId": lambda it: it["Vpc"],
                    "CidrBlock": "10.0.1.0/24", "AvailabilityZone": "us-east-1",
                    "NetworkAclAssociationId": "aclassoc-"},
    ),
    Case(
        "AWS::EC2::RouteTable", f"{{VpcId: !Ref Vpc, {A}}}", table_tags, shows=TAGGED, ref="rtb-",
        changed=f"{{VpcId: !Ref Vpc, {B}}}", shows_then=TAGGED_THEN, beside=VPC,
        attributes={"RouteTableId": lambda it: it["It"]},
    ),
    Case(
        "AWS::EC2::Route",
        "{RouteTableId: !Ref Table, DestinationCidrBlock: 0.0.0.0/0, GatewayId: !Ref Gateway}",
        route, shows=lambda it: it["Gateway"], ref=lambda it: f"{it['Table']}|0.0.0.0/0",
        changed="{RouteTableId: !Ref Table, DestinationCidrBlock: 0.0.0.0/0, "
                "NetworkInterfaceId: !Ref Interface}",
        shows_then=lambda it: it["Interface"],
        beside=SUBNET + TABLE + INTERFACE + ATTACHED,
        after="Attachment",  # docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/ (DependsOn)
        attributes={"CidrBlock": "0.0.0.0/0"},
    ),
    Case(
        "AWS::EC2::SubnetRouteTableAssociation",
        "{SubnetId: !Ref Subnet, RouteTableId: !Ref Table}",
        route_association, shows=lambda it: it["Table"], ref="rtbassoc-", beside=SUBNET + TABLE,
        attributes={"Id": lambda it: it["It"]},
    ),
    Case(
        "AWS::EC2::InternetGateway", f"{{{A}}}", gateway_tags, shows=TAGGED, ref="igw-",
        changed=f"{{{B}}}", shows_then=TAGGED_THEN,
        attributes={"InternetGatewayId": lambda it: it["It"]},
    ),
    Case(
        "AWS::EC2::VPCGatewayAttachment", "{VpcId: !Ref Vpc, InternetGatewayId: !Ref Gateway}",
        attached, shows=lambda it: it["Gateway"], ref=lambda it: f"IGW|{it['Vpc']}",
        changed="{VpcId: !Ref Vpc, InternetGatewayId: !Ref Other}",
        shows_then=lambda it: it["Other"],
        beside=VPC + GATEWAY + GATEWAY.replace("Gateway", "Other", 1),
        attributes={"AttachmentType": "IGW"},
    ),
    Case(
        "AWS::EC2::NetworkAcl", f"{{VpcId: !Ref Vpc, {A}}}", acl_tags, shows=TAGGED, ref="acl-",
        changed=f"{{VpcId: !Ref Vpc, {B}}}", shows_then=TAGGED_THEN, beside=VPC,
        attributes={"Id": lambda it: it["It"]},
    ),
    Case(
        "AWS::EC2::NetworkAclEntry",
        "{NetworkAclId: !Ref Acl, RuleNumber: 90, Protocol: 6, RuleAction: deny, "
        "CidrBlock: 0.0.0.0/0, PortRange: {From: 22, To: 22}}",
        entries, shows=[(90, "deny", "6", {"From": 22, "To": 22}, None, "0.0.0.0/0")],
        changed="{NetworkAclId: !Ref Acl, RuleNumber: 90, Protocol: 1, RuleAction: allow, "
                "CidrBlock: 10.0.0.0/8, Icmp: {Type: 8, Code: -1}}",
        shows_then=[(90, "allow", "1", None, {"Type": 8, "Code": -1}, "10.0.0.0/8")],
        ref="round-trip-", beside=ACL, attributes={"Id": lambda it: it["It"]}, remains=[],
    ),
    Case(
        "AWS::EC2::SubnetNetworkAclAssociation", "{NetworkAclId: !Ref Acl, SubnetId: !Ref Subnet}",
        acl_association, shows=lambda it: it["Acl"], ref="aclassoc-",
        beside=SUBNET + ACL.removeprefix(VPC), attributes={"AssociationId": lambda it: it["It"]},
    ),
    Case(
        "AWS::EC2::SecurityGroup",
        f"{{VpcId: !Ref Vpc, GroupDescription: d, {A}, SecurityGroupIngress: ["
        "{IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: 10.0.0.0/8}, "
        "{IpProtocol: tcp, FromPort: 80, ToPort: 80, CidrIp: 10.0.0.0/8}]}",
        group,
        shows=([("tcp", 22, "10.0.0.0/8", None), ("tcp", 80, "10.0.0.0/8", None)],
               [("-1", None, "0.0.0.0/0", None)], TAGGED),
        changed=f"{{VpcId: !Ref Vpc, GroupDescription: d, {B}, SecurityGroupIngress: ["
                "{IpProtocol: tcp, FromPort: 80, ToPort: 80, CidrIp: 10.0.0.0/8}, "
                "{IpProtocol: tcp, FromPort: 443, ToPort: 443, CidrIp: 0.0.0.0/0}], "
                "SecurityGroupEgress: ["
                "{IpProtocol: udp, FromPort: 53, ToPort: 53, CidrIp: 10.0.0.0/8}]}",
        shows_then=([("tcp", 80, "10.0.0.0/8", None), ("tcp", 443, "0.0.0.0/0", None)],
                    [("udp", 53, "10.0.0.0/8", None)], TAGGED_THEN),
        ref="sg-", beside=VPC,
        attributes={"GroupId": lambda it: it["It"], "Id": lambda it: it["It"],
                    "VpcId": lambda it: it["Vpc"]},
    ),
    *[
        Case(
            f"AWS::EC2::SecurityGroup{direction}",
            "{GroupId: !Ref Group, IpProtocol: tcp, FromPort: 22, ToPort: 22, CidrIp: 10.0.0.0/8, "
            "Description: old}",
            rule, shows=(direction == "Egress", "tcp", 22, "old"),
            changed="{GroupId: !Ref Group, IpProtocol: tcp, FromPort: 22, ToPort: 22, "
                    "CidrIp: 10.0.0.0/8, Description: new}",
            shows_then=(direction == "Egress", "tcp", 22, "new"), ref="sgr-", beside=VPC + GROUP,
            attributes={"Id": lambda it: it["It"]},
        )
        for direction in ("Ingress", "Egress")
    ],
    Case(
        "AWS::EC2::NetworkInterface",
        f"{{SubnetId: !Ref Subnet, GroupSet: [!Ref Group], Description: old, {A}, "
        "PrivateIpAddress: 10.0.1.20, SecondaryPrivateIpAddressCount: 1}",
        interface,
        shows=lambda it: ("old", True, [it["Group"]], TAGGED, ["10.0.1.20", "10.0.1.4"]),
        changed="{SubnetId: !Ref Subnet, GroupSet: [!Ref Other], Description: new, "
                f"SourceDestCheck: false, {B}, PrivateIpAddress: 10.0.1.20, "
                "SecondaryPrivateIpAddressCount: 1}",
        shows_then=lambda it: (
            "new", False, [it["Other"]], TAGGED_THEN, ["10.0.1.20", "10.0.1.4"]),
        ref="eni-", beside=SUBNET + GROUP + GROUP.replace("Group", "Other", 1),
        attributes={"Id": lambda it: it["It"], "PrimaryPrivateIpAddress": "10.0.1.20",
                    "VpcId": lambda it: it["Vpc"]},
    ),
    Case(
        "AWS::EC2::Instance",
        f"{{ImageId: {IMAGE}, InstanceType: t3.micro, SubnetId: !Ref Subnet, "
        f"SecurityGroupIds: [!Ref Group], PrivateIpAddress: 10.0.1.30, {A}}}",
        instance, shows=lambda it: ("t3.micro", [it["Group"]], "", TAGGED),
        changed=f"{{ImageId: {IMAGE}, InstanceType: t3.micro, SubnetId: !Ref Subnet, "
                "SecurityGroupIds: [!Ref Other], IamInstanceProfile: !Ref Profile, "
                f"PrivateIpAddress: 10.0.1.30, {B}}}",
        shows_then=lambda it: ("t3.micro", [it["Other"]], it["Profile"], TAGGED_THEN),
        ref="i-", remains="terminated",
        beside=SUBNET + GROUP + GROUP.replace("Group", "Other", 1)
               + "  Role: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: "
                 "{Version: 2012-10-17, Statement: [{Effect: Allow, Action: sts:AssumeRole, "
                 "Principal: {Service: ec2.amazonaws.com}}]}}}\n"
                 "  Profile: {Type: AWS::IAM::InstanceProfile, Properties: {Roles: [!Ref Role]}}\n",
        attributes={"InstanceId": lambda it: it["It"], "PrivateIp": "10.0.1.30",
                    "PrivateDnsName": "ip-10-0-1-30", "PublicIp": "", "PublicDnsName": "",
                    "AvailabilityZone": "us-east-1", "VpcId": lambda it: it["Vpc"]},
    ),
    Case(
        "AWS::EC2::LaunchTemplate",
        f"{{LaunchTemplateData: {{ImageId: {IMAGE}, InstanceType: t3.micro}}, "
        "VersionDescription: first}",
        template, shows=[("t3.micro", "first")],
        changed=f"{{LaunchTemplateData: {{ImageId: {IMAGE}, InstanceType: t3.small}}, "
                "VersionDescription: second}",
        shows_then=[("t3.small", "second")], ref="lt-",
        attributes={"LaunchTemplateId": lambda it: it["It"], "DefaultVersionNumber": "1",
                    "LatestVersionNumber": "1"},
    ),
    Case(
        "AWS::EC2::VPCEndpoint",
        "{VpcId: !Ref Vpc, ServiceName: !Sub 'com.amazonaws.us-east-1.ssm', "
        f"VpcEndpointType: Interface, SubnetIds: [!Ref Subnet], {A}, "
        "SecurityGroupIds: [!Ref Group], PrivateDnsEnabled: true}",
        endpoint, shows=lambda it: (True, [it["Group"]], False, TAGGED),
        changed="{VpcId: !Ref Vpc, ServiceName: com.amazonaws.us-east-1.ssm, "
                f"VpcEndpointType: Interface, SubnetIds: [!Ref Subnet], {B}, "
                "SecurityGroupIds: [!Ref Other], PrivateDnsEnabled: false, PolicyDocument: "
                "{Statement: [{Effect: Deny, Principal: '*', Action: '*', Resource: '*'}]}}",
        shows_then=lambda it: (False, [it["Other"]], True, TAGGED_THEN), ref="vpce-",
        beside=SUBNET + GROUP + GROUP.replace("Group", "Other", 1),
        attributes={"Id": lambda it: it["It"], "CreationTimestamp": "20"},
    ),
    Case(
        "AWS::EC2::FlowLog",
        "{ResourceType: VPC, ResourceId: !Ref Vpc, TrafficType: REJECT, LogDestinationType: s3, "
        f"LogDestination: !Sub 'arn:aws:s3:::${{Bucket}}', {A}}}",
        flow_log, shows=("REJECT", TAGGED),
        changed="{ResourceType: VPC, ResourceId: !Ref Vpc, TrafficType: REJECT, "
                "LogDestinationType: s3, LogDestination: !Sub 'arn:aws:s3:::${Bucket}', "
                f"{B}}}",
        shows_then=("REJECT", TAGGED_THEN), ref="fl-",
        beside=VPC + "  Bucket: {Type: AWS::S3::Bucket}\n",
        attributes={"Id": lambda it: it["It"]},
    ),
    Case(
        "AWS::EC2::PrefixList",
        f"{{PrefixListName: old, AddressFamily: IPv4, MaxEntries: 5, {A}, "
        "Entries: [{Cidr: 10.1.0.0/16}, {Cidr: 10.2.0.0/16, Description: two}]}",
        prefix_list, shows=("old", ["10.1.0.0/16", "10.2.0.0/16"], TAGGED),
        changed=f"{{PrefixListName: new, AddressFamily: IPv4, MaxEntries: 5, {B}, "
                "Entries: [{Cidr: 10.3.0.0/16}, {Cidr: 10.2.0.0/16, Description: two}]}",
        shows_then=("new", ["10.2.0.0/16", "10.3.0.0/16"], TAGGED_THEN), ref="pl-",
        attributes={"PrefixListId": lambda it: it["It"], "Version": "1",
                    "OwnerId": "123456789012", "Arn": "arn:aws:ec2:us-east-1:123456789012:prefix"},
    ),
    Case(
        "AWS::EC2::KeyPair", f"{{KeyName: round-trip, {A}}}", key_pair, shows=([True], TAGGED),
        ref="round-trip", attributes={"KeyPairId": "key-", "KeyFingerprint": ""},
    ),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.type)
def test_round_trip(session, case):
    go(session, case)
