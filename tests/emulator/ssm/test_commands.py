import pytest

from labkit.emulator.ssm.commands import Command, Invocation, Outcome, Status
from labkit.emulator.ssm.documents import Script
from labkit.emulator.ssm.targets import max_concurrency, max_errors

DETAILS = {
    "S": ("Success", "Success"),
    "F": ("Failed", "Failed"),
    "E": ("TimedOut", "ExecutionTimedOut"),
    "D": ("TimedOut", "DeliveryTimedOut"),
    "C": ("Cancelled", "Cancelled"),
    "T": ("Cancelled", "Terminated"),
}


def command(letters, *, max_errors=0, max_concurrency=50):
    """Make a command whose invocations ended as the letters say; a dot: not sent yet."""
    made = Command(
        "c", "us-east-1", {}, Script(("true",), None, 3600), 0.0, 3600, max_concurrency, max_errors
    )
    for number, letter in enumerate(letters):
        one = Invocation("c", f"i-{number}", "", has_turn=letter != ".")
        one.outcome = Outcome(Status(*DETAILS[letter])) if letter in DETAILS else None
        made.invocations[one.instance_id] = one
    return made


@pytest.mark.parametrize(
    ("letters", "errors", "details"),
    [
        pytest.param("SSS", 0, "Success", id="all well"),
        pytest.param("SFS", 0, "Failed", id="with no error allowed, one fails it"),
        pytest.param("SFS", 1, "Failed", id="as many failures as MaxErrors fail it"),
        pytest.param("SFS", 2, "Incomplete", id="fewer leave it incomplete"),
        pytest.param("SES", 0, "ExecutionTimedOut", id="an execution timed out"),
        pytest.param("SDS", 0, "DeliveryTimedOut", id="a delivery timed out"),
        pytest.param("SDS", 2, "Incomplete", id="one of two deliveries"),
        pytest.param("FFT", 1, "Failed", id="terminated after too many errors"),
        pytest.param("FET", 1, "Failed", id="errors of both kinds"),
        pytest.param("FFEET", 3, "Failed", id="too many errors, though few of each kind"),
        pytest.param("SCS", 0, "Cancelled", id="cancelled"),
    ],
)
def test_the_status_of_a_command(letters, errors, details):
    """docs.aws.amazon.com/systems-manager/latest/APIReference/API_Command.html, StatusDetails"""
    assert command(letters, max_errors=errors).status.details == details


@pytest.mark.parametrize(
    ("letters", "concurrency", "errors", "turns"),
    [
        pytest.param("....", 2, 0, "01", id="as many as may run at the same time"),
        pytest.param("rr..", 2, 0, "01", id="no more while those run"),
        pytest.param("Sr..", 2, 0, "012", id="a sliding window"),
        pytest.param("FF..", 2, 1, "01", id="no more after more errors than allowed"),
        pytest.param("FF..", 2, 2, "0123", id="as many errors as allowed"),
        pytest.param("DD..", 2, 0, "0123", id="what was not delivered is no error"),
    ],
)
def test_whose_turn_it_is(letters, concurrency, errors, turns):
    """docs.aws.amazon.com/systems-manager/latest/userguide/send-commands-multiple.html"""
    made = command(letters, max_concurrency=concurrency, max_errors=errors)
    made.give_turns()
    having = [id_[2:] for id_, one in made.invocations.items() if one.has_turn]
    assert "".join(having) == turns


@pytest.mark.parametrize(
    ("function", "asked", "count", "expected"),
    [
        pytest.param(max_concurrency, {}, 100, 50, id="50 by default"),
        pytest.param(max_concurrency, {"MaxConcurrency": "10"}, 100, 10, id="a number"),
        pytest.param(max_concurrency, {"MaxConcurrency": "10%"}, 50, 5, id="a percentage"),
        pytest.param(max_concurrency, {"MaxConcurrency": "10%"}, 3, 1, id="one at least"),
        pytest.param(max_errors, {}, 100, 0, id="no error by default"),
        pytest.param(max_errors, {"MaxErrors": "10%"}, 50, 5, id="the sixth of 50 is too many"),
        pytest.param(max_errors, {"MaxErrors": "10%"}, 3, 0, id="none at least"),
    ],
)
def test_numbers_of_nodes(function, asked, count, expected):
    """docs.aws.amazon.com/systems-manager/latest/userguide/send-commands-multiple.html"""
    assert function(asked, count) == expected
