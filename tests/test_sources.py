"""A test of a rule of AWS says on which page of AWS's documentation the rule stands."""

import ast
from itertools import chain
from pathlib import Path

import pytest

TESTS = Path(__file__).parent

FOLDERS = (
    "network",
    "emulator/cloudformation",
    "emulator/flow_logs",
    "emulator/logs",
    "emulator/ssm",
)

OUR_OWN_MECHANICS = {
    "network/test_packet_headers.py": "RFCs, not AWS",
    "emulator/cloudformation/test_fuzzing.py": "never stuck, never a 5xx",
    "emulator/cloudformation/test_killed_half_way.py": "what a killed emulator leaves",
    "emulator/cloudformation/test_mutated_templates.py": "a template or a ValidationError",
    "emulator/cloudformation/test_workers.py": "our threads",
    "emulator/ssm/test_agents.py": "how long we wait for an agent",
}
"""Modules that test no rule of AWS, and what they test instead."""


def modules() -> list[str]:
    found = chain.from_iterable((TESTS / folder).glob("test_*.py") for folder in FOLDERS)
    return sorted(path.relative_to(TESTS).as_posix() for path in found)


def docstrings(module: str) -> list[str]:
    """Return the docstrings of a module and of its tests."""
    tree = ast.parse((TESTS / module).read_text(encoding="utf-8"))
    tests = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    return [ast.get_docstring(node) or "" for node in (tree, *tests)]


@pytest.mark.parametrize("module", modules())
def test_a_module_that_tests_a_rule_of_aws_names_its_page(module):
    names_a_page = any("docs.aws.amazon.com/" in text for text in docstrings(module))
    assert names_a_page != (module in OUR_OWN_MECHANICS)


def test_each_exception_is_a_module():
    assert OUR_OWN_MECHANICS.keys() <= set(modules())
