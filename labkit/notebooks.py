"""The lab's notebooks: which there are, which are asked for, and what parameters they take."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from labkit.errors import ParameterError

FOLDER = Path(__file__).parent.parent / "notebooks"


def find(folder: Path = FOLDER) -> list[Path]:
    """Return the notebooks in their order: NN_verb_object.ipynb.

    Raises:
        ParameterError: There is none.
    """
    found = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    if not found:
        raise ParameterError(f"There is no notebook NN_verb_object.ipynb in {folder}.")
    return found


def choose(every: Sequence[Path], *, only: Sequence[str] = (), begin: str = "") -> list[Path]:
    """Return the notebooks that are asked for by the beginnings of their names.

    Args:
        every: All of them, in order.
        only: One beginning for each that is wanted, e.g. "03"; none: all.
        begin: Beginning of the first one that is wanted.

    Raises:
        ParameterError: No notebook, or more than one, begins so.
    """
    first = _index(every, begin) if begin else 0
    wanted = {_index(every, name) for name in only} or set(range(len(every)))
    return [path for index, path in enumerate(every) if index in wanted and index >= first]


def code_cells(notebook: Path) -> list[tuple[str, list[str]]]:
    """Return the source and the tags of each code cell that is not empty."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    code = [
        ("".join(cell["source"]), cell["metadata"].get("tags", []))
        for cell in cells
        if cell["cell_type"] == "code"
    ]
    return [(source, tags) for source, tags in code if source.strip()]


def parameters_of(notebook: Path) -> dict[str, Any]:
    """Return the names and defaults of a notebook's parameters: its cell with that tag."""
    for source, tags in code_cells(notebook):
        if "parameters" in tags:
            return {
                node.targets[0].id: ast.literal_eval(node.value)
                for node in ast.parse(source).body
                if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
            }
    return {}


def title_of(notebook: Path) -> str:
    """Return a notebook's title: its first heading."""
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        heading = re.match(r"# (.+)", "".join(cell["source"]))
        if heading:
            return heading[1].strip()
    return notebook.stem


def checks_of(notebook: Path) -> list[re.Pattern[str]]:
    """Return a pattern for each check of a notebook, in order: it fits the check's sentence.

    What a sentence computes (`f"ping sent {count} packets"`) may be anything.
    """
    return [
        _pattern(call.args[1])
        for source, _ in code_cells(notebook)
        for call in _calls(source)
        if ast.unparse(call.func) == "checks.expect" and len(call.args) > 1
    ]


def solved(notebook: Path) -> Any:
    """Return a notebook with each exercise replaced by the solution that is folded up after it.

    An exercise is a code cell tagged so; the text cell after it, tagged `solution`, has the code.
    """
    import nbformat

    found = nbformat.read(notebook, as_version=4)
    for cell, following in zip(found.cells, found.cells[1:], strict=False):
        if "exercise" in cell.metadata.get("tags", []):
            code = re.search(r"```python\n(.+?)```", following.source, re.DOTALL)
            assert code is not None, f"{notebook.name}: no solution follows {cell.source!r}"
            cell.source = code[1].rstrip()
    return found


def holding(cells: Sequence[str], *, prefer: str = "", folder: Path = FOLDER) -> str | None:
    """Return the name of the notebook that holds most of these cells, None if none holds any.

    Args:
        cells: Sources of cells.
        prefer: A notebook's name, for a tie.
        folder: Where the notebooks are.
    """
    counts = Counter(name for cell in cells for name in _places(folder).get(cell.strip(), ()))
    most = max(counts.values(), default=0)
    best = [name for name, count in counts.items() if count == most]
    return prefer if prefer in best else min(best, default=None)


def assign(
    every: Sequence[Path], parameters: Mapping[str, object]
) -> dict[Path, dict[str, object]]:
    """Return, for each notebook, those of the parameters that it has.

    Raises:
        ParameterError: No notebook has one of them (papermill would only warn).
    """
    known = {path: parameters_of(path) for path in every}
    names = sorted({name for defaults in known.values() for name in defaults})
    for name in parameters:
        if name not in names:
            raise ParameterError(
                f"No notebook has a parameter {name!r}; there are {', '.join(names)}."
            )
    return {
        path: {name: value for name, value in parameters.items() if name in defaults}
        for path, defaults in known.items()
    }


def value_of(text: str) -> object:
    """Return a parameter's value typed as papermill's command line types it.

    True, False and None, numbers, else the text itself.
    """
    words: dict[str, object] = {"True": True, "False": False, "None": None}
    if text in words:
        return words[text]
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text


def _index(every: Sequence[Path], name: str) -> int:
    found = [index for index, path in enumerate(every) if path.stem.startswith(name)]
    if len(found) != 1:
        stems = ", ".join(path.stem for path in every)
        raise ParameterError(f"{name!r} is the beginning of {len(found)} notebooks of: {stems}.")
    return found[0]


@cache
def _places(folder: Path) -> dict[str, list[str]]:
    """Return the names of the notebooks that hold a cell, by its source."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.glob("[0-9][0-9]_*.ipynb")):
        for source in {source.strip() for source, _ in code_cells(path)}:
            found.setdefault(source, []).append(path.stem)
    return found


def _calls(source: str) -> Iterator[ast.Call]:
    nodes = list(ast.walk(ast.parse(source)))
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    yield from sorted(calls, key=lambda call: (call.lineno, call.col_offset))


def _pattern(sentence: ast.expr) -> re.Pattern[str]:
    parts = sentence.values if isinstance(sentence, ast.JoinedStr) else [sentence]
    literal = [part.value if isinstance(part, ast.Constant) else None for part in parts]
    return re.compile("".join(".*" if one is None else re.escape(str(one)) for one in literal))
