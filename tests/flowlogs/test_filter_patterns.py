"""What of a filter is pushed down: never so much that a wanted record stays behind."""

import pytest

from labkit.emulator.logs.patterns import compile_pattern
from labkit.flowlogs import filter_patterns
from labkit.flowlogs.filters import Filter

# docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html
SSH = (
    "2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 "
    "1418530010 1418530070 ACCEPT OK"
)
RDP = (
    "2 123456789010 eni-1235b8ca123456789 172.31.9.69 172.31.9.12 49761 3389 6 20 4249 "
    "1418530010 1418530070 REJECT OK"
)


@pytest.mark.parametrize(
    ("filter", "pattern", "ssh", "rdp"),
    [
        pytest.param(None, None, True, True, id="no filter"),
        pytest.param(Filter(), None, True, True, id="an empty one"),
        pytest.param(Filter(action="REJECT"), '"REJECT"', False, True, id="an action"),
        pytest.param(Filter(action=["ACCEPT", "REJECT"]), '?"ACCEPT" ?"REJECT"', True, True,
                     id="either action"),
        pytest.param(Filter(port=22, action="ACCEPT"), '"22" "ACCEPT"', True, False, id="both"),
        pytest.param(Filter(port=[22, 3389], action="REJECT"), '"REJECT"', False, True,
                     id="terms that must be there before those of which any must"),
        pytest.param(Filter(address="172.31.9.12"), '"172.31.9.12"', False, True, id="an address"),
        pytest.param(Filter(address=["172.31.9.12", "172.31.16.21"]),
                     '?"172.31.9.12" ?"172.31.16.21"', True, True, id="two"),
        pytest.param(Filter(address="172.31.9.0/24"), None, True, True, id="a network is no term"),
        pytest.param(Filter(address=["172.31.9.0/24", "172.31.9.12"]), None, True, True,
                     id="nor is it with an address"),
        pytest.param(Filter(address="2001:db8::1"), None, True, True,
                     id="an IPv6 address has several spellings"),
        pytest.param(Filter(protocol="tcp"), None, True, True, id="6 is in every record"),
        pytest.param(Filter(interface_id="eni-1235b8ca123456789"), '"eni-1235b8ca123456789"',
                     True, True, id="an interface"),
        pytest.param(Filter(interface_id='eni-"]'), None, True, True, id="a quote"),
        pytest.param(Filter(port=range(1024, 2048)), None, True, True, id="too long"),
    ],
)  # fmt: skip
def test_patterns(filter, pattern, ssh, rdp):
    """At most 1,024 characters.

    docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html
    """
    assert filter_patterns.of(filter) == pattern
    matches = compile_pattern(pattern or "")
    assert (bool(matches(SSH)), bool(matches(RDP))) == (ssh, rdp)
