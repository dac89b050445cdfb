"""What refers to what in a template, and the order that follows from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from labkit.emulator.cloudformation import intrinsics
from labkit.emulator.cloudformation.resource_attributes import Resource
from labkit.emulator.cloudformation.validation import ValidationError


@dataclass(frozen=True, slots=True)
class Reference:
    """A name that a value takes from elsewhere; with an attribute when it is by `Fn::GetAtt`."""

    name: str
    attribute: str | None = None


Chooses = Callable[[str], bool]
"""Whether a condition holds, by its name."""


def references(value: Any, chooses: Chooses | None = None) -> Iterator[Reference]:
    """Yield each name that a value refers to by `Ref`, `Fn::GetAtt` or `Fn::Sub`.

    Args:
        value: any part of a template.
        chooses: with it, only the branch of `Fn::If` that is taken counts; without, both.
    """
    function = intrinsics.function_of(value)
    if function == "Ref":
        yield Reference(str(value["Ref"]))
    elif function == "Fn::GetAtt":
        resource, attribute = intrinsics.split_attribute(value[function])
        yield Reference(resource, attribute if isinstance(attribute, str) else "")
        yield from references(attribute, chooses)
    elif function == "Fn::Sub":
        _, own, names = intrinsics.sub_variables(value[function])
        yield from (Reference(*name.split(".", 1)) for name in names)
        yield from references(own, chooses)
    elif function == "Fn::If" and chooses and _is_complete(value[function]):
        condition, then, otherwise = value[function]
        yield from references(then if chooses(condition) else otherwise, chooses)
    elif isinstance(value, dict):
        for inner in value.values():
            yield from references(inner, chooses)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner, chooses)


def _is_complete(branches: Any) -> bool:
    return isinstance(branches, list) and len(branches) == 3


def dependencies(
    resources: Iterable[Resource], chooses: Chooses | None = None
) -> dict[str, set[str]]:
    """Return for each resource those that must be there before it; `chooses` as above."""
    resources = list(resources)
    names = {resource.logical_id for resource in resources}
    return {
        resource.logical_id: names
        & (
            {reference.name for reference in references(resource.properties, chooses)}
            | set(resource.depends_on)
        )
        for resource in resources
    }


def order(needs: Mapping[str, set[str]], *, what: str = "resources") -> list[str]:
    """Return names so that each comes after all that it needs, else in the order given.

    Raises:
        ValidationError: they need each other.
    """
    ordered: list[str] = []
    waiting = list(needs)
    while waiting:
        ready = [name for name in waiting if needs[name] <= set(ordered)]
        if not ready:
            raise ValidationError(
                f"Circular dependency between {what}: [{', '.join(_circle(needs, waiting))}]"
            )
        ordered += ready
        waiting = [name for name in waiting if name not in ready]
    return ordered


def _circle(needs: Mapping[str, set[str]], waiting: list[str]) -> list[str]:
    """Return the waiting names without those that only wait for the circle."""
    circle = list(waiting)
    while True:
        needed = {name for waiter in circle for name in needs[waiter]}
        smaller = [name for name in circle if name in needed]
        if len(smaller) == len(circle):
            return circle
        circle = smaller
