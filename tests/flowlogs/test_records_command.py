"""The command `labkit records`: what it prints, on stdout and on stderr, and its exit codes."""

import gzip
import json
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pandas as pd
import pytest
from log_service import Answer, Group, Service, serving

from labkit import aws as lab_aws
from labkit import cli
from labkit.fields import DEFAULT_FIELDS, DEFAULT_FORMAT
from labkit.flowlogs import files
from labkit.records_command import sources
from labkit.records_command.arguments import split

NOW = datetime.now(UTC).replace(microsecond=0)
START = int((NOW - timedelta(minutes=20)).timestamp())
HEADER = " ".join(DEFAULT_FIELDS)
# The records of docs.aws.amazon.com/vpc/latest/userguide/flow-logs-records-examples.html, of today
LINES = [
    f"2 123456789010 eni-1235b8ca123456789 172.31.16.139 172.31.16.21 20641 22 6 20 4249 "
    f"{START} {START + 60} ACCEPT OK",
    f"2 123456789010 eni-1235b8ca123456789 172.31.9.69 172.31.9.12 49761 3389 6 20 4249 "
    f"{START + 10} {START + 70} REJECT OK",
    f"2 123456789010 eni-1235b8ca123456789 - - - - - - - {START + 20} {START + 80} - NODATA",
    f"2 123456789010 eni-11111111aaaaaaaaa 203.0.113.12 172.31.16.139 0 0 1 4 336 "
    f"{START + 30} {START + 90} ACCEPT OK",
    f"2 123456789010 eni-11111111aaaaaaaaa 203.0.113.12 172.31.16.139 0 0 1 2 168 "
    f"{START + 90} {START + 150} ACCEPT OK",
]


@pytest.fixture
def run(capsys):
    """Run the command and return its exit code, stdout and stderr."""

    def run(*arguments):
        try:
            code = cli.main(["records", *map(str, arguments)])
        except SystemExit as exit_:
            code = exit_.code
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "records.log.gz"
    path.write_bytes(gzip.compress("\n".join([HEADER, *LINES, ""]).encode()))
    return path


@pytest.fixture
def service():
    with serving(Service()) as service:
        group = service.groups["flow-logs"] = Group(formats=[DEFAULT_FORMAT])
        for line in LINES:
            group.put(line, stream=f"{line.split()[2]}-all")
        yield service


@pytest.fixture
def at(monkeypatch, connect):
    """Let the command connect to a server of ours."""

    def at(url):
        monkeypatch.setattr(lab_aws, "connect", lambda *_, **__: connect(url))

    return at


@pytest.fixture
def full_bucket(aws, bucket, file):
    slot = datetime.fromtimestamp(START, UTC)
    key = (
        f"AWSLogs/123456789010/vpcflowlogs/us-east-1/{slot:%Y/%m/%d}/"
        f"123456789010_vpcflowlogs_us-east-1_fl-1234abcd_{slot:%Y%m%dT%H%M}Z_fe123456.log.gz"
    )
    aws.client("s3").put_object(Bucket=bucket, Key=f"logs/{key}", Body=file.read_bytes())
    return bucket


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param([], LINES, id="print is what it does if nothing is said"),
        pytest.param(["print"], LINES, id="print"),
        pytest.param(["print", "2"], LINES[:2], id="print some"),
        pytest.param(["--header"], [HEADER, *LINES], id="with a header"),
        pytest.param(["--columns", "dstport,bytes", "--header", "print", "1"],
                     ["dstport bytes", "22 4249"], id="some columns"),
        pytest.param(["--filter", "action=REJECT"], [LINES[1]], id="a filter"),
        pytest.param(["--filter", "address=203.0.113.0/24 port=0"], LINES[3:], id="two in one"),
        pytest.param(["--start", f"{datetime.fromtimestamp(START + 100, UTC):%FT%TZ}"], LINES[4:],
                     id="from a time on"),
        pytest.param(["--start", "1d", "--end", f"{datetime.fromtimestamp(START, UTC):%F %T}",
                      "--utc"], LINES[:1], id="up to a time"),
        pytest.param(["--start", "5m"], [], id="later than all"),
        pytest.param(["findip", "203.0.113.12", "172.31.9.69"], [LINES[1], *LINES[3:]],
                     id="find addresses"),
        pytest.param(["findip", "172.31.9.0/24", "--filter", "port=22"], [], id="find and filter"),
        pytest.param(["ips"], ["172.31.16.139", "172.31.16.21", "172.31.9.12", "172.31.9.69",
                               "203.0.113.12"], id="addresses"),
        pytest.param(["count"], ["5"], id="count"),
        pytest.param(["count", "--filter", "protocol=icmp"], ["2"], id="count some"),
        pytest.param(["count", "action", "log-status"],
                     ["action\tlog_status\trecords", "ACCEPT\tOK\t3", "REJECT\tOK\t1",
                      "-\tNODATA\t1"], id="count values"),
        pytest.param(["top", "2"],
                     ["srcaddr\tdstaddr\tpackets\tbytes\trecords",
                      "172.31.16.139\t172.31.16.21\t20\t4249\t1",
                      "172.31.9.69\t172.31.9.12\t20\t4249\t1"], id="top"),
        pytest.param(["top", "1", "srcaddr", "--by", "records"],
                     ["srcaddr\tpackets\tbytes\trecords", "203.0.113.12\t6\t504\t2"],
                     id="top by something else"),
        pytest.param(["aggregate", "--filter", "protocol=1"],
                     ["srcaddr\tdstaddr\tsrcport\tdstport\tprotocol\tpackets\tbytes\trecords\t"
                      "start\tend",
                      "203.0.113.12\t172.31.16.139\t0\t0\t1\t6\t504\t2\t"
                      f"{datetime.fromtimestamp(START + 30, UTC):%FT%TZ}\t"
                      f"{datetime.fromtimestamp(START + 150, UTC):%FT%TZ}"], id="aggregate"),
        pytest.param(["aggregate", "action", "--filter", "port=22,3389"],
                     ["action\tpackets\tbytes\trecords\tstart\tend",
                      f"ACCEPT\t20\t4249\t1\t{datetime.fromtimestamp(START, UTC):%FT%TZ}\t"
                      f"{datetime.fromtimestamp(START + 60, UTC):%FT%TZ}",
                      f"REJECT\t20\t4249\t1\t{datetime.fromtimestamp(START + 10, UTC):%FT%TZ}\t"
                      f"{datetime.fromtimestamp(START + 70, UTC):%FT%TZ}"],
                     id="aggregate by something else"),
    ],
)  # fmt: skip
def test_actions(run, file, service, full_bucket, at, moto_url, arguments, expected):
    """The same from a file, a log group, and a bucket."""
    for source, url in (
        (str(file), None),
        ("log-group:flow-logs", service.url),
        (f"s3://{full_bucket}", moto_url),
        (f"s3://{full_bucket}/logs", moto_url),
    ):
        at(url)
        code, out, err = run(source, *arguments)
        assert (source, code, out.splitlines()) == (source, 0, expected)
        assert err.startswith("labkit: 1 object") or "event" in err or "labkit: 0 lines" in err
        assert err.count("\n") == 1


def test_by_minute(run, file):
    code, out, _ = run(file, "aggregate", "minute", "action", "-q")
    frame = pd.read_csv(pd.io.common.StringIO(out), sep="\t")
    assert code == 0
    assert list(frame.columns) == ["minute", "action", "packets", "bytes", "records"]
    assert frame.records.sum() == 4 and frame.packets.sum() == 46


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["{file}", "--filter", "port=22", "count"], id="between"),
        pytest.param(["--filter", "port=22", "{file}", "count"], id="before"),
        pytest.param(["{file}", "count", "--filter", "port=22"], id="behind"),
    ],
)
def test_options_stand_anywhere(run, file, arguments):
    assert run(*(each.format(file=file) for each in arguments))[:2] == (0, "1\n")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param(["a", "b"], (["a", "b"], "print", []), id="no action"),
        pytest.param(["a", "top", "5"], (["a"], "top", ["5"]), id="an action"),
        pytest.param(["./count", "count"], (["./count"], "count", []), id="a file named so"),
        pytest.param(["count"], ([], "count", []), id="no source"),
    ],
)
def test_the_first_word_that_is_an_action_divides(words, expected):
    assert split(words) == expected


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        pytest.param(["no.log.gz"], "no.log.gz: No such file", id="no such file"),
        pytest.param(["count"], "Say what to read", id="an action without a source"),
        pytest.param(["s3://"], "names no bucket", id="no bucket"),
        pytest.param(["s3://a", "log-group:b"], "One bucket, one log group, or files", id="both"),
        pytest.param(["s3://a", "s3://b"], "One bucket, one log group, or files", id="two"),
        pytest.param(["{file}", "print", "0"], "1 or more", id="print none"),
        pytest.param(["{file}", "print", "1", "2"], "print takes no '2'", id="too many words"),
        pytest.param(["{file}", "findip"], "needs an address", id="find what"),
        pytest.param(["{file}", "findip", "10.0.1.300"], "no address and no network", id="no IP"),
        pytest.param(["{file}", "findip", "10.0.1.3", "--filter", "address=10.0.1.4"],
                     "said twice", id="addresses twice"),
        pytest.param(["{file}", "--filter", "colour=red"], "is no filter", id="an unknown filter"),
        pytest.param(["{file}", "--filter", "action=DROP"], "ACCEPT or REJECT", id="no action"),
        pytest.param(["{file}", "--start", "yesterday"], "is no time", id="no time"),
        pytest.param(["{file}", "--start", "2026-11-24T10:00"], "has no time zone", id="naive"),
        pytest.param(["{file}", "--end", "2026-11-24"], "has no time zone", id="a naive end"),
        pytest.param(["{file}", "--start", "2999-01-01T00:00Z"], "nothing was recorded in the",
                     id="a window in the future"),
        pytest.param(["{file}", "--start", "1h", "--end", "2h"], "before its start", id="reversed"),
        pytest.param(["{file}", "export"], "needs one file", id="export where"),
        pytest.param(["{file}", "export", "x.xls"], "one of .csv", id="an unknown format"),
        pytest.param(["{file}", "export", "/no/such/folder/x.csv"], "No such file", id="no folder"),
        pytest.param(["{file}", "count", "colour"], "colour", id="an unknown column"),
        pytest.param(["{file}", "aggregate", "colour"], "colour", id="one to sum by"),
        pytest.param(["{file}", "--accounts", "123456789012"], "is for s3://", id="not for files"),
        pytest.param(["s3://a", "--stream", "eni-1-all"], "is for log-group:", id="nor buckets"),
        pytest.param(["s3://a", "--external-id", "x"], "goes with --role-arn", id="id alone"),
        pytest.param(["{file}", "--fields", "${{srcaddr"], "is not a field", id="no log format"),
        pytest.param(["s3://a", "--region", "us-est-1"], "no region 'us-est-1'", id="no region"),
        pytest.param(["s3://a", "--profile", "x"], "for target='aws'", id="a profile here"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_and_exit_code_1(run, file, monkeypatch, tmp_path, arguments, says):
    monkeypatch.setenv("LABKIT_HOME", str(tmp_path))
    code, out, err = run(*(each.format(file=file) for each in arguments))
    assert (code, out) == (1, "")
    assert err.startswith("labkit: ") and err.count("\n") == 1
    assert says in err


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param([], id="nothing to read"),
        pytest.param(["x", "--colour"], id="an unknown option"),
        pytest.param(["x", "--by", "colour"], id="an unknown choice"),
    ],
)
def test_wrong_usage_is_exit_code_2(run, arguments):
    code, _, err = run(*arguments)
    assert code == 2 and "usage: labkit" in err


def test_the_words_of_other_commands_are_as_strict_as_before(capsys):
    with pytest.raises(SystemExit, match="2"):
        cli.main(["emulator", "status", "now"])
    assert "unrecognized arguments: now" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("source", "says"),
    [
        pytest.param("log-group:other", ["The specified log group does not exist", "--target aws"],
                     id="an unknown log group"),
        pytest.param("s3://no-such-bucket-of-ours", ["The specified bucket does not exist",
                     "--target aws"], id="an unknown bucket"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_said_in_the_words_of_aws(run, at, service, moto_url, source, says):
    at(moto_url if source.startswith("s3") else service.url)
    code, out, err = run(source, "count")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert all(each in err for each in says)


def test_denied_access_in_the_middle_is_an_error(run, at, service):
    group = service.groups["flow-logs"]
    group.page_events = 2
    denied = Answer.error("AccessDeniedException", "User: x is not authorized to perform")
    service.fault = lambda number, asked: denied if number >= 2 else None
    at(service.url)
    code, out, err = run("log-group:flow-logs", "--start", "1h", "count")
    assert (code, out) == (1, "")
    assert err.count("\n") == 1 and "not authorized to perform" in err


@contextmanager
def answering(status, headers, body):
    """Serve one answer to whatever is asked."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_HEAD = do_POST = answer

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_bucket_in_another_region_is_said_with_what_to_do(run, at):
    """docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html."""
    body = b"<Error><Code>PermanentRedirect</Code><Message>must be addressed</Message></Error>"
    with answering(301, {"x-amz-bucket-region": "eu-west-3"}, body) as url:
        at(url)
        code, out, err = run("s3://elsewhere", "count")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "say --region eu-west-3" in err


def test_nobody_there_is_one_line(run, at):
    at("http://127.0.0.1:9")
    code, out, err = run("log-group:flow-logs", "count")
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert "Could not connect" in err


def test_malformed_lines_are_an_error_or_shown_at_the_end(run, tmp_path):
    path = tmp_path / "bad.log"
    path.write_text("\n".join([HEADER, LINES[0], "2 truncated", LINES[1], ""]))
    code, out, err = run(path, "count")
    assert (code, out) == (1, "") and "line 3" in err
    code, out, err = run(path, "count", "--malformed", "keep")
    assert (code, out) == (0, "2\n")
    assert "line 3" in err and "'2 truncated'" in err and "1 malformed" in err


def test_fields_are_said_for_files_without_a_header(run, tmp_path):
    path = tmp_path / "bare.log"
    path.write_text("\n".join(LINES) + "\n")
    for fields in ("default", DEFAULT_FORMAT, HEADER):
        assert run(path, "--fields", fields)[:2] == (0, "\n".join(LINES) + "\n")


@pytest.mark.parametrize("name", ["x.csv", "x.csv.gz", "x.parquet", "x.jsonl", "x.jsonl.gz"])
def test_an_export_is_read_by_others(run, file, tmp_path, name):
    path = tmp_path / name
    code, out, _ = run(file, "export", path)
    assert (code, out) == (0, "")
    read = {"csv": pd.read_csv, "parquet": pd.read_parquet}.get(name.split(".")[1])
    frame = read(path) if read else pd.read_json(path, lines=True, dtype={"account_id": str})
    own = files.read(file)
    assert list(frame.columns) == list(own.columns)
    assert pd.to_datetime(frame.start, utc=True).tolist() == own.start.tolist()
    assert frame.bytes.fillna(-1).tolist() == own.bytes.fillna(-1).tolist()
    assert frame.srcaddr.isna().tolist() == own.srcaddr.isna().tolist()
    assert [path.name for path in tmp_path.glob("x.*")] == [name]


def test_an_export_of_nothing_is_an_empty_file(run, file, tmp_path):
    assert run(file, "--filter", "port=1", "export", tmp_path / "x.jsonl")[0] == 0
    assert (tmp_path / "x.jsonl").read_text() == ""


def test_an_export_that_fails_leaves_no_file(run, file, tmp_path):
    bad = tmp_path / "bad.log"
    bad.write_text("\n".join([HEADER, "2 truncated", ""]))
    target = tmp_path / "x.csv"
    target.write_text("of before")
    code, _, err = run(file, bad, "export", target)
    assert code == 1 and "line 2" in err
    assert target.read_text() == "of before"
    assert sorted(path.name for path in tmp_path.glob("x.*")) == ["x.csv"]


def test_several_formats_are_exported_by_the_columns_said(run, file, tmp_path):
    other = tmp_path / "other.log"
    other.write_text(f"start end vpc-id bytes\n{START} {START} vpc-1 7\n")
    code, _, err = run(file, other, "export", tmp_path / "x.csv")
    assert code == 1 and "vpc_id is not in the first" in err and "--columns" in err
    columns = "vpc-id,bytes"
    assert run(file, other, "export", tmp_path / "x.jsonl", "--columns", columns)[0] == 0
    last = (tmp_path / "x.jsonl").read_text().splitlines()[-1]
    assert json.loads(last) == {"vpc_id": "vpc-1", "bytes": 7}


def shell(command, **options):
    return subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, timeout=120, **options
    )


def test_head_ends_the_command_quietly(tmp_path):
    path = tmp_path / "long.log"
    path.write_text("\n".join([HEADER, *LINES * 20_000, ""]))
    command = f"{sys.executable} -m labkit records {path}"
    ended = shell(f"{command} | head -1; echo ${{PIPESTATUS[0]}}")
    assert ended.stdout.splitlines() == [LINES[0], "141"]
    assert ended.stderr == ""


def test_a_role_is_assumed(aws, monkeypatch, moto_url, connect):
    monkeypatch.setattr(lab_aws, "connect", lambda *_, **__: connect(moto_url))
    asked = "log-group:x --role-arn arn:aws:iam::123456789012:role/reader --external-id 77"
    given = cli._parse(cli._parser(), ["records", *asked.split()])
    session = sources.connect(given)
    assert session.get_credentials().access_key.startswith("ASIA")
    arn = session.client("sts").get_caller_identity()["Arn"]
    assert arn.endswith(":assumed-role/reader/labkit-records")


def peer(url, *arguments):
    """Run the command line of flowlogs_reader, the other library for both destinations."""
    environment = os.environ | {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "an-access-key",
        "AWS_SECRET_ACCESS_KEY": "a-secret-key",
        "AWS_DEFAULT_REGION": "us-east-1",
        "PYTHONWARNINGS": "ignore",
    }
    start = f"{NOW - timedelta(hours=1):%F %T}"
    program = Path(sys.executable).with_name("flowlogs_reader")
    ended = subprocess.run(
        [program, "--start-time", start, *arguments],
        capture_output=True, text=True, env=environment, timeout=120, check=True,
    )  # fmt: skip
    return ended.stdout.splitlines()


@pytest.mark.parametrize("where", ["cwl", "s3"])
def test_its_results_are_those_of_the_peer(run, service, full_bucket, at, moto_url, where):
    """Where that is right: it prints port 0 as missing, and times without a zone."""
    url, source, place = {
        "cwl": (service.url, "log-group:flow-logs", "flow-logs"),
        "s3": (moto_url, f"s3://{full_bucket}/logs", f"{full_bucket}/logs"),
    }[where]
    at(url)
    command = ("--location-type", where, place)
    printed = [line.split()[:14] for line in peer(url, *command, "print")]
    ours = [line.replace(" 0 0 ", " - - ").split() for line in run(source)[1].splitlines()]
    assert printed == ours
    assert set(peer(url, *command, "ipset")) == set(run(source, "ipset")[1].splitlines())
    found = [line.split()[:14] for line in peer(url, *command, "findip", "172.31.9.12")]
    assert found == [line.split() for line in run(source, "findip", "172.31.9.12")[1].splitlines()]
    theirs, ours = (
        _rows(peer(url, *command, "aggregate")),
        _rows(run(source, "aggregate")[1].replace("T", " ").replace("Z", "").splitlines()),
    )
    for row in ours:
        del row["records"]
    by_flow = lambda row: sorted(row.items())  # noqa: E731
    assert sorted(theirs, key=by_flow) == sorted(ours, key=by_flow)


def _rows(lines):
    names = lines[0].split("\t")
    return [dict(zip(names, line.split("\t"), strict=True)) for line in lines[1:]]
