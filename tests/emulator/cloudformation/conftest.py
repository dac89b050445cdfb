import os
import subprocess
import sys
from pathlib import Path

import pytest
from stack_caller import Caller

from labkit.emulator.cloudformation import Stacks
from labkit.emulator.upstream import DEFAULT_REGION


@pytest.fixture
def cloudformation(inner, call):
    """CloudFormation over moto alone: for everything that moto does honestly."""
    return Caller(Stacks(inner), call)


@pytest.fixture
def aws(emulator, tmp_path):
    """Run the AWS CLI against the emulator; return what it said and its exit code."""

    def run(*arguments):
        environment = {
            **{name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ},
            "HOME": str(tmp_path),
            "AWS_ENDPOINT_URL": emulator.endpoint_url,
            "AWS_ACCESS_KEY_ID": emulator.access_key_id,
            "AWS_SECRET_ACCESS_KEY": emulator.secret_access_key,
            "AWS_DEFAULT_REGION": DEFAULT_REGION,
            "AWS_MAX_ATTEMPTS": "1",
            "NO_PROXY": "127.0.0.1",
        }
        program = Path(sys.executable).with_name("aws")
        return subprocess.run(
            [program, "--output", "json", "cloudformation", *arguments],
            capture_output=True, text=True, env=environment, check=False,
        )  # fmt: skip

    return run
