"""In-process hosts refuse what they do not know, and say so."""

import pytest
from data_plane_lab import FIRST, Lab, lab_vpc

from labkit.emulator.data_plane import icmp
from labkit.emulator.data_plane.shell_lines import Command, NotKnown, read_script


@pytest.fixture(scope="module")
def in_process_lab():
    lab = Lab("in-process")
    lab.set_vpc(lab_vpc())
    yield lab
    lab.data_plane.stop()


@pytest.mark.parametrize(
    ("line", "named"),
    [
        pytest.param("nc 10.0.1.25 22", "nc", id="a program"),
        pytest.param("curl -X POST 10.0.1.25", "curl -X POST 10.0.1.25", id="an option"),
        pytest.param("curl -o /tmp/x 10.0.1.25", "curl -o /tmp/x 10.0.1.25", id="curl to a file"),
        pytest.param("python3 -c 'print()'", "python3 -c print()", id="Python"),
        pytest.param("ip route", "ip route", id="another of ip's commands"),
        pytest.param("timeout 2 nc 10.0.1.25 22", "nc", id="a program under timeout"),
        pytest.param("timeout 2 bash -c 'nc x'", "nc", id="a program in bash"),
        pytest.param("sleep soon", "sleep soon", id="a time that is none"),
        pytest.param("ping -c 1 10.0.1.25 | tail -2", "ping -c 1 10.0.1.25 | tail -2", id="a pipe"),
        pytest.param("echo hi > /tmp/x", "echo hi > /tmp/x", id="a file"),
        pytest.param("echo $HOME", "echo $HOME", id="a variable"),
        pytest.param("echo `true`", "echo `true`", id="a substitution"),
        pytest.param("true && true &", "true && true &", id="a list in the background"),
        pytest.param("cat </etc/passwd", "cat </etc/passwd", id="input from a file"),
        pytest.param("echo hi 3>/dev/null", "echo hi 3>/dev/null", id="a third output"),
        pytest.param("if true; then echo hi; fi", "if", id="a condition"),
        pytest.param("echo 'open", "echo 'open", id="an open quotation"),
        pytest.param("&& true", "&& true", id="a separator too many"),
    ],
)
def test_what_is_not_known_is_refused_before_anything_runs(in_process_lab, line, named):
    outcome = in_process_lab.run(FIRST, "echo first", line)
    assert (outcome.status, outcome.exit_code, outcome.stdout) == ("Failed", 127, "")
    assert outcome.stderr.startswith(
        f"{named}: not known here. This instance is an in-process host"
    )
    assert "ping, curl, echo" in outcome.stderr
    assert "Kernel hosts run any command" in outcome.stderr


def known(*names):
    def check(words):
        if words[0] not in names:
            raise NotKnown(words[0])

    return check


def test_a_script_is_read_in_order():
    assert read_script(
        ["#!/bin/sh", "true && echo 'a;b'; false || exit 3 # why"], known("true", "echo", "false")
    ) == [
        Command(";", ("true",)),
        Command("&&", ("echo", "a;b")),
        Command(";", ("false",)),
        Command("||", ("exit", "3")),
    ]


NOWHERE, OUT, ERR = None, "stdout", "stderr"


@pytest.mark.parametrize(
    ("line", "read"),
    [
        (
            "echo a >/dev/null 2>&1 &",
            [Command(";", ("echo", "a"), {1: NOWHERE, 2: NOWHERE}, None, True)],
        ),
        ("echo a 2>&1 > /dev/null", [Command(";", ("echo", "a"), {1: NOWHERE, 2: OUT})]),
        ("echo a >&2", [Command(";", ("echo", "a"), {1: ERR, 2: ERR})]),
        ("</dev/tcp/10.0.1.25/22", [Command(";", (), connect=("10.0.1.25", 22))]),
        ("true & true", [Command(";", ("true",), is_background=True), Command(";", ("true",))]),
        ("echo a#b 'c # d'", [Command(";", ("echo", "a#b", "c # d"))]),
        ("echo a''b\"\"c '' x", [Command(";", ("echo", "abc", "", "x"))]),
    ],
)
def test_a_line_is_read(line, read):
    assert read_script([line], known("echo", "true")) == read


def test_every_program_must_be_known():
    with pytest.raises(NotKnown, match="reboot"):
        read_script(["true; reboot"], known("true"))


def test_an_echo_packet_is_whole():
    data = icmp.packet("10.0.1.22", "10.0.1.25", icmp.echo(8, 7, 1, bytes(56)), 1)
    assert (len(data), data[8], icmp.checksum(data[:20]), icmp.checksum(data[20:])) == (
        84,
        127,
        0,
        0,
    )
    assert icmp.parse(data) == ("10.0.1.22", "10.0.1.25", 127, 8, 0, 7, 1, bytes(56))


@pytest.mark.parametrize("damage", [10, 22, 50])
def test_a_damaged_packet_is_ignored(damage):
    data = bytearray(icmp.packet("10.0.1.22", "10.0.1.25", icmp.echo(8, 7, 1, bytes(56)), 1))
    data[damage] ^= 1
    assert icmp.parse(bytes(data)) is None
