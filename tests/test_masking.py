"""What is masked, what is not, and that nothing private gets into what a run leaves."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from labkit import lab, masking

ACCOUNT = "210987654321"
KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
TOKEN = "FQoGZXIvYXdzEBYaDkn0pXVvR2oTZ1lY" * 4


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        pytest.param(f"account {ACCOUNT}.", "account ***.", id="an account id"),
        pytest.param(f"AWSLogs/{ACCOUNT}/vpcflowlogs", "AWSLogs/***/vpcflowlogs", id="in a key"),
        pytest.param(f"{ACCOUNT}_vpcflowlogs_x", "***_vpcflowlogs_x", id="in a file's name"),
        pytest.param(f"logs-{ACCOUNT}-a", "logs-***-a", id="in a bucket's name"),
        pytest.param("2109-8765-4321", "***", id="as the console writes it"),
        pytest.param(f"arn:aws:iam::{ACCOUNT}:role/x", "arn:aws:iam::***:role/x", id="in an ARN"),
        pytest.param(f"arn:aws:iam::{ACCOUNT}:user/al", "arn:aws:iam::***:user/***", id="a user"),
        pytest.param(f"arn:aws:sts::{ACCOUNT}:assumed-role/admin/alice@example.com'",
                     "arn:aws:sts::***:assumed-role/***'", id="a session"),
        pytest.param(KEY, "***", id="an access key"),
        pytest.param("ASIAIOSFODNN7EXAMPLE", "***", id="a temporary one"),
        pytest.param("LABKIT0123456789ABCD", "***", id="the emulator's"),
        pytest.param(f"AIDACKCEVSQ6C2EXAMPLE:{ACCOUNT}", "***:***", id="a user's id"),
        pytest.param(SECRET, "***", id="a secret key"),
        pytest.param(f'"SecretAccessKey": "{SECRET}"', '"SecretAccessKey": "***"', id="by name"),
        pytest.param(f"aws_session_token = {TOKEN}", "aws_session_token = ***", id="a token"),
        pytest.param("/home/alice/lab/x.py", "~/lab/x.py", id="a home folder"),
        pytest.param("File '/Users/alice/x.py'", "File '~/x.py'", id="on macOS"),
        pytest.param("/root/x", "~/x", id="root's"),
    ],
)  # fmt: skip
def test_masked(text, masked):
    assert masking.mask(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("arn:aws:ec2:us-east-1:123456789012:vpc/vpc-1", id="AWS's example account"),
        pytest.param("eni-0123456789012345a", id="digits of an id"),
        pytest.param("0.123456789012 and 123456789012.5", id="numbers with a point"),
        pytest.param("1778574239000", id="thirteen digits"),
        pytest.param("da39a3ee5e6b4b0d3255bfef95601890afd80709", id="a hash"),
        pytest.param("the root volume, /dev/root, a/root", id="the word root"),
        pytest.param("http://127.0.0.1:8080/home", id="an address"),
        pytest.param("secret_access_key=...", id="a name without a value"),
    ],
)
def test_left_alone(text):
    assert masking.mask(text) == text


def test_credentials_of_the_environment_are_masked_wherever_they_are(monkeypatch):
    monkeypatch.setenv("AWS_SESSION_TOKEN", "not-like-any-token")
    assert masking.mask("xnot-like-any-tokeny") == "x***y"


def test_a_picture_is_left_alone_and_a_text_over_two_lines_is_not():
    picture = b64encode(b"\\0" * 9).decode() + "/123456789013/"
    data = {"image/png": picture, "text/plain": ["(a)\n", "arn:aws:iam::210987654321:user/al\n"]}
    cell = {"outputs": [{"data": data}, {"traceback": [f"one {ACCOUNT}", "two"]}]}
    masked = masking.mask_notebook({"metadata": {}, "cells": [cell]})["cells"][0]["outputs"]
    assert masked[0]["data"]["image/png"] == picture
    assert masked[0]["data"]["text/plain"] == ["(a)\n", "arn:aws:iam::***:user/***\n"]
    assert masked[1]["traceback"] == ["one ***", "two"]


@pytest.fixture
def planted(tmp_path):
    """A lab of two notebooks that print what is private, in each way, and one fails with it."""
    first = new_code_cell('target = "emulator"  # where\nprefix = ""  # whose\nnote = ""  # any')
    first.metadata["tags"] = ["parameters"]
    parts = [ACCOUNT, KEY, SECRET, "/home/alice"]
    words = [f"{part[:8]!r} + {part[8:]!r}" for part in parts]  # not as such in the source
    shown = f"[{', '.join(words)}]"
    cells = [
        f"print({shown})",
        f"from IPython.display import HTML\nHTML('<a href=\"' + str({shown}) + '\">x</a>')",
        f"import pandas as pd\npd.DataFrame({{'what': {shown}}})",
        f"import sys; print({shown}, file=sys.stderr)",
    ]
    fails = [f"raise RuntimeError({shown})"]
    for name, sources in (("01_plants", cells), ("02_fails", fails), ("99_clean_up", ["1"])):
        code = [new_code_cell(source) for source in sources]
        nbformat.write(new_notebook(cells=[first, *code]), tmp_path / f"{name}.ipynb")
    return tmp_path


def test_nothing_private_is_in_what_a_run_leaves(planted, tmp_path):
    output = tmp_path / "output"
    run = lab.run(lab.Plan(folder=planted, output=output, parameters={"note": f"of {ACCOUNT}"}))
    assert run.exit_code == 1
    written = {path.name: path.read_text(encoding="utf-8") for path in output.iterdir()}
    assert {"report.html", "junit.xml", "01_plants.ipynb", "02_fails.ipynb"} <= set(written)
    for name, text in written.items():
        for private in (ACCOUNT, KEY, SECRET, "alice", str(Path.home()) + "/", str(planted)):
            assert private not in text, f"{private} is in {name}"
        assert name in ("junit.xml", "99_clean_up.ipynb", "emulator.log") or "***" in text
    told = json.loads(written["01_plants.ipynb"])["metadata"]["papermill"]
    assert told["input_path"] == told["output_path"] == "01_plants.ipynb"
