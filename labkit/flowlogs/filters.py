"""Which records are wanted: by network interface, address, port, action, protocol."""

from __future__ import annotations

import functools
import ipaddress
import operator
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from labkit.errors import ParameterError

Wanted = str | int | Collection[str] | Collection[int] | None
ADDRESSES = ("srcaddr", "dstaddr", "pkt_srcaddr", "pkt_dstaddr")
PORTS = ("srcport", "dstport")
PROTOCOLS = {"icmp": 1, "tcp": 6, "udp": 17, "icmpv6": 58, "gre": 47, "esp": 50, "sctp": 132}


@dataclass(frozen=True, slots=True)
class Filter:
    """What a record must have. Each is a value or several, of which one must fit; None is any.

    Attributes:
        interface_id: The recording network interface.
        address: An address, or a network as 10.0.0.0/24, at either end.
        port: At either end.
        action: ACCEPT or REJECT.
        protocol: A number or a name as tcp.

    A row without traffic (NODATA, SKIPDATA) has an interface only; asked for anything else, it
    does not fit.

    Raises:
        ParameterError: A value cannot be.
    """

    interface_id: Wanted = None
    address: Wanted = None
    port: Wanted = None
    action: Wanted = None
    protocol: Wanted = None

    def __post_init__(self) -> None:
        for name, read in _READ.items():
            given = getattr(self, name)
            if given is not None:
                several = (given,) if isinstance(given, str | int) else given
                object.__setattr__(self, name, tuple(read(each) for each in several))

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that must be read to judge a record, so far as a file has them."""
        needed = {
            "interface_id": ("interface_id",),
            "address": ADDRESSES,
            "port": PORTS,
            "action": ("action",),
            "protocol": ("protocol",),
        }
        return tuple(
            column
            for name, columns in needed.items()
            if getattr(self, name) is not None
            for column in columns
        )

    def mask(self, table: pa.Table) -> pa.ChunkedArray | pa.Array:
        """Return for each row whether it fits, never null.

        Raises:
            ParameterError: The rows have no column to judge by.
        """
        parts = [
            self._any_of(table, ("interface_id",), self.interface_id),
            self._any_address(table),
            self._any_of(table, PORTS, self.port),
            self._any_of(table, ("action",), self.action),
            self._any_of(table, ("protocol",), self.protocol),
        ]
        told = [part for part in parts if part is not None]
        if not told:
            return pa.repeat(pa.scalar(True), table.num_rows)
        return functools.reduce(pc.and_, told)  # pyright: ignore

    def _any_of(self, table: pa.Table, names: Collection[str], wanted: Any) -> Any:
        if wanted is None:
            return None
        columns = _columns(table, names)
        return _or(pc.is_in(each, pa.array(wanted, each.type)) for each in columns)  # pyright: ignore

    def _any_address(self, table: pa.Table) -> Any:
        if self.address is None:
            return None
        fits = _fits_address(self.address)  # pyright: ignore
        return _or(_by_value(each, fits) for each in _columns(table, ADDRESSES))


def parse_filter(text: str) -> Filter:
    """Return the filter that a text says: `address=10.0.0.0/24 action=REJECT port=22,443`.

    Raises:
        ParameterError: A part is no name=value, or cannot be.
    """
    given: dict[str, tuple[str, ...]] = {}
    for part in text.split():
        name, equals, value = part.partition("=")
        name = name.replace("-", "_")
        if not equals or name not in _READ or not all(value.split(",")):
            raise ParameterError(
                f"{part!r} is no filter: write {', '.join(f'{each}=…' for each in _READ)}, several "
                "values with commas, several of these with spaces."
            )
        if name in given:
            raise ParameterError(f"{name} is said twice: write its values with commas.")
        given[name] = tuple(value.split(","))
    return Filter(**given)


def _columns(table: pa.Table, names: Collection[str]) -> list[pa.ChunkedArray]:
    found = [table[name] for name in names if name in table.column_names]
    if not found:
        raise ParameterError(
            f"The records have no {' or '.join(names)} to filter by: their log format lacks it."
        )
    return found


def _or(masks: Any) -> Any:
    return functools.reduce(pc.or_, [pc.fill_null(each, False) for each in masks])  # pyright: ignore


def _by_value(values: pa.ChunkedArray, fits: Callable[[str], bool]) -> Any:
    """Judge each different value once."""
    different = pc.unique(values)  # pyright: ignore
    wanted = [each for each in different.to_pylist() if each is not None and fits(each)]
    return pc.is_in(values, pa.array(wanted, values.type))  # pyright: ignore


def _fits_address(networks: Collection[Any]) -> Callable[[str], bool]:
    def fits(text: str) -> bool:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            return False
        return any(address in network for network in networks)

    return fits


def _network(value: Any) -> Any:
    try:
        return ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise ParameterError(
            f"{value!r} is no address and no network, such as 10.0.0.5 or 10.0.0.0/24."
        ) from None


def _number(value: Any, what: str, highest: int) -> int:
    try:
        number = operator.index(value) if not isinstance(value, str) else int(value)
    except (TypeError, ValueError):
        number = -1
    if not 0 <= number <= highest:
        raise ParameterError(f"{value!r} is no {what}: it is a number from 0 to {highest}.")
    return number


def _port(value: Any) -> int:
    return _number(value, "port", 65535)


def _protocol(value: Any) -> int:
    if isinstance(value, str) and value.lower() in PROTOCOLS:
        return PROTOCOLS[value.lower()]
    return _number(value, "protocol", 255)


def _action(value: Any) -> str:
    action = str(value).upper()
    if action not in ("ACCEPT", "REJECT"):
        raise ParameterError(f"{value!r} is no action: it is ACCEPT or REJECT.")
    return action


_READ: dict[str, Callable[[Any], Any]] = {
    "interface_id": str,
    "address": _network,
    "port": _port,
    "action": _action,
    "protocol": _protocol,
}
