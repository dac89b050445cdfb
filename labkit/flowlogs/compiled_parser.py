"""A parser of clean flow log lines in machine code, eight bytes at a step.

Importing this compiles it, in a second or two; from then on it is loaded from Numba's cache. It
knows plain whole numbers and visible ASCII, one separator between fields, one newline after each
line. At anything else it stops: what that means is for others to tell.

Text is little-endian words here, so the first of eight bytes is the lowest.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

SKIPPED, INT32, INT64, STRING = range(4)
"""What becomes of a field."""

ODD, FULL = -1, -2
"""Instead of a number of rows: something that is not clean; a column's room is used up."""

WORD = 8
"""Bytes that must be there after the last line, and after the room of a string column."""

_LONGEST_FIELD = 4096
_LONGEST_NUMBER = 16  # digits that two words hold; a longer one is left to others
_U = np.uint64
_HIGH_BITS = _U(0x8080808080808080)
_NOT_VISIBLE = _U(0x2121212121212121)  # all below it is a separator or a control character
_ZEROS = _U(0x3030303030303030)
_UPPER_HALVES = _U(0xF0F0F0F0F0F0F0F0)
_SIXES = _U(0x0606060606060606)
_MOST_INT32 = _U(2**31 - 1)
_SPACE, _NEWLINE, _HYPHEN, _ZERO = 32, 10, 45, 48

_WORD_TYPE = ir.IntType(64)
_TEXT = types.Array(types.uint8, 1, "C", readonly=True)
_POWERS = np.array([10**exponent for exponent in range(WORD + 1)], np.uint64)


def _pointer(context: Any, builder: Any, kind: Any, array: Any, place: Any) -> Any:
    data = context.make_array(kind)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [place]), _WORD_TYPE.as_pointer())


@intrinsic
def _load(_typing: Any, array: Any, place: Any) -> Any:  # pyright: ignore
    """Return eight bytes from any place."""

    def generate(context: Any, builder: Any, signature: Any, told: Any) -> Any:
        pointer = _pointer(context, builder, signature.args[0], told[0], told[1])
        return builder.load(pointer, align=1)

    return types.uint64(array, types.int64), generate


@intrinsic
def _store(_typing: Any, array: Any, place: Any, word: Any) -> Any:  # pyright: ignore
    """Put eight bytes to any place."""

    def generate(context: Any, builder: Any, signature: Any, told: Any) -> Any:
        pointer = _pointer(context, builder, signature.args[0], told[0], told[1])
        builder.store(told[2], pointer, align=1)
        return context.get_dummy_value()

    return types.void(array, types.int64, types.uint64), generate


@intrinsic
def _lowest_bit(_typing: Any, word: Any) -> Any:  # pyright: ignore
    """Return the place of the lowest bit that is set."""

    def generate(_context: Any, builder: Any, _signature: Any, told: Any) -> Any:
        return builder.cttz(told[0], ir.Constant(ir.IntType(1), 0))

    return types.uint64(types.uint64), generate


@njit(inline="always")
def _ends(word: np.uint64) -> np.uint64:
    """Mark the first byte that is not visible; those after it are not to be trusted.

    Source: graphics.stanford.edu/~seander/bithacks.html#HasLessInWord
    """
    return (word - _NOT_VISIBLE) & ~word & _HIGH_BITS


@njit(inline="always")
def _are_no_digits(word: np.uint64) -> bool:
    upper = (word & _UPPER_HALVES) ^ _ZEROS
    return (upper | (((word + _SIXES) & _UPPER_HALVES) ^ _ZEROS)) != _U(0)


@njit(inline="always")
def _value(word: np.uint64) -> np.uint64:
    """Return the number that eight digits write: pairs, then fours, then all."""
    pairs = word - _ZEROS
    pairs = pairs * _U(10) + (pairs >> _U(8))
    even = (pairs & _U(0x000000FF000000FF)) * _U(0x000F424000000064)
    odd = ((pairs >> _U(16)) & _U(0x000000FF000000FF)) * _U(0x0000271000000001)
    return (even + odd) >> _U(32)


@njit(inline="always")
def _padded(word: np.uint64, length: int) -> np.uint64:
    """Put zeros before the first `length` digits of a word, and drop what is after them."""
    if length == WORD:
        return word
    bits = _U(8 * length)
    return (word << (_U(64) - bits)) | (_ZEROS >> bits)


@njit(inline="always")
def _field_at(text: np.ndarray, place: int) -> tuple[int, np.uint64]:
    """Return the length of the field that begins here, -1 if too long, and its bytes ORed."""
    word = _load(text, place)
    seen = word
    ends = _ends(word)
    length = 0
    while ends == _U(0):
        length += WORD
        if length > _LONGEST_FIELD:
            return -1, seen
        word = _load(text, place + length)
        seen |= word
        ends = _ends(word)
    return length + np.int64(_lowest_bit(ends) >> _U(3)), seen


@njit(inline="always")
def _number_at(text: np.ndarray, place: int, length: int) -> tuple[bool, np.uint64]:
    """Return whether a field is a plain whole number, without zeros before it, and which."""
    word = _load(text, place)
    if length <= WORD:
        digits = _padded(word, length)
        odd, value = _are_no_digits(digits), _value(digits)
    elif length <= _LONGEST_NUMBER:
        rest = _padded(_load(text, place + WORD), length - WORD)
        odd = _are_no_digits(word) | _are_no_digits(rest)
        value = _value(word) * _POWERS[length - WORD] + _value(rest)
    else:
        return False, _U(0)
    return not odd and (length == 1 or text[place] != _ZERO), value


@njit(
    types.int64(_TEXT, types.int64, types.int64, types.int64, types.int64[::1]),
    nogil=True,
    cache=True,
)
def measure(text, place, end, lines, sizes):  # noqa: ANN001, ANN201
    """Add up the bytes of each field over the first lines.

    Args:
        text: uint8[n], with `WORD` bytes after `end`.
        place: Where the first line begins.
        end: The place after the last newline.
        lines: How many to look at, at most.
        sizes: int64[fields], to be added to.

    Returns:
        How many lines were looked at; ODD if one has another number of fields.
    """
    fields = sizes.shape[0]
    for line in range(lines):
        if place >= end:
            return line
        for field in range(fields):
            length, _ = _field_at(text, place)
            if length < 1:
                return ODD
            sizes[field] += length
            place += length + 1
        if text[place - 1] != _NEWLINE:
            return ODD
    return lines


@njit(types.int64(_TEXT, types.int64, types.int64), nogil=True, cache=True)
def count_lines(text, begin, end):  # noqa: ANN001, ANN201
    """Count the newlines between two places of uint8[n]."""
    found = 0
    for byte in text[begin:end]:
        found += byte == _NEWLINE
    return found


@njit(
    types.int64(
        _TEXT,
        types.int64,
        types.int64,
        types.int64,
        types.int8[::1],
        types.int64[::1],
        types.int32[:, ::1],
        types.int64[:, ::1],
        types.int32[:, ::1],
        types.uint8[::1],
        types.int64[:, ::1],
        types.uint8[:, ::1],
        types.int64[::1],
    ),
    nogil=True,
    cache=True,
)
def parse(  # noqa: ANN201, C901, PLR0912, PLR0913
    text,  # noqa: ANN001
    place,  # noqa: ANN001
    end,  # noqa: ANN001
    row,  # noqa: ANN001
    kinds,  # noqa: ANN001
    slots,  # noqa: ANN001
    int32,  # noqa: ANN001
    int64,  # noqa: ANN001
    offsets,  # noqa: ANN001
    room,  # noqa: ANN001
    rooms,  # noqa: ANN001
    validity,  # noqa: ANN001
    nulls,  # noqa: ANN001
):
    """Parse whole lines into columns, as Arrow lays them out.

    Args:
        text: uint8[n], with `WORD` bytes after `end`.
        place: Where the first line begins.
        end: The place after the last newline.
        row: The row that the first line becomes.
        kinds: int8[fields], what becomes of each.
        slots: int64[fields], its row in int32, int64, or offsets.
        int32: Values of such columns, each in a row.
        int64: Values of such columns, each in a row.
        offsets: Of string columns: where in their room each value begins.
        room: uint8, for the text of all string columns.
        rooms: int64[string columns, 3]: the room's beginning, its end, and how far it is used.
        validity: Bits, all set, a row for each field; those of `-` are cleared.
        nulls: int64[fields], how many `-` each has, to be added to.

    Returns:
        The row after the last one, ODD or FULL.
    """
    seen = _U(0)
    last = kinds.shape[0] - 1
    while place < end:
        for field in range(last + 1):
            length, bytes_seen = _field_at(text, place)
            seen |= bytes_seen
            if length < 1 or text[place + length] != (_NEWLINE if field == last else _SPACE):
                return ODD
            kind, slot = kinds[field], slots[field]
            if kind == SKIPPED:
                pass
            elif length == 1 and text[place] == _HYPHEN:
                validity[field, row >> 3] &= ~np.uint8(1 << (row & 7))
                nulls[field] += 1
                if kind == STRING:
                    offsets[slot, row + 1] = rooms[slot, 2] - rooms[slot, 0]
                elif kind == INT32:
                    int32[slot, row] = 0
                else:
                    int64[slot, row] = 0
            elif kind == STRING:
                to = rooms[slot, 2]
                if to + length + WORD > rooms[slot, 1]:
                    return FULL
                for step in range(0, length, WORD):
                    _store(room, to + step, _load(text, place + step))
                rooms[slot, 2] = to + length
                offsets[slot, row + 1] = to + length - rooms[slot, 0]
            else:
                plain, value = _number_at(text, place, length)
                if not plain or (kind == INT32 and value > _MOST_INT32):
                    return ODD
                if kind == INT32:
                    int32[slot, row] = np.int32(value)
                else:
                    int64[slot, row] = np.int64(value)
            place += length + 1
        row += 1
    return ODD if seen & _HIGH_BITS else row
