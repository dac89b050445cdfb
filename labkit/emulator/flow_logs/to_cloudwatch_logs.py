"""Delivery of closed records to a log group: a stream for each network interface.

Source: docs.aws.amazon.com/vpc/latest/userguide/flow-logs-cwl.html
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from botocore.exceptions import ClientError

from labkit.emulator import roles
from labkit.emulator.aggregation import FlowRecord
from labkit.emulator.flow_logs.destinations import FLOW_LOGS_SERVICE, assume_role_context
from labkit.emulator.flow_logs.flow_log import ACCESS_ERROR, UNKNOWN_ERROR, FlowLog
from labkit.emulator.flow_logs.lines import Values, text
from labkit.emulator.policies import UnsupportedPolicy
from labkit.emulator.upstream import Clients

log = logging.getLogger("labkit.emulator")

MAX_EVENTS = 10_000
MAX_BATCH_BYTES = 1_048_576
EVENT_OVERHEAD_BYTES = 26


class AccessError(Exception):
    """The flow log's role cannot be assumed, or does not allow what delivery needs."""


class ToCloudWatchLogs:
    """Writes log events as the flow logs service would, in the flow log's role.

    Args:
        inner: clients straight to moto, to read the role.
        outer: clients through the gateway.
    """

    def __init__(self, inner: Clients, outer: Clients):
        self._inner = inner
        self._outer = outer

    def write(self, flow_log: FlowLog, records: Sequence[tuple[FlowRecord, Values]]) -> str | None:
        """Write records and their values; returns DeliverLogsErrorMessage if they are lost."""
        try:
            role = self._assume(flow_log)
            for stream, items in _by_stream(flow_log, records):
                self._put(role, flow_log, stream, items)
        except (AccessError, UnsupportedPolicy) as error:
            return self._lost(flow_log, len(records), ACCESS_ERROR, error)
        except ClientError as error:
            return self._lost(flow_log, len(records), UNKNOWN_ERROR, error)
        return None

    def _lost(self, flow_log: FlowLog, count: int, message: str, error: Exception) -> str:
        log.warning(
            "%s: %s: some of %d records were not delivered to CloudWatch Logs and are lost: %s",
            flow_log.id,
            message,
            count,
            error,
        )
        return message

    def _assume(self, flow_log: FlowLog) -> roles.Permissions:
        context = assume_role_context(flow_log.account_id, flow_log.region, flow_log.id)
        arn, iam = flow_log.settings.role_arn or "", self._inner("iam", flow_log.region)
        if not roles.may_assume(iam, arn, service=FLOW_LOGS_SERVICE, context=context):
            raise AccessError(f"{FLOW_LOGS_SERVICE} may not assume {arn}")
        return roles.permissions(iam, arn)

    def _put(
        self,
        role: roles.Permissions,
        flow_log: FlowLog,
        stream: str,
        items: Sequence[tuple[FlowRecord, Values]],
    ) -> None:
        group = flow_log.settings.log_group_name or ""
        logs = self._outer("logs", flow_log.region)
        self._make_stream(role, flow_log, logs, stream)
        _require(role, "logs:PutLogEvents", _stream_arn(flow_log, stream))
        events = [{"timestamp": record.start * 1000, "message": text(row)} for record, row in items]
        events.sort(key=lambda event: event["timestamp"])
        for batch in _batches(events):
            answer = logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=batch)
            if rejected := answer.get("rejectedLogEventsInfo"):
                log.warning("%s: CloudWatch Logs rejected events: %s", flow_log.id, rejected)

    def _make_stream(
        self, role: roles.Permissions, flow_log: FlowLog, logs: Any, stream: str
    ) -> None:
        """Make the stream, and a group that is not there, if the role may.

        A group that was deleted comes back this way, without its retention and tags.
        """
        group = flow_log.settings.log_group_name or ""
        try:
            if _has_stream(logs, group, stream):
                return
        except logs.exceptions.ResourceNotFoundException:
            _require(role, "logs:CreateLogGroup", _stream_arn(flow_log, ""))
            logs.create_log_group(logGroupName=group)
        _require(role, "logs:CreateLogStream", _stream_arn(flow_log, stream))
        logs.create_log_stream(logGroupName=group, logStreamName=stream)


def _require(role: roles.Permissions, action: str, resource: str) -> None:
    if not role.allow(action, resource):
        raise AccessError(f"the role does not allow {action} on {resource}")


def _by_stream(
    flow_log: FlowLog, records: Sequence[tuple[FlowRecord, Values]]
) -> Iterator[tuple[str, list[tuple[FlowRecord, Values]]]]:
    """Group records by their streams: eni-...-all, or -accept or -reject by the traffic type."""
    suffix = flow_log.settings.traffic_type.lower()
    ordered = sorted(records, key=lambda item: item[0].interface_id)
    for interface_id, items in groupby(ordered, key=lambda item: item[0].interface_id):
        yield f"{interface_id}-{suffix}", list(items)


def _has_stream(logs: Any, group: str, stream: str) -> bool:
    found = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=stream)["logStreams"]
    return any(item["logStreamName"] == stream for item in found)


def _stream_arn(flow_log: FlowLog, stream: str) -> str:
    """Return the ARN that policies are asked for: a group's own ends in an empty stream."""
    group = flow_log.settings.log_group_name
    where = f"arn:aws:logs:{flow_log.region}:{flow_log.account_id}"
    return f"{where}:log-group:{group}:log-stream:{stream}"


def _batches(events: Sequence[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Cut events into what one PutLogEvents takes.

    Source: docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
    """
    batch: list[dict[str, Any]] = []
    size_bytes = 0
    for event in events:
        event_bytes = len(event["message"].encode()) + EVENT_OVERHEAD_BYTES
        if batch and (len(batch) == MAX_EVENTS or size_bytes + event_bytes > MAX_BATCH_BYTES):
            yield batch
            batch, size_bytes = [], 0
        batch.append(event)
        size_bytes += event_bytes
    if batch:
        yield batch
