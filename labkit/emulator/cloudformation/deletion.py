"""Deletes resources of a stack: what needs another goes before it, all else at once."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping

from labkit.emulator.cloudformation import workers
from labkit.emulator.cloudformation.records import ResourceRecord, StackRecord
from labkit.emulator.cloudformation.resources import Problem, Resources

KEPT_AT_THE_END = frozenset({"Retain", "RetainExceptOnCreate"})
KEPT_AT_A_ROLLBACK = frozenset({"Retain"})
"""The DeletionPolicies that leave a resource, when its stack goes, and when its creation failed.

Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/ (DeletionPolicy attribute)
"""


class Deletion:
    """Deletes resources.

    Args:
        stack: theirs.
        resources: what deletes one.
        kept: the DeletionPolicies that leave a resource where it is.
        retain: names of others to leave.
        force: whether to leave what cannot be deleted.
    """

    def __init__(
        self,
        stack: StackRecord,
        resources: Resources,
        *,
        kept: Collection[str] = KEPT_AT_THE_END,
        retain: Collection[str] = (),
        force: bool = False,
    ):
        self._stack = stack
        self._resources = resources
        self._kept = kept
        self._retain = retain
        self._force = force
        self._lock = threading.Lock()
        self._deleted = 0
        self._problems: dict[str, Problem] = {}

    def run(self, records: Mapping[str, ResourceRecord]) -> list[str]:
        """Delete these resources; return the names of those that could not be.

        What is in use is tried again as long as others go meanwhile: these may be its users, even
        where the template does not say so. What something else needs that is still there is not
        tried at all, as on AWS.
        """
        left = {name: record for name, record in records.items() if record.is_there}
        while left:
            before, self._problems = self._deleted, {}
            self._try(_users(left), left)
            left = {name: record for name, record in left.items() if record.is_there}
            if left and not self._problems:  # they need each other, after a failed update
                self._try({name: set() for name in left}, left)
            again = any(problem.in_use for problem in self._problems.values())
            if not again or self._deleted == before:
                break
        for name, problem in self._problems.items():
            status = "DELETE_SKIPPED" if self._force else "DELETE_FAILED"
            self._stack.note_resource(records[name], status, problem.reason)
        failed = [name for name in self._problems if records[name].is_there]
        if self._force and left:
            return failed + self.run(left)  # what they needed
        return failed

    def _try(self, users: Mapping[str, set[str]], records: Mapping[str, ResourceRecord]) -> None:
        workers.run(users, lambda name: self._delete(records[name]))

    def _delete(self, record: ResourceRecord) -> bool:
        if record.logical_id in self._retain or record.deletion_policy in self._kept:
            self._stack.note_resource(record, "DELETE_SKIPPED")
            return True
        problem = self._resources.delete(record)
        with self._lock:
            if problem is None:
                self._deleted += 1
            else:
                self._problems[record.logical_id] = problem
        return problem is None


def _users(records: Mapping[str, ResourceRecord]) -> dict[str, set[str]]:
    """Return for each resource those that need it, and so must go before it."""
    users: dict[str, set[str]] = {name: set() for name in reversed(list(records))}
    for name, record in records.items():
        for needed in record.needs & users.keys():
            users[needed].add(name)
    return users
