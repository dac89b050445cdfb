"""What moto's functions return, as plain data in the shape of an operation's output.

moto hands model objects to a serializer that looks each member up under several names and writes
XML. This does the same look-up and makes dicts of it, as a client would have them after it parsed
the XML; which names a class of objects is asked for is found out once (by moto's own rules).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC
from functools import cache
from typing import Any

from botocore.utils import parse_to_aware_datetime
from moto.core.serialize import AttributePickerContext, XFormedAttributePicker
from moto.core.utils import get_value

MISSING = object()
STEP_US = {"ec2": 1_000_000, "json": 1_000}
"""How fine the times are that a protocol carries, where that is not a microsecond."""

Transformers = dict[str, Callable[[Any], Any]]


class PlainResults:
    """Stands where moto expects a serializer; the body of its "response" is the plain answer."""

    def __init__(self, operation_model: Any, value_picker: Any = None, **_: Any):
        self._model = operation_model
        self._picker = value_picker

    def serialize(self, result: Any) -> dict[str, Any]:
        body = root(self._model, self._picker)(result) or {}
        return {"status_code": 200, "headers": {}, "body": body}


def plain(model: Any, answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer of ours as a client would have it: its shape's members only, typed."""
    return root(model)(answer) or {}


_roots: dict[tuple[str, str, bool], Callable[[Any], Any]] = {}


def root(model: Any, picker: Any = None) -> Callable[[Any], Any]:
    """Return the function that makes an operation's results plain.

    Args:
        model: moto's OperationModel.
        picker: moto's, which has the transformers of the service; None for answers of ours, whose
            members have their own names.
    """
    key = (model.service_model.service_name, str(model.name), picker is None)
    if key not in _roots:
        _roots[key] = _root(model, picker)
    return _roots[key]


def _root(model: Any, picker: Any) -> Callable[[Any], Any]:
    shape = model.output_shape
    if shape is None:
        return lambda _: {}
    transformers = picker.response_transformers if picker else {}
    names = _moto_names if picker else _own_name
    step_us = STEP_US.get(model.service_model.protocol, 1)
    build = _Builder(names, transformers, step_us)
    return build(shape, f"{model.name}.{shape.name}")


Names = Callable[[Any, str, Any], tuple[str, ...]]
"""Gives the names under which an object may hold a member: (object, member's name, shape)."""


def _own_name(_: Any, name: str, __: Any) -> tuple[str, ...]:
    return (name,)


def _moto_names(value: Any, name: str, shape: Any) -> tuple[str, ...]:
    context = AttributePickerContext(obj=value, key=name, shape=shape)
    return tuple(dict.fromkeys(XFormedAttributePicker().get_possible_keys(context)))


class _Builder:
    """Builds the function that makes values of a shape plain."""

    def __init__(self, names: Names, transformers: Transformers, step_us: int):
        self._names = names
        self._transformers = transformers
        self._step_us = step_us

    def __call__(self, shape: Any, path: str) -> Callable[[Any], Any]:
        kind = shape.type_name
        if kind == "structure":
            return _Structure(self, shape, path).plain
        if kind == "list":
            return self._list(shape, path)
        if kind == "map":
            return self._map(shape, path)
        if kind == "timestamp":
            return self._timestamp
        return _SCALARS.get(kind, str)

    def members(self, shape: Any, path: str) -> Iterator[_Member]:
        for name, member in shape.members.items():
            member.parent = shape  # moto's rules for names look at it
            yield _Member(self, name, member, f"{path}.{name}")

    def names(self, value: Any, name: str, shape: Any) -> tuple[str, ...]:
        return self._names(value, name, shape)

    def transformer(self, path: str) -> Callable[[Any], Any] | None:
        found = (how for end, how in self._transformers.items() if path.endswith(end))
        return next(found, None)

    def _list(self, shape: Any, path: str) -> Callable[[Any], Any]:
        member, inner = shape.member, f"{path}.{shape.member.name}"
        flattened = shape.serialization.get("flattened")
        made = cache(lambda: self(member, inner))

        def plain_list(values: Any) -> Any:
            items = [made()(value) for value in values]
            kept = [item for item in items if item is not None and item != {}]
            return None if flattened and not kept else kept

        return plain_list

    def _map(self, shape: Any, path: str) -> Callable[[Any], Any]:
        value_of = cache(lambda: self(shape.value, f"{path}.value"))
        return lambda values: {
            str(key): value_of()(value) for key, value in values.items() if value is not None
        }

    def _timestamp(self, value: Any) -> Any:
        when = parse_to_aware_datetime(value).astimezone(UTC)
        return when.replace(microsecond=when.microsecond // self._step_us * self._step_us)


class _Member:
    """One member of a structure: where it is found in an object, and how it is made plain."""

    def __init__(self, build: _Builder, name: str, shape: Any, path: str):
        self.name = name
        self._build = build
        self._shape = shape
        self._path = path
        self._transform = build.transformer(path)
        self._made: Callable[[Any], Any] | None = None
        self._names: dict[type, tuple[str, ...]] = {}

    def of(self, value: Any) -> Any:
        """Return the plain value of this member, or None where the object has none."""
        kind = type(value)
        names = self._names.get(kind)
        if names is None:
            names = self._names[kind] = self._build.names(value, self.name, self._shape)
        found = None
        for name in names:
            got = get_value(value, name, MISSING)
            if got is not MISSING:
                found = got
                break
        if self._transform is not None:
            found = self._transform(found)
        if found is None:
            return None
        if self._made is None:  # shapes may hold themselves: built when first met
            self._made = self._build(self._shape, self._path)
        return self._made(found)


class _Structure:
    def __init__(self, build: _Builder, shape: Any, path: str):
        self._members = tuple(build.members(shape, path))

    def plain(self, value: Any) -> dict[str, Any] | None:
        if value is None:
            return None
        answer = {}
        for member in self._members:
            found = member.of(value)
            if found is not None:
                answer[member.name] = found
        return answer


def _blob(value: Any) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value)


_SCALARS: dict[str, Callable[[Any], Any]] = {
    "boolean": lambda value: value is True or str(value).lower() == "true",
    "integer": int,
    "long": int,
    "float": float,
    "double": float,
    "blob": _blob,
}
