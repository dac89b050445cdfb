"""The parser in machine code gives what Arrow's gives, or leaves the lines to it."""

import random
import subprocess
import sys

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit.fields import DEFAULT_FIELDS, FIELDS
from labkit.flowlogs import clean_lines, compiled_lines
from labkit.flowlogs.columns import schema

RECORD = (
    "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 "
    "1418530010 1418530070 ACCEPT OK"
)
NODATA = "2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - NODATA"


@pytest.fixture(autouse=True, scope="module")
def every_size():
    """Parse texts of any size, rather than large ones only."""
    pytest.importorskip("numba", reason="it has no wheels for this machine")
    assert compiled_lines.load()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compiled_lines, "LEAST_BYTES", 0)
        yield


def compiled(text, fields=DEFAULT_FIELDS, columns=None, begin=0):
    types = schema(fields)
    return compiled_lines.parse(text, begin, len(text), types, columns or list(types))


def by_arrow(text, fields=DEFAULT_FIELDS, columns=None):
    return clean_lines.read_csv(text, fields, columns)


def changed(place, value):
    words = RECORD.split(" ")
    words[place] = value
    return " ".join(words)


def several(*lines):
    """Return lines among so many others that they are neither first nor last."""
    return ("\n".join([RECORD, *lines, NODATA, RECORD]) + "\n").encode()


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(RECORD, id="a record"),
        pytest.param(NODATA, id="no traffic"),
        pytest.param(changed(3, "2001:db8:3333:4444:5555:6666:7777:8888"), id="IPv6"),
        pytest.param(changed(5, "0"), id="0"),
        pytest.param(changed(5, "2147483647"), id="the most of 32 bits"),
        pytest.param(changed(9, "9999999999999999"), id="16 digits"),
        pytest.param(changed(9, "12345678"), id="as many digits as fit into a word"),
        pytest.param(changed(9, "123456789"), id="one more than fit into a word"),
        pytest.param(changed(2, "x" * 4096), id="a long word"),
        pytest.param(changed(3, "12345678"), id="a string as long as a word"),
        pytest.param(changed(13, "-"), id="a hyphen at the end"),
        pytest.param(changed(0, "-"), id="a hyphen at the beginning"),
        pytest.param(changed(3, "--"), id="two hyphens"),
        pytest.param(changed(3, "\x7f~!"), id="the edges of what is visible"),
    ],
)
def test_plain_lines_are_what_arrow_makes_of_them(line):
    text = several(line)
    table = compiled(text)
    table.validate(full=True)
    assert table.equals(by_arrow(text))
    assert compiled(text[:-1]).equals(table), "without the last newline"
    assert compiled(b"a header\n" + text, begin=9).equals(table), "after a header"


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(RECORD + " more", id="a field too many"),
        pytest.param(RECORD.removesuffix(" OK"), id="a field too few"),
        pytest.param("", id="a blank line"),
        pytest.param(RECORD.replace(" ", "  ", 1), id="two spaces"),
        pytest.param(RECORD.replace(" ", "\t", 1), id="a tab"),
        pytest.param(RECORD + " ", id="a space at the end"),
        pytest.param(" " + RECORD, id="a space at the beginning"),
        pytest.param(RECORD + "\r", id="a carriage return"),
        pytest.param(changed(3, "a\0b"), id="a NUL byte"),
        pytest.param(changed(3, "a\x1fb"), id="a control character"),
        pytest.param(changed(3, "é"), id="not ASCII"),
        pytest.param(changed(13, "OKé"), id="not ASCII, at the end"),
        pytest.param(changed(5, "2147483648"), id="more than 32 bits"),
        pytest.param(changed(9, "12345678901234567"), id="17 digits"),
        pytest.param(changed(5, "-1"), id="a minus"),
        pytest.param(changed(5, "+1"), id="a plus"),
        pytest.param(changed(5, "007"), id="zeros before it"),
        pytest.param(changed(5, "1.5"), id="a fraction"),
        pytest.param(changed(5, "0x1f"), id="hexadecimal"),
        pytest.param(changed(5, "12a"), id="a letter"),
        pytest.param(changed(9, "12345678:"), id="no digit past a word"),
        pytest.param(changed(9, "/2345678"), id="no digit at the beginning"),
        pytest.param(" ".join(DEFAULT_FIELDS), id="a header again"),
        pytest.param(changed(2, "x" * 5000), id="a word of five thousand bytes"),
    ],
)
@pytest.mark.parametrize("place", range(3))
def test_whatever_is_odd_is_left_to_others(line, place):
    lines = [RECORD, RECORD]
    lines.insert(place, line)
    text = "\n".join(lines)
    assert compiled(text.encode() + b"\n") is None
    if line:  # a blank one without its newline is none
        assert compiled(text.encode()) is None


def test_of_columns_that_nobody_wants_it_is_only_known_that_they_are_there():
    text = several(changed(5, "odd"))
    columns = ["start", "action"]
    assert compiled(text, columns=columns).equals(by_arrow(text, columns=columns).select(columns))
    assert compiled(several(RECORD.replace(" 6 ", "  ")), columns=columns) is None


def test_strings_that_grow_find_room():
    """The room is estimated by the first lines; here the later ones are many times longer."""
    short, long = changed(2, "e"), changed(2, "eni-" + "1" * 300)
    text = ("\n".join([short] * 1000 + [long] * 1000) + "\n").encode()
    assert compiled(text).equals(by_arrow(text))


def test_lines_of_strings_only_are_left_to_others():
    assert compiled(b"10.0.0.1 10.0.0.2\n" * 9, ("srcaddr", "dstaddr")) is None


NUMBERS = {"int32": st.integers(0, 2**31 - 1), "int64": st.integers(0, 10**16 - 1)}
WORDS = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=40)


@st.composite
def clean_logs(draw):
    some = st.lists(st.sampled_from(FIELDS), min_size=1, max_size=12, unique=True)
    fields = draw(some.filter(lambda chosen: any(f.dtype != "string" for f in chosen)))
    values = [
        NUMBERS[field.dtype].map(str) if field.dtype in NUMBERS else WORDS for field in fields
    ]
    row = st.tuples(*(st.one_of(st.just("-"), value) for value in values))
    rows = draw(st.lists(row, min_size=1, max_size=20)) * 9
    columns = draw(st.lists(st.sampled_from([f.column for f in fields]), unique=True))
    return [field.name for field in fields], rows, columns


@settings(max_examples=300, deadline=None)
@given(clean_logs())
def test_any_plain_log_is_what_arrow_makes_of_it(log):
    fields, rows, columns = log
    text = "".join(" ".join(row) + "\n" for row in rows).encode()
    wanted = [*dict.fromkeys([*columns, *_numbers(fields)])]
    table = compiled(text, fields, wanted)
    table.validate(full=True)
    expected = by_arrow(text, fields)
    assert table.equals(expected.select(table.column_names))
    assert set(table.column_names) == set(wanted)


def _numbers(fields):
    return [name for name, dtype in schema(fields).items() if dtype != pa.string()][:1]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_byte_that_changes_makes_lines_equal_to_arrows_or_odd(data):
    body = bytearray(several(RECORD))
    for _ in range(data.draw(st.integers(1, 3))):
        body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
    table = compiled(bytes(body))
    if table is not None:
        assert table.equals(by_arrow(bytes(body)))


def test_texts_of_any_length_are_what_arrow_makes_of_them():
    """Where the last words of eight bytes begin differs from one to the next."""
    choose = random.Random(1)
    for size in range(1, 300):
        lines = [changed(2, "e" * choose.randint(1, 40)) for _ in range(1 + size % 7)]
        text = "\n".join(lines).encode()
        table = compiled(text)
        assert table is None if len(lines) == 1 else table.equals(by_arrow(text))


def run(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout


PARSE = f"""
import sys
from labkit.flowlogs import compiled_lines
from labkit.flowlogs.records import parse
compiled_lines.LOADED_AFTER_BYTES = 1_000_000
text = {RECORD!r} + chr(10)
first = parse(text * 1000)
"""


def test_it_is_loaded_once_much_has_been_parsed():
    code = """
import threading
print("numba" in sys.modules)
parse(text * 10_000)
[each.join() for each in threading.enumerate() if each.name == "compiled-parser"]
print("numba" in sys.modules, parse(text * 1000).equals(first))
"""
    assert run(PARSE + code).split() == ["False", "True", "True"]


def test_without_numba_arrow_parses():
    code = """
sys.modules["numba"] = None
print(compiled_lines.load(), parse(text * 10_000).shape)
"""
    assert run(PARSE + code).strip() == "False (10000, 14)"
