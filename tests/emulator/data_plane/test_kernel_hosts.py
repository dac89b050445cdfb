"""What only kernel hosts can do, and what their commands must not be able to do.

Run Command and scripts: docs.aws.amazon.com/systems-manager/latest/userguide/run-command.html
"""

import os
import secrets
import shutil
import signal
import socket
import time
from pathlib import Path

import pytest
from data_plane_lab import FIRST, FIRST_IP, SECOND, SECOND_IP, Lab, lab_vpc

pytestmark = pytest.mark.kernel_host


def test_a_server_on_one_and_curl_on_the_other(kernel_lab):
    serve = "cd /tmp; echo hello > index.html; python3 -m http.server 80 >/dev/null 2>&1 &"
    assert kernel_lab.run(SECOND, serve).status == "Success"
    wait = f"until timeout 1 bash -c '</dev/tcp/{SECOND_IP}/80'; do sleep 0.1; done 2>/dev/null"
    assert kernel_lab.run(FIRST, wait, f"curl -s http://{SECOND_IP}/").stdout == "hello\n"
    refused = kernel_lab.run(FIRST, f"timeout 2 bash -c '</dev/tcp/{SECOND_IP}/22'")
    assert "Connection refused" in refused.stderr


def test_it_looks_like_an_instance(kernel_lab):
    ttl = "cat /proc/sys/net/ipv4/ip_default_ttl"
    script = f"id -u; hostname; pwd; echo $HOME $SSM_COMMAND_ID $COLOR; {ttl}"
    outcome = kernel_lab.run(FIRST, script, COLOR="red")
    assert outcome.stdout.splitlines() == [
        "0",
        "ip-10-0-1-22",
        "/usr/bin",
        f"/root {outcome.command_id} red",
        "127",
    ]


def test_its_interface_is_like_an_instances(kernel_lab):
    script = "cat /sys/class/net/ens5/mtu 2>/dev/null; ip -4 -o addr show; ip route; ip -6 addr"
    text = kernel_lab.run(FIRST, script).stdout
    assert f"inet {FIRST_IP}/24" in text
    assert "default via 10.0.1.1 dev ens5" in text
    assert "inet6" not in text


@pytest.mark.parametrize(
    "attack",
    [
        "touch /x || touch /usr/bin/x || touch /etc/x || touch /dev/null/x",
        f"touch {Path(__file__).parent}/x",
        "rm -f /usr/bin/true /etc/passwd; ls -la /usr/bin/true /etc/passwd && false",
        "umount /root || umount /tmp || umount /proc",
        "mount -o remount,rw /",
        "mount -t tmpfs none /mnt",
        "unshare -Urm umount /root",
        "mknod /tmp/disk b 254 0",
        "ls /dev/vda /dev/sda /dev/kmsg /dev/mem /dev/net",
        "echo 1 > /proc/sys/vm/drop_caches",
        "echo h > /proc/sysrq-trigger",
        "ls /proc/1/fd/",
        "cat /proc/1/environ",
        "ls /var/run/docker.sock /run/dbus /run/systemd",
    ],
)
def test_the_machine_is_safe_from(kernel_lab, attack):
    outcome = kernel_lab.run(FIRST, attack)
    assert outcome.exit_code, outcome.stdout


def test_rm_rf_of_everything_harms_this_host_alone(kernel_lab):
    kernel_lab.run(FIRST, "cd /; rm -rf bin boot dev etc home opt root run srv tmp var 2>/dev/null")
    assert Path("/usr/bin/env").exists()
    assert kernel_lab.run(FIRST, f"ping -c 1 {SECOND_IP}").exit_code == 0


def test_the_access_key_cannot_be_read(kernel_hosts, monkeypatch):
    """LABKIT_HOME is hidden even where nothing else would hide it."""
    home = Path(__file__).parents[3] / "build" / f"home-{os.getpid()}"
    home.mkdir(parents=True)
    (home / "key").write_text("the key")
    monkeypatch.setenv("LABKIT_HOME", str(home))
    lab = Lab("kernel")
    try:
        lab.set_vpc(lab_vpc())
        outcome = lab.run(FIRST, f"cat {home}/key")
    finally:
        lab.data_plane.stop()
        shutil.rmtree(home)
    assert (outcome.exit_code, outcome.stdout) == (1, "")


@pytest.mark.skipif(os.geteuid() != 0, reason="is about the machine's root")
@pytest.mark.parametrize("ids", ["uid_map", "gid_map"])
def test_root_in_a_host_is_not_the_machines_root(kernel_lab, ids):
    assert kernel_lab.run(FIRST, f"cat /proc/self/{ids}").stdout.split() == ["0", "65534", "1"]


def test_no_mount_of_the_machine_can_be_written(kernel_lab):
    text = kernel_lab.run(FIRST, "cat /proc/self/mounts").stdout
    writable = [line.split()[:3] for line in text.splitlines() if " rw," in line]
    assert {kind for _, _, kind in writable} == {"tmpfs", "devpts", "proc"}


@pytest.mark.parametrize("place", ["/tmp", "/root", "/home", "/run", "/var/tmp", "/dev/shm"])
def test_there_is_room_to_write_in(kernel_lab, place):
    mine = Path(place, f"labkit-{secrets.token_hex(4)}")
    assert kernel_lab.run(FIRST, f"echo hi > {mine} && cat {mine}").stdout == "hi\n"
    assert kernel_lab.run(SECOND, f"cat {mine}").exit_code
    assert not mine.exists()


@pytest.mark.parametrize("device", ["null", "zero", "urandom"])
def test_there_are_devices(kernel_lab, device):
    outcome = kernel_lab.run(FIRST, f"head -c 3 /dev/{device} | wc -c; echo x > /dev/null")
    assert outcome.stdout.strip() == ("0" if device == "null" else "3")
    assert outcome.status == "Success"


def test_bash_where_the_script_asks_for_it(kernel_lab):
    assert (
        kernel_lab.run(FIRST, "#!/bin/bash", "[[ a == a* ]] && echo $BASH").stdout == "/bin/bash\n"
    )


@pytest.mark.parametrize(
    ("directory", "stdout", "stderr"),
    [
        ("/tmp", "/tmp\n", ""),
        (
            "/nowhere",
            "",
            "chdir /nowhere: no such file or directory\nfailed to run commands: exit status 1",
        ),
    ],
)
def test_the_working_directory(kernel_lab, directory, stdout, stderr):
    outcome = kernel_lab.run(FIRST, "pwd", directory=directory)
    assert (outcome.stdout, outcome.stderr) == (stdout, stderr)


def test_a_script_ends_though_its_children_go_on(kernel_lab):
    outcome = kernel_lab.run(FIRST, "(sleep 1; echo later > /tmp/later; echo heard) &", "echo hi")
    assert outcome.stdout == "hi\n"
    assert outcome.ended_at - outcome.started_at < 0.8
    time.sleep(1.2)
    assert kernel_lab.run(FIRST, "cat /tmp/later").stdout == "later\n"


def test_several_scripts_at_once(kernel_lab):
    slow = kernel_lab.begin(FIRST, "sleep 1; echo slow")
    quick = kernel_lab.run(FIRST, "echo quick")
    assert quick.stdout == "quick\n"
    assert kernel_lab.outcome(slow).stdout == "slow\n"
    assert quick.ended_at < kernel_lab.outcome(slow).ended_at


def test_time_is_over_for_the_whole_tree(kernel_lab):
    tree = "#!/bin/bash", "set -m", "sleep 77 & (sleep 78 & sleep 79)", "wait"
    outcome = kernel_lab.run(FIRST, *tree, timeout_s=0.5)
    assert (outcome.status, outcome.status_details) == ("TimedOut", "ExecutionTimedOut")
    assert kernel_lab.run(FIRST, "pgrep sleep").exit_code == 1


def test_an_endless_yes_keeps_a_megabyte_and_ends(kernel_lab):
    outcome = kernel_lab.run(FIRST, "yes", timeout_s=0.5)
    assert outcome.status == "TimedOut"
    assert len(outcome.stdout) == 1 << 20


def test_all_of_a_long_output_is_read(kernel_lab):
    outcome = kernel_lab.run(FIRST, "head -c 3000000 /dev/zero | tr '\\0' x; echo end >&2; exit 3")
    assert len(outcome.stdout) == 1 << 20
    assert outcome.stderr == "end\nfailed to run commands: exit status 3"


def test_output_that_is_no_text(kernel_lab):
    assert kernel_lab.run(FIRST, r"printf 'a\377b'").stdout == "a\N{REPLACEMENT CHARACTER}b"


def test_a_fork_bomb_fills_only_its_own_host(kernel_lab):
    running = kernel_lab.begin(FIRST, "#!/bin/bash", ":(){ :|:& };:", "wait", timeout_s=2)
    assert kernel_lab.run(SECOND, "echo alive").stdout == "alive\n"
    assert kernel_lab.outcome(running)
    time.sleep(0.2)
    assert kernel_lab.run(FIRST, "echo recovered; pgrep -c bash").stdout == "recovered\n0\n"


@pytest.mark.parametrize(
    ("started", "left"),
    [
        pytest.param(20, 20, id="a few go on"),
        pytest.param(400, 0, id="hundreds are a bomb and are ended"),
    ],
)
def test_what_a_script_leaves_in_the_background(kernel_lab, started, left):
    kernel_lab.run(FIRST, f"for i in $(seq {started}); do sleep 1000 & done")
    assert kernel_lab.run(FIRST, "pgrep -c sleep").stdout == f"{left}\n"


def test_nothing_of_the_users_environment_comes_in(kernel_lab):
    names = kernel_lab.run(FIRST, "env | cut -d= -f1 | sort").stdout.split()
    ours = ["AWS_SSM_INSTANCE_ID", "HOME", "LANG", "PATH", "SSM_COMMAND_ID", "USER"]
    assert set(names) - {"PWD", "OLDPWD", "SHLVL", "_"} == set(ours)


def test_memory_has_a_limit(kernel_lab):
    assert "MemoryError" in kernel_lab.run(FIRST, "python3 -c 'bytearray(3 << 30)'").stderr


HOG = "python3 -c 'import time; x = bytearray(600 << 20); time.sleep(20)'"


def test_memory_has_a_limit_for_all_processes_together(kernel_lab):
    """The largest are killed, as the kernel of an instance does; the script's own end tells it."""
    outcome = kernel_lab.run(
        FIRST,
        "#!/bin/bash",
        f"{HOG} & a=$!",
        f"{HOG} & b=$!",
        f"{HOG} & c=$!",
        f"{HOG} & d=$!",
        "wait -n; echo $?; kill $a $b $c $d 2>/dev/null; true",
        timeout_s=15,
    )
    assert (outcome.status, outcome.stdout) == ("Success", "137\n")
    assert kernel_lab.run(SECOND, "echo alive").stdout == "alive\n"


def test_processes_that_share_memory_are_not_taken_for_large_ones(kernel_lab):
    """A process of 300 MiB that has forked twenty times takes 300 MiB, not six GiB."""
    fork = "import os, time; x = bytearray(300 << 20); [os.fork() or (time.sleep(1), os._exit(0))"
    fork += " for _ in range(20)]; print([os.wait()[1] for _ in range(20)])"
    outcome = kernel_lab.run(FIRST, f"python3 -c '{fork}'")
    assert outcome.stdout == f"{[0] * 20}\n"


def test_a_flood_of_twenty_thousand_loses_nothing(kernel_lab):
    assert (
        "20000 received, 0% packet loss"
        in kernel_lab.run(FIRST, f"ping -f -q -c 20000 {SECOND_IP}").stdout
    )


# The last where this repository lies in a folder that hosts do not see, such as /tmp.
UNREACHABLE = ("PermissionError", "ConnectionRefusedError", "FileNotFoundError")
CONNECT = "python3 -c 'import socket; socket.socket(socket.AF_UNIX).connect({})' 2>&1 | tail -1"


@pytest.mark.parametrize("kind", ["in a folder that is not hidden", "abstract"])
def test_no_socket_of_the_machine_can_be_reached(kernel_hosts, kind):
    """A read-only mount does not keep a program from connecting to docker's or D-Bus's socket."""
    folder = Path(__file__).parents[3] / "build"
    folder.mkdir(exist_ok=True)
    path = folder / f"socket-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"\0{path.name}" if kind == "abstract" else str(path))
        listener.listen()
        if kind != "abstract":
            path.chmod(0o777)
        lab = Lab("kernel")
        lab.set_vpc(lab_vpc())
        where = f'"\\0{path.name}"' if kind == "abstract" else f'"{path}"'
        said = lab.run(FIRST, CONNECT.format(where)).stdout
        lab.data_plane.stop()
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):  # nobody came
            listener.accept()
    path.unlink(missing_ok=True)
    assert said.startswith(("PermissionError", "ConnectionRefusedError", "FileNotFoundError"))


@pytest.mark.parametrize("made_anew", [False, True], ids=["made later", "made anew"])
def test_a_socket_that_is_younger_than_the_host_cannot_be_reached(kernel_lab, made_anew):
    path = Path(__file__).parents[3] / "build" / f"young-{os.getpid()}"
    path.parent.mkdir(exist_ok=True)
    for _ in range(1 + made_anew):
        path.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
            listener.listen()
            path.chmod(0o777)
            said = kernel_lab.run(FIRST, CONNECT.format(f'"{path}"')).stdout
            listener.setblocking(False)
            with pytest.raises(BlockingIOError):
                listener.accept()
    path.unlink()
    assert said.startswith(UNREACHABLE)


def test_a_socket_that_comes_while_a_command_runs_is_covered_soon(kernel_lab):
    path = Path(__file__).parents[3] / "build" / f"late-{os.getpid()}"
    running = kernel_lab.begin(FIRST, "sleep 2", CONNECT.format(f'"{path}"'))
    time.sleep(0.3)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        path.chmod(0o777)
        said = kernel_lab.outcome(running).stdout
    path.unlink()
    assert said.startswith(UNREACHABLE)


@pytest.mark.parametrize("folder", ["/var/tmp", "/tmp", str(Path.home())])
def test_sockets_where_people_write_are_out_of_sight(kernel_lab, folder):
    path = Path(folder) / f"labkit-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        path.chmod(0o777)
        said = kernel_lab.run(FIRST, CONNECT.format(f'"{path}"')).stdout
    path.unlink()
    assert said.startswith("FileNotFoundError")


FLOOD = """
import socket
one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
one.setblocking(False)
sent = 0
for _ in range(60000):
    try:
        one.sendto(b"x", ("%s", 9))
    except BlockingIOError:
        pass
"""


def test_what_a_host_sends_faster_than_the_wire_reads_is_told_as_skipdata(kernel_lab):
    """docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html, log-status"""
    running = kernel_lab.begin(FIRST, f"python3 -c '{FLOOD % SECOND_IP}'; sleep 1")
    time.sleep(0.3)
    wire = kernel_lab.data_plane._process.pid
    os.kill(wire, signal.SIGSTOP)
    time.sleep(1)
    os.kill(wire, signal.SIGCONT)
    assert kernel_lab.outcome(running).status == "Success"
    kernel_lab.records_when(lambda records: any(r.log_status == "SKIPDATA" for r in records))
    told = {r.interface_id for r in kernel_lab.records if r.log_status == "SKIPDATA"}
    assert told == {"eni-1"}


def test_no_process_can_gain_privileges(kernel_lab):
    status = kernel_lab.run(FIRST, "cat /proc/self/status").stdout
    assert "NoNewPrivs:\t1\n" in status


def test_every_mount_is_read_only_whatever_lies_below_another(kernel_lab):
    """The machine's mounts are read-only one by one, as are those below them."""
    text = kernel_lab.run(FIRST, "cat /proc/self/mountinfo").stdout
    kinds = {
        line.split(" - ")[1].split()[0]
        for line in text.splitlines()
        if line.split()[5].split(",")[0] == "rw"
    }
    assert kinds <= {"tmpfs", "devpts", "proc"}
