"""python -m labkit.emulator.table: write the table of operations into the README, from the code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from moto.core.utils import get_service_model

from labkit.emulator.clients import InProcess
from labkit.emulator.operations import FORWARDED
from labkit.emulator.parts import Parts
from labkit.emulator.protocol import SERVICES
from labkit.emulator.upstream import Moto

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- operations: begin -->\n", "<!-- operations: end -->\n"


def table() -> str:
    """Return a row for each service: which operations are ours, which are moto's, and the rest."""
    rows = ["| service | ours | moto's | refused |", "|---|---|---|---|"]
    for service, (ours, motos) in operations().items():
        model: Any = get_service_model(service)
        refused = len(set(model.operation_names) - ours - motos)
        rows.append(f"| {service} | {_cell(ours)} | {_cell(motos)} | the other {refused} |")
    return "\n".join(rows) + "\n"


def operations() -> dict[str, tuple[set[str], set[str]]]:
    """Return by service which operations are ours and which are moto's."""
    mine = {name for name, operation in _operations().items() if not _only_refuses(operation)}
    found = {}
    for service in SERVICES:
        ours = {operation for where, operation in mine if where == service}
        found[service] = (ours, set(FORWARDED.get(service, ())) - ours)
    return found


def updated(readme: str) -> str:
    """Return the README with the table as it is now."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def _operations() -> dict[tuple[str, str], Any]:
    """Build the services without a data process: they are asked for their names only."""
    moto = Moto()
    clients = InProcess(moto.answer, moto.s3, "AKIATABLE", "secret")
    start: Any = lambda **_: None  # noqa: E731
    return dict(Parts(clients, clients, moto, pace="lab", start_data_plane=start).operations())


def _only_refuses(operation: Any) -> bool:
    """Say whether an operation is there to refuse with a hint what to do instead."""
    return getattr(operation, "__name__", "") == "_refuse"


def _cell(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "–"


if __name__ == "__main__":
    README.write_text(updated(README.read_text()))
