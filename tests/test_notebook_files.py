"""What every notebook file keeps to, whatever it is about."""

import ast
import json
import re
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest

from labkit import notebooks

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
STANDARD_PARAMETERS = {"target": "emulator", "region": "us-east-1", "prefix": ""}


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return nbformat.reads(request.param.read_text(encoding="utf-8"), as_version=4)


def code_cells(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def tagged(notebook, tag):
    return [cell for cell in notebook.cells if tag in cell.metadata.get("tags", [])]


def test_the_mission_is_complete():
    mission = ["00", "01", "02", "03", "04", "05", "06", "07", "99"]
    assert [path.stem[:2] for path in NOTEBOOKS] == mission


def test_the_first_page_lists_all_of_them_with_title_and_time():
    """The minutes there are the first number of the notebook's own line."""
    first = nbformat.read(NOTEBOOKS[0], as_version=4)
    text = "\n".join(cell.source for cell in first.cells if cell.cell_type == "markdown")
    listed = re.findall(r"^\| \[(.+)\]\((.+)\) \| (\d+) minutes \|$", text, re.MULTILINE)
    assert listed == [(notebooks.title_of(path), path.name, minutes(path)) for path in NOTEBOOKS]


def minutes(path):
    head = nbformat.read(path, as_version=4).cells[0].source
    return re.findall(r"^\| Time \| (\d+) minutes", head, re.MULTILINE)[0]


def test_it_is_valid_and_its_cell_ids_are_unique(notebook):
    nbformat.validate(notebook)
    ids = [cell.id for cell in notebook.cells]
    assert len(ids) == len(set(ids))


def test_it_holds_no_outputs(notebook):
    assert not any(cell.outputs or cell.execution_count for cell in code_cells(notebook))


def test_it_has_one_parameters_cell_with_the_standard_parameters_as_commented_literals(notebook):
    (cell,) = tagged(notebook, "parameters")
    assignments = ast.parse(cell.source).body
    values = {node.targets[0].id: ast.literal_eval(node.value) for node in assignments}
    assert STANDARD_PARAMETERS.items() <= values.items()
    assert all("  # " in line for line in cell.source.splitlines())


def test_its_cells_are_short_and_define_nothing_long(notebook):
    for cell in code_cells(notebook):
        assert len(cell.source.splitlines()) <= 12, cell.source
        assert "def " not in cell.source, cell.source


def test_it_never_asks_which_target_it_runs_on(notebook):
    source = "\n".join(cell.source for cell in code_cells(notebook))
    branches = [
        node
        for node in ast.walk(ast.parse(source.replace("...", "None")))
        if isinstance(node, ast.If)
    ]
    assert not any("target" in ast.unparse(node.test) for node in branches)
    assert "labkit.emulator" not in source


def test_a_solution_follows_each_exercise(notebook):
    cells = notebook.cells
    exercises = [n for n, cell in enumerate(cells) if "exercise" in cell.metadata.get("tags", [])]
    for n in exercises:
        assert "..." in cells[n].source
        assert "solution" in cells[n + 1].metadata.get("tags", [])
        assert "```python" in cells[n + 1].source


def test_it_begins_with_a_promise_and_ends_with_three_questions(notebook):
    first, last = notebook.cells[0].source, notebook.cells[-1].source
    assert first.startswith("# ")
    assert "After this page you can say" in first or "After this page you can" in first
    assert [line[:2] for line in last.splitlines() if line[:1].isdigit()] == ["1.", "2.", "3."]


def test_each_code_cell_follows_a_text_that_leads_to_it(notebook):
    """It ends in a colon or a question, or in an answer that is folded up."""
    for before, cell in pairwise(notebook.cells):
        if cell.cell_type == "code":
            assert before.cell_type == "markdown", cell.source
            assert before.source.rstrip().endswith((":", "?", "</details>")), before.source


def test_its_metadata_is_the_kernel_only(notebook):
    assert set(notebook.metadata) == {"kernelspec"}


def test_the_bytes_on_disk_are_what_nbformat_would_write():
    for path in NOTEBOOKS:
        text = path.read_text(encoding="utf-8")
        assert json.loads(text)["nbformat"] == 4
        assert text.endswith("}\n")
