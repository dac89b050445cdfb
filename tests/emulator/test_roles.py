"""What a role lets a service do, by its trust and its policies.

Source: docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
"""

import json

import pytest

from labkit.emulator import roles

ALLOW = {"Effect": "Allow", "Action": "logs:*", "Resource": "*"}


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.fixture
def iam(inner):
    return inner("iam", "us-east-1")


@pytest.fixture
def make_policy(iam, unique):
    def make(suffix, *statements):
        answer = iam.create_policy(
            PolicyName=f"{unique}-{suffix}", PolicyDocument=document(*statements)
        )
        return answer["Policy"]["Arn"]

    return make


@pytest.fixture
def make_role(iam, unique):
    """Makes a role that the given service may assume, with a path in its ARN."""

    def make(service="x.amazonaws.com", **more):
        trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        return iam.create_role(
            RoleName=unique, Path="/a/b/", AssumeRolePolicyDocument=document(trust), **more
        )["Role"]["Arn"]

    return make


def may(iam, arn):
    return roles.permissions(iam, arn).allow("logs:PutLogEvents", "arn:aws:logs:::x")


def test_a_role_without_policies_allows_nothing(iam, make_role):
    assert not may(iam, make_role())


def test_inline_policies_count(iam, make_role, unique):
    arn = make_role()
    iam.put_role_policy(RoleName=unique, PolicyName="p", PolicyDocument=document(ALLOW))
    assert may(iam, arn)


def test_attached_policies_count_in_their_default_version(iam, make_role, make_policy, unique):
    arn, policy = make_role(), make_policy("attached", {**ALLOW, "Action": "ec2:*"})
    iam.attach_role_policy(RoleName=unique, PolicyArn=policy)
    assert not may(iam, arn)
    iam.create_policy_version(PolicyArn=policy, PolicyDocument=document(ALLOW), SetAsDefault=True)
    assert may(iam, arn)


# docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
@pytest.mark.parametrize(
    ("action", "allowed"),
    [
        pytest.param("logs:Put*", True, id="inside the boundary"),
        pytest.param("ec2:*", False, id="outside it"),
    ],
)
def test_a_permissions_boundary_limits(iam, make_role, make_policy, unique, action, allowed):
    boundary = make_policy("boundary", {**ALLOW, "Action": action})
    arn = make_role(PermissionsBoundary=boundary)
    iam.put_role_policy(RoleName=unique, PolicyName="p", PolicyDocument=document(ALLOW))
    assert may(iam, arn) is allowed


@pytest.mark.parametrize(
    "arn",
    [
        pytest.param("arn:aws:iam::123456789012:role/nobody", id="no such role"),
        pytest.param("not an ARN!", id="no ARN at all"),
        pytest.param("", id="nothing"),
    ],
)
def test_a_role_that_is_not_there_allows_nothing(iam, arn):
    assert not may(iam, arn)
    assert not roles.may_assume(iam, arn, service="x.amazonaws.com", context={})


def test_a_role_s_path_belongs_to_its_arn(iam, make_role):
    arn = make_role()
    assert roles.may_assume(iam, arn, service="x.amazonaws.com", context={})
    without_path = arn.replace("/a/b/", "/")
    assert not roles.may_assume(iam, without_path, service="x.amazonaws.com", context={})
    assert not roles.may_assume(iam, arn, service="y.amazonaws.com", context={})


def test_the_role_of_an_instance_profile(iam, make_role, unique):
    role = make_role()
    profile = iam.create_instance_profile(InstanceProfileName=unique)["InstanceProfile"]["Arn"]
    assert roles.profile_role_arns(iam, profile) == []
    iam.add_role_to_instance_profile(InstanceProfileName=unique, RoleName=unique)
    assert roles.profile_role_arns(iam, profile) == [role]
    assert roles.profile_role_arns(iam, f"{profile}-other") == []
