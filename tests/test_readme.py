"""The README names each notebook and module, and its two commands are where CI looks."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PRIVATE = {"__init__", "__main__", "errors", "home", "waiting", "emulator_process"}
MODULES = sorted({path.stem for path in (ROOT / "labkit").glob("*.py")} - PRIVATE)
PACKAGES = sorted(path.parent.name for path in (ROOT / "labkit").glob("*/__init__.py"))


@pytest.mark.parametrize(
    "name", [path.stem for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
)
def test_it_names_the_notebook(name):
    assert f"`{name}`" in README


@pytest.mark.parametrize("name", MODULES + PACKAGES)
def test_it_names_the_module(name):
    assert f"`labkit.{name}`" in README


@pytest.mark.parametrize("name", ["run", "test"])
def test_the_command_is_a_fenced_block_behind_its_marker(name):
    block = re.search(rf"<!-- command: {name} -->\n```bash\n(.+?)```", README, re.DOTALL)
    assert block and "requirements.txt" in block[1]
