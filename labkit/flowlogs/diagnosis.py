"""No records yet? The facts that tell "not yet" from "never", and one piece of advice.

Sources:
    docs.aws.amazon.com/vpc/latest/userguide/flow-logs-troubleshooting.html
    docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
"""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from math import ceil
from typing import Any, Literal

import boto3

from labkit.flowlogs import delivery
from labkit.flowlogs.delivery import Fact

FLOW_LOGS = {"s3": "FlowLogToS3Id", "cloud-watch-logs": "FlowLogToCloudWatchLogsId"}
"""Destination types, and the stack's output that names the flow log to each."""

# Typical on AWS, best effort, without an upper bound.
TYPICAL_MINUTES = {"s3": 10, "cloud-watch-logs": 5}
GIVE_UP_MINUTES = 25
WARM_UP_MINUTES = 10

PING_AGAIN = "ping again (02_ping)"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was looked at, and what to do; shows itself in a notebook, and as text."""

    facts: tuple[Fact, ...]
    advice: str

    def __str__(self) -> str:
        width = max(len(fact.what) for fact in self.facts)
        lines = [f"{fact.mark} {fact.what:<{width}}  {fact.seen}" for fact in self.facts]
        return "\n".join([*lines, f"→ {self.advice}"])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{fact.mark}</td><td style='text-align:left'>{html.escape(fact.what)}</td>"
            f"<td style='text-align:left'>{html.escape(fact.seen)}</td></tr>"
            for fact in self.facts
        )
        return f"<table>{rows}</table><p><b>→ {html.escape(self.advice)}</b></p>"


def diagnose(
    aws: boto3.Session,
    outputs: Mapping[str, str],
    ping_started_at: datetime,
    *,
    destination: Literal["s3", "cloud-watch-logs"] = "s3",
    pace: str | None = None,
    now: datetime | None = None,
) -> Diagnosis:
    """Find out why the records of a ping are not there.

    Args:
        aws: A session.
        outputs: The stack's outputs: FlowLogToS3Id, FlowLogBucketName and so on.
        ping_started_at: By SSM's clock, not the laptop's.
        destination: Where the records are missed.
        pace: The emulator's, if it is one that delivers at once ("lab").
        now: By default the time that AWS's answers carry.
    """
    flow_log, answered_at = _describe(aws, outputs[FLOW_LOGS[destination]])
    now = now or answered_at
    elapsed = Fact("Elapsed since the ping", _minutes(now - ping_started_at))
    if flow_log is None:
        gone = Fact("Flow log", f"{outputs[FLOW_LOGS[destination]]} does not exist", is_fine=False)
        return Diagnosis((gone, elapsed), "delivery is broken: deploy the stack again (01_deploy).")
    age, status = _age(flow_log, ping_started_at), delivery.status(flow_log)
    if destination == "s3":
        found = delivery.to_bucket(aws, outputs["FlowLogBucketName"], ping_started_at, now)
    else:
        found = delivery.to_log_group(aws, outputs["FlowLogGroupName"], ping_started_at)
    facts = (age, status, *found, elapsed)
    typical = 0 if pace == "lab" else TYPICAL_MINUTES[destination]
    return Diagnosis(facts, _advise(facts, flow_log, ping_started_at, now, typical))


def _advise(
    facts: tuple[Fact, ...],
    flow_log: Mapping[str, Any],
    ping_started_at: datetime,
    now: datetime,
    typical_min: int,
) -> str:
    if ping_started_at < flow_log["CreationTime"]:
        return f"{PING_AGAIN}: the ping was earlier than the flow log."
    broken = [fact for fact in facts if fact.is_fine is False]
    if broken:
        return f"delivery is broken: {'; '.join(f'{each.what}: {each.seen}' for each in broken)}."
    elapsed_min = (now - ping_started_at) / timedelta(minutes=1)
    if elapsed_min > (GIVE_UP_MINUTES if typical_min else 1):
        warm_up = _warm_up(flow_log, ping_started_at)
        return f"{PING_AGAIN}: nothing came after {elapsed_min:.0f} min.{warm_up}"
    if not typical_min:
        return "wait a moment more: at this pace the emulator delivers within a second."
    left_min = max(ceil(typical_min - elapsed_min), 1)
    return f"wait {_count_minutes(left_min)} more (typical: {typical_min} min after the interval)."


def _warm_up(flow_log: Mapping[str, Any], ping_started_at: datetime) -> str:
    """A new flow log may take ten minutes or more until it records."""
    if ping_started_at - flow_log["CreationTime"] > timedelta(minutes=WARM_UP_MINUTES):
        return ""
    return " A new flow log may take ten minutes or more to record."


def _describe(aws: boto3.Session, flow_log_id: str) -> tuple[dict[str, Any] | None, datetime]:
    answer = aws.client("ec2").describe_flow_logs(
        Filters=[{"Name": "flow-log-id", "Values": [flow_log_id]}]
    )
    date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    answered_at = parsedate_to_datetime(date) if date else datetime.now(UTC)
    return next(iter(answer["FlowLogs"]), None), answered_at


def _age(flow_log: Mapping[str, Any], ping_started_at: datetime) -> Fact:
    before = ping_started_at - flow_log["CreationTime"]
    if before < timedelta(0):
        return Fact("Flow log", f"created {_minutes(-before)} after the ping", is_fine=False)
    return Fact("Flow log", f"created {_minutes(before)} before the ping", is_fine=True)


def _minutes(span: timedelta) -> str:
    return f"{span / timedelta(minutes=1):.1f} min"


def _count_minutes(count: int) -> str:
    return "1 minute" if count == 1 else f"{count} minutes"
