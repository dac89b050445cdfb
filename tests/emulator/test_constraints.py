import pytest

from labkit.emulator import constraints
from labkit.emulator.refusal import ServiceError


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        pytest.param(
            {"CommandId": "x"},
            "1 validation error detected: Value 'x' at 'commandId' failed to satisfy constraint: "
            "Member must have length greater than or equal to 36",
            id="too short",
        ),
        pytest.param(
            {"MaxResults": 0, "InstanceId": "x"},
            "2 validation errors detected: Value 'x' at 'instanceId' failed to satisfy "
            "constraint: Member must satisfy regular expression pattern: "
            r"(^i-(\w{8}|\w{17})$)|(^mi-\w{17}$); Value '0' at 'maxResults' failed to satisfy "
            "constraint: Member must have value greater than or equal to 1",
            id="two at once",
        ),
        pytest.param(
            {"Filters": [{"key": "Color", "value": "red"}]},
            "1 validation error detected: Value 'Color' at 'filters.1.member.key' failed to "
            "satisfy constraint: Member must satisfy enum value set: "
            "[InvokedAfter, InvokedBefore, Status, ExecutionStage, DocumentName]",
            id="an enumeration inside a list",
        ),
    ],
)
def test_broken_constraints_are_told_in_aws_s_words(parameters, told):
    with pytest.raises(ServiceError) as refusal:
        constraints.check("ssm", "ListCommands", parameters)
    assert (refusal.value.code, refusal.value.message) == ("ValidationException", told)


def test_what_keeps_to_the_model_passes():
    constraints.check("ssm", "ListCommands", {"InstanceId": "i-00000000000000001", "MaxResults": 5})
