"""The benchmark, small: what our reader reads has the generator's checksums in each column."""

import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARK = Path(__file__).with_name("read_flow_logs.py")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    data = tmp_path_factory.mktemp("data")

    def once(*options):
        command = [sys.executable, str(BENCHMARK), "--data", str(data), "--rounds", "1"]
        return subprocess.run(
            [*command, "--scale", "0.01", "--methods", "labkit", *options],
            capture_output=True,
            text=True,
            check=False,
        )

    return once


def test_every_case_reads_what_was_generated(run):
    done = run()
    assert done.returncode == 0, done.stdout + done.stderr
    every_method, short = done.stdout.split("\n\n")[:2]
    for table in (every_method, short):
        rows = [line for line in table.splitlines() if line.startswith("| ")]
        assert len(rows) == 1 + 8
    assert "wrong" not in done.stdout


def test_a_wrong_checksum_is_told(run, tmp_path_factory):
    run("--cases", "parquet")
    truth = next(tmp_path_factory.getbasetemp().rglob("many-*/truth.json"))
    good = truth.read_text()
    truth.write_text(good.replace('"srcport": [', '"srcport": [1'))
    try:
        done = run("--cases", "parquet")
    finally:
        truth.write_text(good)
    assert done.returncode == 1
    assert "wrong: srcport" in done.stdout
