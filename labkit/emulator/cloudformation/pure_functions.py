"""The intrinsic functions that need nothing but their arguments, all of them resolved already.

Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference.html
"""

from __future__ import annotations

import base64
import ipaddress
import itertools
import json
from collections.abc import Callable
from typing import Any

from labkit.emulator.cloudformation.function_shapes import check_shape, template_error

MOST_BLOCKS = 256


def text(function: str, value: Any) -> str:
    """Return a scalar as the text that a function makes of it.

    Raises:
        ValidationError: it is a list or a mapping.
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise template_error(f"every {function} object must have String-typed values.")


def _join(argument: list[Any]) -> str:
    delimiter, items = argument
    return delimiter.join(text("Fn::Join", item) for item in items)


def _split(argument: list[Any]) -> list[str]:
    delimiter, whole = argument
    whole = text("Fn::Split", whole)
    return whole.split(delimiter) if delimiter else [whole]


def _select(argument: list[Any]) -> Any:
    index, items = argument
    if not 0 <= int(index) < len(items):
        raise template_error(f"Fn::Select cannot select nonexistent value at index {index}")
    return items[int(index)]


def _base64(argument: Any) -> str:
    return base64.b64encode(text("Fn::Base64", argument).encode()).decode()


def _cidr(argument: list[Any]) -> list[str]:
    """Return so many blocks of a network, each with so many host bits.

    Source: docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/
    intrinsic-function-reference-cidr.html
    """
    block, *numbers = argument
    if len(numbers) < 2:
        raise template_error(
            "the emulator does not emulate Fn::Cidr without the number of host bits: say 8 for a "
            "/24 block"
        )
    count, bits = (int(number) for number in numbers)
    try:
        network = ipaddress.ip_network(text("Fn::Cidr", block))
        blocks = network.subnets(new_prefix=network.max_prefixlen - bits)
        first = [str(block) for block in itertools.islice(blocks, count)]
    except ValueError as error:
        raise template_error(f"Fn::Cidr: {error}") from error
    if not 1 <= count <= MOST_BLOCKS or len(first) < count:
        raise template_error(
            f"Fn::Cidr: {network} does not have {count} blocks with {bits} host bits"
        )
    return first


def _to_json_string(argument: Any) -> str:
    return json.dumps(argument, separators=(",", ":"), ensure_ascii=False)


_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "Fn::Base64": _base64,
    "Fn::Cidr": _cidr,
    "Fn::Join": _join,
    "Fn::Length": len,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::ToJsonString": _to_json_string,
}

NAMES = frozenset(_FUNCTIONS)


def apply(name: str, argument: Any) -> Any:
    """Return what a function yields.

    Raises:
        ValidationError: the argument does not fit, in AWS's words where they are known.
    """
    check_shape(name, argument, resolved=name != "Fn::ToJsonString")
    return _FUNCTIONS[name](argument)
