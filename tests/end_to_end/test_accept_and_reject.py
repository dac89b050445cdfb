"""06 as a participant plays it: too early, twice, and after a run that stopped halfway."""

import nbformat
import pytest

from labkit import second_subnet, stacks


@pytest.fixture(scope="module")
def deployed(lab):
    """The stack of a lab that 01 deployed; nobody has pinged yet."""
    done = lab.papermill("01", "-p", "prefix", "carol")
    assert done.returncode == 0, done.stdout + done.stderr
    return stacks.find(lab.session.client("cloudformation"), "carol")


def executed(lab):
    (path,) = lab.folder.glob("06*.ipynb")
    return nbformat.read(path, as_version=4)


def test_without_a_stack_it_names_the_notebook_to_run_first(lab):
    assert lab.papermill("06", "-p", "prefix", "nobody").returncode != 0
    errors = [
        output.evalue
        for cell in executed(lab).cells
        for output in cell.get("outputs", [])
        if output.output_type == "error"
    ]
    assert "run 01_deploy first" in errors[0]


def test_it_needs_nothing_but_the_stack_and_may_run_twice(lab, deployed, passes):
    for cwd in (stacks.TEMPLATE.parents[1], stacks.TEMPLATE.parents[1] / "notebooks"):
        passes(lab.papermill("06", "-p", "prefix", "carol", "-p", "count", 2, cwd=cwd))


def test_it_goes_on_where_a_run_stopped_halfway(lab, deployed, passes):
    """The rule is gone and the border open: what an interrupted run may leave behind."""
    ec2 = lab.session.client("ec2")
    (group,) = ec2.describe_security_groups(
        Filters=[
            {"Name": "vpc-id", "Values": [deployed.outputs["VpcId"]]},
            {"Name": "tag:Name", "Values": ["carol-instances"]},
        ]
    )["SecurityGroups"]
    ec2.revoke_security_group_ingress(
        GroupId=group["GroupId"], IpPermissions=group["IpPermissions"]
    )
    (add_on,) = second_subnet.add_ons(lab.session.client("cloudformation"), "carol")
    ec2.replace_network_acl_entry(
        NetworkAclId=add_on.outputs["NetworkAclId"], RuleNumber=200, Egress=True, Protocol="-1",
        RuleAction="allow", CidrBlock="10.0.1.0/24",
    )  # fmt: skip
    passes(lab.papermill("06", "-p", "prefix", "carol", "-p", "count", 2))


def test_its_pictures_have_an_alternative_text(lab, deployed):
    pictures = [
        output.metadata["image/png"].get("alt", "")
        for cell in executed(lab).cells
        for output in cell.get("outputs", [])
        if "image/png" in output.get("data", {})
    ]
    assert len(pictures) == 3 and all(pictures)


def test_99_removes_the_second_subnet_too(lab, deployed, passes):
    passes(lab.papermill("99", "-p", "prefix", "carol"))
    assert not second_subnet.add_ons(lab.session.client("cloudformation"), "carol")
    assert not lab.session.client("ec2").describe_flow_logs()["FlowLogs"]
