"""When closed records are delivered: at once, or as late as on AWS; a thread of its own does it.

Source: docs.aws.amazon.com/vpc/latest/userguide/flow-logs-basics.html
"""

from __future__ import annotations

import logging
import math
import threading
from collections import defaultdict
from collections.abc import Callable, Sequence

from labkit.emulator.aggregation import FlowRecord
from labkit.emulator.flow_logs.flow_log import FlowLog
from labkit.emulator.flow_logs.lines import Surroundings, Values, values, version_of
from labkit.emulator.flow_logs.registry import Registry
from labkit.emulator.flow_logs.s3_keys import SLOT_S
from labkit.emulator.flow_logs.tag_fields import TagValues
from labkit.emulator.flow_logs.to_cloudwatch_logs import ToCloudWatchLogs
from labkit.emulator.flow_logs.to_s3 import ToS3
from labkit.emulator.upstream import Clients

log = logging.getLogger("labkit.emulator")

Row = tuple[FlowRecord, Values]
"""A record and its values in the order of its flow log's fields."""

CLOUDWATCH_LOGS_AFTER_S = 300.0
S3_AFTER_S = 450.0
"""Then up to the next five-minute mark: ten minutes on average."""


class Delivery:
    """Takes closed records and brings each to the destination of its flow log.

    Records of a flow log that was deleted before they came are dropped; those that wait for
    their time when it is deleted are still delivered, as on AWS.

    Args:
        registry: the flow logs.
        inner: clients straight to moto.
        outer: clients through the gateway, which write.
        pace: "lab" delivers at once; "aws" about 5 (CloudWatch Logs) and 10 minutes (S3) late.
        clock: epoch seconds.
    """

    def __init__(
        self,
        registry: Registry,
        inner: Clients,
        outer: Clients,
        *,
        pace: str,
        clock: Callable[[], float],
    ):
        self._registry = registry
        self._inner = inner
        self._pace = pace
        self._clock = clock
        self._to_s3 = ToS3(outer)
        self._to_cloudwatch_logs = ToCloudWatchLogs(inner, outer)
        self._changed = threading.Condition()
        self._arrived: list[tuple[FlowLog, FlowRecord]] = []
        self._waiting: list[tuple[float, FlowLog, Row]] = []
        self._stopping = False
        self._thread = threading.Thread(target=self._work, name="delivery", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End the thread; what still waits is lost with the rest of the emulator's state."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join()

    def deliver(self, records: Sequence[FlowRecord]) -> None:
        """Take records over. Returns at once."""
        known = [(self._registry.get(record.flow_log_id), record) for record in records]
        wanted = [(flow_log, record) for flow_log, record in known if flow_log is not None]
        if len(wanted) < len(records):
            log.info("%d records of deleted flow logs are dropped", len(records) - len(wanted))
        with self._changed:
            self._arrived.extend(wanted)
            self._changed.notify()

    def deliver_due(self) -> float | None:
        """Deliver what is due; returns the time at which there is something again, or None."""
        self._complete_arrived()
        now = self._clock()
        with self._changed:
            due = [item for item in self._waiting if item[0] <= now]
            self._waiting = [item for item in self._waiting if item[0] > now]
            next_at = min((item[0] for item in self._waiting), default=None)
        by_flow_log: dict[FlowLog, list[Row]] = defaultdict(list)
        for _, flow_log, row in due:
            by_flow_log[flow_log].append(row)
        for flow_log, rows in by_flow_log.items():
            try:
                self._write(flow_log, rows)
            except Exception:  # a bug must end neither the thread nor the others' delivery
                log.exception("A bug of the emulator's: %s lost %d records", flow_log.id, len(rows))
        return next_at

    def _complete_arrived(self) -> None:
        """Note now what interfaces and tags are: when records are delivered they may be gone."""
        with self._changed:
            arrived, self._arrived = self._arrived, []
        tags = TagValues(self._inner)
        waiting: list[tuple[float, FlowLog, Row]] = []
        for flow_log, record in arrived:
            try:
                around = self._surroundings(flow_log, record, tags)
                row = record, values(flow_log.fields, record, around)
            except Exception:  # as above
                log.exception("A bug of the emulator's: %s lost a record", flow_log.id)
                continue
            waiting.append((self._due_at(flow_log, record), flow_log, row))
        with self._changed:
            self._waiting.extend(waiting)

    def _due_at(self, flow_log: FlowLog, record: FlowRecord) -> float:
        if self._pace == "lab":
            return -math.inf
        if flow_log.settings.destination_type == "s3":
            return math.ceil((record.closed_at + S3_AFTER_S) / SLOT_S) * SLOT_S
        return record.closed_at + CLOUDWATCH_LOGS_AFTER_S

    def _write(self, flow_log: FlowLog, rows: Sequence[Row]) -> None:
        if flow_log.settings.destination_type == "s3":
            self._to_s3.write(flow_log, rows)
        else:
            problem = self._to_cloudwatch_logs.write(flow_log, rows)
            self._registry.delivered(flow_log.id, problem)

    def _surroundings(self, flow_log: FlowLog, record: FlowRecord, tags: TagValues) -> Surroundings:
        interfaces = self._registry.interfaces
        own = interfaces.own(record)
        instance_id = own.instance_id if own else None
        return Surroundings(
            account_id=flow_log.account_id,
            version=version_of(flow_log.fields),
            own=own,
            next_hop=interfaces.next_hop(record),
            tags=tags.of(flow_log, interface_id=record.interface_id, instance_id=instance_id),
        )

    def _work(self) -> None:
        while True:
            next_at = self.deliver_due()
            with self._changed:
                if self._stopping:
                    return
                if not self._has_due():
                    self._changed.wait(None if next_at is None else next_at - self._clock())

    def _has_due(self) -> bool:
        now = self._clock()
        return bool(self._arrived) or any(due_at <= now for due_at, _, _ in self._waiting)
