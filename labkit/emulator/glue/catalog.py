"""The Data Catalog where moto takes names as they are, and any catalog for one's own.

Source: docs.aws.amazon.com/glue/latest/webapi/API_DatabaseInput.html (Name)
"""

from __future__ import annotations

from typing import Any

from botocore import xform_name

from labkit.emulator.constraints import check
from labkit.emulator.operations import FORWARDED, Call, Operations
from labkit.emulator.refusal import ServiceError
from labkit.emulator.upstream import Clients

_INPUTS = ("DatabaseInput", "TableInput")
_NAMES = ("DatabaseName", "Name")


class Catalog:
    """All operations of Glue: names in lower case, in the account's own catalog.

    Args:
        inner: clients straight to moto, which keeps databases and tables.
    """

    def __init__(self, inner: Clients):
        self._inner = inner

    def operations(self) -> Operations:
        return {("glue", name): self._forward for name in FORWARDED["glue"]}

    def _forward(self, call: Call) -> dict[str, Any]:
        asked = dict(call.parameters)
        check("glue", call.operation, asked)
        catalog = asked.pop("CatalogId", call.account_id)
        if catalog != call.account_id:
            raise ServiceError("EntityNotFoundException", f"Catalog {catalog} not found.")
        for name in _INPUTS:
            if name in asked:
                asked[name] = _folded(asked[name])
        glue: Any = self._inner("glue", call.region)
        answer = getattr(glue, xform_name(call.operation))(**_folded(asked))
        answer.pop("ResponseMetadata")
        return answer


def _folded(asked: dict[str, Any]) -> dict[str, Any]:
    """Return parameters whose names are as Hive has them: in lower case."""
    return {
        name: value.lower() if name in _NAMES and isinstance(value, str) else value
        for name, value in asked.items()
    }
