"""A parser of clean flow log lines in machine code, eight bytes at a step.

Importing this compiles it, in a second or two; from then on it is loaded from Numba's cache. It
knows plain whole numbers and visible ASCII, one separator between fields, one newline after each
line. At anything else it stops: what that means is for others to tell.

Text is little-endian words here, so the first of eight bytes is the lowest.
"""

# pyright: reportCallIssue=false
# An intrinsic is called without its first parameter, which is for the compiler.

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


@intrinsic
def _load(_typing: Any, array: Any, place: Any) -> Any:  # pyright: ignore
    """Return eight bytes from any place of an array."""

    def generate(context: Any, builder: Any, signature: Any, told: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, told[0]).data
        pointer = builder.gep(data, [told[1]])
        return builder.load(builder.bitcast(pointer, _WORD_TYPE.as_pointer()), align=1)

    return types.uint64(array, types.int64), generate


@intrinsic
def _put(_typing: Any, address: Any, value: Any) -> Any:  # pyright: ignore
    """Put a number's bytes to an address."""

    def generate(context: Any, builder: Any, signature: Any, told: Any) -> Any:
        kind = context.get_value_type(signature.args[1])
        builder.store(told[1], builder.inttoptr(told[0], kind.as_pointer()), align=1)
        return context.get_dummy_value()

    return types.void(types.int64, value), generate


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
def measure(text, place, end, lines, sizes):
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
def count_lines(text, begin, end):
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
        types.int64[:, ::1],
        types.uint8[:, ::1],
        types.int64[::1],
    ),
    nogil=True,
    cache=True,
)
def parse(text, place, end, row, kinds, values, rooms, validity, nulls):  # noqa: C901
    """Parse whole lines into columns, as Arrow lays them out.

    Args:
        text: uint8[n], with `WORD` bytes after `end`.
        place: Where the first line begins.
        end: The place after the last newline.
        row: The row that the first line becomes.
        kinds: int8[fields], what becomes of each.
        values: int64[fields], the address of its values: of a string column, int32 offsets.
        rooms: int64[fields, 3], of string columns: the address of the room for their text, of its
            end, and of what is free in it.
        validity: uint8[fields, bytes], bits, all set; those of `-` are cleared.
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
            kind, value = kinds[field], _U(0)
            is_null = length == 1 and text[place] == _HYPHEN
            if is_null:
                validity[field, row >> 3] &= ~np.uint8(1 << (row & 7))
                nulls[field] += 1
            if kind == STRING:
                free = rooms[field, 2]
                if not is_null:
                    if free + length + WORD > rooms[field, 1]:
                        return FULL
                    for step in range(0, length, WORD):
                        _put(free + step, _load(text, place + step))
                    free += length
                    rooms[field, 2] = free
                _put(values[field] + 4 * (row + 1), np.int32(free - rooms[field, 0]))
            elif kind != SKIPPED:
                if not is_null:
                    plain, value = _number_at(text, place, length)
                    if not plain or (kind == INT32 and value > _MOST_INT32):
                        return ODD
                if kind == INT32:
                    _put(values[field] + 4 * row, np.int32(value))
                else:
                    _put(values[field] + 8 * row, np.int64(value))
            place += length + 1
        row += 1
    return ODD if seen & _HIGH_BITS else row
