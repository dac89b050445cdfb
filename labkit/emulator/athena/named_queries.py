"""Named queries of Athena: texts that are kept. moto cannot delete one.

Source: docs.aws.amazon.com/athena/latest/ug/saved-queries.html
"""

from __future__ import annotations

import threading
import uuid
from typing import Any

from labkit.emulator.athena.work_groups import PRIMARY, WorkGroups
from labkit.emulator.constraints import check
from labkit.emulator.operations import Call, Operations
from labkit.emulator.refusal import ServiceError, not_emulated

Query = dict[str, Any]


class NamedQueries:
    """The operations on named queries.

    Args:
        work_groups: where each of them is.
    """

    def __init__(self, work_groups: WorkGroups):
        self._work_groups = work_groups
        self._lock = threading.RLock()
        self._queries: dict[tuple[str, str], Query] = {}

    def operations(self) -> Operations:
        ours = {
            "BatchGetNamedQuery": self.get_several,
            "CreateNamedQuery": self.create,
            "DeleteNamedQuery": self.delete,
            "GetNamedQuery": self.get,
            "ListNamedQueries": self.list,
            "UpdateNamedQuery": self.update,
        }
        return {("athena", name): operation for name, operation in ours.items()}

    def create(self, call: Call) -> dict[str, Any]:
        asked = _checked(call)
        group = asked.get("WorkGroup", PRIMARY)
        self._work_groups.existing(call.region, group)
        query_id = str(uuid.uuid4())
        kept = ("Name", "Description", "Database", "QueryString")
        with self._lock:
            self._queries[call.region, query_id] = {
                **{name: asked[name] for name in kept if name in asked},
                "NamedQueryId": query_id,
                "WorkGroup": group,
            }
        return {"NamedQueryId": query_id}

    def get(self, call: Call) -> dict[str, Any]:
        return {"NamedQuery": self._existing(call.region, _checked(call)["NamedQueryId"])}

    def get_several(self, call: Call) -> dict[str, Any]:
        found, missing = [], []
        for id_ in _checked(call)["NamedQueryIds"]:
            query = self._queries.get((call.region, id_))
            if query:
                found.append(query)
            else:
                reason = {"ErrorCode": "INTERNAL_FAILURE", "ErrorMessage": _missing(id_)}
                missing.append({"NamedQueryId": id_, **reason})
        return {"NamedQueries": found, "UnprocessedNamedQueryIds": missing}

    def list(self, call: Call) -> dict[str, Any]:
        group = _checked(call).get("WorkGroup", PRIMARY)
        self._work_groups.existing(call.region, group)
        with self._lock:
            ids = [
                id_
                for (region, id_), query in self._queries.items()
                if region == call.region and query["WorkGroup"] == group
            ]
        return {"NamedQueryIds": ids}

    def update(self, call: Call) -> dict[str, Any]:
        asked = _checked(call)
        changed = ("Name", "Description", "QueryString")
        with self._lock:
            query = self._existing(call.region, asked["NamedQueryId"])
            query.update({name: asked[name] for name in changed if name in asked})
        return {}

    def delete(self, call: Call) -> dict[str, Any]:
        with self._lock:
            query = self._existing(call.region, _checked(call)["NamedQueryId"])
            del self._queries[call.region, query["NamedQueryId"]]
        return {}

    def _existing(self, region: str, query_id: str) -> Query:
        found = self._queries.get((region, query_id))
        if found is None:
            raise ServiceError("InvalidRequestException", _missing(query_id))
        return found


def _missing(query_id: str) -> str:
    return f"NamedQuery {query_id} is not found."


def _checked(call: Call) -> dict[str, Any]:
    check("athena", call.operation, call.parameters)
    if "NextToken" in call.parameters:
        raise not_emulated("athena", f"{call.operation} with NextToken")
    return call.parameters
