"""No records yet? The facts that tell "not yet" from "never", and one piece of advice each.

Sources:
    docs.aws.amazon.com/vpc/latest/userguide/flow-logs-troubleshooting.html
    docs.aws.amazon.com/vpc/latest/userguide/flow-log-records.html
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from math import ceil
from typing import Any

import boto3

from labkit.aws import whereami
from labkit.errors import LabError
from labkit.fields import parse_format
from labkit.flowlogs import cloudwatch, delivery, s3
from labkit.flowlogs.delivery import Fact
from labkit.flowlogs.ping_records import Ping, find_ping, ping_window

# Typical on AWS after the interval, best effort, without an upper bound.
S3_MINUTES = 10
CLOUDWATCH_LOGS_MINUTES = 5
INTERVAL_MINUTES = 1
GIVE_UP_MINUTES = 25
WARM_UP_MINUTES = 10

PING_AGAIN = "ping again (02_ping)"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was seen of one destination, and what to do."""

    destination: str
    facts: tuple[Fact, ...]
    advice: str
    is_there: bool = False


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Both destinations; shows itself in a notebook, and as text."""

    findings: tuple[Finding, ...]

    def require(self, *destinations: str) -> None:
        """Do nothing if records of the ping are in each of these destinations.

        Raises:
            LabError: They are not in one of them; says what to do.
        """
        for finding in self.findings:
            if finding.destination in destinations and not finding.is_there:
                advice = finding.advice[0].upper() + finding.advice[1:]
                raise LabError(f"No records of the ping are in {finding.destination}. {advice}")

    def __str__(self) -> str:
        lines = []
        for finding in self.findings:
            width = max(len(fact.what) for fact in finding.facts)
            lines += [f"{finding.destination}: {finding.advice}"]
            lines += [f"  {fact.mark} {fact.what:<{width}}  {fact.seen}" for fact in finding.facts]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return "".join(_section(finding) for finding in self.findings)


@dataclass(frozen=True, slots=True)
class _Case:
    """What the advice for a destination hangs on."""

    flow_log: Mapping[str, Any]
    started_at: datetime
    now: datetime
    typical_min: int

    @property
    def elapsed_min(self) -> float:
        return (self.now - self.started_at) / timedelta(minutes=1)

    @property
    def older_min(self) -> float:
        """By how much the flow log is older than the ping."""
        return (self.started_at - self.flow_log["CreationTime"]) / timedelta(minutes=1)


def diagnose(
    aws: boto3.Session,
    outputs: Mapping[str, str],
    runs: Sequence[Ping],
    *,
    pace: str | None = None,
    now: datetime | None = None,
) -> Diagnosis:
    """Find out whether the records of the last ping are there, and if not, why.

    Args:
        aws: A session.
        outputs: The stack's outputs: FlowLogToS3Id, FlowLogBucketName and so on.
        runs: The pings, newest last; their times are SSM's, not the laptop's.
        pace: The emulator's; asked for by default.
        now: By default the time that AWS's answers carry.

    Raises:
        LabError: There is no ping to look for.
    """
    started_at = ping_window(runs[-1:], 0).start
    at_once = (pace or whereami(aws).pace) == "lab"

    def case(output: str, minutes: int) -> _Case | None:
        flow_log, answered_at = _describe(aws, outputs[output])
        if flow_log is None:
            return None
        return _Case(flow_log, started_at, now or answered_at, 0 if at_once else minutes)

    addresses = (outputs["Instance1PrivateIp"], outputs["Instance2PrivateIp"])
    to_s3 = case("FlowLogToS3Id", S3_MINUTES)
    to_cloudwatch = case("FlowLogToCloudWatchLogsId", CLOUDWATCH_LOGS_MINUTES)
    return Diagnosis(
        (
            _look_at_s3(aws, outputs["FlowLogBucketName"], to_s3, addresses, runs),
            _look_at_cloudwatch(aws, outputs["FlowLogGroupName"], to_cloudwatch, addresses, runs),
        )
    )


def _look_at_s3(
    aws: boto3.Session,
    bucket: str,
    case: _Case | None,
    addresses: tuple[str, str],
    runs: Sequence[Ping],
) -> Finding:
    if case is None:
        return _no_flow_log("S3")
    facts = delivery.bucket_facts(aws, bucket, case.started_at, case.now)
    records = 0
    if not _broken(facts):
        log = s3.read(aws, bucket, start=ping_window(runs).start)
        records = len(find_ping(log, addresses, runs[-1:]))
    return _finding("S3", facts, case, records)


def _look_at_cloudwatch(
    aws: boto3.Session,
    group: str,
    case: _Case | None,
    addresses: tuple[str, str],
    runs: Sequence[Ping],
) -> Finding:
    if case is None:
        return _no_flow_log("CloudWatch Logs")
    facts = delivery.log_group_facts(aws, group)
    records = 0
    if not _broken(facts):
        fields = parse_format(case.flow_log["LogFormat"])
        start = ping_window(runs).start
        log = cloudwatch.read(aws, group, start=start, fields=fields)
        records = len(find_ping(log, addresses, runs[-1:]))
    return _finding("CloudWatch Logs", facts, case, records)


def _no_flow_log(destination: str) -> Finding:
    fact = Fact("Flow log", "does not exist", is_fine=False)
    advice = "delivery is broken: the flow log is gone; run 99_clean_up, then 01_deploy again."
    return Finding(destination, (fact,), advice)


def _finding(destination: str, found: list[Fact], case: _Case, records: int) -> Finding:
    facts = (
        _age(case),
        delivery.status(case.flow_log),
        *found,
        Fact("Since the ping began", f"{case.elapsed_min:.1f} min"),
        Fact("Records of the ping", str(records), is_fine=records > 0 or None),
    )
    advice = _advise(facts, case) if not records else "the records of the ping are there."
    return Finding(destination, facts, advice, is_there=records > 0)


def _age(case: _Case) -> Fact:
    when = f"{abs(case.older_min):.1f} min {'before' if case.older_min >= 0 else 'after'} the ping"
    return Fact("Flow log", f"created {when}", is_fine=case.older_min >= 0)


def _advise(facts: Sequence[Fact], case: _Case) -> str:
    if case.older_min < 0:
        return f"{PING_AGAIN}: the ping was earlier than the flow log."
    broken = _broken(facts)
    if broken:
        return f"delivery is broken: {'; '.join(f'{each.what}: {each.seen}' for each in broken)}."
    if case.elapsed_min > (GIVE_UP_MINUTES if case.typical_min else 1):
        warm_up = case.older_min <= WARM_UP_MINUTES and case.typical_min
        hint = " A new flow log may take ten minutes or more to record." if warm_up else ""
        return f"{PING_AGAIN}: nothing came after {case.elapsed_min:.0f} min.{hint}"
    if not case.typical_min:
        return "wait a moment more: at this pace the emulator delivers within seconds."
    left_min = max(ceil(case.typical_min + INTERVAL_MINUTES - case.elapsed_min), 1)
    noun = "minute" if left_min == 1 else "minutes"
    return f"wait {left_min} more {noun} (typical: {case.typical_min} min after the interval)."


def _broken(facts: Sequence[Fact]) -> list[Fact]:
    return [fact for fact in facts if fact.is_fine is False]


def _describe(aws: boto3.Session, flow_log_id: str) -> tuple[dict[str, Any] | None, datetime]:
    answer = aws.client("ec2").describe_flow_logs(
        Filters=[{"Name": "flow-log-id", "Values": [flow_log_id]}]
    )
    date = answer["ResponseMetadata"]["HTTPHeaders"].get("date")
    answered_at = parsedate_to_datetime(date) if date else datetime.now(UTC)
    return next(iter(answer["FlowLogs"]), None), answered_at


def _section(finding: Finding) -> str:
    rows = "".join(
        f"<tr><td>{fact.mark}</td><td style='text-align:left'>{html.escape(fact.what)}</td>"
        f"<td style='text-align:left'>{html.escape(fact.seen)}</td></tr>"
        for fact in finding.facts
    )
    title = f"{html.escape(finding.destination)}: {html.escape(finding.advice)}"
    return f"<p><b>{title}</b></p><table>{rows}</table>"
