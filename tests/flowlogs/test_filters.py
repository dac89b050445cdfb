"""Which records a filter keeps, and what it says of those it does not."""

import pytest

from labkit.errors import ParameterError
from labkit.flowlogs import Filter, files, parse_filter
from labkit.flowlogs.records import parse_table, write

pytestmark = pytest.mark.usefixtures("each_parser")

LINES = """\
2 123456789012 eni-a 10.0.1.5 10.0.2.9 40000 22 6 1 40 0 9 REJECT OK
2 123456789012 eni-a 10.0.2.9 10.0.1.5 443 40001 6 2 80 0 9 ACCEPT OK
2 123456789012 eni-b 2001:db8::1 2001:db8:1::2 0 0 58 3 120 0 9 ACCEPT OK
2 123456789012 eni-b 192.0.2.1 10.0.1.5 53 53 17 4 160 0 9 ACCEPT OK
2 123456789012 eni-b - - - - - - - 0 9 - NODATA
"""


@pytest.mark.parametrize(
    ("said", "rows"),
    [
        pytest.param({}, [0, 1, 2, 3, 4], id="nothing asked keeps everything"),
        pytest.param({"interface_id": "eni-a"}, [0, 1], id="an interface"),
        pytest.param({"interface_id": ["eni-a", "eni-b"]}, [0, 1, 2, 3, 4], id="two interfaces"),
        pytest.param({"address": "10.0.1.5"}, [0, 1, 3], id="an address at either end"),
        pytest.param({"address": "10.0.2.0/24"}, [0, 1], id="a network"),
        pytest.param({"address": "2001:db8::/48"}, [2], id="an IPv6 network"),
        pytest.param({"address": "2001:0db8:0:0::1"}, [2], id="IPv6 written otherwise"),
        pytest.param({"address": ["192.0.2.1", "10.0.2.9"]}, [0, 1, 3], id="two addresses"),
        pytest.param({"port": 22}, [0], id="a port"),
        pytest.param({"port": 0}, [2], id="port 0 is a port"),
        pytest.param({"port": (443, "53")}, [1, 3], id="two ports"),
        pytest.param({"action": "reject"}, [0], id="an action in small letters"),
        pytest.param({"protocol": "udp"}, [3], id="a protocol by name"),
        pytest.param({"protocol": 6, "action": "ACCEPT"}, [1], id="two conditions both hold"),
    ],
)
def test_rows_kept(said, rows):
    table, _ = parse_table(LINES.encode())
    assert [i for i, kept in enumerate(Filter(**said).mask(table).to_pylist()) if kept] == rows


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("", Filter()),
        ("address=10.0.0.5 action=REJECT", Filter(address="10.0.0.5", action="REJECT")),
        ("interface-id=eni-a,eni-b", Filter(interface_id=["eni-a", "eni-b"])),
        (" port=22,443  protocol=tcp ", Filter(port=[22, 443], protocol=6)),
    ],
)
def test_a_filter_as_text(text, same):
    assert parse_filter(text) == same


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("10.0.0.5", "no filter"),
        ("host=10.0.0.5", "no filter"),
        ("port=", "no filter"),
        ("port=22 port=23", "said twice"),
        ("port=ssh", "no port"),
        ("port=65536", "no port"),
        ("address=10.0.0.300", "no address and no network"),
        ("action=DROP", "ACCEPT or REJECT"),
        ("protocol=300", "no protocol"),
    ],
)
def test_a_filter_that_cannot_be_is_an_error(text, says):
    with pytest.raises(ParameterError, match=says):
        parse_filter(text)


def test_a_format_without_the_column_is_an_error():
    table, _ = parse_table(b"10.0.0.1\n", ("srcaddr",))
    with pytest.raises(ParameterError, match="no action"):
        Filter(action="ACCEPT").mask(table)


def test_what_is_filtered_out_is_counted(tmp_path):
    table, _ = parse_table(LINES.encode())
    (tmp_path / "a.log").write_text(write(table))
    log = files.read(tmp_path, filter=Filter(protocol=6), columns=["bytes"])
    read = log.attrs["read"]
    assert log.bytes.tolist() == [40, 80]
    assert (read.lines, read.header, read.records, read.nodata, read.filtered) == (6, 1, 2, 0, 3)
    assert str(read) == "1 object; 6 lines: 2 records, 3 filtered out, 1 header"
