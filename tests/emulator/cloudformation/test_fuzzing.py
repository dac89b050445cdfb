"""Mutated templates: never anything but a refusal, never a stack that stays in progress.

`fuzzing.py` is the longer run.
"""

import pytest
from fuzzing import LAB, NESTED, NETWORK, Fuzzer, mutated

from labkit.emulator.cloudformation.providers.provider import HandlerError
from labkit.emulator.cloudformation.providers.ssm import Parameter

STEPS = 12


@pytest.mark.parametrize("seed", range(3))
def test_whatever_is_wrong_with_a_template(inner, seed):
    fuzzer = Fuzzer(inner, seed)
    complaints = [complaint for _ in range(STEPS) for complaint in fuzzer.step()]
    assert complaints == []
    assert fuzzer.seen["CreateStack accepted"]


def test_the_samples_are_sound(cloudformation, inner, unique):
    """Else the mutated ones would all be refused for the same reason."""
    Fuzzer(inner, 99)
    body = NETWORK.replace("${AWS::StackName}-vpc}", f"{unique}}}")
    assert cloudformation.create(unique, body)["StackStatus"] == "CREATE_COMPLETE"
    assert cloudformation.create(f"{unique}-n", NESTED)["StackStatus"] == "CREATE_COMPLETE"


def test_a_defect_is_complained_of(inner, monkeypatch):
    def broken(*_):
        raise KeyError

    monkeypatch.setattr(Parameter, "create", broken)
    monkeypatch.setattr("fuzzing.mutated", lambda body, chance: NETWORK)
    fuzzer = Fuzzer(inner, 1001)
    assert any("Internal Failure" in one for one in fuzzer.step() + fuzzer.step())


def test_a_stack_that_stays_in_progress_is_complained_of(inner, monkeypatch):
    import threading

    goes_on = threading.Event()

    def waits(*_):
        goes_on.wait(20)
        raise HandlerError("no")

    monkeypatch.setattr(Parameter, "create", waits)
    monkeypatch.setattr("fuzzing.PATIENCE_S", 0.05)
    monkeypatch.setattr("fuzzing.mutated", lambda body, chance: NETWORK)
    try:
        fuzzer = Fuzzer(inner, 1002)
        assert any("is still" in one for one in fuzzer.step() + fuzzer.step())
    finally:
        goes_on.set()


def test_the_same_seed_gives_the_same_mutations():
    import random

    body = LAB.read_text()
    first = [mutated(body, random.Random(7)) for _ in range(3)]
    assert first[0] == first[1] == first[2] != body
