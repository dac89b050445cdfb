"""What stands in the folded solutions is true: with them filled in, no check is left open."""

import nbformat
import pytest

from labkit import lab as runner


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    output = tmp_path_factory.mktemp("solved") / "output"
    return runner.run(runner.Plan(output=output, parameters={"count": 2}, solve=True))


def test_the_whole_lab_passes(run):
    assert run.exit_code == 0, run.failure


def test_every_check_passes_and_none_is_open(run):
    text = "".join(
        output.get("data", {}).get("text/plain", "")
        for path in sorted(run.report.parent.glob("*.ipynb"))
        for cell in nbformat.read(path, as_version=4).cells
        for output in cell.get("outputs", [])
    )
    assert text.count("✓ PASS") > 20
    assert "TODO" not in text and "FAIL" not in text
