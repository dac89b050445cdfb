"""Rows back to text: byte for byte, for every version and whatever is missing.

Golden lines: docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit.errors import ParameterError, RecordFormatError
from labkit.fields import DEFAULT_FIELDS, FIELDS, KNOWN, TRANSIT_GATEWAY_FIELDS
from labkit.flowlogs.records import parse, parse_table, write

pytestmark = pytest.mark.usefixtures("each_parser")

USER_GUIDE = (
    "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 "
    "1418530010 1418530070 ACCEPT OK\n"
    "2 123456789010 eni-1235b8ca123456789 203.0.113.12 172.31.16.139 0 0 1 4 336 "
    "1432917027 1432917142 ACCEPT OK\n"
    "2 123456789010 eni-1235b8ca123456789 2001:db8:1234:a100:8d6e:3477:df66:f105 "
    "2001:db8:1234:a102:3304:8879:34cf:4071 34892 22 6 54 8855 1477913708 1477913820 ACCEPT OK\n"
    "2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - NODATA\n"
    "2 123456789010 eni-11111111aaaaaaaaa - - - - - - - 1431280876 1431280934 - SKIPDATA\n"
)
HEADER = " ".join(DEFAULT_FIELDS) + "\n"


def test_the_lines_of_the_user_guide_come_back_byte_for_byte():
    assert write(parse(USER_GUIDE), DEFAULT_FIELDS) == HEADER + USER_GUIDE
    assert write(parse(USER_GUIDE), DEFAULT_FIELDS, header=False) == USER_GUIDE
    table, _ = parse_table(USER_GUIDE.encode())
    assert write(table) == HEADER + USER_GUIDE


def test_times_in_milliseconds_come_back_in_milliseconds():
    lines = USER_GUIDE.replace("1418530010 1418530070", "1418530010123 1418530070456")
    lines = lines.splitlines(keepends=True)[0]
    log = parse(lines)
    assert log.start.dt.strftime("%Y-%m-%d %H:%M:%S.%f").item() == "2014-12-14 04:06:50.123000"
    assert write(log, header=False) == lines


def test_an_empty_frame_is_a_header():
    assert write(parse([])) == HEADER


def test_a_field_that_is_not_there_is_an_error():
    with pytest.raises(ParameterError, match="vpc_id"):
        write(parse(USER_GUIDE), ("vpc-id",))


def test_some_columns_in_another_order():
    fields = ("end", "srcaddr")
    text = write(parse(USER_GUIDE), fields)
    assert text.splitlines()[:2] == ["end srcaddr", "1418530070 172.31.16.139"]


WORDS = st.text(st.characters(codec="utf-8", exclude_characters=" \t\r\n\0"), min_size=1)
VALUES = {
    "int32": st.integers(-(2**31), 2**31 - 1).map(str),
    "int64": st.integers(-(2**63), 2**63 - 1).map(str),
    "string": WORDS,
}
SECONDS = st.integers(0, 4_000_000_000).map(str)


@st.composite
def logs(draw):
    """A log format of any fields in any order, and lines in it."""
    names = [field.name for field in FIELDS] + ["field-of-tomorrow", "another-2"]
    kinds = st.sampled_from([names, list(TRANSIT_GATEWAY_FIELDS)])
    fields = draw(st.lists(st.sampled_from(draw(kinds)), min_size=1, max_size=20, unique=True))
    values = [
        SECONDS
        if name in ("start", "end")
        else VALUES[KNOWN[name].dtype if name in KNOWN else "string"]
        for name in fields
    ]
    line = st.tuples(*(st.one_of(st.just("-"), value) for value in values))
    lines = draw(st.lists(line.filter(lambda words: list(words) != fields), max_size=12))
    return tuple(fields), [list(words) for words in lines]


@settings(max_examples=150, deadline=None)
@given(logs())
def test_whatever_is_parsed_is_written_as_it_was(log):
    fields, rows = log
    text = "".join(" ".join(words) + "\n" for words in rows)
    frame = parse(text, fields)
    assert len(frame) == len(rows)
    assert write(frame, fields) == " ".join(fields) + "\n" + text


SPACE = st.text(" \t", min_size=1, max_size=3)


@settings(max_examples=150, deadline=None)
@given(logs(), st.data())
def test_whitespace_and_blank_lines_change_no_row(log, data):
    fields, rows = log
    odd = []
    for words in rows:
        odd.append(data.draw(SPACE).join(words) + data.draw(st.sampled_from(["\n", "\r\n", " \n"])))
        odd.append(data.draw(st.sampled_from(["", "\n", "  \n"])))
    plain = "".join(" ".join(words) + "\n" for words in rows)
    assert write(parse("".join(odd), fields), fields) == write(parse(plain, fields), fields)


@settings(max_examples=200, deadline=None)
@given(logs(), st.data())
def test_a_line_damaged_in_any_byte_is_a_row_or_malformed_but_never_lost(log, data):
    fields, rows = log
    body = bytearray("".join(" ".join(words) + "\n" for words in rows).encode())
    if body:
        place = data.draw(st.integers(0, len(body) - 1))
        body[place] = data.draw(st.integers(0, 255))
    table, read = parse_table(bytes(body), fields, malformed="keep")
    assert table.num_rows == read.rows
    assert read.lines == read.rows + read.blank + read.header + read.malformed
    assert read.lines == len(body.split(b"\n")) - (not body or body.endswith(b"\n"))
    if read.malformed:
        with pytest.raises(RecordFormatError):
            parse_table(bytes(body), fields)
