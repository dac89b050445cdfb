"""The emulator is killed while it works on stacks: nothing is left, and the next start is clean.

What it knew was in memory: there is no stack that could be stuck.
"""

import contextlib
import os
import signal
import threading
import time

import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from test_lab_stack import TEMPLATE, settled

from labkit import aws, emulator_process


def is_gone(home):
    """Wait a little until no emulator runs in a home; return whether that came true."""
    for _ in range(200):
        if not emulator_process.status(home).running:
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("after_s", [0.15, 0.6])
def test_killed_while_stacks_are_made(tmp_path, after_s):
    run_file = emulator_process.start(tmp_path, host_kind="in-process")
    asked = {"TemplateBody": TEMPLATE.read_text(), "Capabilities": ["CAPABILITY_IAM"]}

    once = Config(retries={"total_max_attempts": 1})
    client = aws.on_emulator(run_file).client("cloudformation", config=once)

    def create(name):
        with contextlib.suppress(BotoCoreError, ClientError):  # killed before it answered
            client.create_stack(StackName=name, **asked)

    callers = [threading.Thread(target=create, args=(f"half-{number}",)) for number in range(3)]
    for caller in callers:
        caller.start()
    time.sleep(after_s)
    os.kill(run_file.pid, signal.SIGKILL)
    for caller in callers:
        caller.join()
    assert is_gone(tmp_path)
    again = emulator_process.start(tmp_path, host_kind="in-process")
    try:
        session = aws.on_emulator(again)
        cloudformation = session.client("cloudformation")
        assert cloudformation.describe_stacks()["Stacks"] == []
        assert session.client("ec2").describe_vpcs(
            Filters=[{"Name": "tag-key", "Values": ["aws:cloudformation:stack-name"]}]
        )["Vpcs"] == []  # fmt: skip
        stack_id = cloudformation.create_stack(StackName="half-0", **asked)["StackId"]
        assert settled(cloudformation, stack_id)["StackStatus"] == "CREATE_COMPLETE"
    finally:
        emulator_process.stop(tmp_path)


def test_stopped_while_a_stack_is_made(tmp_path):
    """`labkit emulator stop` does not wait for stacks."""
    run_file = emulator_process.start(tmp_path, host_kind="in-process")
    cloudformation = aws.on_emulator(run_file).client("cloudformation")
    for number in range(3):
        cloudformation.create_stack(
            StackName=f"half-{number}",
            TemplateBody=TEMPLATE.read_text(),
            Capabilities=["CAPABILITY_IAM"],
        )
    assert emulator_process.stop(tmp_path)
    assert is_gone(tmp_path)
