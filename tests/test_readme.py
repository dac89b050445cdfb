"""The README names each notebook and module, and its two commands are where CI looks."""

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
JAPANESE = (ROOT / "README.ja.md").read_text(encoding="utf-8")
PRIVATE = {"__init__", "__main__", "errors", "home", "waiting", "emulator_process"}
MODULES = sorted({path.stem for path in (ROOT / "labkit").glob("*.py")} - PRIVATE)
PACKAGES = sorted(path.parent.name for path in (ROOT / "labkit").glob("*/__init__.py"))


@pytest.mark.parametrize(
    "name", [path.stem for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
)
def test_it_names_the_notebook(name):
    assert f"`{name}`" in README


@pytest.mark.parametrize("text", ["README.md", "README.ja.md"])
def test_the_table_tells_each_notebooks_time(text):
    """The minutes are those at the top of the notebook."""
    told = re.findall(
        r"^\| `(\d\d_\w+)` \|.+\| (\d+) (?:min|分) \|",
        (ROOT / text).read_text("utf-8"),
        re.MULTILINE,
    )
    tops = {path.stem: path.read_text("utf-8") for path in (ROOT / "notebooks").glob("*.ipynb")}
    written = {name: re.findall(r"\| Time \| (\d+) minutes", top)[0] for name, top in tops.items()}
    assert dict(told) == written


@pytest.mark.parametrize("name", MODULES + PACKAGES)
def test_it_names_the_module(name):
    assert f"`labkit.{name}`" in README


@pytest.mark.parametrize("name", ["run", "test"])
def test_the_command_is_a_fenced_block_behind_its_marker(name):
    block = re.search(rf"<!-- command: {name} -->\n```bash\n(.+?)```", README, re.DOTALL)
    assert block and "requirements.txt" in block[1]


def headings(text):
    outside_blocks = re.sub(r"```.+?```", "", text, flags=re.DOTALL)
    return [len(level) for level in re.findall(r"^(#+) ", outside_blocks, re.MULTILINE)]


def commands(text):
    """Return the lines of the fenced blocks, without their comments."""
    blocks = re.findall(r"```bash\n(.+?)```", text, re.DOTALL)
    return [re.sub(r"\s+# .*", "", line) for block in blocks for line in block.splitlines()]


def code(text):
    """Return what stands in backticks outside of the fenced blocks, and how often."""
    return Counter(re.findall(r"`([^`\n]+)`", re.sub(r"```.+?```", "", text, flags=re.DOTALL)))


def table_rows(text):
    return [
        re.findall(r"`([^`]+)`", line.split("|")[1]) for line in text.splitlines() if "|" in line
    ]


def links(text):
    return [link for link in re.findall(r"\]\(([^)]+)\)", text) if not link.startswith("README")]


@pytest.mark.parametrize("part", [headings, commands, code, table_rows, links],
                         ids=lambda part: part.__name__)  # fmt: skip
def test_the_japanese_readme_keeps_in_step(part):
    """It may differ in words alone: the same headings, commands, names, tables and links."""
    assert part(JAPANESE) == part(README)


def test_the_japanese_readme_is_japanese():
    prose = re.sub(r"```.+?```|`[^`\n]+`|\]\([^)]+\)", "", JAPANESE, flags=re.DOTALL)
    for paragraph in re.split(r"\n\n+", prose):
        is_short = len(paragraph) < 40
        assert is_short or re.search(r"[\u3041-\u30ff\u4e00-\u9fff]", paragraph), paragraph


def test_each_readme_names_the_other():
    assert "[日本語](README.ja.md)" in README and "[English](README.md)" in JAPANESE
