"""What moto would ignore is refused by name, or done here."""

import pytest

from labkit.emulator import moto_ignores
from labkit.emulator.calls import Calls
from labkit.emulator.moto_ignores import DEFAULTS, PAGED, REFUSED
from labkit.emulator.moto_operations import operation_model
from labkit.emulator.operations import FORWARDED
from labkit.emulator.refusal import ServiceError

EACH = [(*where, name) for where, names in REFUSED.items() for name in names]


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
