"""A file's text in blocks of whole lines, in buffers that are used again."""

import gzip
import zlib

import pytest

from labkit.fields import DEFAULT_FIELDS
from labkit.flowlogs.buffers import Buffers
from labkit.flowlogs.text_blocks import BreaksOff, NotFlowLog, text_blocks

HEADER = " ".join(DEFAULT_FIELDS) + "\n"
LINES = "".join(f"line {number} {'x' * (number % 40)}\n" for number in range(200))
DATA = gzip.compress((HEADER + LINES).encode())


def read(data, found, buffers):
    """Add the blocks' lines to what was found, giving each block's buffer back at once."""
    for block in text_blocks("a.log.gz", [data], None, buffers):
        found.append(bytes(block.text[block.begin : block.end]).decode())
        buffers.give_back(block.text)


@pytest.fixture(params=[200, 1000, 4_000_000])
def buffers(request, monkeypatch):
    monkeypatch.setattr("labkit.flowlogs.buffers.BUFFER_BYTES", request.param)
    return Buffers()


def test_blocks_are_of_whole_lines_and_give_all(buffers):
    found = []
    read(DATA, found, buffers)
    assert "".join(found) == LINES
    assert all(block.endswith("\n") for block in found)


def test_the_last_line_may_lack_its_newline(buffers):
    found = []
    read(gzip.compress((HEADER + LINES)[:-1].encode()), found, buffers)
    assert "".join(found) == LINES[:-1]


def test_a_line_longer_than_a_buffer_is_whole(buffers):
    long = "y" * 30_000 + "\n"
    found = []
    read(gzip.compress((HEADER + LINES + long + LINES).encode()), found, buffers)
    assert "".join(found) == LINES + long + LINES


@pytest.mark.parametrize("cut", [9, 100, 300])
def test_of_a_file_that_breaks_off_all_whole_lines_come_and_no_other(buffers, cut):
    there = zlib.decompressobj(31).decompress(DATA[:-cut]).decode()
    whole, _, beginning = there.rpartition("\n")
    found = []
    with pytest.raises(BreaksOff) as caught:
        read(DATA[:-cut], found, buffers)
    assert HEADER + "".join(found) == whole + "\n"
    assert caught.value.text == beginning


def test_an_endless_line_is_given_up(monkeypatch):
    monkeypatch.setattr("labkit.flowlogs.text_blocks.ENDLESS_LINE", 5_000)
    monkeypatch.setattr("labkit.flowlogs.buffers.BUFFER_BYTES", 1_000)
    with pytest.raises(NotFlowLog, match=r"a line of more than 5,000 bytes"):
        read(gzip.compress((HEADER + "z" * 50_000).encode()), [], Buffers())
