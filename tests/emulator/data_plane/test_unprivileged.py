"""Hosts of an ordinary user, and of one who may not open /dev/net/tun."""

import os
import socket
import subprocess
import sys
import time

import pytest
from data_plane_lab import FIRST, FIRST_IP, SECOND_IP, lab_vpc, watch_all

from labkit.emulator.data_plane.channel import Channel
from labkit.emulator.data_plane.messages import (
    CommandSpec,
    Finished,
    Ready,
    Refused,
    Run,
    Settings,
    SetVpc,
    VpcSet,
)

pytestmark = [
    pytest.mark.kernel_host,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user"),
    pytest.mark.usefixtures("kernel_hosts"),
]

USER = 12345
BECOME = """
import os, sys, stat
from labkit.emulator.data_plane import linux
from labkit.emulator.data_plane.process import serve
fd, user, device = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
linux.unshare(linux.CLONE_NEWNS)
linux.mount(None, "/", None, linux.MS_REC | linux.MS_PRIVATE)
linux.mount("tmpfs", "/dev/net", "tmpfs", 0)
linux.mount("tmpfs", "/srv", "tmpfs", 0, f"uid={user}")  # a mount with files of the user's own
os.mkdir("/srv/private")
open("/srv/private/key", "w").write("the key")
os.chown("/srv/private", user, user)
if device:
    os.mknod("/dev/net/tun", stat.S_IFCHR, os.makedev(10, 200))
    os.chmod("/dev/net/tun", int(device, 8))
os.setgroups([])
os.setresgid(user, user, user)
os.setresuid(user, user, user)
linux.set_dumpable(True)
serve(fd)
"""


class DataProcessOf:
    """A data process of another user, with a /dev/net/tun of this mode ("": none)."""

    def __init__(self, user, device, host_kind="auto"):
        ours, theirs = socket.socketpair()
        with theirs:
            arguments = [str(theirs.fileno()), str(user), device]
            self._process = subprocess.Popen(
                [sys.executable, "-c", BECOME, *arguments], pass_fds=[theirs.fileno()]
            )
        ours.settimeout(10)
        self.channel = Channel.of_objects(ours)
        self.channel.send(Settings("lab", host_kind, hidden=("/srv/private",)))

    def __enter__(self):
        return self.channel

    def __exit__(self, *_):
        self.channel.close()
        self._process.wait(5)


def test_an_ordinary_user_has_kernel_hosts():
    with DataProcessOf(USER, "0666") as channel:
        assert channel.receive() == Ready("kernel", None)
        vpc = lab_vpc()
        channel.send(SetVpc(1, vpc.id, vpc, watch_all(vpc)))
        assert channel.receive() == VpcSet(1, None)
        script = "id -u; echo hi > /tmp/x; touch /usr/x; touch /srv/x; cat /srv/private/key"
        script += f"; ping -q -c 2 -i 0.2 {SECOND_IP}"
        channel.send(Run(CommandSpec("c-1", FIRST, (script,))))
        while not isinstance(message := channel.receive(), Finished):
            pass
        assert message.outcome.stdout.startswith("0\n")
        assert "2 received, 0% packet loss" in message.outcome.stdout
        assert message.outcome.stderr.splitlines() == [
            "touch: cannot touch '/usr/x': Read-only file system",
            "touch: cannot touch '/srv/x': Read-only file system",
            "cat: /srv/private/key: No such file or directory",
        ]


@pytest.mark.parametrize(
    ("device", "reason"),
    [
        pytest.param("0600", "Permission denied", id="root's alone"),
        pytest.param("", "No such file or directory", id="not there"),
    ],
)
def test_without_the_device_hosts_are_in_process_and_the_reason_is_said(device, reason):
    reason = f"/dev/net/tun cannot be opened: {reason}"
    with DataProcessOf(USER, device) as channel:
        assert channel.receive() == Ready("in-process", reason)
        vpc = lab_vpc()
        channel.send(SetVpc(1, vpc.id, vpc, watch_all(vpc)))
        assert channel.receive() == VpcSet(1, None)
    with DataProcessOf(USER, device, "kernel") as channel:
        assert channel.receive() == Refused(reason)


def test_root_needs_no_permission_on_the_device():
    with DataProcessOf(0, "0600") as channel:
        assert channel.receive() == Ready("kernel", None)
        assert FIRST_IP


def run(channel, *lines, timeout_s=3.0):
    channel.send(Run(CommandSpec("c-1", FIRST, lines, execution_timeout_s=timeout_s)))
    while not isinstance(message := channel.receive(), Finished):
        pass
    return message.outcome


@pytest.mark.parametrize("user", [0, USER], ids=["root", "an ordinary user"])
def test_hogs_end_as_run_command_would_end_them(user):
    """What takes too much fails or is timed out; the host answers afterwards.

    Source: docs.aws.amazon.com/systems-manager/latest/userguide/monitor-commands.html
    """
    with DataProcessOf(user, "0666") as channel:
        assert channel.receive() == Ready("kernel", None)
        vpc = lab_vpc()
        channel.send(SetVpc(1, vpc.id, vpc, watch_all(vpc)))
        assert channel.receive() == VpcSet(1, None)
        endless = run(channel, "yes", timeout_s=0.5)
        assert (endless.status, len(endless.stdout)) == ("TimedOut", 1 << 20)
        memory = run(channel, "python3 -c 'bytearray(3 << 30)'")
        assert (memory.status, "MemoryError" in memory.stderr) == ("Failed", True)
        hog = "python3 -c 'import time; x = bytearray(600 << 20); time.sleep(20)'"
        hogs = run(channel, "#!/bin/bash", *[f"{hog} &"] * 4, "wait -n; echo $?", timeout_s=15)
        assert hogs.stdout == "137\n"
        run(channel, "pkill python3")
        deaf = "trap '' TERM INT HUP; while true; do sleep 1; done"
        assert run(channel, deaf, timeout_s=0.5).status == "TimedOut"
        daemon = "setsid -f setsid -f sleep 1234"
        assert run(channel, daemon).status == "Success"
        assert run(channel, "pkill -f 1234").status == "Success"
        files = "python3 -c 'x = [open(\"/dev/null\") for _ in range(9999)]'"
        assert "Too many open files" in run(channel, files).stderr
        for place in ("/tmp", "/root", "/run", "/dev/shm", "/var/lib"):
            disk = run(channel, f"dd if=/dev/zero of={place}/x bs=1M count=1000", timeout_s=20)
            assert disk.status == "Failed", place
        bomb = run(channel, "#!/bin/bash", ":(){ :|:& };:", "wait", timeout_s=1)
        assert bomb.status in ("TimedOut", "Success", "Failed")
        for _ in range(50):  # while the bomb's processes go, there is no room for another
            if run(channel, "/bin/echo up").stdout == "up\n":
                break
            time.sleep(0.1)
        after = run(channel, "cd /; rm -rf bin dev etc home root run tmp var 2>/dev/null; echo up")
        assert after.stdout == "up\n"
