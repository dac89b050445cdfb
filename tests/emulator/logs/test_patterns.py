"""Filter patterns: terms, and fields between brackets.

Source: docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
"""

import pytest

from labkit.emulator.logs.patterns import compile_pattern
from labkit.emulator.logs.regular_expressions import compile_regular_expression
from labkit.emulator.refusal import ServiceError

# docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
BOTH, ERROR, WARN = "ERROR WARN message", "ERROR message", "WARN message"


@pytest.mark.parametrize(
    ("pattern", "matching"),
    [
        pytest.param("", [BOTH, ERROR, WARN], id="an empty pattern matches everything"),
        pytest.param("ERROR", [BOTH, ERROR], id="a term"),
        pytest.param("?ERROR ?WARN", [BOTH, ERROR, WARN], id="alternatives"),
        pytest.param("ERROR WARN", [BOTH], id="all terms"),
        pytest.param("ERROR -WARN", [ERROR], id="a term and not another"),
        pytest.param('-"WARN message"', [ERROR], id="not a phrase"),
        pytest.param('"RROR mess"', [ERROR], id="a phrase, in the middle of words"),
        pytest.param("error", [], id="case counts"),
        pytest.param("[w1=ERROR, w2]", [ERROR], id="as many fields as words"),
        pytest.param("[w1=ERROR || w1=WARN, w2]", [ERROR, WARN], id="either value"),
        pytest.param("[w1!=ERROR && w1!=WARN, w2]", [], id="neither value"),
        pytest.param("[w1=ERROR, ...]", [BOTH, ERROR], id="any number of fields at the end"),
        pytest.param("[..., w=message]", [BOTH, ERROR, WARN], id="and at the beginning"),
        pytest.param("[w=ERROR, ..., x=message]", [BOTH, ERROR], id="a gap may be empty"),
        pytest.param("[..., x, y, z]", [BOTH], id="the fields beside a gap must be there"),
        pytest.param("[w=*ARN,]", [WARN], id="a wildcard, and a field without a name"),
    ],
)
def test_the_guide_s_examples(pattern, matching):
    matches = compile_pattern(pattern)
    assert [message for message in (BOTH, ERROR, WARN) if matches(message)] == matching


# docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html
SSH = (
    "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 "
    "1418530010 1418530070 ACCEPT OK"
)
RDP = (
    "2 123456789010 eni-1235b8ca123456789 172.31.9.69 172.31.9.12 49761 3389 6 20 4249 "
    "1418530010 1418530070 REJECT OK"
)
NODATA = "2 123456789010 eni-1235b8ca123456789 - - - - - - - 1431280876 1431280934 - NODATA"
FIELDS = (
    "version, accountid, interfaceid, {}, dstaddr, srcport, {}, protocol, packets, {}, start, "
    "end, {}, logstatus"
)


def flow_log(srcaddr="srcaddr", dstport="dstport", size="bytes", action="action"):
    return "[" + FIELDS.format(srcaddr, dstport, size, action) + "]"


@pytest.mark.parametrize(
    ("pattern", "matching"),
    [
        pytest.param(flow_log(), [SSH, RDP, NODATA], id="names alone match every line"),
        pytest.param(flow_log(action='action="REJECT"'), [RDP], id="rejected"),
        pytest.param(flow_log(action='action!="REJECT"'), [SSH, NODATA], id="not rejected"),
        pytest.param(flow_log(dstport="dstport=22"), [SSH], id="a number"),
        pytest.param(flow_log(dstport="p>22"), [RDP], id="greater than"),
        pytest.param(flow_log(dstport="p>=22 && p<3389"), [SSH], id="a range"),
        pytest.param(flow_log(dstport='p!="-"'), [SSH, RDP], id="a dash is no number"),
        pytest.param(flow_log(size="b=4249.0"), [SSH, RDP], id="numbers are compared as numbers"),
        pytest.param(flow_log(srcaddr="s=172.31.9.*"), [RDP], id="an address range by wildcard"),
        pytest.param(
            flow_log(srcaddr="s = 172.31.16.139 || s = 172.31.9.69"), [SSH, RDP], id="addresses"
        ),
        pytest.param('[..., action="REJECT", status]', [RDP], id="the last two of many"),
        pytest.param("[version, account, ..., status=OK]", [SSH, RDP], id="a gap in the middle"),
        pytest.param('"172.31.16.139"', [SSH], id="an address as a phrase"),
        pytest.param("REJECT 3389", [RDP], id="two terms"),
    ],
)
def test_flow_log_lines(pattern, matching):
    matches = compile_pattern(pattern)
    assert [line for line in (SSH, RDP, NODATA) if matches(line)] == matching


# FilterAndPatternSyntax.html, "space-delimited"
APACHE = '127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534'


@pytest.mark.parametrize(
    ("pattern", "matching"),
    [
        ("[ip, user, username, timestamp, request, status_code, bytes > 1000]", True),
        ("[ip, user, username, timestamp, request = *html*, status_code = 4*, bytes]", True),
        ("[ip, user, name, time, request, code = 4* && code != 404, bytes]", False),
        ("[..., request=*.html*, status_code=4*,]", True),
        ("[..., request=*.html*, status_code=4*]", False),
        ("[ip, user, username, timestamp, request, status_code]", False),
    ],
)
def test_a_field_in_brackets_or_quotes_is_one(pattern, matching):
    assert compile_pattern(pattern)(APACHE) is matching


def test_a_pattern_may_have_1024_characters():
    assert compile_pattern("x" * 1024)("x" * 1024)


@pytest.mark.parametrize(
    ("pattern", "code"),
    [
        pytest.param("10.0.0.2", "InvalidParameterException", id="an address without quotes"),
        pytest.param('"open', "InvalidParameterException", id="a quote that does not end"),
        pytest.param("[a, b", "InvalidParameterException", id="a bracket that does not end"),
        pytest.param("[a, ..., b, ...]", "InvalidParameterException", id="two gaps"),
        pytest.param("[a=]", "InvalidParameterException", id="no value"),
        pytest.param("[a > x]", "InvalidParameterException", id="no number"),
        pytest.param("x" * 1025, "InvalidParameterException", id="too long"),
        pytest.param('{ $.a = "b" }', "UnsupportedOperation", id="JSON"),
        pytest.param("%something!%", "InvalidParameterException", id="a symbol of no expression"),
        pytest.param("%(a|b)%", "InvalidParameterException", id="parentheses"),
        pytest.param("%ä%", "InvalidParameterException", id="a character of two bytes"),
        pytest.param("%[a%", "InvalidParameterException", id="no expression at all"),
        pytest.param("%open", "InvalidParameterException", id="a percent sign that does not end"),
        pytest.param("[a=%x%, b=%y%, c=%z%]", "InvalidParameterException", id="three of them"),
        pytest.param("[a>%1%]", "InvalidParameterException", id="greater than an expression"),
        pytest.param("?a b", "UnsupportedOperation", id="a question mark beside another term"),
    ],
)
def test_what_is_refused(pattern, code):
    with pytest.raises(ServiceError) as refusal:
        compile_pattern(pattern)
    assert refusal.value.code == code


@pytest.mark.parametrize(
    ("pattern", "message", "found"),
    [
        ("%AUTHORIZED%", "[ERROR 401] UNAUTHORIZED REQUEST", True),
        ("%AUTHORIZED%", "[SUCCESS 200] AUTHORIZED REQUEST", True),
        ("%AUTHORIZED%", "[ERROR 403] Unauthorized", False),
        ("%^[hc]at%", "hat", True),
        ("%^[hc]at%", "the cat", False),
        ("%[hc]at$%", "the cat", True),
        ("%[hc]at$%", "cats", False),
        ("%colou?r%", "color", True),
        ("%colou?r%", "colour", True),
        ("%gra|ey%", "grey", True),
        (r"%10\.10\.0\.1%", "10.10.0.1", True),
        (r"%10\.10\.0\.1%", "10010.0.1", False),
        (r"%\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}%", "from 172.31.16.139 on", True),
        (r"%\x41B%", "AB", True),
        (r"%\d%", "\N{ARABIC-INDIC DIGIT THREE}", False),
    ],
)
def test_the_guide_s_regular_expressions(pattern, message, found):
    """docs.aws.amazon.com/AmazonCloudWatch/latest/logs/regex-expressions.html."""
    assert compile_pattern(pattern)(message) is found


@pytest.mark.parametrize(
    ("pattern", "matching"),
    [
        pytest.param(flow_log(srcaddr=r"s = %172\.31\.9%"), [RDP], id="anywhere in the field"),
        pytest.param(flow_log(action="a=%^REJ%"), [RDP], id="at the beginning of the field"),
        pytest.param(flow_log(action="a!=%^REJ%"), [SSH, NODATA], id="not"),
        pytest.param(flow_log(dstport="p=%^22$%", size="b=4*"), [SSH], id="the whole field"),
        pytest.param(flow_log(dstport="p=%,% || p=%^22$%"), [SSH], id="a comma in an expression"),
    ],
)
def test_a_regular_expression_for_a_field(pattern, matching):
    """docs.aws.amazon.com/AmazonCloudWatch/latest/logs/regex-expressions.html."""
    matches = compile_pattern(pattern)
    assert [line for line in (SSH, RDP, NODATA) if matches(line)] == matching


@pytest.mark.parametrize("pattern", ["%%", r"%\bword%", "%(a|b)%", "%a b%", "%ä%", "%[a%", "%a"])
def test_what_is_no_regular_expression_of_aws(pattern):
    """docs.aws.amazon.com/AmazonCloudWatch/latest/logs/regex-expressions.html."""
    with pytest.raises(ServiceError) as refused:
        compile_regular_expression(pattern)
    assert refused.value.code == "InvalidParameterException"
