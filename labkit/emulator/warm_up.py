"""What would make the first answers slow, done beside the start and before anybody waits for it."""

from __future__ import annotations

import gc
import logging
import threading
import time
from collections.abc import Callable, Sequence

from labkit.emulator.protocol import SERVICES, load_router
from labkit.emulator.upstream import DEFAULT_REGION, Clients

log = logging.getLogger("labkit.emulator")

IMAGE_PARAMETER = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64"
AGENT_POLICY = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
LOOK_EVERY_S = 0.005

Step = Callable[[], object]


def steps(inner: Clients) -> list[Step]:
    """Return calls that make moto load its data: what most labs ask for first, first."""

    def client(service: str) -> Callable[[], object]:
        return lambda: inner(service, DEFAULT_REGION)

    return [
        lambda: inner("sts", DEFAULT_REGION).get_caller_identity(),
        lambda: inner("ec2", DEFAULT_REGION).describe_vpcs(),
        *(lambda service=service: load_router(service) for service in SERVICES),
        lambda: inner("s3", DEFAULT_REGION).list_buckets(),
        lambda: inner("logs", DEFAULT_REGION).describe_log_groups(),
        lambda: inner("ssm", DEFAULT_REGION).get_parameter(Name=IMAGE_PARAMETER),
        lambda: inner("iam", DEFAULT_REGION).get_policy(PolicyArn=AGENT_POLICY),
        lambda: inner("ec2", DEFAULT_REGION).describe_instance_types(InstanceTypes=["t4g.micro"]),
        client("cloudformation"),
    ]


def in_background(todo: Sequence[Step], is_busy: Callable[[], bool]) -> threading.Thread:
    """Take the steps on a thread of their own; none begins while a request is being answered.

    Nothing is garbage in all that is loaded since the start: looking for it again and again while
    it grows takes a third of the time. Collection begins afterwards, without what is there by then.
    """

    def run() -> None:
        try:
            for step in todo:
                while is_busy():
                    time.sleep(LOOK_EVERY_S)
                step()
        except Exception:  # the first call that needs it will say what is wrong
            log.exception("Warming up ended early")
        finally:
            gc.freeze()
            gc.enable()

    thread = threading.Thread(target=run, name="warm-up", daemon=True)
    thread.start()
    return thread
