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
        pytest.param("curl http://10.0.1.25/", "curl", id="a program"),
        pytest.param("ping -c 1 10.0.1.25 | tail -2", "ping -c 1 10.0.1.25 | tail -2", id="a pipe"),
        pytest.param("echo hi > /tmp/x", "echo hi > /tmp/x", id="a file"),
        pytest.param("echo $HOME", "echo $HOME", id="a variable"),
        pytest.param("echo `true`", "echo `true`", id="a substitution"),
        pytest.param("ping 10.0.1.25 &", "ping 10.0.1.25 &", id="the background"),
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
    assert "ping, echo" in outcome.stderr
    assert "Kernel hosts run any command" in outcome.stderr


def test_a_script_is_read_in_order():
    assert read_script(
        ["#!/bin/sh", "true && echo 'a;b'; false || exit 3 # why"], {"true", "echo", "false"}
    ) == [
        Command(";", ("true",)),
        Command("&&", ("echo", "a;b")),
        Command(";", ("false",)),
        Command("||", ("exit", "3")),
    ]


def test_every_program_must_be_known():
    with pytest.raises(NotKnown, match="reboot"):
        read_script(["true; reboot"], {"true"})


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
