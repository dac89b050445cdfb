import threading
import time

import pytest

from labkit.emulator.ssm.agents import SETTLING_S, Agents


@pytest.mark.parametrize(
    ("heard_at", "last"),
    [
        pytest.param({"ssm": 5.0, "ssmmessages": 7.0}, 7.0, id="both stand"),
        pytest.param({"ssm": 5.0, "ssmmessages": None}, None, id="one is missing"),
        pytest.param({"ssm": 5.0}, None, id="one was never there"),
        pytest.param({}, None, id="no agent"),
    ],
)
def test_a_node_is_heard_over_both_connections(heard_at, last):
    agents = Agents()
    agents.on_agent("i-1", heard_at)
    assert agents.last_heard_at("i-1") == last


def test_who_asks_while_an_agent_begins_waits_for_it():
    agents = Agents()
    agents.on_agent("i-1", {"ssm": None, "ssmmessages": None})
    threading.Timer(0.2, agents.on_agent, ("i-1", {"ssm": 5.0, "ssmmessages": 5.0})).start()
    assert agents.last_heard_at("i-1") == 5.0


def test_a_lost_connection_is_not_waited_for():
    agents = Agents()
    agents.on_agent("i-1", {"ssm": None, "ssmmessages": None})
    began = time.monotonic()
    assert agents.last_heard_at("i-1") is None
    assert time.monotonic() - began < SETTLING_S + 0.3
    began = time.monotonic()
    agents.on_agent("i-1", {"ssm": 5.0, "ssmmessages": None})
    assert agents.last_heard_at("i-1") is None
    assert time.monotonic() - began < 0.2
