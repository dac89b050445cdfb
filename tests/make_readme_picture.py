"""Make the README's picture: the swimlanes of 06, from a run on an emulator of its own.

python tests/make_readme_picture.py [PATH]
"""

from __future__ import annotations

import sys
import tempfile
from base64 import b64decode
from pathlib import Path

import nbformat

from labkit import lab, notebooks

PATH = Path(__file__).with_name("readme_picture.png")
ALTERNATIVE_TEXT = "Swimlanes"
MOST_BYTES = 100_000


def swimlanes(notebook: Path) -> bytes:
    """Return the last picture of an executed notebook whose alternative text names swimlanes."""
    found = [
        output["data"]["image/png"]
        for cell in nbformat.read(notebook, as_version=4).cells
        for output in cell.get("outputs", [])
        if output.get("metadata", {})
        .get("image/png", output.get("metadata", {}))
        .get("alt", "")
        .startswith(ALTERNATIVE_TEXT)
    ]
    return b64decode(found[-1])


def main(path: Path = PATH) -> None:
    with tempfile.TemporaryDirectory() as folder:
        plan = lab.Plan(only=["01", "06"], output=Path(folder))
        run = lab.run(plan)
        assert run.exit_code == 0, run.failure
        (executed,) = notebooks.choose(notebooks.find(Path(folder)), only=["06"])
        picture = swimlanes(executed)
    assert len(picture) < MOST_BYTES, f"{len(picture)} bytes are too many for a README"
    path.write_bytes(picture)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
