import pytest
from stack_caller import Caller

from labkit.emulator.cloudformation import Stacks


@pytest.fixture
def cloudformation(inner, call):
    """CloudFormation over moto alone: for everything that moto does honestly."""
    return Caller(Stacks(inner), call)
