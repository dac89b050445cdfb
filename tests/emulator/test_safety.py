"""Nothing that is not the user's own program gets anything out of the control process."""

import http.client
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import ClientError
from real_network import Network, within

from labkit import aws, emulator_process, home

needs_proc = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux's /proc")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A home that is made by the emulator itself, under a generous umask."""
    before = os.umask(0o000)
    folder = tmp_path_factory.mktemp("safety") / "home"
    try:
        emulator_process.start(folder, host_kind="in-process")
    finally:
        os.umask(before)
    yield folder
    emulator_process.stop(folder)


@pytest.fixture(scope="module")
def running(folder):
    return home.read_run_file(folder)


@pytest.fixture(scope="module")
def session(running):
    return aws.on_emulator(running)


@pytest.fixture(scope="module")
def presigned(running, session):
    """The path and query of a presigned URL that would be answered."""
    s3 = session.client("s3")
    s3.create_bucket(Bucket="presigned-safety")
    s3.put_object(Bucket="presigned-safety", Key="k", Body=b"secret")
    asked = {"Bucket": "presigned-safety", "Key": "k"}
    return s3.generate_presigned_url("get_object", asked).partition(running.endpoint_url)[2]


def ask(running, path, *, method="GET", **headers):
    connection = http.client.HTTPConnection(urlsplit(running.endpoint_url).netloc, timeout=20)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def test_every_file_is_the_users_alone(folder, session):
    session.client("sts").get_caller_identity()
    assert folder.stat().st_mode & 0o777 == 0o700
    found = {path.name: path for path in folder.rglob("*")}
    assert {"emulator.json", "emulator.log", "emulator.lock", "emulator.port"} <= set(found)
    open_to_others = {
        name: oct(path.stat().st_mode)
        for name, path in found.items()
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    }
    assert open_to_others == {}


PATHS = ["/", "/bucket", "/bucket/key", "/moto-api/data.json", "/no/such/path", "presigned"]
STRANGERS = [
    pytest.param({"Host": "rebound.example"}, id="a foreign Host"),
    pytest.param({"Host": ""}, id="an empty Host"),
    pytest.param({"Host": "127.0.0.1"}, id="a Host without the port"),
    pytest.param({"Origin": "https://evil.example"}, id="a page's Origin"),
    pytest.param({"Origin": "null"}, id="a sandboxed page's Origin"),
    pytest.param({"method": "OPTIONS"}, id="a preflight"),
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("stranger", STRANGERS)
def test_strangers_are_refused_on_each_path(running, presigned, path, stranger):
    path = presigned if path == "presigned" else path
    status, headers, body = ask(running, path, **stranger)
    assert status == 403
    assert b"AccessDenied" in body or b"MissingAuth" in body
    assert not [name for name in headers if name.lower().startswith("access-control-")]


def test_the_presigned_url_itself_is_answered(running, presigned):
    status, headers, body = ask(running, presigned)
    assert (status, body) == (200, b"secret")
    assert not [name for name in headers if name.lower().startswith("access-control-")]


@pytest.mark.parametrize(
    "path",
    [
        "/moto-api/reset",
        "/moto-api/data.json",
        "/moto-api",
        "/%6doto-api/reset",
        "/moto-api/",
        "//moto-api/reset",
    ],
)
def test_motos_control_api_cannot_be_reached(session, path):
    """Signed or not: the signer's own key must not wipe the state by accident either."""
    from botocore.auth import S3SigV4Auth
    from botocore.awsrequest import AWSRequest

    endpoint = session.client("s3").meta.endpoint_url
    request = AWSRequest("POST", endpoint + path, data=b"")
    S3SigV4Auth(session.get_credentials(), "s3", "us-east-1").add_auth(request)
    connection = http.client.HTTPConnection(urlsplit(endpoint).netloc, timeout=20)
    connection.request("POST", path, b"", dict(request.headers.items()))
    answer = connection.getresponse()
    assert 400 <= answer.status < 500
    assert answer.read()
    connection.close()
    session.client("s3").head_bucket(Bucket="presigned-safety")


def test_the_key_of_a_user_who_was_deleted_is_refused(session):
    iam = session.client("iam")
    iam.create_user(UserName="leaver")
    key = iam.create_access_key(UserName="leaver")["AccessKey"]
    leaver = session.client(
        "s3",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )
    leaver.list_buckets()
    iam.update_access_key(UserName="leaver", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    with pytest.raises(ClientError, match="InvalidAccessKeyId"):
        leaver.list_buckets()
    iam.update_access_key(UserName="leaver", AccessKeyId=key["AccessKeyId"], Status="Active")
    leaver.list_buckets()
    with pytest.raises(ClientError, match="DeleteConflict"):
        iam.delete_user(UserName="leaver")
    iam.delete_access_key(UserName="leaver", AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName="leaver")
    with pytest.raises(ClientError, match="InvalidAccessKeyId"):
        leaver.list_buckets()


def processes():
    """The running processes: id -> their command line and environment, as far as readable."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            found[int(entry.name)] = (entry / "cmdline").read_bytes()
        except OSError:
            continue
    return found


@needs_proc
def test_the_key_is_in_no_command_line_and_not_in_the_log(running, presigned):
    ask(running, presigned)
    ask(running, presigned, Origin="https://evil.example")
    log = Path(running.log_path).read_text()
    lines = b"\n".join(processes().values())
    for secret in (running.access_key_id, running.secret_access_key):
        assert secret not in log
        assert secret.encode() not in lines


def test_the_key_is_not_in_a_log_of_requests(tmp_path):
    """With --log-requests a presigned URL is logged without its query, a bad one not at all."""
    command = [sys.executable, "-m", "labkit.emulator", "--home", str(tmp_path), "--log-requests"]
    with subprocess.Popen([*command, "--hosts", "in-process"]) as process:
        try:
            patience = time.monotonic() + 60
            while (run_file := home.read_run_file(tmp_path)) is None:
                assert time.monotonic() < patience
                time.sleep(0.05)
            url = aws.on_emulator(run_file).client("s3").generate_presigned_url("list_buckets")
            path = url.partition(run_file.endpoint_url)[2]
            assert ask(run_file, path)[0] == 200
            address = urlsplit(run_file.endpoint_url)
            with socket.create_connection((address.hostname, address.port), timeout=20) as client:
                client.sendall(f"GET {path} junk HTTP/1.1\r\n\r\n".encode())
                assert client.recv(1000)
            log = Path(run_file.log_path).read_text()
            assert "GET / 200" in log
            assert run_file.access_key_id not in log
        finally:
            process.terminate()


def ours(folder):
    """The processes of the emulator on a folder: those that name it, and what is below them."""
    named = {pid for pid, line in processes().items() if str(folder).encode() in line}
    below = {child for pid in named for child in children(pid)}
    return named | below


def children(pid):
    found = set()
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found |= {int(child)} | children(int(child))
    return found


def gone(pids, within_s=15):
    patience = time.monotonic() + within_s
    while time.monotonic() < patience:
        alive = [pid for pid in pids if Path(f"/proc/{pid}/cmdline").exists() and _lives(pid)]
        if not alive:
            return True
        time.sleep(0.05)
    return False


def _lives(pid):
    """Say whether a process lives; a zombie whose parent has not asked for it does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@needs_proc
@pytest.mark.parametrize("victim", ["control", "data"])
def test_stop_leaves_nothing_after_a_kill_and_a_new_start(tmp_path, victim):
    folder = tmp_path / "home"
    first = emulator_process.start(folder)
    before = ours(folder)
    assert len(before) >= 2
    data = children(first.pid)
    os.kill(first.pid if victim == "control" else min(data), signal.SIGKILL)
    assert gone(before)
    second = emulator_process.start(folder)
    assert second.pid != first.pid
    after = ours(folder)
    aws.on_emulator(second).client("ec2").describe_vpcs()
    assert emulator_process.stop(folder)
    assert gone(after | before)
    assert ours(folder) == set()
    assert home.read_run_file(folder) is None
    assert not home.is_alive(folder)
    left = {path.name for path in folder.iterdir()}
    assert left <= {"emulator.lock", "start.lock", "emulator.log", "emulator.port"}
    text = "".join(path.read_text() for path in folder.iterdir())
    assert second.secret_access_key not in text
    assert first.secret_access_key not in text


def networks(pids):
    """The network namespaces of these processes: with one go its TUN devices."""
    found = set()
    for pid in pids:
        with suppress(OSError):  # it ended meanwhile
            found.add(str(Path(f"/proc/{pid}/ns/net").readlink()))
    return found


@pytest.mark.kernel_host
@needs_proc
@pytest.mark.parametrize("victim", ["control", "data"])
def test_a_kill_during_a_flood_leaves_no_process_network_or_mount(tmp_path, victim):
    folder = tmp_path / "home"
    running = emulator_process.start(folder, host_kind="kernel")
    mounts = Path("/proc/self/mountinfo").read_text()
    nodes = Network(aws.on_emulator(running), "flood")
    one, two = nodes.instances
    flood = f"ping -f -q -c 200000 {two['PrivateIpAddress']}"
    nodes.ssm.send_command(
        InstanceIds=[one["InstanceId"]],
        DocumentName="AWS-RunShellScript",
        Parameters={"commands": [flood]},
    )
    within(20, lambda: any(processes().get(pid, b"").startswith(b"ping") for pid in ours(folder)))
    before = ours(folder)
    theirs = networks(before) - networks([os.getpid()])
    assert len(theirs) == 2
    os.kill(running.pid if victim == "control" else min(children(running.pid)), signal.SIGKILL)
    assert gone(before)
    assert not theirs & networks(processes())
    assert Path("/proc/self/mountinfo").read_text() == mounts
    again = emulator_process.start(folder, host_kind="kernel")
    after = ours(folder)
    assert aws.on_emulator(again).client("ec2").describe_instances()["Reservations"] == []
    emulator_process.stop(folder)
    assert gone(after)
    left = {path.name for path in folder.iterdir()}
    assert left <= {"emulator.lock", "start.lock", "emulator.log", "emulator.port"}
