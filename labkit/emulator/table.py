"""python -m labkit.emulator.table: write the table of operations into the README, from the code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from moto.core.utils import get_service_model

from labkit.emulator.operations import FORWARDED
from labkit.emulator.parts import Parts
from labkit.emulator.protocol import SERVICES
from labkit.emulator.upstream import InProcess, Moto

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- operations: begin -->\n", "<!-- operations: end -->\n"


def table() -> str:
    """Return a row for each service: which operations are ours, which are moto's, and the rest."""
    ours = {name for name, operation in _operations().items() if not _only_refuses(operation)}
    rows = ["| service | ours | moto's | refused |", "|---|---|---|---|"]
    for service in SERVICES:
        model: Any = get_service_model(service)
        known = set(model.operation_names)
        mine = {operation for where, operation in ours if where == service}
        forwarded = FORWARDED.get(service, frozenset()) - mine
        refused = len(known - mine - forwarded)
        rows.append(f"| {service} | {_cell(mine)} | {_cell(forwarded)} | the other {refused} |")
    return "\n".join(rows) + "\n"


def updated(readme: str) -> str:
    """Return the README with the table as it is now."""
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def _operations() -> dict[tuple[str, str], Any]:
    """Build the services without a data process: they are asked for their names only."""
    moto = Moto()
    clients = InProcess(moto, "AKIATABLE", "secret")
    start: Any = lambda **_: None  # noqa: E731
    return dict(Parts(clients, clients, moto, pace="lab", start_data_plane=start).operations())


def _only_refuses(operation: Any) -> bool:
    """Say whether an operation is there to refuse with a hint what to do instead."""
    return getattr(operation, "__name__", "") == "_refuse"


def _cell(names: set[str] | frozenset[str]) -> str:
    return ", ".join(sorted(names)) or "–"


if __name__ == "__main__":
    README.write_text(updated(README.read_text()))
