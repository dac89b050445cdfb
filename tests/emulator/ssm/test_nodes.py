"""What makes an instance a managed node, and how it is described.

Sources: docs.aws.amazon.com/systems-manager/latest/userguide/systems-manager-setting-up-ec2.html,
docs.aws.amazon.com/systems-manager/latest/userguide/setup-create-vpc.html,
docs.aws.amazon.com/systems-manager/latest/APIReference/API_DescribeInstanceInformation.html
"""

from dataclasses import replace

import pytest

from labkit.emulator.refusal import ServiceError
from labkit.emulator.ssm.nodes import ManagedNodes
from labkit.network.topology import AclEntry

ONE, TWO = "i-00000000000000001", "i-00000000000000002"


@pytest.fixture
def pings(ssm):
    """The nodes' PingStatus by the last digit of their ids."""

    def pings(**asked):
        found = ssm("DescribeInstanceInformation", **asked)["InstanceInformationList"]
        return {int(node["InstanceId"][-1]): node["PingStatus"] for node in found}

    return pings


ONLINE, LOST = "Online", "ConnectionLost"


def test_a_node_as_it_is_described(ssm, world, clock):
    (node, _) = ssm("DescribeInstanceInformation")["InstanceInformationList"]
    assert node["InstanceId"] == ONE
    assert node["PingStatus"] == "Online"
    assert node["LastPingDateTime"].timestamp() == clock.now
    assert node["IPAddress"] == "10.0.1.11"
    assert node["ComputerName"] == "ip-10-0-1-11.x"
    assert node["ResourceType"] == "EC2Instance"
    assert node["PlatformType"] in ("Linux", "MacOS")
    assert node["PlatformName"]


def take_away_profile(world):
    world.instances[ONE] = replace(world.instances[ONE], profile_arn=None)


def take_away_endpoint(world):
    del world.endpoints["ssmmessages"]


def take_away_private_dns(world):
    world.endpoints["ssm"] = replace(world.endpoints["ssm"], private_dns=False)


def take_away_ingress(world):
    world.set_ingress_of_endpoints()


def allow_another_port(world):
    (rule,) = world.groups["sg-endpoints"].ingress
    world.set_ingress_of_endpoints(replace(rule, from_port=80, to_port=80))


def take_away_egress(world):
    world.groups["sg-nodes"] = replace(world.groups["sg-nodes"], egress=())


def move_to_another_region(world):
    world.endpoints["ssm"] = replace(
        world.endpoints["ssm"], service_name="com.amazonaws.eu-west-1.ssm"
    )


def deny_by_acl(world):
    """A network ACL is asked at the subnet's border only: here nothing crosses it."""
    world.acl_entries.append(AclEntry("acl-1", 1, False, -1, "deny", "0.0.0.0/0"))


# docs.aws.amazon.com/systems-manager/latest/userguide/setup-create-vpc.html
@pytest.mark.parametrize(
    ("change", "status"),
    [
        pytest.param(deny_by_acl, ONLINE, id="a network ACL inside one subnet"),
        pytest.param(take_away_profile, None, id="no instance profile"),
        pytest.param(take_away_endpoint, None, id="no ssmmessages endpoint"),
        pytest.param(take_away_private_dns, None, id="an endpoint without private DNS"),
        pytest.param(take_away_ingress, None, id="the endpoints' group lets nobody in"),
        pytest.param(allow_another_port, None, id="the endpoints' group lets another port in"),
        pytest.param(take_away_egress, None, id="the node's group lets nothing out"),
        pytest.param(move_to_another_region, None, id="another region's endpoint"),
    ],
)
@pytest.mark.parametrize("was_online", [False, True], ids=["from the start", "later"])
def test_what_makes_a_managed_node(world, pings, change, status, was_online):
    if was_online:
        assert pings()[1] == ONLINE
    change(world)
    assert pings().get(1) == (status or (LOST if was_online else None))


@pytest.mark.parametrize(
    ("state", "is_shown"),
    [("running", True), ("stopped", False), ("stopping", False), ("pending", False)],
)
def test_only_running_nodes_are_shown(world, pings, state, is_shown):
    assert pings() == {1: ONLINE, 2: ONLINE}
    world.set_state(ONE, state)
    assert (1 in pings()) is is_shown


def test_the_last_ping_of_a_lost_node_is_when_it_was_last_seen(world, ssm, clock, pings):
    pings()
    seen_at, clock.now = clock.now, clock.now + 60
    take_away_ingress(world)
    (node, _) = ssm("DescribeInstanceInformation")["InstanceInformationList"]
    assert (node["PingStatus"], node["LastPingDateTime"].timestamp()) == (LOST, seen_at)


EVERYTHING = {"Effect": "Allow", "Action": ["ssm:*", "ssmmessages:*"], "Resource": "*"}


@pytest.mark.parametrize(
    ("policies", "is_node"),
    [
        pytest.param({"attached": ["AmazonSSMManagedInstanceCore"]}, True, id="the managed policy"),
        pytest.param({"inline": EVERYTHING}, True, id="statements that allow as much"),
        pytest.param({}, False, id="no policy"),
        pytest.param({"inline": {**EVERYTHING, "Action": "ssm:*"}}, False, id="ssm alone"),
        pytest.param(
            {
                "attached": ["AmazonSSMManagedInstanceCore"],
                "inline": {**EVERYTHING, "Effect": "Deny"},
            },
            False,
            id="an explicit deny",
        ),
        pytest.param(
            {"inline": {**EVERYTHING, "Condition": {"NumericEquals": {"a": "1"}}}},
            False,
            id="a policy that is not evaluated",
        ),
    ],
)
def test_what_the_role_must_allow(world, make_profile, pings, policies, is_node, unique):
    arn = make_profile(**policies, name=f"{unique}-other")
    world.instances[ONE] = replace(world.instances[ONE], profile_arn=arn)
    assert (1 in pings()) is is_node


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        pytest.param([("InstanceIds", [TWO, "i-0aaaaaaaaaaaaaaaa"])], [2], id="by id"),
        pytest.param([("PingStatus", ["Online"])], [1, 2], id="by status"),
        pytest.param([("PingStatus", ["ConnectionLost"])], [], id="none lost"),
        pytest.param([("InstanceIds", [ONE]), ("ResourceType", ["EC2Instance"])], [1], id="both"),
        pytest.param([("ResourceType", ["ManagedInstance"])], [], id="by resource type"),
    ],
)
def test_filters(pings, asked, found):
    filters = [{"Key": key, "Values": values} for key, values in asked]
    old = [{"key": key, "valueSet": values} for key, values in asked]
    assert list(pings(Filters=filters)) == found
    assert list(pings(InstanceInformationFilterList=old)) == found


def test_a_filter_by_tag(world, ssm, inner):
    ec2 = inner("ec2", "us-east-1")
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    made = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1, InstanceType="t4g.micro")
    id_ = made["Instances"][0]["InstanceId"]
    ec2.create_tags(Resources=[id_], Tags=[{"Key": "Role", "Value": "scanner"}])
    world.instances[id_] = replace(world.instances[ONE], id=id_)
    for filter_ in (
        {"Key": "tag:Role", "Values": ["scanner"]},
        {"Key": "tag-key", "Values": ["Role"]},
    ):
        found = ssm("DescribeInstanceInformation", Filters=[filter_])["InstanceInformationList"]
        assert [node["InstanceId"] for node in found] == [id_]


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        pytest.param({"Filters": [{"Key": "Color", "Values": ["x"]}]}, "InvalidFilterKey"),
        pytest.param({"Filters": [{"Key": "IamRole", "Values": ["x"]}]}, "UnsupportedOperation"),
        pytest.param(
            {
                "Filters": [{"Key": "InstanceIds", "Values": [ONE]}],
                "InstanceInformationFilterList": [{"key": "InstanceIds", "valueSet": [ONE]}],
            },
            "ValidationException",
        ),
        pytest.param({"MaxResults": 4}, "ValidationException"),
        pytest.param({"NextToken": "x"}, "InvalidNextToken"),
    ],
)
def test_what_is_refused(ssm, asked, code):
    with pytest.raises(ServiceError) as refusal:
        ssm("DescribeInstanceInformation", **asked)
    assert refusal.value.code == code


def test_a_node_that_is_not_asked_for_is_not_waited_for(world, inner, call):
    """Its agent may still be connecting: that is waited for a second, for each such node."""
    asked_of = []

    def last_heard_at(instance_id):
        asked_of.append(instance_id)
        return world.last_heard_at(instance_id)

    nodes = ManagedNodes(world, last_heard_at, inner)
    by_id = [{"Key": "InstanceIds", "Values": [TWO]}]
    found = nodes.describe(call("ssm", "DescribeInstanceInformation", Filters=by_id))
    assert [node["InstanceId"] for node in found["InstanceInformationList"]] == [TWO]
    assert asked_of == [TWO]
