"""Small files as one text: the files one by one are the measure."""

import gzip

import pytest

from labkit.fields import DEFAULT_FIELDS
from labkit.flowlogs.joined_files import groups, join

HEADER = " ".join(DEFAULT_FIELDS) + "\n"


def lines(number):
    return "".join(f"{number} {line}\n" for line in range(number))


def file(number, text=None):
    return f"{number}.log.gz", gzip.compress(
        (HEADER + lines(number) if text is None else text).encode()
    )


@pytest.mark.parametrize(
    "numbers",
    [
        pytest.param([3, 5, 7], id="lines in each"),
        pytest.param([0, 5], id="only a header in the first"),
        pytest.param([5, 0, 0, 7], id="only a header in some"),
        pytest.param([0, 0], id="only headers"),
        pytest.param([40, 1, 40], id="a file shorter than the header"),
    ],
)
def test_the_text_is_a_header_and_the_lines_of_all(numbers):
    room = bytearray(b"stale\n" * 1000)
    joined = join([file(number) for number in numbers], room)
    assert joined is not None
    assert joined.fields == DEFAULT_FIELDS
    assert room[: joined.begin].decode() == HEADER
    assert room[joined.begin : joined.end].decode() == "".join(map(lines, numbers))


def test_every_member_of_a_file_counts():
    twice = ("twice.log.gz", file(3)[1] + gzip.compress(lines(4).encode()))
    room = bytearray(5000)
    joined = join([file(2), twice, file(1)], room)
    assert joined is not None
    assert room[joined.begin : joined.end].decode() == lines(2) + lines(3) + lines(4) + lines(1)


@pytest.mark.parametrize(
    "odd",
    [
        pytest.param(file(1, HEADER.replace("bytes", "type") + "x\n"), id="another header"),
        pytest.param(file(1, lines(90)), id="no header"),
        pytest.param(file(1, "2"), id="shorter than a header"),
        pytest.param(file(1, ""), id="no text"),
        pytest.param(file(1, HEADER + "cut"), id="no newline at the end"),
        pytest.param(("a.log.gz", file(50)[1][:-9]), id="cut off"),
        pytest.param(("a.log.gz", file(5)[1][:-5] + b"\1" * 5), id="a wrong checksum"),
        pytest.param(("a.log.gz", file(5)[1][:15] + b"\xff" * 50), id="damaged"),
        pytest.param(("a.log", (HEADER + lines(5)).encode()), id="not compressed"),
        pytest.param(file(1, HEADER + "x" * 9000 + "\n"), id="more text than there is room for"),
    ],
)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_an_odd_file_is_for_others_to_tell(odd, place):
    files = [file(3), file(4)]
    files.insert(place, odd)
    assert join(files, bytearray(5000)) is None


def test_no_text_after_only_a_header_is_no_second_header():
    assert join([file(0), file(1, "")], bytearray(b"stale\n" * 1000)) is None


def test_text_that_fills_the_room_may_go_on_behind_it():
    first, second = HEADER + lines(3), HEADER + lines(2)
    there = len(first) + len(lines(2))
    assert join([file(3), file(2)], bytearray(there)) is None
    assert join([file(3), file(2)], bytearray(there + 1)) is not None
    cut = there - len(second.splitlines()[-1]) - 1
    assert join([file(3), file(2)], bytearray(cut)) is None


def test_a_header_that_names_a_field_twice_is_for_others_to_tell():
    twice = file(1, "version version\n")
    assert join([twice, twice], bytearray(5000)) is None


@pytest.mark.parametrize(
    ("texts", "grouped"),
    [
        pytest.param([10, 10, 10], [3], id="all fit"),
        pytest.param([40, 40, 40], [2, 1], id="as many as fit"),
        pytest.param([10, 60, 10], [1, 1, 1], id="one that takes half of the room is alone"),
        pytest.param([50, 50], [1, 1], id="no room is left to tell that there is no more"),
        pytest.param([], [], id="none"),
    ],
)
def test_files_are_grouped_by_what_they_tell_of_their_texts(texts, grouped):
    files = [(str(n), gzip.compress(b"x" * size)) for n, size in enumerate(texts)]
    found = list(groups(files, 100))
    assert [len(each) for each in found] == grouped
    assert [each for group in found for each in group] == files


def test_what_is_not_compressed_is_alone():
    files = [file(1), ("plain.log", b"ab\0\0\0\0"), file(2)]
    assert [len(each) for each in groups(files, 4_000_000)] == [1, 1, 1]
