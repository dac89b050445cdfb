"""Compressed text into buffers; what Python's gzip wrote, and what it reads, is the measure."""

import gzip
import zlib
from datetime import UTC, datetime

import pytest

from labkit.flowlogs.batches import bunches
from labkit.flowlogs.buffers import Buffers
from labkit.flowlogs.inflate import GZIP, Damaged, Text, Truncated
from labkit.flowlogs.stored import Object

TEXT = b"2 123456789012 eni-1235b8ca123456789 - - - - - - - 1 2 - NODATA\n" * 1000


def inflated(parts, room_bytes=100_000):
    """Return the text, read into room of this many bytes at a time."""
    source, found, room = Text(parts), [], bytearray(room_bytes)
    while size := source.read_into(memoryview(room)):
        assert not found or len(found[-1]) == room_bytes, "less than there was room for"
        found.append(bytes(room[:size]))
    return b"".join(found)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(TEXT, id="plain"),
        pytest.param(gzip.compress(TEXT), id="the size is told rightly"),
        pytest.param(gzip.compress(TEXT[:70]) + gzip.compress(TEXT), id="of the last member only"),
        pytest.param(gzip.compress(TEXT) + gzip.compress(TEXT[:700]), id="of a smaller member"),
        pytest.param(gzip.compress(TEXT) + b"\0" * 8, id="zeros after the member"),
    ],
)
@pytest.mark.parametrize("room", [1000, 64_000, 65_000, 4_000_000])
@pytest.mark.parametrize("part", [1, 100, 10_000_000])
def test_every_byte_comes_in_whatever_parts(data, room, part):
    parts = [data[place : place + part] for place in range(0, len(data), part)]
    wanted = gzip.decompress(data) if data.startswith(GZIP) else data
    assert inflated([parts[0], b"", *parts[1:]], room) == wanted


@pytest.mark.parametrize("room", [1000, 100_000])
@pytest.mark.parametrize("before", [b"", gzip.compress(TEXT)], ids=["one member", "the second"])
@pytest.mark.parametrize("cut", [1, 7, 8, 9, 60, 120])
def test_what_was_inflated_before_a_file_breaks_off_is_there(room, before, cut):
    data = before + gzip.compress(TEXT, mtime=0)[:-cut]
    try:
        gzip.decompress(data)
    except EOFError:
        pass
    else:
        pytest.fail("it does not break off")
    wanted = zlib.decompressobj(31).decompress(gzip.compress(TEXT, mtime=0)[:-cut])
    source, found = Text([data]), bytearray()
    with pytest.raises(Truncated) as caught:
        while True:
            part = bytearray(room)
            found += part[: source.read_into(memoryview(part))]
    found += part[: caught.value.size]
    assert found == (TEXT if before else b"") + wanted


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(gzip.compress(TEXT)[:-6] + b"\1" + gzip.compress(TEXT)[-5:], id="checksum"),
        pytest.param(gzip.compress(TEXT)[:40] + b"\xff" * 60, id="no deflated text"),
        pytest.param(gzip.compress(TEXT) + b"something else", id="no member after the first"),
    ],
)
def test_damage_is_told(data):
    with pytest.raises(Damaged):
        inflated([data])


def test_a_buffer_is_used_again_when_it_was_given_back():
    buffers = Buffers()
    first, second = buffers.take(), buffers.take()
    assert first is not second
    buffers.give_back(first)
    assert buffers.take(1_000_000) is first
    assert len(buffers.take(10)) == 10


@pytest.mark.parametrize(
    ("sizes", "lengths"),
    [
        pytest.param([10] * 40, [16, 16, 8], id="at most sixteen"),
        pytest.param([60_000, 60_000, 10], [1, 2], id="at most 100,000 bytes"),
        pytest.param([500_000], [1], id="a larger one by itself"),
    ],
)
def test_a_thread_fetches_small_files_one_after_the_other(sizes, lengths):
    files = [Object(str(n), size, datetime.now(UTC)) for n, size in enumerate(sizes)]
    bunched = list(bunches(files))
    assert [len(each) for each in bunched] == lengths
    assert [each for bunch in bunched for each in bunch] == files
