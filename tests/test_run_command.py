"""Run Command, told by scripted answers in the shapes of SSM's API."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from labkit import run_command, waiting
from labkit.errors import CommandFailed, WaitTimedOut

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


def invocation(status: str, **more: Any) -> dict:
    started = {"ExecutionStartDateTime": "2026-01-05T12:00:01.250Z",
               "ExecutionEndDateTime": "2026-01-05T12:00:04.500Z"}  # fmt: skip
    unfinished = {"ExecutionStartDateTime": "", "ExecutionEndDateTime": ""}
    return {
        "CommandId": "c-1", "InstanceId": "i-1", "Status": status, "StatusDetails": status,
        "ResponseCode": {"Success": 0, "Failed": 1}.get(status, -1),
        "StandardOutputContent": "", "StandardErrorContent": "",
        **(started if status in {"Success", "Failed"} else unfinished), **more,
    }  # fmt: skip


class ScriptedSsm:
    """Answers GetCommandInvocation by a list of invocations; None means it is not known yet."""

    def __init__(self, *invocations: dict | None) -> None:
        self.invocations = list(invocations)
        self.sent: list[dict] = []
        self.pages: dict[str, list[dict]] = {
            "list_commands": [{"Commands": [{"CommandId": "c-1",
                                             "Parameters": {"commands": ["ping -c 3 10.0.1.11"]}}]}]
        }  # fmt: skip
        self.asked: list[dict] = []

    def send_command(self, **parameters: Any) -> dict:
        self.sent.append(parameters)
        return {"Command": {"CommandId": "c-1", "Status": "Pending"}}

    def get_command_invocation(self, CommandId: str, InstanceId: str) -> dict:
        answer = self.invocations[0] if len(self.invocations) == 1 else self.invocations.pop(0)
        if answer is None:
            error = {"Error": {"Code": "InvocationDoesNotExist", "Message": ""}}
            raise ClientError(error, "GetCommandInvocation")
        return answer

    def get_paginator(self, operation: str) -> Any:
        script = self

        class Pages:
            def paginate(self, **parameters: Any):
                script.asked.append(parameters)
                return iter(script.pages[operation])

        return Pages()


@pytest.mark.parametrize(
    "invocations",
    [
        pytest.param([invocation("Success")], id="at once"),
        pytest.param([None, None, invocation("Pending"), invocation("InProgress"),
                      invocation("Success")], id="after InvocationDoesNotExist and Pending"),
    ],
)  # fmt: skip
def test_wait_returns_how_the_command_ended(invocations):
    result = run_command.wait(ScriptedSsm(*invocations), "c-1", "i-1")
    assert (result.status, result.exit_code, result.lines) == (
        "Success", 0, ("ping -c 3 10.0.1.11",),
    )  # fmt: skip
    assert result.started_at == NOON + timedelta(seconds=1.25)
    assert result.ended_at == NOON + timedelta(seconds=4.5)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(invocation("Failed", StandardOutputContent="100% packet loss\n"),
                     {"status": "Failed", "exit_code": 1, "stdout": "100% packet loss\n"},
                     id="a ping without a reply"),
        pytest.param(invocation("TimedOut", StatusDetails="Delivery Timed Out"),
                     {"status": "TimedOut", "status_details": "DeliveryTimedOut", "exit_code": -1,
                      "started_at": None, "ended_at": None},
                     id="never delivered, spelt as in the guide"),
        pytest.param(invocation("TimedOut", StatusDetails="ExecutionTimedOut"),
                     {"status_details": "ExecutionTimedOut"}, id="took too long"),
        pytest.param(invocation("Cancelled"), {"status": "Cancelled"}, id="cancelled"),
    ],
)  # fmt: skip
def test_every_way_to_end_is_a_result(answer, expected):
    result = run_command.wait(ScriptedSsm(answer), "c-1", "i-1")
    assert {name: getattr(result, name) for name in expected} == expected


def test_wait_gives_up_with_the_last_status():
    with pytest.raises(WaitTimedOut, match="command c-1 on i-1; last seen: InProgress"):
        run_command.wait(ScriptedSsm(invocation("InProgress")), "c-1", "i-1", timeout_s=0.1)


def test_other_errors_of_ssm_are_shown_in_its_own_words():
    class Refusing(ScriptedSsm):
        def get_command_invocation(self, CommandId: str, InstanceId: str) -> dict:
            error = {"Error": {"Code": "InvalidCommandId", "Message": "no such id"}}
            raise ClientError(error, "GetCommandInvocation")

    with pytest.raises(ClientError, match="InvalidCommandId"):
        run_command.wait(Refusing(), "c-1", "i-1")


def test_run_sends_the_lines_and_the_time_they_may_take():
    ssm = ScriptedSsm(invocation("Success"))
    run_command.run(ssm, "i-1", ["date", "hostname"], timeout_s=30)
    assert ssm.sent[0]["InstanceIds"] == ["i-1"]
    assert ssm.sent[0]["DocumentName"] == "AWS-RunShellScript"
    assert ssm.sent[0]["Parameters"] == {
        "commands": ["date", "hostname"], "executionTimeout": ["30"],
    }  # fmt: skip


FAILED_PING = invocation(
    "Failed",
    StandardOutputContent="3 packets transmitted, 0 received, 100% packet loss, time 2031ms\n\n",
    StandardErrorContent="failed to run commands: exit status 1",
)


def test_run_raises_what_the_command_said_last():
    with pytest.raises(CommandFailed) as caught:
        run_command.run(ScriptedSsm(FAILED_PING), "i-1", ["ping -c 3 10.0.1.11"])
    assert str(caught.value) == (
        "'ping -c 3 10.0.1.11' on i-1 ended Failed with exit code 1; it last said: "
        "3 packets transmitted, 0 received, 100% packet loss, time 2031ms"
    )
    assert caught.value.result.exit_code == 1


def test_run_without_check_returns_the_failure():
    result = run_command.run(ScriptedSsm(FAILED_PING), "i-1", ["ping"], check=False)
    assert (result.status, result.exit_code) == ("Failed", 1)


def listed(command_id: str, status: str, requested_at: datetime) -> dict:
    return {"CommandId": command_id, "InstanceId": "i-1", "Status": status,
            "RequestedDateTime": requested_at}  # fmt: skip


def test_history_reads_every_page_of_finished_invocations_newest_last():
    ssm = ScriptedSsm(
        invocation("Failed", CommandId="c-2", ExecutionStartDateTime="2026-01-05T13:00:00Z"),
        invocation("Success", ExecutionStartDateTime="2026-01-05T12:30:00Z"),
    )
    ssm.pages["list_command_invocations"] = [
        {"CommandInvocations": [listed("c-3", "InProgress", NOON + timedelta(hours=2)),
                                listed("c-2", "Failed", NOON + timedelta(hours=1))]},
        {"CommandInvocations": [listed("c-1", "Success", NOON),
                                listed("c-0", "Success", NOON - timedelta(hours=1))]},
    ]  # fmt: skip
    since = NOON.astimezone(tz=None)
    results = run_command.history(ssm, since=since)
    assert [(result.command_id, result.lines) for result in results] == [
        ("c-1", ("ping -c 3 10.0.1.11",)), ("c-2", ()),
    ]  # fmt: skip
    expected = [{"key": "InvokedAfter", "value": "2026-01-05T12:00:00Z"}]
    assert [asked["Filters"] for asked in ssm.asked] == [expected, expected]


def test_history_of_some_instances_only():
    ssm = ScriptedSsm(invocation("Success"))
    page = {"CommandInvocations": [listed("c-1", "Success", NOON)]}
    ssm.pages["list_command_invocations"] = [page]
    assert [one.command_id for one in run_command.history(ssm, {"i-1": "10.0.1.10"})] == ["c-1"]
    assert ssm.asked == [{"InstanceId": "i-1"}] * 2, "SSM is asked for no more than is wanted"


def node(instance_id: str, ping_status: str = "Online") -> dict:
    return {"InstanceId": instance_id, "PingStatus": ping_status, "AgentVersion": "3.3.987.0",
            "PlatformName": "Amazon Linux", "PlatformVersion": "2023",
            "IPAddress": "10.0.1.10", "LastPingDateTime": NOON}  # fmt: skip


def test_nodes_waits_until_all_are_online():
    ssm, seen = ScriptedSsm(), []
    answers = iter([[], [node("i-2")], [node("i-2", "Online"), node("i-1", "ConnectionLost")],
                    [node("i-2"), node("i-1")]])  # fmt: skip

    def paginator(operation: str) -> Any:
        class Pages:
            def paginate(self, Filters: list):
                assert Filters == [{"Key": "InstanceIds", "Values": ["i-1", "i-2"]}]
                return [{"InstanceInformationList": next(answers)}]

        return Pages()

    ssm.get_paginator = paginator
    frame = run_command.nodes(ssm, ["i-1", "i-2"], watch=seen.append)
    assert list(frame.InstanceId) == ["i-1", "i-2"]
    assert list(frame.PlatformName) == ["Amazon Linux"] * 2
    assert [tick.seen for tick in seen] == [
        "i-1 not registered, i-2 not registered",
        "i-1 not registered, i-2 Online",
        "i-1 ConnectionLost, i-2 Online",
        "i-1 Online, i-2 Online",
    ]
    assert seen[-1].state is waiting.State.DONE


def test_nodes_says_which_one_is_missing():
    ssm = ScriptedSsm()
    ssm.pages["describe_instance_information"] = [{"InstanceInformationList": [node("i-2")]}]
    with pytest.raises(WaitTimedOut, match="last seen: i-1 not registered, i-2 Online"):
        run_command.nodes(ssm, ["i-1", "i-2"], timeout_s=0.1)


def test_begin_returns_once_the_lines_run():
    ssm = ScriptedSsm(None, invocation("Pending"), invocation("Delayed"), invocation("InProgress"))
    assert run_command.begin(ssm, "i-1", ["ping -c 9 10.0.1.11"]) == "c-1"
    assert len(ssm.invocations) == 1
    assert ssm.sent[0]["Parameters"] == {"commands": ["ping -c 9 10.0.1.11"]}


def test_begin_returns_also_for_what_is_over_already():
    assert run_command.begin(ScriptedSsm(invocation("Success")), "i-1", ["true"]) == "c-1"
