"""Delivery of closed records to a bucket: a file for each slot of five minutes.

Source: docs.aws.amazon.com/vpc/latest/userguide/flow-logs-s3-path.html
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Sequence
from itertools import groupby

from botocore.exceptions import ClientError

from labkit.emulator.aggregation import FlowRecord
from labkit.emulator.flow_logs import bucket_policy
from labkit.emulator.flow_logs.destinations import delivery_to, policy_of
from labkit.emulator.flow_logs.flow_log import FlowLog
from labkit.emulator.flow_logs.lines import Values
from labkit.emulator.flow_logs.s3_files import as_parquet, as_text
from labkit.emulator.flow_logs.s3_keys import object_key, slot_of
from labkit.emulator.policies import UnsupportedPolicy
from labkit.emulator.upstream import Clients

log = logging.getLogger("labkit.emulator")


class ToS3:
    """Writes files as AWS's log delivery service would, if the bucket's policy lets it.

    Records that cannot be delivered are lost in silence, as on AWS: DeliverLogsStatus stays
    SUCCESS. The emulator's own log tells.

    Args:
        outer: clients through the gateway.
    """

    def __init__(self, outer: Clients):
        self._outer = outer

    def write(self, flow_log: FlowLog, records: Sequence[tuple[FlowRecord, Values]]) -> None:
        """Write records and their values: a file for each slot of five minutes they end in."""
        ordered = sorted(records, key=lambda item: (slot_of(item[0].end), item[0].start))
        for slot, items in groupby(ordered, key=lambda item: slot_of(item[0].end)):
            rows = [row for _, row in items]
            try:
                self._put(flow_log, slot, rows)
            except (ClientError, UnsupportedPolicy) as error:
                self._lost(flow_log, len(rows), str(error))

    def _put(self, flow_log: FlowLog, slot: int, rows: Sequence[Values]) -> None:
        settings, s3 = flow_log.settings, self._outer("s3", flow_log.region)
        bucket = settings.bucket or ""
        key = object_key(
            settings.layout,
            slot,
            account_id=flow_log.account_id,
            region=flow_log.region,
            flow_log_id=flow_log.id,
            unique=uuid.uuid4().hex[:8],
        )
        delivery = delivery_to(settings, account_id=flow_log.account_id, region=flow_log.region)
        if not bucket_policy.may_deliver(policy_of(s3, bucket), delivery, key):
            self._lost(flow_log, len(rows), f"the bucket policy of {bucket} does not allow it")
            return
        write = as_parquet if settings.layout.file_format == "parquet" else as_text
        body = write(flow_log.fields, rows)
        s3.put_object(Bucket=bucket, Key=key, Body=body, ACL=bucket_policy.ACL)

    def _lost(self, flow_log: FlowLog, count: int, why: str) -> None:
        log.warning(
            "%s: %d records were not delivered to S3 and are lost: %s", flow_log.id, count, why
        )
