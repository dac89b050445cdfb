"""What moto would ignore is refused by name, or done here."""

import re
from pathlib import Path

import moto
import pytest

from labkit.emulator import moto_ignores
from labkit.emulator.calls import Calls
from labkit.emulator.moto_ignores import DEFAULTS, PAGED, REFUSED
from labkit.emulator.moto_operations import operation_model
from labkit.emulator.operations import FORWARDED
from labkit.emulator.refusal import ServiceError

EACH = [(*where, name) for where, names in REFUSED.items() for name in names]


CHANGES_NOTHING = {
    "AdditionalInfo",  # reserved
    "AllAvailabilityZones",  # there are no Local Zones
    "Force",  # see moto_ignores
    "IncludeDisabled",  # there are no such images
    "IncludeManagedResources",  # there are none
    "SkipOsShutdown",  # an instance stops at once
    "entity",  # of metrics
    "sequenceToken",  # ignored by AWS, too
    "unmask",  # nothing is masked
}
DONE_HERE = {"ClientToken", "DryRun", "IncludeDeprecated", "KeyPairIds", "MaxResults", "NextToken"}


def unknown_to_moto(service):
    """Yield each parameter of the allow-list whose name does not stand in moto's service."""
    folder = Path(moto.__file__).parent / service
    source = "".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.py"))
    words = set(re.findall(r"[\"'.](\w+)[\"'.]|self\.(\w+)", source.lower().replace("_", "")))
    known = {word for pair in words for word in pair}
    for operation in sorted(FORWARDED[service]):
        shape = operation_model(service, operation).input_shape
        for name in shape.members if shape else ():
            if name.lower() not in known:
                yield operation, name


@pytest.mark.parametrize("service", ["ec2", "iam", "logs", "ssm"])
def test_each_parameter_that_moto_does_not_know_is_dealt_with(service):
    left = [
        (operation, name)
        for operation, name in unknown_to_moto(service)
        if name not in REFUSED.get((service, operation), ())
        and name not in CHANGES_NOTHING | DONE_HERE
    ]
    assert left == []


@pytest.fixture
def calls():
    """Answers each call of the allow-list with five VPCs."""
    answer = {"Vpcs": [{"VpcId": str(n)} for n in range(5)], "NextToken": "moto's"}
    return Calls({}, FORWARDED, lambda call: answer)


@pytest.mark.parametrize(("service", "operation", "name"), EACH)
def test_what_would_be_ignored_is_refused(calls, call, service, operation, name):
    with pytest.raises(ServiceError) as refused:
        calls(call(service, operation, **{name: "something"}))
    assert (
        refused.value.message == f"The emulator does not emulate {service}:{operation} with {name}."
    )


@pytest.mark.parametrize(("service", "operation", "name"), EACH)
def test_what_is_so_anyway_may_be_said(call, service, operation, name):
    moto_ignores.check(call(service, operation, **{name: DEFAULTS.get(name, False)}))


@pytest.mark.parametrize(("service", "operation", "name"), EACH)
def test_each_is_a_parameter_of_its_operation(service, operation, name):
    assert name in operation_model(service, operation).input_shape.members


@pytest.mark.parametrize("operation", PAGED)
def test_each_paged_operation_has_pages_and_items(operation):
    model = operation_model("ec2", operation)
    assert {"MaxResults", "NextToken"} <= set(model.input_shape.members)
    assert {PAGED[operation], "NextToken"} <= set(model.output_shape.members)


def test_pages_are_cut(calls, call):
    """docs.aws.amazon.com/AWSEC2/latest/APIReference/Query-Requests.html#api-pagination."""
    first = calls(call("ec2", "DescribeVpcs", MaxResults=3))
    assert [vpc["VpcId"] for vpc in first["Vpcs"]] == ["0", "1", "2"]
    rest = calls(call("ec2", "DescribeVpcs", MaxResults=3, NextToken=first["NextToken"]))
    assert [vpc["VpcId"] for vpc in rest["Vpcs"]] == ["3", "4"]
    assert "NextToken" not in rest


def test_a_token_that_is_none_is_refused(calls, call):
    with pytest.raises(ServiceError) as refused:
        calls(call("ec2", "DescribeVpcs", NextToken="none"))
    assert refused.value.code == "InvalidNextToken"
