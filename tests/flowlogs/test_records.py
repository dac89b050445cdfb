"""Text to DataFrame.

The lines are those of docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html
unless a comment names another source.
"""

import pandas as pd
import pyarrow as pa
import pytest

from labkit.errors import RecordFormatError
from labkit.fields import DEFAULT_FIELDS, FIELDS, parse_format
from labkit.flowlogs.frames import to_frame
from labkit.flowlogs.records import ReadSummary, parse, parse_table

pytestmark = pytest.mark.usefixtures("each_parser")

PING_ACCEPT = (
    "2 123456789010 eni-1235b8ca123456789 203.0.113.12 172.31.16.139 0 0 1 4 336 "
    "1432917027 1432917142 ACCEPT OK"
)
PING_REJECT = (
    "2 123456789010 eni-1235b8ca123456789 172.31.16.139 203.0.113.12 0 0 1 4 336 "
    "1432917094 1432917142 REJECT OK"
)
SSH = (
    "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 "
    "1418530010 1418530070 ACCEPT OK"
)
NODATA = "2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - NODATA"
SKIPDATA = "2 123456789010 eni-11111111aaaaaaaaa - - - - - - - 1431280876 1431280934 - SKIPDATA"
# The article's own ping, of 57 packets in "24 seconds"; account id replaced.
ARTICLE = (
    "2 123456789012 eni-0e61c483ca317dd54 10.0.1.22 10.0.1.25 0 0 1 57 4788 "
    "1641597879 1641597903 ACCEPT OK"
)
HEADER = " ".join(DEFAULT_FIELDS)


def test_a_ping_of_the_user_guide():
    record = parse([PING_ACCEPT]).iloc[0]
    assert record.to_dict() == {
        "version": 2,
        "account_id": "123456789010",
        "interface_id": "eni-1235b8ca123456789",
        "srcaddr": "203.0.113.12",
        "dstaddr": "172.31.16.139",
        "srcport": 0,
        "dstport": 0,
        "protocol": 1,
        "packets": 4,
        "bytes": 336,
        "start": pd.Timestamp("2015-05-29 16:30:27Z"),
        "end": pd.Timestamp("2015-05-29 16:32:22Z"),
        "action": "ACCEPT",
        "log_status": "OK",
    }


def test_the_article_counts_57_packets_of_84_bytes():
    log = parse(ARTICLE)
    assert (log.bytes == 84 * log.packets).all()
    assert (log.end - log.start).item() == pd.Timedelta(seconds=24)


def test_a_tcp_record_in_a_format_of_version_3_with_two_spaces_in_a_row():
    fields = parse_format(
        "${version} ${vpc-id} ${subnet-id} ${instance-id} ${interface-id} ${account-id} ${type} "
        "${srcaddr} ${dstaddr} ${srcport} ${dstport} ${pkt-srcaddr} ${pkt-dstaddr} ${protocol} "
        "${bytes} ${packets} ${start} ${end} ${action} ${tcp-flags} ${log-status}"
    )
    line = (
        "3 vpc-abcdefab012345678 subnet-aaaaaaaa012345678 i-01234567890123456 "
        "eni-1235b8ca123456789 123456789010 IPv4 52.213.180.42 10.0.0.62 43416 5001 52.213.180.42 "
        "10.0.0.62 6 568 8  1566848875 1566848933 ACCEPT 2 OK"
    )
    record = parse([line], fields).iloc[0]
    assert (record.tcp_flags, record.packets, record.bytes) == (2, 8, 568)


def test_zero_is_not_missing_and_missing_is_not_zero():
    log = parse([PING_ACCEPT, NODATA])
    assert log.srcport[0] == 0
    assert log[["srcaddr", "srcport", "protocol", "packets", "action"]].loc[1].isna().all()
    assert log.packets.sum() == 4


def test_dash_is_missing_in_every_field():
    fields = tuple(field.name for field in FIELDS)
    log = parse(["- " * len(fields)], fields)
    assert log.shape == (1, 54)
    assert log.isna().all(axis=None)


def test_every_line_is_accounted_for():
    lines = [HEADER, SSH, "", NODATA, SKIPDATA, "   ", HEADER, PING_REJECT]
    log = parse(lines)
    read = log.attrs["read"]
    assert read == ReadSummary(
        lines=8, header=2, blank=2, records=2, nodata=1, skipdata=1, text_bytes=read.text_bytes
    )
    assert read.lines == read.header + read.blank + len(log)
    assert read.text_bytes == sum(len(line.rstrip()) + 1 for line in lines) + len("   ")
    assert list(log.log_status) == ["OK", "NODATA", "SKIPDATA", "OK"]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(f"{SSH}\n{NODATA}\n", id="lines of one text"),
        pytest.param(f"{SSH}\r\n{NODATA}\r\n", id="CR LF"),
        pytest.param(f"{SSH}\n{NODATA}", id="no newline at the end"),
        pytest.param(f"  {SSH}\n{NODATA}\t", id="whitespace around"),
        pytest.param(f"{SSH}\n{NODATA}".replace(" ", "   "), id="runs of spaces"),
        pytest.param(f"{SSH}\n{NODATA}".replace(" ", "\t"), id="tabs"),
        pytest.param(f"\n{SSH}\n\n\n{NODATA}", id="blank lines"),
    ],
)
def test_whitespace_does_not_matter(text):
    pd.testing.assert_frame_equal(parse(text), parse([SSH, NODATA]))


def test_no_lines_give_an_empty_frame_of_the_same_columns_and_types():
    log = parse([])
    pd.testing.assert_series_equal(log.dtypes, parse([SSH]).dtypes)
    assert len(log) == 0
    assert log.attrs["read"].lines == 0


def test_unknown_fields_are_strings():
    log = parse(["7 12"], ("version", "field-of-tomorrow"))
    assert log.field_of_tomorrow[0] == "12"


def test_a_quote_is_a_letter_like_any_other():
    log = parse(['7 "a b"'], ("version", "instance-tag", "interface-tag"))
    assert log.iloc[0].tolist() == [7, '"a', 'b"']


@pytest.mark.parametrize(
    ("line", "says"),
    [
        pytest.param(SSH.removesuffix(" OK"), "13 fields", id="a truncated line"),
        pytest.param(SSH + " more", "15 fields", id="a line too long"),
        pytest.param(SSH.replace(" 6 ", "  ", 1), "13 fields", id="a field gone between spaces"),
        pytest.param(SSH.replace(" 4249 ", " 42x9 "), "bytes is '42x9'", id="no number"),
        pytest.param(SSH.replace(" 20641 ", " 9876543210 "), "srcport", id="beyond 32 bits"),
        pytest.param(SSH.replace(" 4249 ", " 4249.5 "), "bytes", id="a fraction"),
        pytest.param(SSH.replace("1418530010", "-5"), "start", id="a time before Unix time"),
        pytest.param(SSH.replace("1418530010", "141853001000000000"), "start", id="no time at all"),
        pytest.param(SSH.replace(" 22 ", " 0x16 "), "dstport is '0x16'", id="hexadecimal"),
        pytest.param(SSH.replace(" 22 ", " 22\r "), "carriage return", id="a stray CR"),
        pytest.param(SSH.replace("1418530070", "1418530070000"), "unit", id="ms among seconds"),
        pytest.param(HEADER + " vpc-id", "15 fields", id="the header of another format"),
    ],
)
def test_a_line_that_does_not_fit_is_an_error_with_its_place(line, says):
    with pytest.raises(RecordFormatError, match=says) as caught:
        parse([SSH, "", line, NODATA])
    assert "line 3" in str(caught.value).lower()
    assert caught.value.line == line.replace("  ", " ")
    assert caught.value.format == HEADER


def test_a_field_that_is_gone_is_noticed_where_all_are_strings():
    with pytest.raises(RecordFormatError, match="1 fields where the log format has 2"):
        parse(["10.0.0.1 "], ("srcaddr", "dstaddr"))


@pytest.mark.parametrize(
    "question",
    [
        pytest.param("action == 'REJECT'", id="a string"),
        pytest.param("protocol == 1 and bytes > 84 * 3 and action != 'ACCEPT'", id="numbers"),
        pytest.param("srcaddr == '172.31.16.139' and dstport == 0", id="an address"),
        pytest.param("start >= '2015-05-29 16:31Z' and protocol == 1", id="a time as text"),
    ],
)
def test_questions_of_the_notebooks_find_the_rejected_reply(question):
    log = parse([PING_ACCEPT, PING_REJECT, SSH, NODATA])
    assert list(log.query(question).index) == [1]


def test_times_compare_with_text_and_slice_by_it():
    log = parse([PING_ACCEPT, PING_REJECT, SSH])
    assert list(log[log.start >= "2015-05-29 16:31"].index) == [1]
    assert len(log.set_index("start").sort_index().loc["2015":]) == 2


def test_sums_of_the_notebooks():
    log = parse([PING_ACCEPT, PING_REJECT, PING_REJECT, NODATA])
    assert log.groupby("action").packets.sum().to_dict() == {"ACCEPT": 4, "REJECT": 8}
    assert log.resample("1min", on="start").bytes.sum().max() == 672


@pytest.mark.parametrize("before", ["", "1"], ids=["at an even byte", "at an odd byte"])
def test_an_empty_field_is_none_even_in_a_column_that_nobody_wants(before):
    """Two spaces separate two fields, not three: the line is one field short."""
    short = f"{before}2 123456789010  10.0.0.1"
    with pytest.raises(RecordFormatError, match="3 fields where the log format has 4"):
        parse_table(
            short.encode(), ["version", "account-id", "type", "srcaddr"], columns=("srcaddr",)
        )


@pytest.mark.parametrize("columns", [None, ["start"], ["start", "end"]])
@pytest.mark.parametrize("chunks", [1, 2])
def test_values_can_be_set(columns, chunks):
    tables = [parse_table(f"{PING_ACCEPT}\n".encode())[0] for _ in range(chunks)]
    table = pa.concat_tables(tables)
    log = to_frame([table if columns is None else table.select(columns)], ReadSummary())
    moment = pd.Timestamp("2026-11-24", tz="UTC").as_unit("s")
    log.loc[0, "start"] = moment
    assert log.start[0] == moment
    if columns is None:
        log.loc[0, "packets"] = 7
        assert log.packets[0] == 7
