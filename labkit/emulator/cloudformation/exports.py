"""Exports: outputs of one stack that others import, unique in a Region.

Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-exports.html
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from labkit.emulator.cloudformation.records import StackRecord
from labkit.emulator.cloudformation.registry import Registry
from labkit.emulator.cloudformation.validation import ValidationError

Output = dict[str, Any]


class Exports:
    """The exports of all stacks that are there."""

    def __init__(self, registry: Registry):
        self._registry = registry

    def of_region(self, region: str) -> dict[str, tuple[StackRecord, str]]:
        """Return name -> the stack that exports it, and the value."""
        return {
            name: (stack, value)
            for stack in self._registry.present(region)
            for name, value in _exported(stack.outputs).items()
        }

    def lookup(self, region: str) -> Callable[[str], str]:
        """Return what finds the value of an export by its name, for `Fn::ImportValue`."""

        def find(name: str) -> str:
            found = self.of_region(region).get(name)
            if found is None:
                raise ValidationError(f"No export named {name} found.")
            return found[1]

        return find

    def importers(self, region: str, name: str) -> list[str]:
        """Return the names of the stacks that import an export, in order."""
        present = self._registry.present(region)
        return sorted(stack.name for stack in present if name in stack.imports)

    def publish(self, stack: StackRecord, outputs: list[Output]) -> None:
        """Give a stack its outputs.

        Raises:
            ValidationError: another stack has an export of that name, or an export that is in
                use would go or change.
        """
        with self._registry.lock:
            taken, new = self.of_region(stack.region), _exported(outputs)
            for name in new:
                if name in taken and taken[name][0] is not stack:
                    owner = taken[name][0].name
                    raise ValidationError(
                        f"Export with name {name} is already exported by stack {owner}."
                    )
            for name, value in _exported(stack.outputs).items():
                if name not in new:
                    self._refuse(stack, name, "deleted")
                elif new[name] != value:
                    self._refuse(stack, name, "updated")
            stack.outputs = outputs

    def check_deletion(self, stack: StackRecord) -> None:
        """Refuse to let a stack go whose exports are in use.

        Raises:
            ValidationError: they are.
        """
        for name in _exported(stack.outputs):
            self._refuse(stack, name, "deleted")

    def _refuse(self, stack: StackRecord, name: str, what: str) -> None:
        users = self.importers(stack.region, name)
        if users:
            raise ValidationError(
                f"Export {name} cannot be {what} as it is in use by {', '.join(users)}"
            )


def _exported(outputs: list[Output]) -> dict[str, str]:
    return {
        output["ExportName"]: output["OutputValue"] for output in outputs if "ExportName" in output
    }
